/**
 * What dotset's own safeguards are for: each of them is taken away, and the checks that prove the
 * promises see what happens. With it, nothing happens.
 */

import assert from 'node:assert/strict'
import type { Collection, Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { closeMongo, freshCollection, mongoClient, mongoUri } from '../support/stores.js'
import type { UpdateOne } from './altered.js'
import { altered } from './altered.js'
import type { Ledger } from './history.js'
import { check, emptyLedger, enter, History, shuffle } from './history.js'
import { losing, startNetworkBefore } from './network.js'
import { attempt, outcomeOf, PATIENCE } from './trial.js'

const test = suite('safeguards')
const mongo = mongoUri === '' ? test.skip : test
test.after(closeMongo)

type Whats = readonly string[]

/** What goes wrong, if a safeguard is there, or not: by what the checker finds. */
interface Control {
  readonly without: string
  readonly found: Whats
  alter(collection: Collection<Document>): UpdateOne
  run(rig: Rig): Promise<void>
}

interface Rig {
  readonly collection: Collection<Document>
  /** One session in `collection`, and what is asked for of it. */
  readonly id: string
  readonly history: History
  /** Another application server that shares the session. */
  server(collection?: Collection<Document>): Sessions<Ledger>
}

/** What the checker finds after `run`, with the collection altered or not. */
async function found({ alter, run }: Control, isAltered: boolean): Promise<Whats> {
  const plain = freshCollection()
  const alteration = (collection: Collection<Document>): Collection<Document> =>
    isAltered ? altered(collection, alter(collection)) : collection
  const server = (collection = plain): Sessions<Ledger> =>
    createSessions<Ledger>({
      // An upsert could have no $expr.
      store: mongoStore(alteration(collection), { indexes: false, clock: 'app' }),
      deadline: 6000,
    })
  const session = server().create(emptyLedger())
  await session.commit()
  const history = new History()
  await run({ collection: plain, id: session.id, history, server })
  const document = await plain.findOne({ _id: session.key as never })
  return check(history.operations, () => document?.data as Ledger | undefined).map(
    ({ what }) => what,
  )
}

async function open(sessions: Sessions<Ledger>, id: string): Promise<Session<Ledger>> {
  return (await sessions.open(id)) as Session<Ledger>
}

async function commit(history: History, id: string, tag: string, session: Session<Ledger>) {
  history.invoke(tag, id)
  const { outcome } = await attempt(6000, () => session.commit())
  history.end(tag, outcome)
}

const without = (filter: Document, isOmitted: (name: string) => boolean): Document =>
  Object.fromEntries(Object.entries(filter).filter(([name]) => !isOmitted(name)))

/** The fences: what a commit requires of what others may have written. */
const isFence = (name: string): boolean => name === 'rev' || name.startsWith('layout.')

const controls: Control[] = [
  {
    without: 'a late commit of a session that was destroyed, if a commit could insert',
    found: ['resurrected'],
    alter: collection => async (filter, change, options) => {
      const result = await collection.updateOne(filter, change, { ...options, upsert: true })
      return { ...result, matchedCount: result.matchedCount + result.upsertedCount }
    },
    async run({ id, history, server }) {
      const late = await open(server(), id)
      enter(late.data, 'late')
      history.invoke('end', id, { destroys: true })
      await server().destroy(id)
      history.end('end', 'ok')
      await commit(history, id, 'late', late)
    },
  },
  {
    without: 'a commit whose answer was lost, if its repeat had no token',
    found: ['applied twice'],
    alter: collection => (filter, change, options) =>
      collection.updateOne(
        without(filter, name => name === 'tokens'),
        change,
        options,
      ),
    async run({ collection, id, history, server }) {
      const network = await startNetworkBefore(mongoUri)
      const client = new MongoClient(network.uri)
      try {
        const { dbName, collectionName } = collection
        const session = await open(server(client.db(dbName).collection(collectionName)), id)
        enter(session.data, 'once')
        network.weather = losing({ of: 'reply', by: 'swallow', times: 1 }, [[session.key]])
        await commit(history, id, 'once', session)
        network.weather = {}
      } finally {
        await network.close()
        await client.close()
      }
    },
  },
  {
    without: 'counters that several servers raise, if nothing said that another one was faster',
    found: ['lost update'],
    alter: collection => (filter, change, options) =>
      collection.updateOne(without(filter, isFence), change, options),
    async run({ id, history, server }) {
      const servers = Array.from({ length: 8 }, () => server())
      await Promise.all(
        servers.map(async (sessions, number) => {
          const tag = `count ${number}`
          history.invoke(tag, id, { counted: true })
          try {
            await sessions.update(id, data => enter(data, tag, { counted: true }))
            history.end(tag, 'ok')
          } catch (error) {
            history.end(tag, outcomeOf(error))
          }
        }),
      )
    },
  },
  {
    without: 'a change of an element that another server moved, if nothing said so',
    found: ['wrong element'],
    alter: collection => (filter, change, options) =>
      collection.updateOne(without(filter, isFence), change, options),
    async run({ id, history, server }) {
      const [first, second] = [await open(server(), id), await open(server(), id)]
      shuffle(first.data, 'move')
      await commit(history, id, 'move', first)
      enter(second.data, 'set')
      await commit(history, id, 'set', second)
    },
  },
]

for (const control of controls) {
  mongo(`${control.without}: the checker sees it, and with dotset it does not happen`, async () => {
    assert.deepEqual(await found(control, true), control.found)
    assert.deepEqual(await found(control, false), [])
  })
}

mongo(
  'of a hundred sessions that are destroyed while they are committed, none comes back',
  async () => {
    const collection = freshCollection()
    const store = mongoStore(collection, { indexes: false })
    const server = (): Sessions<Ledger> => createSessions<Ledger>({ store, deadline: PATIENCE })
    const [one, other] = [server(), server()]
    const ends = await Promise.all(
      Array.from({ length: 100 }, async (_, number) => {
        const session = one.create(emptyLedger())
        await session.commit()
        enter(session.data, 'late')
        const calls: (() => Promise<unknown>)[] = [
          () => session.commit(),
          () => other.destroy(session.id),
        ]
        if (number % 2 === 1) calls.reverse()
        const trials = await Promise.all(calls.map(call => attempt(PATIENCE, call)))
        return trials.map(({ outcome }) => outcome)
      }),
    )
    assert.ok(ends.flat().every(outcome => outcome !== 'unknown'))
    const { dbName, collectionName } = collection
    assert.equal(await mongoClient().db(dbName).collection(collectionName).countDocuments(), 0)
  },
)

test.run()
