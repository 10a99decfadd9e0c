/**
 * The indexes of a collection of sessions: when they are created, what they are for, and what becomes
 * of an application that may not create them.
 */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Collection, Document } from 'mongodb'
import { MongoNetworkError, MongoServerError } from 'mongodb'
import { suite } from 'uvu'
import type { Session } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import type { Observed } from '../support/observing.js'
import { nameOf, needingMongo, observing } from '../support/observing.js'
import { closeMongo } from '../support/stores.js'

type Data = Record<string, unknown>

const test = suite('indexes')
const mongo = needingMongo(test)

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

for (const [what, write] of Object.entries<(session: Session<Data>) => Promise<unknown>>({
  touch: session => session.commit(),
  rotation: session => session.rotateId(),
  destruction: session => session.destroy(),
})) {
  mongo(`a ${what} creates the index, too`, () =>
    withIndexes(async (collection, _created, observed) => {
      const store = mongoStore(collection, { indexes: false })
      const session = createSessions<Data>({ store }).create({ n: 1 })
      await session.commit()
      const sessions = createSessions<Data>({ store: mongoStore(collection), touchAfter: 0 })
      const opened = (await sessions.open(session.id)) as Session<Data>
      opened.touch()
      await write(opened)
      assert.equal(createIndexCount(observed), 1)
    }),
  )
}

mongo('a path that is asked for twice is indexed once', () =>
  withIndexes(async (collection, created, observed) => {
    const store = mongoStore(collection, { indexes: { paths: ['n', 'n'] } })
    await createSessions<Data>({ store }).create({ n: 1 }).commit()
    await created(2)
    assert.equal(createIndexCount(observed), 2)
  }),
)

mongo('an index that could not be asked for is asked for again by a later write', () =>
  withIndexes(async collection => {
    const asked: Document[] = []
    const answers = [
      () => Promise.reject(new MongoNetworkError('lost')),
      () => Promise.reject(new MongoServerError({ message: 'stepped down', code: 189 })),
      () => Promise.resolve('expiresAt_1'),
    ]
    const createIndex = (keys: Document): Promise<string> => {
      asked.push(keys)
      return (answers[asked.length - 1] as () => Promise<string>)()
    }
    const sessions = createSessions<Data>({
      store: mongoStore(Object.assign(collection, { createIndex })),
    })
    for (let n = 0; n < 5; n++) await sessions.create({ n }).commit()
    assert.deepEqual(asked, [{ expiresAt: 1 }, { expiresAt: 1 }, { expiresAt: 1 }])
  }),
)

mongo('an index that is refused for another reason is warned of once, with its code', () =>
  withIndexes(async collection => {
    const refused = new MongoServerError({ message: 'secret', code: 67 })
    const store = mongoStore(
      Object.assign(collection, { createIndex: () => Promise.reject(refused) }),
    )
    const warnings = await warningsOf(async () => {
      for (let n = 0; n < 3; n++) await createSessions<Data>({ store }).create({ n }).commit()
    })
    assert.equal(warnings.length, 1)
    assert.match(String(warnings[0]?.message), /MongoDB refused it \(code 67\); run db\./)
    assert.doesNotMatch(String(warnings[0]?.message), /secret/)
  }),
)

mongo('the command to run is right for a collection with any name', () =>
  observing({}, async ({ client, collection }) => {
    const named = client.db(collection.dbName).collection('my-sessions.v2')
    const denied = new MongoServerError({ message: 'not authorized', code: 13 })
    const store = mongoStore(Object.assign(named, { createIndex: () => Promise.reject(denied) }))
    const warnings = await warningsOf(async () => {
      await createSessions<Data>({ store }).create({ n: 1 }).commit()
    })
    assert.match(
      String(warnings[0]?.message),
      /run db\.getCollection\("my-sessions\.v2"\)\.createIndex\(/,
    )
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

for (const path of ['', 'a..b', '.a', 'a.', '$where', 'a.$b', 'a\0b', '__proto__.a', 5]) {
  test(`an index cannot have the path ${JSON.stringify(path)}`, () => {
    const collection = { updateOne: () => undefined }
    assert.throws(() => mongoStore(collection as never, { indexes: { paths: [path as string] } }), {
      code: 'ERR_INVALID_OPTION',
    })
  })
}

test.after(closeMongo)
test.run()
