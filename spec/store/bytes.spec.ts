/**
 * What a save takes: bytes on the wire, and in the oplog that each member of the replica set applies,
 * whatever the size of the session and however often it was saved.
 */

import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import type { Collection, Document, Timestamp } from 'mongodb'
import { BSON } from 'mongodb'
import { suite } from 'uvu'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { nameOf, needingMongo, observing } from '../support/observing.js'
import { closeMongo, mongoClient, mongoUri } from '../support/stores.js'

interface Data {
  rest: string[]
  user: { visits: number; address?: { city: number } }
}

const test = suite('bytes of a save')
const mongo = needingMongo(test)

/** The most that a save of one number may send, and put into the oplog, in bytes. */
const SENT = 650
const LOGGED = 560

const COMMITS = 160
/** So many commits go by from one trimming of the lists in a document to the next. */
const PERIOD = 16

/** What the sockets of this process sent of the command `name`, in bytes, message by message. */
async function bytesSent(name: string, work: () => Promise<void>): Promise<number[]> {
  const sizes: number[] = []
  const { write } = Socket.prototype
  const isMessage = (chunk: unknown): chunk is Buffer =>
    Buffer.isBuffer(chunk) && chunk.length > 26 && chunk.readInt32LE(12) === 2013
  Socket.prototype.write = function (this: Socket, ...args: unknown[]) {
    const [chunk] = args
    // After the header (16 bytes), the flags (4) and the kind of the section (1) comes the command.
    if (isMessage(chunk) && nameOf(BSON.deserialize(chunk.subarray(21))) === name) {
      assert.equal(chunk.readInt32LE(0), chunk.length)
      sizes.push(chunk.length)
    }
    return Reflect.apply(write, this, args)
  } as typeof write
  try {
    await work()
  } finally {
    Socket.prototype.write = write
  }
  return sizes
}

/** The entries that `work` put into the oplog for `collection`, in bytes. */
async function bytesLogged(
  collection: Collection<Document>,
  work: () => Promise<void>,
): Promise<number[]> {
  const oplog = mongoClient().db('local').collection('oplog.rs')
  const last = async (): Promise<Timestamp> =>
    (await oplog.find().sort({ $natural: -1 }).limit(1).next())?.ts
  const from = await last()
  await work()
  const entries = oplog.find<Buffer>({ ns: collection.namespace, ts: { $gt: from } }, { raw: true })
  return (await entries.toArray()).map(entry => entry.length)
}

const average = (sizes: readonly number[]): number =>
  sizes.reduce((sum, bytes) => sum + bytes, 0) / sizes.length

/** The address of this run as an application gives it: of a replica set, if it is one. */
async function setUri(): Promise<string> {
  const { setName } = await mongoClient().db('admin').command({ hello: 1 })
  const direct = /directConnection=true/
  return setName === undefined ? mongoUri : mongoUri.replace(direct, `replicaSet=${setName}`)
}

/** Saves one number so often, and tells the bytes of each save, sent and in the oplog. */
async function save(
  size: number,
  reopens: boolean,
  before: (session: Session<Data>) => Promise<void> = async () => undefined,
): Promise<{ sent: number[]; logged: number[]; document: Document }> {
  let sent: number[] = []
  let logged: number[] = []
  let document: Document | null | undefined
  const work = async (sessions: Sessions<Data>, commands: Document[]): Promise<void> => {
    const rest = Array.from({ length: 10 }, () => 'x'.repeat(size / 10 - 20))
    let session = sessions.create({ rest, user: { visits: 0 } })
    await session.commit()
    await before(session)
    commands.length = 0
    sent = await bytesSent('update', async () => {
      for (let n = 1; n <= COMMITS; n++) {
        if (reopens) session = (await sessions.open(session.id)) as Session<Data>
        session.data.user.visits = n
        assert.equal((await session.commit()).attempts, 1)
      }
    })
    const names = commands.map(nameOf)
    assert.equal(names.filter(name => name === 'find').length, reopens ? COMMITS : 0)
    assert.deepEqual(
      names.filter(name => name !== 'find'),
      sent.map(() => 'update'),
    )
  }
  await observing(
    {},
    async ({ collection, commands }) => {
      const sessions = createSessions<Data>({ store: mongoStore(collection, { indexes: false }) })
      logged = await bytesLogged(collection, () => work(sessions, commands))
      document = await collection.findOne()
    },
    await setUri(),
  )
  assert.ok(document)
  return { sent, logged: logged.slice(-COMMITS), document }
}

for (const size of [1000, 10_000, 100_000, 1_000_000]) {
  for (const [who, reopens] of [
    ['a session that is kept open', false],
    ['a session that each save opens anew', true],
  ] as const) {
    mongo(
      `one number of ${size / 1000} KB, in ${who}: ${SENT} sent, ${LOGGED} logged`,
      async () => {
        const { sent, logged, document } = await save(size, reopens)
        assert.deepEqual([sent.length, logged.length], [COMMITS, COMMITS])
        assert.ok(Math.max(...sent) <= SENT, `${Math.max(...sent)} bytes were sent`)
        assert.ok(average(logged) <= LOGGED, `${average(logged)} bytes were logged`)
        // The first commits fill the lists that all later ones trim.
        for (const sizes of [sent, logged]) {
          const growth = average(sizes.slice(-PERIOD)) - average(sizes.slice(0, PERIOD))
          assert.ok(growth <= 24, `the last take ${growth} bytes more than the first`)
        }
        assert.ok(document.tokens.length >= PERIOD && document.tokens.length <= 2 * PERIOD)
        assert.equal('marks' in document, false)
      },
    )
  }
}

mongo('marks of containers that were replaced before cost a later save little', async () => {
  const { sent, logged, document } = await save(10_000, false, async session => {
    for (let city = 0; city < 40; city++) {
      session.data.user.address = { city }
      await session.commit()
    }
  })
  assert.ok(average(sent) <= SENT, `${average(sent)} bytes were sent`)
  assert.ok(average(logged) <= LOGGED, `${average(logged)} bytes were logged`)
  assert.ok(document.marks.length <= 2 * PERIOD)
})

test.after(closeMongo)
test.run()
