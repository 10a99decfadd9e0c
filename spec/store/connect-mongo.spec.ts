import assert from 'node:assert/strict'
import type { Document } from 'mongodb'
import { suite } from 'uvu'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { createId, keyOf } from '../../lib/open/identity.js'
import { canonical } from '../support/canonical.js'
import type { Data } from '../support/operations.js'
import { operations, start } from '../support/operations.js'
import { isSerial, operationOf } from '../support/serial.js'
import { createServers, openAll, storedData } from '../support/servers.js'
import { closeMongo, freshCollection, mongoUri } from '../support/stores.js'

const shared = suite('documents of connect-mongo')
shared.after(closeMongo)
const test = mongoUri === '' ? shared.skip : shared

const cookie = { originalMaxAge: 3_600_000, httpOnly: true, path: '/' }

/** A collection with sessions of connect-mongo's, which two servers use. */
class Scene {
  readonly #collection = freshCollection()
  readonly #store: Store
  readonly #stringify: boolean
  readonly servers: readonly Sessions<Data>[]

  constructor(stringify: boolean, convert: boolean) {
    const options = { convert, stringify, absoluteTimeout: 86_400_000 }
    this.#stringify = stringify
    this.#store = mongoStore(this.#collection, { indexes: false }).withConnectMongo?.(
      options,
    ) as Store
    this.servers = createServers(this.#store, 2)
  }

  /** Stores a session as connect-mongo does; gives its id. */
  async begin(data: Data): Promise<string> {
    const id = createId()
    const expires = new Date(Date.now() + cookie.originalMaxAge)
    const session = { cookie: { ...cookie, expires }, ...data }
    await this.#collection.insertOne({
      _id: keyOf(id) as never,
      expires,
      session: this.#stringify ? JSON.stringify(session) : session,
    })
    return id
  }

  /** Begins a request on an old server, which saves what it loaded; gives what ends it. */
  async beginOldRequest(id: string): Promise<() => Promise<void>> {
    const filter = { _id: keyOf(id) as never }
    const { session } = (await this.#collection.findOne(filter)) as Document
    return async () => {
      await this.#collection.updateOne(filter, { $set: { session } })
    }
  }

  /** What a session holds. */
  async stored(id: string): Promise<Data> {
    const { cookie: kept, ...data } = await storedData(this.#store, keyOf(id))
    assert.equal(kept.originalMaxAge, cookie.originalMaxAge)
    return data
  }
}

const forms = [
  ['JSON that is converted', true, true],
  ['JSON that stays', true, false],
  ['an object that is converted', false, true],
  ['an object that stays', false, false],
] as const

type Change = (data: Data) => unknown

/** Changes beside one another, of containers that have little or nothing by which to know them. */
const apart: [what: string, data: Data, one: Change, other: Change][] = [
  ['the only leaf, a new one', { o: { a: 1 } }, d => d.o.a++, d => (d.o.b = 2)],
  ['two leaves', { o: { a: 1, b: 1 } }, d => d.o.a++, d => d.o.b++],
  ['leaves further down', { o: { p: { a: 1 } } }, d => d.o.p.a++, d => (d.o.p.b = 2)],
  ['two new leaves', { o: {} }, d => (d.o.a = 1), d => (d.o.b = 2)],
  ['the only leaf removed, a new one', { o: { a: 1 } }, d => delete d.o.a, d => (d.o.b = 2)],
  ['leaves of an element', { l: [{ a: 1, b: 1 }] }, d => d.l[0].a++, d => d.l[0].b++],
  ['the only leaf of an element', { l: [{ a: 1 }] }, d => d.l[0].a++, d => (d.l[0].b = 2)],
  ['an element, an append', { l: [{ a: 1 }] }, d => d.l[0].a++, d => d.l.push({ a: 5 })],
  ['a scalar element, an append', { l: ['a'] }, d => (d.l[0] = 'b'), d => d.l.push('c')],
  ['two appends', { l: [] }, d => d.l.push('a'), d => d.l.push('b')],
]

for (const [form, stringify, convert] of forms) {
  test(`first writes of two servers keep one another's: ${form}`, async () => {
    const scene = new Scene(stringify, convert)
    for (const [what, data, ...changes] of apart) {
      const id = await scene.begin(data)
      for (const [index, session] of (await openAll(scene.servers, id)).entries()) {
        changes[index]?.(session.data)
        assert.deepEqual((await session.commit()).superseded, [])
      }
      const expected = structuredClone(data)
      for (const change of changes) change(expected)
      assert.deepEqual(await scene.stored(id), expected, what)
    }
  })
}

test('what an old server put back is not taken for what was written over it', async () => {
  for (const stringify of [true, false]) {
    const scene = new Scene(stringify, false)
    const id = await scene.begin({ user: { id: 1, name: 'old' }, n: 0 })
    const endOldRequest = await scene.beginOldRequest(id)
    const [mine] = (await openAll(scene.servers, id)) as [Session<Data>]
    mine.data.user = { id: 7, name: 'seven' }
    await mine.commit()
    await endOldRequest()
    const [, other] = (await openAll(scene.servers, id)) as [Session<Data>, Session<Data>]
    other.data.n++
    await other.commit()
    mine.data.user.role = 'root'
    const { superseded } = await mine.commit()
    assert.deepEqual(
      superseded.map(({ path }) => path),
      [['user', 'role']],
    )
    assert.deepEqual(await scene.stored(id), { user: { id: 1, name: 'old' }, n: 1 })
  }
})

test('first writes of two servers end as in one order or the other', async () => {
  const scene = new Scene(true, true)
  const names = Object.keys(operations)
  for (const first of names) {
    await Promise.all(
      names.map(async second => {
        const id = await scene.begin(start())
        await changeInTurn(scene.servers, id, [first, second])
        const stored = await scene.stored(id)
        assert.ok(isSerial(stored, [first, second]), `${first}, ${second}: ${canonical(stored)}`)
      }),
    )
  }
})

test('a session that cannot be read holds nothing to look for', async () => {
  const scene = new Scene(true, false)
  await scene.begin({ user: { id: 7 } })
  await scene.begin(JSON.parse('{"user":{"id":7},"\\u0000":1}'))
  const [server] = scene.servers as [Sessions<Data>]
  const found: unknown[] = []
  for await (const { data } of server.list({ 'user.id': 7 })) found.push(data.user)
  assert.deepEqual(found, [{ id: 7 }])
  assert.equal(await server.destroyWhere({ 'user.id': 7 }), 1)
  assert.equal(await server.destroyWhere({ 'user.id': 7 }), 0)
})

/** All open a session; then one after another changes it and commits. */
async function changeInTurn(
  servers: readonly Sessions<Data>[],
  id: string,
  order: readonly string[],
): Promise<void> {
  const sessions: Session<Data>[] = await openAll(servers, id)
  for (const [index, session] of sessions.entries()) {
    operationOf(order[index] as string)(session.data, index + 1)
    await session.commit()
  }
}

shared.run()
