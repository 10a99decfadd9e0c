/**
 * The whole matrix: four trackings, two differencings, three granularities, over each store.
 */

import assert from 'node:assert/strict'
import { Binary, Double, Int32, Long, ObjectId } from 'bson'
import type { Granularity, Modification, TrackingName } from '../lib/index.js'
import { createSessions } from '../lib/index.js'
import { createToken } from '../lib/open/identity.js'
import { arrived, exact } from './support/arrived.js'
import { forEachStore } from './support/stores.js'
import { differencings, trackings } from './support/strategies.js'

// biome-ignore lint/suspicious/noExplicitAny: the edits run on plain objects and on session data
type Data = any

const id = new ObjectId('65a000000000000000000001')
const otherId = new ObjectId('65a000000000000000000002')

const start = (): Data => ({
  user: { id: 1, name: 'Ada', address: { city: 'London', zip: 1 } },
  cart: [
    { id: 1, qty: 1 },
    { id: 2, qty: 2 },
    { id: 3, qty: 3 },
  ],
  tags: ['a', 'b', 'c'],
  grid: [[1, 2], [3]],
  when: new Date(1000),
  bytes: Buffer.from([1, 2, 3]),
  owner: id,
  n: 5,
  zero: 0,
  text: 'text',
  nothing: null,
})

/** What an edit is to send at granularity `'path'`; a function where trackings differ. */
type Expected = readonly [op: string, path: string][] | ((tracking: TrackingName) => Expected)

const edits: [title: string, edit: (data: Data) => unknown, expected: Expected][] = [
  ['a leaf', d => (d.user.name = 'Eve'), [['set', 'user.name']]],
  ['a deep leaf', d => (d.user.address.zip = 2), [['set', 'user.address.zip']]],
  ['an append', d => d.tags.push('d', 'e'), [['append', 'tags']]],
  ['an append of an object', d => d.cart.push({ id: 4, qty: 4 }), [['append', 'cart']]],
  ['an element', d => (d.tags[1] = 'x'), [['set', 'tags.1']]],
  ['a leaf of an element', d => (d.cart[2].qty = 9), [['set', 'cart.2.qty']]],
  [
    'two leaves',
    d => (d.cart[0].qty = d.cart[2].qty = 9),
    [
      ['set', 'cart.0.qty'],
      ['set', 'cart.2.qty'],
    ],
  ],
  ['an unset leaf', d => delete d.user.name, [['unset', 'user.name']]],
  ['a Date setter', d => d.when.setTime(2000), [['set', 'when']]],
  ['another Date', d => (d.when = new Date(3000)), [['set', 'when']]],
  ['a byte', d => (d.bytes[1] = 9), [['set', 'bytes']]],
  ['an ObjectId', d => (d.owner = otherId), [['set', 'owner']]],
  ['an equal ObjectId', d => (d.owner = new ObjectId(id.toHexString())), []],
  [
    'an equal replacement',
    d => (d.user = { id: 1, name: 'Ada', address: { city: 'London', zip: 1 } }),
    [],
  ],
  ['an equal array', d => (d.tags = ['a', 'b', 'c']), []],
  ['an equal Date', d => (d.when = new Date(1000)), []],
  ['equal bytes', d => (d.bytes = Buffer.from([1, 2, 3])), []],
  [
    'a replacement',
    d => (d.user = { id: 2, name: 'Eve', address: { city: 'London', zip: 1 } }),
    tracking =>
      tracking === 'none'
        ? [
            ['set', 'user.id'],
            ['set', 'user.name'],
          ]
        : [['set', 'user']],
  ],
  ['a new attribute', d => (d.extra = { deep: [1, { x: 1 }] }), [['set', 'extra']]],
  ['a removed attribute', d => delete d.cart, [['unset', 'cart']]],
  ['undefined', d => (d.cart = undefined), [['unset', 'cart']]],
  [
    'set and set back',
    d => {
      d.n = 6
      d.user.name = 'Eve'
      d.n = 5
      d.user.name = 'Ada'
    },
    [],
  ],
  ['a number that becomes text', d => (d.n = '5'), [['set', 'n']]],
  ['an array that becomes an object', d => (d.tags = { 0: 'a' }), [['set', 'tags']]],
  [
    'an inner object that becomes an array',
    d => (d.user.address = ['London']),
    [['set', 'user.address']],
  ],
  ['null', d => (d.n = null), [['set', 'n']]],
  ['something in the place of null', d => (d.nothing = 1), [['set', 'nothing']]],
  ['a shorter array', d => (d.tags.length = 1), [['set', 'tags']]],
  ['a splice', d => d.cart.splice(1, 1), [['set', 'cart']]],
  ['a sort', d => d.cart.sort((a: Data, b: Data) => b.id - a.id), [['set', 'cart']]],
  ['a leaf of a nested array', d => (d.grid[0][1] = 9), [['set', 'grid.0.1']]],
  ['an append to a nested array', d => d.grid[1].push(4), [['append', 'grid.1']]],
  [
    'an append and an element',
    d => {
      d.tags.push('d')
      d.tags[0] = 'x'
    },
    [['set', 'tags']],
  ],
  ['a hostile key', d => (d.user['a.b'] = { $set: 1 }), [['set', 'user.a.b']]],
  ['a hostile attribute', d => (d.$where = 1), [['set', '$where']]],
  [
    'reordered keys',
    d => {
      const { id, ...rest } = d.user
      d.user = { ...rest, id }
    },
    [],
  ],
  ['-0', d => (d.zero = -0), [['set', 'zero']]],
  ['NaN', d => (d.n = Number.NaN), [['set', 'n']]],
  ['a number too wide for an int32', d => (d.n = 2 ** 40), [['set', 'n']]],
  ['a fraction', d => (d.n = 5.5), [['set', 'n']]],
  ['nothing at all', d => [d.user.name, d.cart.length, d.when.getTime()], []],
]

const CALL = { timeout: 20_000 }

const wide = (): Data => ({
  int: new Int32(5),
  double: new Double(5),
  long: new Long(5),
  o: { double: new Double(5), long: new Long(5) },
  list: [new Long(5), new Double(5)],
})

const WIDER_INSIDE: Data = { double: new Double(6), long: new Long(6) }
const WIDER: Data = { int: new Int32(6), ...WIDER_INSIDE }
const NO_INTEGERS: Data = { long: new Double(0.5), int: new Double(-0) }

const granularities: Granularity[] = ['path', 'attribute', 'session']

/** What was sent, at the places where it was to be sent; an unsafe key is sent with its parent. */
function sent(changes: readonly Modification[]): string[] {
  return changes.map(({ op, path }) => `${op} ${path.join('.')}`).sort()
}

function toSend(expected: Expected, tracking: TrackingName, granularity: Granularity): string[] {
  const fine =
    typeof expected === 'function' ? (expected(tracking) as [string, string][]) : expected
  if (fine.length === 0) return []
  if (granularity === 'session') return ['set ']
  if (granularity === 'path') return fine.map(each => each.join(' ')).sort()
  const names = fine.map(([op, path]) => {
    const [name] = path.split('.')
    return path === name && op !== 'append' ? `${op} ${path}` : `set ${name}`
  })
  return [...new Set(names)].sort()
}

forEachStore('the matrix', (matrix, { create }) => {
  const store = create()
  const plain = createSessions<Data>({ store })

  for (const tracking of trackings)
    for (const differencing of differencings)
      for (const granularity of granularities) {
        const sessions = createSessions<Data>({ store, tracking, differencing, granularity })
        for (const [title, edit, expected] of edits) {
          matrix(`${tracking} × ${differencing} × ${granularity}: ${title}`, async () => {
            const created = plain.create(start())
            await created.commit()
            const session = await sessions.open(created.id)
            assert.ok(session)
            const model = start()
            edit(session.data)
            edit(model)
            const changes = session.changes()
            assert.deepEqual(sent(changes), toSend(expected, tracking, granularity))
            const { status, superseded } = await session.commit()
            assert.equal(status, changes.length === 0 ? 'unchanged' : 'updated')
            assert.deepEqual(superseded, [])
            if (model.cart === undefined) delete model.cart
            assert.deepEqual(show(session.data), show(model))
            assert.deepEqual(session.changes(), [])
            assert.equal((await session.commit()).status, 'unchanged')
            const stored = (await plain.open(created.id))?.data
            assert.deepEqual(show(stored), show(model))
            // What is handed out goes on being tracked.
            session.data.text = 'more'
            if (session.data.user?.address?.city) session.data.user.address.city = 'Paris'
            if (model.user?.address?.city) model.user.address.city = 'Paris'
            model.text = 'more'
            await session.commit()
            assert.deepEqual(show((await plain.open(created.id))?.data), show(model))
          })
        }
      }

  /** Numbers as another program may have stored them, and what is done to them. */
  const widths: [title: string, edit: (data: Data) => unknown, sent: number, expected: Data][] = [
    ['the same ones', d => Object.assign(d, { long: 5, double: 5, int: 5 }), 0, {}],
    ['the same ones, in an object', d => (d.o = { double: 5, long: 5 }), 0, {}],
    ['other ones', d => Object.assign(d, { long: 6, double: 6, int: 6 }), 3, WIDER],
    ['others in an object', d => (d.o.long = d.o.double = 6), 2, { o: WIDER_INSIDE }],
    ['others in a list', d => (d.list[1] = 6), 1, { list: [new Long(5), new Double(6)] }],
    ['a fraction, and -0', d => Object.assign(d, { long: 0.5, int: -0 }), 2, NO_INTEGERS],
  ]
  for (const tracking of trackings)
    for (const differencing of differencings)
      for (const granularity of granularities) {
        const sessions = createSessions<Data>({ store, tracking, differencing, granularity })
        for (const [title, edit, sent, expected] of widths) {
          // An array that is written whole has its numbers as JavaScript stores them.
          if (title === 'others in a list' && granularity !== 'path') continue
          matrix(
            `${tracking} × ${differencing} × ${granularity}: numbers of each width, ${title}`,
            async () => {
              const { id, key } = plain.create()
              const now = await store.time(CALL)
              const times = { createdAt: now, expiresAt: now + 1_800_000, endsAt: now + 3_600_000 }
              const books = { rev: 1, layout: new Map(), tokens: [createToken()], marks: [] }
              const document = { key, data: wide(), idle: undefined, ...books, ...times }
              await store.insert(document, CALL)
              const session = await sessions.open(id)
              assert.ok(session)
              edit(session.data)
              const changes = session.changes()
              const isCoarse = granularity !== 'path' && sent > 0
              if (isCoarse) assert.notEqual(changes.length, 0)
              else assert.equal(changes.length, sent)
              await session.commit()
              assert.deepEqual(session.changes(), [])
              assert.equal(await arrived(store, key), exact({ ...wide(), ...expected }))
            },
          )
        }
      }
})

/** Data without its order of keys, and with what `deepEqual` cannot tell apart told apart. */
function show(value: Data): unknown {
  if (Object.is(value, -0)) return 'minus zero'
  if (value instanceof Date || value instanceof ObjectId)
    return `${value.constructor.name} ${value.toJSON()}`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (value instanceof Binary) return `binary ${value.toString('hex')}`
  if (Array.isArray(value)) return Array.from(value, show)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, show(each)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
