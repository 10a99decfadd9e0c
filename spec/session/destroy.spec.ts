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

/** How many races run beside one another, each in a collection of its own. */
const LANES = 8

type Documents = Collection<Document>

/** How a race ended: whether what ran against the destruction was first, and what is there now. */
interface Outcome {
  readonly wasFirst: boolean
  readonly isThere: boolean
}

interface Race {
  readonly collection: Documents
  readonly session: Session<Data>
  readonly destroy: () => Promise<boolean>
  readonly start: Start
}

/** Starts two calls: the second once the first is on its way, or some turns of the loop later. */
type Start = <A, B>(first: () => Promise<A>, second: () => Promise<B>) => Promise<[A, B]>

/**
 * Races until there were 200 trials, and each order happened 40 times.
 *
 * @param over What the store is made of.
 * @returns How often the session was there afterwards.
 */
async function raceOften(
  run: (race: Race) => Promise<Outcome>,
  over: (collection: Documents) => Documents = collection => collection,
): Promise<number> {
  const counts = { trials: 0, first: 0, second: 0, back: 0 }
  const isEnough = (): boolean =>
    counts.trials >= LEAST.most ||
    (counts.trials >= LEAST.trials && Math.min(counts.first, counts.second) >= LEAST.each)

  async function raceInLane(): Promise<void> {
    const collection = freshCollection()
    const store = mongoStore(over(collection), { indexes: false, clock: 'app' })
    const [one] = createServers(store, 1) as [Sessions<Data>]
    // Its sessions live longer, so that a touch moves the expiry.
    const two = createServers(store, 1, { idleTimeout: 3_600_000 })
    while (!isEnough()) {
      const trial = counts.trials++
      const { id } = await createStored(one, { n: 0 })
      const [session] = (await openAll(two, id)) as [Session<Data>]
      const start = startAt(collection, trial)
      const destroy = (): Promise<boolean> => one.destroy(id)
      const { wasFirst, isThere } = await run({ collection, session, destroy, start })
      counts[wasFirst ? 'first' : 'second']++
      if (isThere) counts.back++
    }
  }

  await Promise.all(Array.from({ length: LANES }, raceInLane))
  assert.ok(counts.first >= LEAST.each, `it was first ${counts.first} times`)
  assert.ok(counts.second >= LEAST.each, `it was second ${counts.second} times`)
  return counts.back
}

/**
 * Each trial begins the two calls in another order, and further apart or nearer: at once, or when the
 * command is on its way that decides for the earlier one.
 */
function startAt({ collectionName }: Collection<Document>, trial: number): Start {
  return async (first, second) => {
    const isFirst = trial % 2 === 0
    const decides = commandSent(collectionName, isFirst ? 'update' : 'delete')
    const early: Promise<unknown> = isFirst ? first() : second()
    if (trial % 8 < 4) await Promise.race([decides, early])
    for (let turn = 0; turn < trial % 5; turn++) await nextTurn()
    const late: Promise<unknown> = isFirst ? second() : first()
    const results = await Promise.all(isFirst ? [early, late] : [late, early])
    return results as [Awaited<ReturnType<typeof first>>, Awaited<ReturnType<typeof second>>]
  }
}

/** Resolves once the next command of that name is sent for the collection. */
function commandSent(collectionName: string, name: string): Promise<void> {
  const client = mongoClient()
  return new Promise(resolve => {
    const look = ({ command, commandName }: { command: Document; commandName: string }): void => {
      if (commandName !== name || command[name] !== collectionName) return
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
async function raceCommit({ collection, session, destroy, start }: Race): Promise<Outcome> {
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
  assert.equal(await raceOften(raceCommit), 0)
})

test('the same check finds a store that upserts', async () => {
  const upserting = (collection: Documents): Documents =>
    new Proxy(collection, {
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
  assert.ok((await raceOften(raceCommit, upserting)) > 0)
})

test('a touch never brings a session back', async () => {
  const back = await raceOften(async ({ collection, session, destroy, start }) => {
    session.touch()
    const commit = async (): Promise<string> => (await session.commit()).status
    const [status, destroyed] = await start(commit, destroy)
    assert.ok(destroyed)
    assert.ok(['touched', 'gone'].includes(status), status)
    return { wasFirst: status === 'touched', isThere: await isThere(collection, session.key) }
  })
  assert.equal(back, 0)
})

test('a session that is rotated and destroyed is not there by either id, or was not destroyed', async () => {
  const back = await raceOften(async ({ collection, session, destroy, start }) => {
    session.data.n = 1
    const [rotated, destroyed] = await start(() => wasDone(session.rotateId()), destroy)
    // Who asks to destroy an id that was rotated is told that there is no such session.
    assert.notEqual(rotated, destroyed)
    const live = await collection.find({ rev: { $gte: 0 } }).toArray()
    assert.deepEqual(
      live.map(({ _id }) => String(_id)),
      rotated ? [session.key] : [],
    )
    await session.destroy()
    return {
      wasFirst: rotated,
      isThere: (await collection.countDocuments({ rev: { $gte: 0 } })) > 0,
    }
  })
  assert.equal(back, 0)
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
