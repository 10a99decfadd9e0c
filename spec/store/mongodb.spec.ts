/**
 * What only MongoDB has: commands on the wire, the caller's client and its settings, the server's clock.
 */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { Decimal128, Double, deserialize, Long, ObjectId } from 'bson'
import fc from 'fast-check'
import type { Collection, CollectionOptions, Document, MongoClientOptions } from 'mongodb'
import mongoose from 'mongoose'
import { suite } from 'uvu'
import type { Modification, Session } from '../../lib/index.js'
import { createSessions, SessionGoneError, StoreError } from '../../lib/index.js'
import type { MongoStoreOptions } from '../../lib/mongodb.js'
import { mongoStore } from '../../lib/mongodb.js'
import { createId, createToken, keyOf } from '../../lib/open/identity.js'
import { fits } from '../../lib/store/filter.js'
import type { Filter, NewDocument, Statement, Store } from '../../lib/store/store.js'
import type { Observed } from '../support/observing.js'
import { nameOf, needingMongo, observing } from '../support/observing.js'
import { holds } from '../support/property.js'
import { closeMongo, freshCollection, mongoUri } from '../support/stores.js'

type Data = Record<string, unknown>

const CALL = { timeout: 20_000 }

const test = suite('MongoDB store')
const mongo = needingMongo(test)

// The caller's client

/** Settings of a client that must not matter. */
const settings: Record<string, MongoClientOptions> = {
  'no settings': {},
  'readPreference, w, ignoreUndefined and serializeFunctions': {
    readPreference: 'secondaryPreferred',
    w: 1,
    journal: false,
    readConcernLevel: 'available',
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
  'a strict server API': { serverApi: { version: '1', strict: true, deprecationErrors: true } },
  compression: { compressors: ['zlib'] },
}

/** Settings of a collection that must not matter, all at once. */
const collectionSettings: CollectionOptions = {
  raw: true,
  fieldsAsRaw: { writeErrors: true },
  promoteValues: false,
  promoteBuffers: true,
  ignoreUndefined: true,
  serializeFunctions: true,
  readPreference: 'secondary',
  readConcern: { level: 'available' },
  writeConcern: { w: 1 },
}

/** Clients and collections that must not matter. */
const clients: [what: string, client: MongoClientOptions, collection?: CollectionOptions][] = [
  ...Object.entries(settings).map(([what, options]): [string, MongoClientOptions] => {
    return [`a client that has ${what}`, options]
  }),
  ['a collection that has settings of its own', {}, collectionSettings],
]

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

/** A document to insert. */
const newDocument = (data: Data = {}): NewDocument => ({
  ...{ key: createId(), data, rev: 1, layout: new Map(), tokens: [], marks: [], createdAt: 0 },
  ...{ expiresAt: Date.now() + 60_000, endsAt: Date.now() + 60_000, idle: undefined },
})

const statementFor = (key: string, modification: Modification): Statement => ({
  ...{ key, token: createToken(), rev: { below: 17 }, layout: new Map(), raises: [] },
  ...{ modifications: [modification], mark: undefined, trim: false, expiresAt: 0 },
  ...{ timeouts: undefined, bytes: 40 },
})

for (const [what, options, ofCollection] of clients) {
  const using = (work: (observed: Observed) => Promise<void>): Promise<void> =>
    observing(options, work, mongoUri, ofCollection)

  mongo(`sessions live alike with ${what}`, () =>
    using(({ collection }) => live(mongoStore(collection))),
  )

  mongo(`a touch answers alike with ${what}`, () =>
    using(async ({ collection }) => {
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

  mongo(`a commit is one command with ${what}`, () =>
    using(async ({ collection, commands }) => {
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

  mongo(`a refusal is understood alike with ${what}`, () =>
    using(async ({ collection }) => {
      const store = mongoStore(collection)
      const document = newDocument({ scalar: 5 })
      await collection.createIndex({ 'data.scalar': 1 }, { unique: true })
      await store.insert(document, CALL)
      assert.equal(await store.insert(document, CALL), false)
      await assert.rejects(store.insert(newDocument({ scalar: 5 }), CALL), {
        code: 'ERR_STORE',
        message: 'Cannot store the session: MongoDB refused it (code 11000)',
      })
      const modification = { op: 'set', path: ['scalar', 'below'], value: 1 } as const
      assert.equal(await store.write(statementFor(document.key, modification), CALL), false)
    }),
  )

  mongo(`no undefined matches a document with ${what}`, () =>
    using(async ({ collection }) => {
      const store = mongoStore(collection)
      const session = createSessions({ store, absoluteTimeout: Number.POSITIVE_INFINITY }).create({
        n: 1,
      })
      await session.commit()
      const key = undefined as unknown as string
      const touch = { expiresAt: 0, idle: undefined, endsAt: Number.POSITIVE_INFINITY }
      assert.equal(await store.load(key, CALL), null)
      assert.equal(await store.remove(key, CALL), false)
      assert.equal(await store.touch({ key, ...touch }, CALL), false)
      assert.equal(await store.touch({ key: session.key, ...touch }, CALL), true)
      assert.ok(await store.load(session.key, CALL))
    }),
  )
}

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

mongo('each read takes what the primary has', async () => {
  const finds = (await commandsOfLife()).filter(each => nameOf(each) === 'find')
  assert.ok(finds.length > 0)
  for (const { readConcern } of finds) assert.equal(readConcern.level, 'local')
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

test('a wrapper of Mongoose is refused, telling where the collection is', () => {
  assert.throws(() => mongoStore(mongoose.connection.collection('sessions') as never), {
    code: 'ERR_INVALID_OPTION',
    message: /Mongoose.*getClient/,
  })
})

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

/** The driver anew, as an application has it that depends on another copy of it. */
function otherDriver(): typeof import('mongodb') {
  const require = createRequire(import.meta.url)
  const others = Object.keys(require.cache).filter(path =>
    /node_modules.(mongodb|bson)./.test(path),
  )
  for (const path of others) delete require.cache[path]
  return require('mongodb')
}

mongo(
  'sessions live alike with another copy of the driver, and its failures are understood',
  async () => {
    const { MongoClient, MongoNetworkError, ObjectId: OtherId } = otherDriver()
    const client = new MongoClient(mongoUri)
    try {
      const { dbName, collectionName } = freshCollection()
      const collection = client.db(dbName).collection(collectionName) as never as Collection
      assert.ok(
        !(new MongoNetworkError('x') instanceof (await import('mongodb')).MongoNetworkError),
      )
      const store = mongoStore(collection)
      await live(store)

      const sessions = createSessions<Data>({ store })
      const id = new OtherId()
      assert.ok(!(id instanceof ObjectId))
      const session = sessions.create({ user: { id } })
      await session.commit()
      assert.equal(await store.insert({ ...newDocument(), key: session.key }, CALL), false)
      await collection.createIndex({ 'data.user.id': 1 }, { unique: true })
      await assert.rejects(store.insert(newDocument({ user: { id } }), CALL), (error: unknown) => {
        assert.ok(error instanceof StoreError)
        assert.match(error.message, /: MongoDB refused it \(code 11000\)$/)
        assert.deepEqual([error.uncertain, error.transient], [false, false])
        return true
      })
      assert.equal(await sessions.destroyWhere({ 'user.id': id }), 1)
    } finally {
      await client.close()
    }
  },
)

// Filters

const name = fc.constantFrom('a', '0', '1', 'length')
const scalars = [0, -0, 1, 0.1, 2 ** 53, Number.NaN, '1', true, new Date(1)]
const stored = fc.constantFrom<unknown>(
  ...[...scalars, null, new ObjectId('0'.repeat(24)), new Double(1), Long.fromNumber(1)],
  ...[Long.fromString('9007199254740993'), Long.fromNumber(2 ** 53), Decimal128.fromString('1.0')],
  ...[Decimal128.fromString('0.1'), Decimal128.fromString('NaN'), Decimal128.fromString('-0')],
)
const { tree } = fc.letrec(tie => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    stored,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(name, tie('tree'), { maxKeys: 3 }),
  ),
}))
const filter = fc.dictionary(
  fc.array(name, { minLength: 1, maxLength: 2 }).map(keys => keys.join('.')),
  fc.constantFrom(...scalars, new ObjectId('0'.repeat(24))),
  { minKeys: 1, maxKeys: 1 },
)

mongo('a filter fits what it fits in MongoDB, whatever is stored', async () => {
  await observing({}, async ({ collection }) => {
    const trees = fc.array(fc.dictionary(name, tree, { minKeys: 1, maxKeys: 3 }), {
      minLength: 40,
      maxLength: 40,
    })
    let found = 0
    await holds(
      fc.asyncProperty(
        trees,
        fc.array(filter, { minLength: 20, maxLength: 20 }),
        async (all, filters) => {
          await collection.deleteMany({})
          await collection.insertMany(all.map((data, _id) => ({ _id: _id as never, data })))
          const documents = await collection.find<Buffer>({}, { raw: true }).toArray()
          const kept = documents.map(each => deserialize(each))
          for (const each of filters) {
            const [[path, value]] = Object.entries(each) as [[string, unknown]]
            const theirs = await collection.find({ [`data.${path}`]: { $eq: value } }).toArray()
            const ours = kept.filter(({ data }) => fits(data, each as Filter))
            assert.deepEqual(
              ours.map(({ _id }) => _id),
              theirs.map(({ _id }) => _id),
            )
            found += ours.length
          }
        },
      ),
      12,
    )
    assert.ok(found > 20, `${found} were found`)
  })
})

test.after(closeMongo)
test.run()
