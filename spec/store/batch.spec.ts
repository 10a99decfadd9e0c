/**
 * Loads and commits that come together are one command, and each has its own outcome.
 */

import assert from 'node:assert/strict'
import type { Collection, Document } from 'mongodb'
import { suite } from 'uvu'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { createId, createToken } from '../../lib/open/identity.js'
import type { Attempt, NewDocument, Statement, Store } from '../../lib/store/store.js'
import type { Observed } from '../support/observing.js'
import { observing, unobserved } from '../support/observing.js'
import { closeMongo, mongoUri } from '../support/stores.js'

const CALL = { timeout: 10_000 }

const test = suite('calls that come together')
const mongo = mongoUri === '' ? test.skip : test
test.after(closeMongo)

const documentWith = (changes: Partial<NewDocument> = {}): NewDocument => ({
  ...{ key: createId(), data: { n: 0 }, rev: 1, layout: new Map(), tokens: [createToken()] },
  ...{ marks: [], createdAt: 0, expiresAt: Date.now() + 60_000, idle: undefined },
  ...{ endsAt: Date.now() + 60_000, ...changes },
})

const statementFor = (key: string, changes: Partial<Statement> = {}): Statement => ({
  ...{ key, token: createToken(), rev: { below: 17 }, layout: new Map(), raises: [] },
  ...{ modifications: [{ op: 'set', path: ['n'], value: 1 }], mark: undefined, trim: false },
  ...{ expiresAt: 0, timeouts: undefined, bytes: 40, ...changes },
})

const using = (work: (observed: Observed, store: Store) => Promise<void>): Promise<void> =>
  observing({}, async observed => {
    await work(observed, mongoStore(observed.collection, { indexes: false }))
  })

/** Makes calls that are one command, by making them while another one is under way. */
async function together<T>(
  store: Store,
  calls: () => Promise<T>[],
): Promise<PromiseSettledResult<T>[]> {
  const occupied = [store.load(createId(), CALL), store.write(statementFor(createId()), CALL)]
  const settled = await Promise.allSettled(calls())
  await Promise.all(occupied)
  return settled
}

const told = (results: PromiseSettledResult<unknown>[]): unknown[] =>
  results.map(each => (each.status === 'fulfilled' ? each.value : (each.reason as Error).message))

const nameOf = (command: Document): string => Object.keys(command)[0] as string

const stored = (collection: Collection<Document>, key: string): Promise<Document | null> =>
  unobserved(collection).findOne({ _id: key as never })

mongo('loads are one find, which gives each what it asked for', () =>
  using(async ({ commands }, store) => {
    const documents = [1, 2, 3].map(n => documentWith({ data: { n } }))
    for (const each of documents) await store.insert(each, CALL)
    const expired = documentWith({ expiresAt: Date.now() - 1 })
    await store.insert(expired, CALL)
    commands.length = 0
    const keys = [
      ...documents.map(({ key }) => key),
      createId(),
      expired.key,
      documents[0]?.key ?? '',
    ]
    const results = await together(store, () => keys.map(key => store.load(key, CALL)))
    const finds = commands.filter(command => nameOf(command) === 'find')
    assert.deepEqual(finds.map(({ filter }) => filter._id.$in?.length ?? 1).sort(), [1, 5])
    const sessions = results.map(each => (each as PromiseFulfilledResult<unknown>).value)
    assert.deepEqual(
      sessions.map(each => each !== null),
      [true, true, true, false, false, true],
    )
    assert.deepEqual(sessions[5], sessions[0])
    assert.notDeepEqual(sessions[1], sessions[0])
  }),
)

mongo('commits are one update, in which each names its session by its _id', () =>
  using(async ({ commands, collection }, store) => {
    const documents = Array.from({ length: 20 }, () => documentWith())
    for (const each of documents) await store.insert(each, CALL)
    commands.length = 0
    const results = await together(store, () =>
      documents.map(({ key }) => store.write(statementFor(key), CALL)),
    )
    assert.deepEqual(told(results), Array(20).fill(true))
    // The one that was under way may be sent after them, if it waits for a connection.
    const updates = commands.filter(command => nameOf(command) === 'update')
    assert.deepEqual(updates.map(each => each.updates.length).sort(), [1, 20])
    const update = updates.find(each => each.updates.length > 1)
    assert.deepEqual(update?.writeConcern, { w: 'majority' })
    assert.deepEqual(
      update?.updates.map(({ q }: Document) => q._id),
      documents.map(({ key }) => key),
    )
    assert.ok(
      update?.updates.every((each: Document) => each.upsert !== true && each.multi !== true),
    )
    for (const { key } of documents) {
      const { data, rev, tokens } = (await stored(collection, key)) as Document
      assert.deepEqual([data.n, rev, tokens.length], [1, 2, 2])
    }
  }),
)

mongo('each commit has its own outcome, whatever becomes of the others', () =>
  using(async ({ collection }, store) => {
    await unobserved(collection).createIndex({ 'data.unique': 1 }, { unique: true, sparse: true })
    const cases: [
      what: string,
      document: Partial<NewDocument> | null,
      Partial<Statement>,
      unknown,
    ][] = [
      ['it fits', {}, {}, true],
      ['nobody has it', null, {}, false],
      ['others committed', { rev: 2 }, { rev: { exactly: 1 } }, false],
      ['nobody else committed', { rev: 3 }, { rev: { exactly: 3 } }, true],
      ['too many others committed', { rev: 60 }, {}, false],
      [
        'a counter that is there',
        { layout: new Map([['n', 2]]) },
        { layout: new Map([['n', 2]]) },
        true,
      ],
      [
        'a counter that was raised',
        { layout: new Map([['n', 3]]) },
        { layout: new Map([['n', 2]]) },
        false,
      ],
      [
        'a counter that is not there',
        {},
        {
          layout: new Map([
            ['n', 0],
            ['*', 0],
          ]),
        },
        true,
      ],
      [
        'the shared counter was raised',
        { layout: new Map([['*', 1]]) },
        { layout: new Map([['*', 0]]) },
        false,
      ],
      ['it was applied before', { tokens: [-7n] }, { token: -7n }, false],
      ['it has expired', { expiresAt: Date.now() - 1 }, {}, false],
      [
        'another server changed the type of a parent',
        { data: { n: 5 } },
        { modifications: [{ op: 'set', path: ['n', 'below'], value: 1 }] },
        false,
      ],
      ['the first of two that are the same', { data: { unique: 1, n: 0 } }, {}, true],
      [
        'the second',
        {},
        { modifications: [{ op: 'set', path: ['unique'], value: 1 }] },
        'Cannot commit the session: MongoDB refused it (code 11000)',
      ],
    ]
    // With and without one that is gone: then the server's count does not tell.
    for (const rows of [cases, cases.filter(([, document]) => document !== null)]) {
      const statements: Statement[] = []
      await collection.deleteMany({})
      for (const [, document, changes] of rows) {
        const made = documentWith(document ?? {})
        if (document !== null) await store.insert(made, CALL)
        statements.push(statementFor(made.key, changes))
      }
      const retired = documentWith()
      await store.insert(retired, CALL)
      await store.retire(
        { key: retired.key, rev: 1, token: 7n, expiresAt: Date.now() + 60_000 },
        CALL,
      )
      statements.push(statementFor(retired.key))
      const before = await Promise.all(statements.map(({ key }) => stored(collection, key)))
      const results = await together(store, () => statements.map(each => store.write(each, CALL)))
      assert.deepEqual(
        told(results).map((outcome, index) => [rows[index]?.[0], outcome]),
        [...rows.map(([what, , , outcome]) => [what, outcome]), [undefined, false]],
      )
      for (const [index, { key }] of statements.entries()) {
        const document = await stored(collection, key)
        if (rows[index]?.[3] === true) assert.equal(document?.rev, before[index]?.rev + 1)
        else assert.deepEqual(document, before[index])
      }
    }
  }),
)

mongo('one whose time is up is not applied, and the others are', () =>
  using(async ({ collection }, store) => {
    const documents = [documentWith(), documentWith(), documentWith()]
    for (const each of documents) await store.insert(each, CALL)
    const attempts = documents.map((): Attempt => ({ stage: 'unknown' }))
    const results = await together(store, () =>
      documents.map(({ key }, index) => {
        const attempt = attempts[index] as Attempt
        const written = store.write(statementFor(key), { ...CALL, attempt })
        // It is made with the others, and waits to be sent until then.
        if (index === 1) setImmediate(() => Object.assign(attempt, { stage: 'withdrawn' }))
        return written
      }),
    )
    assert.deepEqual(
      [0, 2].map(index => told(results)[index]),
      [true, true],
    )
    const revs = await Promise.all(
      documents.map(async ({ key }) => (await stored(collection, key))?.rev),
    )
    assert.deepEqual(revs, [2, 1, 2])
  }),
)

mongo('of many sessions at once, each keeps all that was written to it', () =>
  using(async (_, store) => {
    const servers = [1, 2].map(() => createSessions<{ log?: number[]; n?: number }>({ store }))
    const ids = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const session = (servers[0] as (typeof servers)[0]).create({ n: 0 })
        await session.commit()
        return session.id
      }),
    )
    await Promise.all(
      ids.flatMap(id =>
        Array.from({ length: 6 }, async (_, index) => {
          const session = await (servers[index % 2] as (typeof servers)[0]).open(id)
          ;(session as NonNullable<typeof session>).data.log ??= []
          session?.data.log?.push(index)
          await session?.commit()
        }),
      ),
    )
    for (const id of ids) {
      const session = await servers[1]?.open(id)
      assert.deepEqual([...(session?.data.log ?? [])].sort(), [0, 1, 2, 3, 4, 5])
    }
  }),
)

test.run()
