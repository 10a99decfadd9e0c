/**
 * What only MongoDB has: commands on the wire, the caller's client settings, indexes, and failures of
 * a server.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { connect, createServer, Socket } from 'node:net'
import { inspect } from 'node:util'
import type {
  Collection,
  CommandStartedEvent,
  Document,
  MongoClientOptions,
  Timestamp,
} from 'mongodb'
import {
  BSON,
  MongoClient,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoWriteConcernError,
} from 'mongodb'
import type { Callback } from 'uvu'
import { suite } from 'uvu'
import type { Session } from '../../lib/index.js'
import { createSessions, SessionError, SessionGoneError, StoreError } from '../../lib/index.js'
import type { MongoStoreOptions } from '../../lib/mongodb.js'
import { mongoStore } from '../../lib/mongodb.js'
import { keyOf } from '../../lib/open/identity.js'
import { isFenceMiss, toStoreError } from '../../lib/store/failure.js'
import type { Store } from '../../lib/store/store.js'
import { closeMongo, freshCollection, mongoClient, mongoUri } from '../support/stores.js'

type Data = Record<string, unknown>

const CALL = { timeout: 20_000 }

const test = suite('MongoDB store')

/** A test that needs a MongoDB. */
const mongo = (name: string, run: Callback): void => {
  if (mongoUri === '') test.skip(name, run)
  else test(name, run)
}

// The caller's client

/** Settings of a client that must not matter. */
const settings: Record<string, MongoClientOptions> = {
  'no settings': {},
  'readPreference, w, ignoreUndefined and serializeFunctions': {
    readPreference: 'secondaryPreferred',
    w: 1,
    journal: false,
    ignoreUndefined: true,
    serializeFunctions: true,
  },
  'promoteValues: false': { promoteValues: false },
  'promoteLongs: false': { promoteLongs: false },
  'promoteBuffers: true': { promoteBuffers: true },
  'useBigInt64: true': { useBigInt64: true },
  'raw: true': { raw: true },
  'bsonRegExp: true': { bsonRegExp: true },
  'retryWrites: false': { retryWrites: false, retryReads: false },
}

interface Observed {
  readonly client: MongoClient
  readonly collection: Collection<Document>
  /** The commands on the collection, in order. */
  readonly commands: Document[]
}

/** Runs `work` with a client of its own, whose commands are observed. */
async function observing(
  options: MongoClientOptions,
  work: (observed: Observed) => Promise<void>,
  uri: string = mongoUri,
): Promise<void> {
  const client = new MongoClient(uri, { ...options, monitorCommands: true })
  const commands: Document[] = []
  const { collectionName, dbName } = freshCollection()
  client.on('commandStarted', ({ command, commandName }: CommandStartedEvent) => {
    if (command[commandName] === collectionName) commands.push(command)
  })
  try {
    await work({ client, collection: client.db(dbName).collection(collectionName), commands })
  } finally {
    await client.close()
  }
}

const values = (): Data => ({
  int: 1,
  fraction: 0.5,
  large: 2 ** 40,
  text: 'x',
  yes: true,
  nothing: null,
  date: new Date(5),
  bytes: Buffer.from([1, 2]),
  user: { id: 7, name: 'Ada' },
  cart: [{ qty: 1 }, { qty: 2 }],
})

/** The life of some sessions, from their creation to their end; each call is made once. */
async function live(store: Store): Promise<void> {
  const sessions = createSessions<Data>({ store, touchAfter: 1 })
  const session = sessions.create(values())
  assert.equal((await session.commit()).status, 'created')

  const opened = (await sessions.open(session.id)) as Session<Data>
  assert.deepEqual({ ...opened.data }, values())
  opened.data.int = 2
  opened.data.bytes = Buffer.from([3])
  ;(opened.data.cart as Data[]).push({ qty: 3 })
  delete opened.data.fraction
  const commit = await opened.commit()
  assert.deepEqual([commit.status, commit.attempts], ['updated', 1])

  opened.timeouts({ idle: 60_000, absolute: Number.POSITIVE_INFINITY })
  assert.equal((await opened.commit()).status, 'touched')
  opened.timeouts({ absolute: 600_000 })
  await opened.commit()
  const reopened = (await sessions.open(session.id)) as Session<Data>
  reopened.data.user = { id: 8 }
  reopened.timeouts({ idle: 50_000 })
  await reopened.commit()

  const read = (await sessions.open(session.id)) as Session<Data>
  const { fraction: _, ...kept } = values()
  const written = { int: 2, bytes: Buffer.from([3]), user: { id: 8 } }
  const cart = [{ qty: 1 }, { qty: 2 }, { qty: 3 }]
  assert.deepEqual({ ...read.data }, { ...kept, ...written, cart })

  await sessions.update(session.id, data => {
    data.int = Number(data.int) + 1
  })
  const listed = []
  for await (const each of sessions.list({ 'user.id': 8 })) listed.push(each)
  assert.deepEqual(
    listed.map(({ key, data }) => [key, data.int]),
    [[session.key, 3]],
  )

  const rotated = (await sessions.open(session.id)) as Session<Data>
  await rotated.rotateId()
  assert.notEqual(rotated.id, session.id)
  opened.data.int = 9
  await assert.rejects(opened.commit(), SessionGoneError)
  const other = sessions.create({ user: { id: 8 } })
  await other.commit()
  assert.equal(await sessions.destroyWhere({ 'user.id': 8 }, { except: other.key }), 1)
  assert.equal(await sessions.open(rotated.id), null)
  assert.equal(await sessions.destroy(other.id), true)
  assert.equal(await sessions.destroy(other.id), false)
}

for (const [what, options] of Object.entries(settings)) {
  mongo(`sessions live alike with a client that has ${what}`, () =>
    observing(options, ({ collection }) => live(mongoStore(collection))),
  )

  mongo(`a touch answers alike with a client that has ${what}`, () =>
    observing(options, async ({ collection }) => {
      const sessions = createSessions<Data>({ store: mongoStore(collection), touchAfter: 0 })
      const session = sessions.create({ n: 1 })
      await session.commit()
      session.touch()
      // The expiry moves by less than a millisecond in a quick test, so it is made to move by more.
      await collection.updateOne({ _id: session.key as never }, [
        { $set: { expiresAt: { $subtract: ['$expiresAt', 60_000] } } },
      ])
      const opened = (await sessions.open(session.id)) as Session<Data>
      assert.equal((await opened.commit()).status, 'touched')
    }),
  )

  mongo(`a commit is one command with a client that has ${what}`, () =>
    observing(options, async ({ collection, commands }) => {
      const sessions = createSessions<Data>({ store: mongoStore(collection, { indexes: false }) })
      const session = sessions.create(values())
      await session.commit()
      assert.deepEqual(commands.map(nameOf), ['insert'])
      commands.length = 0
      for (let n = 0; n < 3; n++) {
        session.data.int = n + 5
        ;(session.data.user as Data).visits = n
        ;(session.data.cart as Data[]).push({ qty: n })
        await session.commit()
      }
      assert.deepEqual(commands.map(nameOf), ['update', 'update', 'update'])
    }),
  )

  mongo(`no undefined matches a document with a client that has ${what}`, () =>
    observing(options, async ({ collection }) => {
      const store = mongoStore(collection)
      const session = createSessions({ store }).create({ n: 1 })
      await session.commit()
      const key = undefined as unknown as string
      assert.equal(await store.load(key, CALL), null)
      assert.equal(await store.remove(key, CALL), false)
      assert.equal(await store.touch({ key, expiresAt: 0, idle: undefined }, CALL), false)
      assert.ok(await store.load(session.key, CALL))
    }),
  )
}

const nameOf = (command: Document): string => Object.keys(command)[0] as string

// Commands

/** The commands of a whole life, with settings that ask for other things. */
async function commandsOfLife(options: MongoStoreOptions = {}): Promise<Document[]> {
  let all: Document[] = []
  await observing(
    settings['readPreference, w, ignoreUndefined and serializeFunctions'] ?? {},
    o => {
      all = o.commands
      return live(mongoStore(o.collection, options))
    },
  )
  assert.deepEqual(
    ['delete', 'find', 'insert', 'update'].filter(name => !all.some(each => nameOf(each) === name)),
    [],
  )
  return all
}

mongo('each write statement names one _id by equality, and never upserts', async () => {
  let [statements, manys] = [0, 0]
  for (const command of await commandsOfLife()) {
    for (const { q, limit, multi, upsert } of [
      ...(command.updates ?? []),
      ...(command.deletes ?? []),
    ]) {
      statements++
      // What destroys by a filter is the one exception.
      if (command.deletes !== undefined && limit === 0) {
        manys++
        continue
      }
      assert.match(q._id, /^[\w-]{43}$/)
      assert.deepEqual([multi ?? false, upsert ?? false], [false, false])
      assert.equal((command.updates ?? command.deletes).length, 1)
    }
    for (const document of command.documents ?? []) assert.match(document._id, /^[\w-]{43}$/)
  }
  assert.ok(statements > 8)
  assert.equal(manys, 1)
})

mongo('each write waits for a majority', async () => {
  const writes = (await commandsOfLife()).filter(each => nameOf(each) !== 'find')
  for (const command of writes.filter(each => nameOf(each) !== 'createIndexes')) {
    assert.deepEqual(command.writeConcern, { w: 'majority' }, nameOf(command))
  }
})

mongo('each command asks the primary', async () => {
  for (const command of await commandsOfLife()) {
    // On a direct connection the driver says primaryPreferred where it means whoever it is.
    assert.match(command.$readPreference?.mode ?? 'primary', /^primary/)
  }
})

mongo('no id is sent, only its hash', () =>
  observing({}, async ({ collection, commands }) => {
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    const session = sessions.create({ n: 1 })
    await session.commit()
    const first = session.id
    await session.rotateId()
    await sessions.open(session.id)
    await sessions.destroy(session.id)
    const sent = inspect(commands, { depth: 20, maxStringLength: null, maxArrayLength: null })
    assert.ok(sent.includes(keyOf(first)) && sent.includes(keyOf(session.id)))
    assert.ok(!sent.includes(first) && !sent.includes(session.id))
  }),
)

mongo("expiry is decided by the server's clock", async () => {
  for (const command of await commandsOfLife()) {
    const name = nameOf(command)
    if (name === 'insert' || name === 'createIndexes') continue
    const [statement] = command.updates ?? command.deletes ?? [{ q: command.filter }]
    assert.deepEqual(statement.q.$expr, { $gt: ['$expiresAt', '$$NOW'] }, name)
  }
})

mongo("with clock: 'app', neither $expr nor $$NOW is sent", async () => {
  const sent = inspect(await commandsOfLife({ clock: 'app' }), { depth: 20 })
  assert.ok(!sent.includes('$expr') && !sent.includes('$$NOW'))
  assert.match(sent, /expiresAt: \{ '\$gt'/)
})

/** Runs `work` while this process has a clock that is wrong by `offset`. */
async function withClockOff(offset: number, work: () => Promise<void>): Promise<void> {
  const RealDate = globalThis.Date
  class WrongDate extends RealDate {
    constructor(...values: unknown[]) {
      super(...((values.length === 0 ? [RealDate.now() + offset] : values) as [number]))
    }
    static override now = (): number => RealDate.now() + offset
  }
  globalThis.Date = WrongDate as DateConstructor
  try {
    await work()
  } finally {
    globalThis.Date = RealDate
  }
}

for (const [what, offset] of [
  ['ahead', 600_000],
  ['behind', -600_000],
] as const) {
  mongo(`a clock of the application that is ten minutes ${what} changes no expiry`, () =>
    observing({}, ({ collection }) =>
      withClockOff(offset, async () => {
        const idleTimeout = 120_000
        const store = mongoStore(collection)
        const sessions = createSessions<Data>({ store, idleTimeout, touchAfter: 0 })
        const session = sessions.create({ n: 1 })
        await session.commit()
        const document = async (): Promise<Document> =>
          (await collection.findOne({ _id: session.key as never })) as Document
        // Whole seconds of idling are left out of account: a server may be slow, not that slow.
        const within = async (): Promise<void> => {
          const left = (await document()).expiresAt.getTime() - (await store.time(CALL))
          assert.ok(left > idleTimeout / 2 && left <= idleTimeout, `${left} ms are left`)
        }
        await within()
        const opened = (await sessions.open(session.id)) as Session<Data>
        opened.data.n = 2
        await opened.commit()
        await within()
        opened.timeouts({ idle: idleTimeout - 1000, absolute: idleTimeout })
        await opened.commit()
        await within()
        await opened.rotateId()
        assert.ok(await sessions.open(opened.id))
      }),
    ),
  )
}

mongo('a store whose time was never asked for stores the right expiry all the same', () =>
  observing({}, ({ collection }) =>
    withClockOff(-3_600_000, async () => {
      const store = mongoStore(collection)
      const session = createSessions<Data>({ store }).create({ n: 1 })
      await session.commit()
      assert.ok(await store.load(session.key, CALL))
      assert.ok(session.expiresAt.getTime() > (await store.time(CALL)))
    }),
  ),
)

// Bytes

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

const COMMITS = 160

/** The address of this run as an application gives it: of a replica set, if it is one. */
async function setUri(): Promise<string> {
  const { setName } = await mongoClient().db('admin').command({ hello: 1 })
  const direct = /directConnection=true/
  return setName === undefined ? mongoUri : mongoUri.replace(direct, `replicaSet=${setName}`)
}

for (const size of [1000, 10_000, 100_000, 1_000_000]) {
  for (const [who, reopens] of [
    ['a session that is kept open', false],
    ['a session that each commit opens anew', true],
  ] as const) {
    mongo(
      `one number of ${size / 1000} KB, in ${who}: 650 bytes sent, 560 in the oplog`,
      async () =>
        observing(
          {},
          async ({ client, collection: { dbName } }) => {
            const collection = client.db(dbName).collection(`s${size}${reopens}`)
            const store = mongoStore(collection, { indexes: false })
            const sessions = createSessions<Data>({ store })
            const rest = Array.from({ length: 10 }, () => 'x'.repeat(size / 10 - 20))
            let session: Session<Data> = sessions.create({ rest, user: { visits: 0 } })
            await session.commit()
            let sent: number[] = []
            const logged = await bytesLogged(collection, async () => {
              sent = await bytesSent('update', async () => {
                for (let n = 1; n <= COMMITS; n++) {
                  if (reopens) session = (await sessions.open(session.id)) as Session<Data>
                  ;(session.data.user as { visits: number }).visits = n
                  assert.equal((await session.commit()).attempts, 1)
                }
              })
            })
            assert.deepEqual([sent.length, logged.length], [COMMITS, COMMITS])
            assert.ok(Math.max(...sent) <= 650, `${Math.max(...sent)} bytes were sent`)
            const average = logged.reduce((sum, bytes) => sum + bytes, 0) / COMMITS
            assert.ok(average <= 560, `${average} bytes went into the oplog`)
            const document = await collection.findOne({ _id: session.key as never })
            assert.ok(document?.tokens.length >= 16 && document?.tokens.length <= 32)
          },
          await setUri(),
        ),
    )
  }
}

// Indexes

/** A collection with the end of the next `createIndexes` commands of its client. */
async function withIndexes(
  work: (
    collection: Collection<Document>,
    created: (count: number) => Promise<void>,
    observed: Observed,
  ) => Promise<void>,
): Promise<void> {
  await observing({}, async observed => {
    let ended = 0
    let wake = (): void => undefined
    const count = ({ commandName }: { commandName: string }): void => {
      if (commandName === 'createIndexes') ended++
      wake()
    }
    observed.client.on('commandSucceeded', count).on('commandFailed', count)
    const created = async (wanted: number): Promise<void> => {
      while (ended < wanted) await new Promise<void>(resolve => (wake = resolve))
      ended -= wanted
    }
    await work(observed.collection, created, observed)
  })
}

const createIndexCount = ({ commands }: Observed): number =>
  commands.filter(each => nameOf(each) === 'createIndexes').length

mongo('the index that removes what has expired is created at the first write, once', () =>
  withIndexes(async (collection, created, observed) => {
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    await sessions.open('A'.repeat(43))
    assert.equal(createIndexCount(observed), 0)
    await sessions.create({ n: 1 }).commit()
    await created(1)
    await sessions.create({ n: 2 }).commit()
    assert.equal(createIndexCount(observed), 1)
    const [, index, ...others] = await collection.indexes()
    assert.deepEqual([index?.key, index?.expireAfterSeconds], [{ expiresAt: 1 }, 0])
    assert.deepEqual(others, [])
  }),
)

mongo('a first write that is no insert creates the index, too', () =>
  withIndexes(async (collection, _created, observed) => {
    const first = createSessions<Data>({ store: mongoStore(collection, { indexes: false }) })
    const session = first.create({ n: 1 })
    await session.commit()
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    const opened = (await sessions.open(session.id)) as Session<Data>
    opened.data.n = 2
    await opened.commit()
    assert.equal(createIndexCount(observed), 1)
  }),
)

mongo('paths are indexed as they are asked for', () =>
  withIndexes(async (collection, created, observed) => {
    const store = mongoStore(collection, { indexes: { paths: ['user.id', 'cart.sku'] } })
    await createSessions<Data>({ store })
      .create({ user: { id: 1 } })
      .commit()
    await created(3)
    assert.equal(createIndexCount(observed), 3)
    assert.deepEqual((await collection.indexes()).map(({ name }) => name).sort(), [
      '_id_',
      'data.cart.sku_1',
      'data.user.id_1',
      'expiresAt_1',
    ])
  }),
)

mongo('an indexed path keeps destroyWhere and list from scanning', () =>
  withIndexes(async (collection, created, { commands }) => {
    const store = mongoStore(collection, { indexes: { paths: ['user.id'] } })
    const sessions = createSessions<Data>({ store })
    for (let id = 0; id < 100; id++) await sessions.create({ user: { id } }).commit()
    await created(2)
    for await (const each of sessions.list({ 'user.id': 1 })) assert.ok(each.key)
    await sessions.destroyWhere({ 'user.id': 1 })
    const find = commands.find(each => nameOf(each) === 'find') as Document
    const { deletes } = commands.find(each => nameOf(each) === 'delete') as Document
    for (const filter of [find.filter, deletes[0].q]) {
      const plan = await collection.find(filter).explain('queryPlanner')
      assert.match(inspect(plan.queryPlanner.winningPlan, { depth: 9 }), /data\.user\.id_1/)
    }
  }),
)

mongo('indexes: false creates none', () =>
  withIndexes(async (collection, _created, observed) => {
    const store = mongoStore(collection, { indexes: false })
    await createSessions<Data>({ store }).create({ n: 1 }).commit()
    await collection.db.command({ ping: 1 })
    assert.equal(createIndexCount(observed), 0)
    assert.equal((await collection.indexes()).length, 1)
  }),
)

mongo('a commit does not wait for the index', () =>
  withIndexes(async collection => {
    const store = mongoStore(
      Object.assign(collection, { createIndex: () => new Promise<string>(() => undefined) }),
    )
    assert.equal(
      (await createSessions<Data>({ store }).create({ n: 1 }).commit()).status,
      'created',
    )
  }),
)

/** The warnings of dotset while `work` runs. */
async function warningsOf(work: () => Promise<void>): Promise<(Error & { code?: string })[]> {
  const warnings: Error[] = []
  const listen = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', listen)
  try {
    await work()
    // Warnings are emitted in a later turn.
    await new Promise(resolve => setImmediate(resolve))
  } finally {
    process.off('warning', listen)
  }
  return warnings
}

mongo('an index with another definition is warned of once, with the command to run', () =>
  withIndexes(async (collection, created) => {
    await collection.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 99 })
    await created(1)
    const warnings = await warningsOf(async () => {
      const sessions = createSessions<Data>({ store: mongoStore(collection) })
      await sessions.create({ n: 1 }).commit()
      await created(1)
      await sessions.create({ n: 2 }).commit()
    })
    assert.equal(warnings.length, 1)
    assert.equal(warnings[0]?.code, 'DOTSET_INDEX')
    assert.match(String(warnings[0]?.message), /another definition/)
    const command = `db.${collection.collectionName}.createIndex({"expiresAt":1}, {"expireAfterSeconds":0})`
    assert.ok(warnings[0]?.message.includes(command), warnings[0]?.message)
  }),
)

mongo('a user who may not create indexes is warned once, with the command to run', () =>
  withIndexes(async collection => {
    const denied = new MongoServerError({ message: 'not authorized', code: 13 })
    const store = mongoStore(
      Object.assign(collection, { createIndex: () => Promise.reject(denied) }),
    )
    const warnings = await warningsOf(async () => {
      const sessions = createSessions<Data>({ store })
      assert.equal((await sessions.create({ n: 1 }).commit()).status, 'created')
      assert.equal((await sessions.create({ n: 2 }).commit()).status, 'created')
    })
    assert.equal(warnings.length, 1)
    assert.match(String(warnings[0]?.message), /may not create indexes; run db\..+\.createIndex\(/)
  }),
)

mongo('an index that fails for another reason neither warns nor fails a commit', () =>
  withIndexes(async collection => {
    const lost = new MongoNetworkError('lost')
    const store = mongoStore(Object.assign(collection, { createIndex: () => Promise.reject(lost) }))
    const warnings = await warningsOf(async () => {
      await createSessions<Data>({ store }).create({ n: 1 }).commit()
    })
    assert.deepEqual(warnings, [])
  }),
)

mongo('what has expired is removed by the server', () =>
  withIndexes(async (collection, created) => {
    const sessions = createSessions<Data>({ store: mongoStore(collection), idleTimeout: 1 })
    const first = sessions.create({ n: 1 })
    const changes = collection.watch([{ $match: { operationType: 'delete' } }])
    try {
      // A change stream sees what happens after it was opened.
      await changes.tryNext()
      await first.commit()
      await created(1)
      const removed = await changes.next()
      assert.equal((removed as unknown as { documentKey: Document }).documentKey._id, first.key)
    } finally {
      await changes.close()
    }
  }),
)

mongo('what has expired and is still there is gone for sessions', () =>
  observing({}, async ({ collection }) => {
    const store = mongoStore(collection, { indexes: false })
    const sessions = createSessions<Data>({ store })
    const session = sessions.create({ n: 1 })
    await session.commit()
    const [expiresAt, _id] = [new Date((await store.time(CALL)) - 1), session.key as never]
    await collection.updateOne({ _id }, { $set: { expiresAt } })
    assert.equal(await sessions.open(session.id), null)
    session.data.n = 2
    await assert.rejects(session.commit(), SessionGoneError)
    assert.equal(await sessions.destroy(session.id), false)
    assert.equal((await collection.findOne({ _id }))?.data.n, 1)
  }),
)

// What is refused

for (const [what, collection] of [
  ['nothing', undefined],
  ['an object', {}],
  ['a client', { db: () => undefined }],
] as const) {
  test(`${what} is no collection`, () => {
    assert.throws(() => mongoStore(collection as never), {
      code: 'ERR_INVALID_OPTION',
      message: /Cannot use collection: it must be a collection of a MongoClient/,
    })
  })
}

test('a collection of another major version of the driver is refused, naming both', () => {
  const metadata = { driver: { name: 'nodejs', version: '6.3.0' } }
  const foreign = { updateOne: () => undefined, client: { options: { metadata } } }
  assert.throws(() => mongoStore(foreign as never), {
    code: 'ERR_INVALID_OPTION',
    message: /6\.3\.0.+version 7/,
  })
})

test('a collection of another copy of the same major version is taken', () => {
  const metadata = { driver: { name: 'nodejs', version: '7.1.0' } }
  const client = { options: { metadata } }
  assert.ok(mongoStore({ updateOne: () => undefined, client } as never))
})

for (const path of ['', 'a..b', '.a', 'a.', '$where', 'a.$b', 5]) {
  test(`an index cannot have the path ${JSON.stringify(path)}`, () => {
    const collection = { updateOne: () => undefined }
    assert.throws(() => mongoStore(collection as never, { indexes: { paths: [path as string] } }), {
      code: 'ERR_INVALID_OPTION',
    })
  })
}

// Failures

const serverError = (code: number): MongoServerError => new MongoServerError({ message: 'x', code })

for (const code of [13, 14, 15, 18, 34, 40, 52, 56, 66, 121, 11_000, 17_419]) {
  test(`after server error ${code}, nothing was written`, () => {
    assert.equal(toStoreError('commit', serverError(code)).uncertain, false)
  })
}

for (const [what, cause] of [
  ...[50, 91, 189, 10_107, 11_600, 11_602].map(code => {
    return [`server error ${code}`, serverError(code)] as const
  }),
  ['a lost connection', new MongoNetworkError('x')],
  ['a connection without an answer', new MongoNetworkTimeoutError('x')],
  [
    'a write concern that was not met',
    new MongoWriteConcernError({ ok: 1, writeConcernError: { code: 64, errmsg: 'x' } } as never),
  ],
] as const) {
  test(`after ${what}, something may have been written`, () => {
    assert.equal(toStoreError('commit', cause).uncertain, true)
  })
}

for (const [code, misses] of [
  [2, true],
  [28, true],
  [40_400, true],
  [11_000, false],
  [50, false],
] as const) {
  test(`server error ${code} is ${misses ? 'a' : 'no'} fence miss`, () => {
    assert.equal(isFenceMiss(toStoreError('commit', serverError(code))), misses)
  })
}

test('what the driver refuses to encode was not written', () => {
  for (const cause of [new RangeError('x'), new TypeError('x'), new BSON.BSONError('x')]) {
    const error = toStoreError('commit', cause)
    assert.deepEqual([error.uncertain, error.cause], [false, cause])
  }
})

/** A TCP proxy before the server that can fall silent, and go. */
async function proxied(
  work: (proxy: { uri: string; silence(): void; close(): void }) => Promise<void>,
): Promise<void> {
  const { me, primary } = await mongoClient().db('admin').command({ hello: 1 })
  const [host, port] = String(me ?? primary).split(':')
  const sockets = new Set<Socket>()
  let silent = false
  const server: Server = createServer(socket => {
    const upstream = connect(Number(port), host as string)
    sockets.add(socket).add(upstream)
    socket.on('data', chunk => void upstream.write(chunk)).on('error', () => undefined)
    upstream.on('data', chunk => silent || socket.write(chunk)).on('error', () => undefined)
    socket.on('close', () => upstream.destroy())
    upstream.on('close', () => socket.destroy())
  })
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `127.0.0.1:${(server.address() as { port: number }).port}`
  const uri = mongoUri.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]+/, `$1${address}`)
  try {
    await work({
      uri: uri.replace(/replicaSet=\w+/, 'directConnection=true'),
      silence: () => {
        silent = true
      },
      close,
    })
  } finally {
    close()
  }
}

mongo('a lost answer is not taken for a failure, although the server is gone then', () =>
  proxied(({ uri, silence, close }) =>
    observing(
      { serverSelectionTimeoutMS: 200 },
      async ({ client, collection }) => {
        const sessions = createSessions<Data>({ store: mongoStore(collection), deadline: 2000 })
        const session = sessions.create({ n: 1 })
        await session.commit()
        session.data.n = 2
        const stored = mongoClient().db(collection.dbName).collection(collection.collectionName)
        const changes = stored.watch([{ $match: { operationType: 'update' } }])
        await changes.tryNext()
        client.on('commandStarted', event => event.commandName === 'update' && silence())
        const commit = session.commit()
        const outcome = commit.then(
          () => 'applied',
          (error: SessionError) => error.code,
        )
        await changes.next()
        await changes.close()
        close()
        assert.equal((await stored.findOne({ _id: session.key as never }))?.data.n, 2)
        assert.equal(await outcome, 'ERR_UNCERTAIN_COMMIT')
        assert.equal(session.data.n, 2)
        assert.equal(session.changes().length, 1)
      },
      uri,
    ),
  ),
)

mongo('a silent network ends a call at its deadline', () =>
  proxied(({ uri, silence, close }) =>
    observing(
      {},
      async ({ collection }) => {
        const sessions = createSessions<Data>({ store: mongoStore(collection), deadline: 300 })
        const session = sessions.create({ n: 1 })
        await session.commit()
        silence()
        session.data.n = 2
        const start = performance.now()
        await assert.rejects(session.commit(), { code: 'ERR_UNCERTAIN_COMMIT', status: 503 })
        await assert.rejects(sessions.open(session.id), { code: 'ERR_STORE', status: 503 })
        await assert.rejects(sessions.destroy(session.id), { code: 'ERR_STORE' })
        // Three calls; a machine that is busy may take its time.
        assert.ok(performance.now() - start < 10_000)
        // The client takes leave of the server, and would wait for an answer.
        close()
      },
      uri,
    ),
  ),
)

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return `mongodb://127.0.0.1:${port}/?directConnection=true`
}

for (const [what, options] of [
  ['gives up at once', { serverSelectionTimeoutMS: 20 }],
  ['would wait longer', {}],
] as [string, MongoClientOptions][]) {
  test(`an unreachable server is a StoreError in time, if the driver ${what}`, async () => {
    const client = new MongoClient(await deadAddress(), options)
    try {
      const store = mongoStore(client.db('none').collection('none'))
      const sessions = createSessions<Data>({ store, deadline: 300 })
      const start = performance.now()
      const session = sessions.create({ n: 1 })
      for (const call of [
        () => sessions.open('A'.repeat(43)),
        () => session.commit(),
        () => sessions.destroy('A'.repeat(43)),
        () => sessions.destroyWhere({ a: 1 }),
        () => sessions.update('A'.repeat(43), () => undefined),
      ]) {
        await assert.rejects(call, error => {
          assert.ok(error instanceof StoreError)
          assert.deepEqual([error.code, error.status], ['ERR_STORE', 503])
          return true
        })
      }
      assert.ok(performance.now() - start < 10_000)
      assert.equal(session.changes().length, 1)
    } finally {
      await client.close()
    }
  })
}

mongo('a list of a server that is unreachable is a StoreError', async () => {
  const client = new MongoClient(await deadAddress(), { serverSelectionTimeoutMS: 20 })
  try {
    const store = mongoStore(client.db('none').collection('none'))
    const list = createSessions<Data>({ store }).list()[Symbol.asyncIterator]()
    await assert.rejects(async () => list.next(), StoreError)
  } finally {
    await client.close()
  }
})

// What errors show

const SECRET = 'hunter2-of-ada'

/** Everything that a logger could show of an error. */
function shown(error: unknown): string {
  const own = Object.getOwnPropertyNames(error).map(name => (error as Data)[name])
  return [String(error), inspect(error, { depth: 20 }), JSON.stringify(error), inspect(own)].join()
}

/** Calls that a server refuses with a message that holds the value. */
const refusals: Record<string, (observed: Observed) => Promise<unknown>> = {
  'an index that wants unique values': async ({ collection }) => {
    await collection.createIndex({ 'data.secret': 1 }, { unique: true })
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    await sessions.create({ secret: SECRET }).commit()
    return sessions.create({ secret: SECRET }).commit()
  },
  'the same index, met by a change': async ({ collection }) => {
    await collection.createIndex({ 'data.secret': 1 }, { unique: true })
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    await sessions.create({ secret: SECRET }).commit()
    const session = sessions.create({ secret: 'other' })
    await session.commit()
    session.data.secret = SECRET
    return session.commit()
  },
  'a validator of the collection': async ({ collection, client }) => {
    const { dbName, collectionName } = collection
    const validator = {
      $jsonSchema: {
        properties: { data: { properties: { secret: { maxLength: 3, bsonType: 'string' } } } },
      },
    }
    await client.db(dbName).createCollection(collectionName, { validator })
    return createSessions<Data>({ store: mongoStore(collection) })
      .create({ secret: SECRET })
      .commit()
  },
  'a document that became too large': async ({ collection }) => {
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    const session = sessions.create({ secret: SECRET })
    await session.commit()
    const filling = 'x'.repeat(16 * 2 ** 20 - 600_000)
    await collection.updateOne({ _id: session.key as never }, { $set: { filling } })
    session.data.more = SECRET + 'y'.repeat(900_000)
    return session.commit()
  },
}

for (const [what, refuse] of Object.entries(refusals)) {
  mongo(`an error shows no value: ${what}`, () =>
    observing({}, async observed => {
      await assert.rejects(refuse(observed), error => {
        assert.ok(error instanceof SessionError)
        assert.ok(!shown(error).includes(SECRET), 'the error shows an attribute')
        return true
      })
    }),
  )
}

mongo('an error shows no id', () =>
  observing({}, async ({ collection }) => {
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    const session = sessions.create({ n: 1 })
    await session.commit()
    await collection.updateOne({ _id: session.key as never }, { $set: { rev: 'x' } })
    await assert.rejects(sessions.open(session.id), error => {
      assert.ok(!shown(error).includes(session.id))
      return true
    })
  }),
)

test.after(closeMongo)
test.run()
