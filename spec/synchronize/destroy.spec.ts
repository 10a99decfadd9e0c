/**
 * What was destroyed never comes back, whatever runs late: real races on a real server, in which each
 * order happened often enough.
 */

import assert from 'node:assert/strict'
import type { Collection, Document } from 'mongodb'
import { suite } from 'uvu'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { SessionGoneError } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { needingMongo } from '../support/observing.js'
import type { Data } from '../support/operations.js'
import { createServers, createStored, openAll } from '../support/servers.js'
import { closeMongo, freshCollection, mongoClient, mongoUri } from '../support/stores.js'

const races = suite('destroy, in a race')
const test = needingMongo(races)

const LEAST = { trials: 200, each: 40, most: 2000 }

/** How a race ended: whether what ran against the destruction was first, and what is there now. */
interface Outcome {
  readonly wasFirst: boolean
  readonly isThere: boolean
}

type Run = (
  session: Session<Data>,
  destroy: () => Promise<boolean>,
  start: Start,
) => Promise<Outcome>

/** Starts two calls: the second once the first is on its way, or some turns of the loop later. */
type Start = <A, B>(first: () => Promise<A>, second: () => Promise<B>) => Promise<[A, B]>

/**
 * Races until there were 200 trials, and each order happened 40 times.
 *
 * @returns How often the session was there afterwards.
 */
async function raceOften(collection: Collection<Document>, run: Run): Promise<number> {
  const store = mongoStore(collection, { indexes: false, clock: 'app' })
  const [one, two] = createServers(store, 2) as [Sessions<Data>, Sessions<Data>]
  const counts = { first: 0, second: 0, back: 0 }
  for (let trial = 0; trial < LEAST.most; trial++) {
    const isEnough = Math.min(counts.first, counts.second) >= LEAST.each
    if (trial >= LEAST.trials && isEnough) break
    const { id } = await createStored(one, { n: 0 })
    const [session] = (await openAll([two], id)) as [Session<Data>]
    const { wasFirst, isThere } = await run(
      session,
      () => one.destroy(id),
      startAt(collection, trial),
    )
    counts[wasFirst ? 'first' : 'second']++
    if (isThere) counts.back++
  }
  assert.ok(counts.first >= LEAST.each, `it was first ${counts.first} times`)
  assert.ok(counts.second >= LEAST.each, `it was second ${counts.second} times`)
  return counts.back
}

/** Each trial begins the two calls in another order, and further apart or nearer. */
function startAt({ collectionName }: Collection<Document>, trial: number): Start {
  return async (first, second) => {
    const calls = trial % 2 === 0 ? [first, second] : [second, first]
    const [early, late] = calls as [typeof first, typeof second]
    const sent = commandSent(collectionName)
    const running = early()
    if (trial % 8 < 2) await sent
    for (let turn = 0; turn < trial % 8; turn++) await nextTurn()
    const results = await Promise.all([running, late()])
    return (trial % 2 === 0 ? results : results.reverse()) as [
      Awaited<ReturnType<typeof first>>,
      Awaited<ReturnType<typeof second>>,
    ]
  }
}

/** Resolves once the next command on the collection is sent. */
function commandSent(collectionName: string): Promise<void> {
  const client = mongoClient()
  return new Promise(resolve => {
    const look = ({ command, commandName }: { command: Document; commandName: string }): void => {
      if (command[commandName] !== collectionName) return
      client.off('commandStarted', look)
      resolve()
    }
    client.on('commandStarted', look)
  })
}

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Whether a call was done, or refused because the session is gone. */
async function wasDone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    assert.ok(error instanceof SessionGoneError, String(error))
    return false
  }
}

const isThere = async (collection: Collection<Document>, key: string): Promise<boolean> =>
  (await collection.findOne({ _id: key as never })) !== null

/** A commit against the destruction of its session. */
const commitRun =
  (collection: Collection<Document>): Run =>
  async (session, destroy, start) => {
    session.data.n = 1
    const [committed, destroyed] = await start(() => wasDone(session.commit()), destroy)
    assert.ok(destroyed)
    // A commit that comes later is refused, too.
    session.data.n = 2
    if (!committed) assert.ok(!(await wasDone(session.commit())))
    const back = await isThere(collection, session.key)
    return { wasFirst: committed && !back, isThere: back }
  }

test('a commit never brings a session back', async () => {
  const collection = freshCollection()
  assert.equal(await raceOften(collection, commitRun(collection)), 0)
})

test('the same check finds a store that upserts', async () => {
  const collection = freshCollection()
  const upserting = new Proxy(collection, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (name !== 'updateOne') return member.bind(target)
      return async (filter: Document, update: Document, options: Document) => {
        const result = await target.updateOne(filter, update, { ...options, upsert: true })
        return { ...result, matchedCount: result.matchedCount + result.upsertedCount }
      }
    },
  })
  assert.ok((await raceOften(upserting, commitRun(collection))) > 0)
})

test('a touch never brings a session back', async () => {
  const collection = freshCollection()
  const back = await raceOften(collection, async (session, destroy, start) => {
    session.touch()
    const commit = async (): Promise<string> => (await session.commit()).status
    const [status, destroyed] = await start(commit, destroy)
    assert.ok(destroyed)
    assert.ok(['touched', 'gone'].includes(status), status)
    return {
      wasFirst: status === 'touched',
      isThere: await isThere(collection, session.key),
    }
  })
  assert.equal(back, 0)
})

test('a session that is rotated and destroyed is not there by either id, or was not destroyed', async () => {
  const collection = freshCollection()
  const back = await raceOften(collection, async (session, destroy, start) => {
    const { key } = session
    session.data.n = 1
    const [rotated, destroyed] = await start(() => wasDone(session.rotateId()), destroy)
    assert.notEqual(rotated, destroyed)
    const documents = await collection
      .find({ _id: { $in: [key, session.key] as never[] } })
      .toArray()
    const live = documents.filter(({ retiredBy }) => retiredBy === undefined)
    // Who asks to destroy an id that was rotated is told that there is no such session.
    assert.deepEqual(
      live.map(({ _id }) => String(_id)),
      rotated ? [session.key] : [],
    )
    await session.destroy()
    return { wasFirst: rotated, isThere: await isThere(collection, session.key) }
  })
  assert.equal(back, 0)
  assert.equal(await collection.countDocuments({ rev: { $gte: 0 } }), 0)
})

/** Destroys by `destroyWhere`, which has to win against a rotation whenever it comes. */
test('who logs a user out everywhere wins against a rotation', async () => {
  const collection = freshCollection()
  const store: Store = mongoStore(collection, { indexes: false })
  const [one, two] = createServers(store, 2) as [Sessions<Data>, Sessions<Data>]
  for (let trial = 0; trial < 100; trial++) {
    const { id } = await createStored(one, { user: { id: 7 } })
    const [session] = (await openAll([two], id)) as [Session<Data>]
    const start = startAt(collection, trial)
    const [rotated] = await start(
      () => wasDone(session.rotateId()),
      () => one.destroyWhere({ 'user.id': 7 }),
    )
    const left = await collection.countDocuments({ rev: { $gte: 0 } })
    assert.equal(left, 0, `rotated: ${rotated}`)
  }
})

if (mongoUri !== '') races.after(closeMongo)
races.run()
