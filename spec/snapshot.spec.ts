/**
 * Taking session data out of its session.
 */

import assert from 'node:assert/strict'
import { Decimal128, ObjectId } from 'bson'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Session } from '../lib/index.js'
import { createSessions, memoryStore, snapshot, track } from '../lib/index.js'

// biome-ignore lint/suspicious/noExplicitAny: data of all kinds
type Data = any

const schema = z
  .object({ map: z.map(z.string(), z.any()), set: z.set(z.any()) })
  .partial()
  .catchall(z.any())

const state = (): Data => ({
  user: { name: 'Ada', address: { city: 'London' } },
  cart: [{ id: 1 }, [2, [3]]],
  map: new Map<string, Data>([['a', { n: 1, in: new Date(3) }]]),
  set: new Set<Data>(['x', { id: 1 }]),
  when: new Date(5),
  bytes: Buffer.from('abc'),
  none: null,
  zero: -0,
})

async function loaded(): Promise<Session<Data>> {
  const sessions = createSessions({ store: memoryStore(), schema })
  const created = sessions.create(state())
  await created.commit()
  return (await sessions.open(created.id)) as Session<Data>
}

/** Every object in a value, itself included. */
function objectsIn(value: Data, found = new Set<object>()): Set<object> {
  if (typeof value !== 'object' || value === null || found.has(value)) return found
  found.add(value)
  const members =
    value instanceof Map || value instanceof Set ? value.values() : Object.values(value)
  for (const member of members) objectsIn(member, found)
  return found
}

const copies = suite('a snapshot')

copies('is plain, deep and detached', async () => {
  const { data } = await loaded()
  const copy = snapshot(data)
  assert.deepStrictEqual(copy, state())
  // A Buffer is cloned as the Uint8Array that it is.
  assert.deepStrictEqual(structuredClone(copy), {
    ...state(),
    bytes: new Uint8Array(state().bytes),
  })
  assert.ok(Object.is(copy.zero, -0))
  const handles = objectsIn(data)
  for (const object of objectsIn(copy)) assert.ok(!handles.has(object))
  // Whatever is done to it reaches nothing.
  copy.user.address.city = 'Rome'
  copy.cart[1][1].push(4)
  copy.map.get('a').in.setTime(0)
  copy.set.add('y')
  copy.when.setTime(0)
  copy.bytes.fill(0)
  assert.deepStrictEqual(data, state())
  // And whatever is done to the session does not reach it.
  const again = snapshot(data)
  data.user.name = 'Bob'
  data.when.setTime(9)
  data.map.set('b', 1)
  data.cart.length = 0
  assert.deepStrictEqual(again, state())
})

copies('shows what was written and not committed', async () => {
  const { data } = await loaded()
  data.user.name = 'Bob'
  delete data.none
  data.cart.unshift('first')
  data.map.delete('a')
  data.fresh = { list: [1] }
  data.when.setTime(6)
  const expected = { ...state(), map: new Map(), when: new Date(6), fresh: { list: [1] } }
  delete expected.none
  expected.user.name = 'Bob'
  expected.cart.unshift('first')
  assert.deepStrictEqual(snapshot(data), expected)
})

copies('of a part is that part', async () => {
  const { data } = await loaded()
  assert.deepStrictEqual(snapshot(data.user.address), { city: 'London' })
  assert.deepStrictEqual(snapshot(data.cart), state().cart)
  assert.deepStrictEqual(snapshot(data.cart[1]), [2, [3]])
  assert.deepStrictEqual(snapshot(data.map), state().map)
  assert.deepStrictEqual(snapshot(data.set), state().set)
  const when = snapshot(data.when)
  assert.deepStrictEqual(when, new Date(5))
  assert.notEqual(when, data.when)
  for (const scalar of [1, 'x', null, undefined, true, 5n]) assert.equal(snapshot(scalar), scalar)
})

copies('of what merely holds handles is a copy all the way down', async () => {
  const { data } = await loaded()
  const view = { user: data.user, list: [data.cart, { map: data.map }], plain: { a: [1] } }
  const copy = snapshot(view)
  assert.deepStrictEqual(copy, {
    user: state().user,
    list: [state().cart, { map: state().map }],
    plain: { a: [1] },
  })
  assert.notEqual(copy.plain, view.plain)
  structuredClone(copy)
  data.user.name = 'Bob'
  assert.equal(copy.user.name, 'Ada')
})

copies('of an assigned object is what its owner made of it', () => {
  const { data } = track<Data>({})
  const raw: Data = { list: [{ a: 1 }], gone: undefined }
  data.x = raw
  raw.list.push({ a: 2 })
  data.x.list[0].a = 'ours'
  assert.deepStrictEqual(snapshot(data), { x: { list: [{ a: 'ours' }, { a: 2 }] } })
  assert.deepStrictEqual(raw.list[0], { a: 1 })
})

copies('of one object at two places has two', () => {
  const { data } = track<Data>({ a: { n: 1 } })
  data.b = data.a
  const copy = snapshot(data)
  assert.notEqual(copy.a, copy.b)
  copy.a.n = 2
  assert.deepStrictEqual([copy.b.n, data.a.n], [1, 1])
})

copies('of a handle that was taken out is what it shows', async () => {
  const session = await loaded()
  const { user, cart } = session.data
  const [first] = cart
  delete session.data.user
  cart.shift()
  user.name = 'Bob'
  assert.deepStrictEqual(snapshot(user), { name: 'Bob', address: { city: 'London' } })
  assert.deepStrictEqual(snapshot(first), { id: 1 })
})

copies('holds BSON values as they are, and detached where they can change', () => {
  const id = new ObjectId()
  const { data } = track<Data>({ id, decimal: Decimal128.fromString('1.5') })
  const copy = snapshot(data)
  assert.ok(copy.id instanceof ObjectId && copy.id.equals(id))
  assert.equal(copy.decimal.toString(), '1.5')
  copy.decimal.bytes.fill(0)
  assert.equal(data.decimal.toString(), '1.5')
})

copies('can be frozen, and assigned', async () => {
  const session = await loaded()
  const copy = Object.freeze(snapshot(session.data.user))
  session.data.before = copy
  session.data.before.name = 'Bob'
  assert.equal(copy.name, 'Ada')
  await session.commit()
  assert.equal(session.data.before.name, 'Bob')
})

copies.run()
