// biome-ignore-all lint/suspicious/noSelfCompare: that two reads give the same object is the point
/**
 * What becomes of the objects that are assigned to a session, and of the handles that it gives.
 */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions, memoryStore, snapshot, track } from '../../lib/index.js'
import { arrived, exact } from '../support/arrived.js'
import { intercepted } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'

// biome-ignore lint/suspicious/noExplicitAny: data of all kinds
type Data = any

const start = (): Data => ({
  user: { name: 'Ada', address: { city: 'London' } },
  cart: [
    { id: 1, qty: 1 },
    { id: 2, qty: 2 },
  ],
  n: 1,
})

const show = (value: unknown): string => inspect(value, { depth: 20, sorted: true })

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  }
  return value
}

const schema = z
  .object({
    map: z.map(z.string(), z.any()).optional(),
    other: z.map(z.string(), z.any()).optional(),
    set: z.set(z.any()).optional(),
    maps: z.record(z.string(), z.map(z.string(), z.any())).optional(),
    sums: z.object({ total: z.bigint() }).optional(),
  })
  .catchall(z.any())

const typed = (): Sessions<Data> =>
  createSessions({ store: memoryStore(), schema }) as Sessions<Data>

// The caller's own reference

const reference = suite('an assigned object, and the reference that its owner still has')

/** What its owner does with an object, after it was assigned. */
const byOwner: Record<string, (held: Data) => unknown> = {
  'a key is set': held => (held.late = 1),
  'a key is changed': held => (held.n = 2),
  'a key is deleted': held => delete held.n,
  'a key becomes undefined': held => (held.n = undefined),
  'a nested key is set': held => (held.in.late = { a: 1 }),
  'a nested object is replaced': held => (held.in = { other: 1 }),
  'an element is appended': held => held.list.push({ a: 3 }),
  'elements are removed': held => held.list.splice(0, 1),
  'elements change places': held => held.list.reverse(),
  'a list is emptied': held => (held.list.length = 0),
  'an element is changed': held => (held.list[0].a = 5),
  'a Date is moved': held => held.when.setTime(9),
  'bytes are changed': held => held.bytes.fill(7),
  'an object comes to a second place': held => (held.again = held.in),
  'an object moves': held => {
    held.moved = held.in
    delete held.in
  },
  'keys come in another order': held => {
    const { n } = held
    delete held.n
    held.n = n
  },
}

const held = (): Data => ({
  n: 1,
  in: { a: 1 },
  list: [{ a: 1 }, { a: 2 }],
  when: new Date(5),
  bytes: Buffer.from('abc'),
})

/** Where the object is put. */
const puts: Record<string, [put: (data: Data, value: Data) => void, get: (data: Data) => Data]> = {
  'as an attribute': [(data, value) => (data.x = value), data => data.x],
  'inside an object': [(data, value) => (data.user.x = value), data => data.user.x],
  'in place of an object': [(data, value) => (data.user = value), data => data.user],
  'as an element': [(data, value) => data.cart.push(value), data => data.cart[2]],
  'in place of an element': [(data, value) => (data.cart[0] = value), data => data.cart[0]],
  'in another object': [(data, value) => (data.x = { in: [value] }), data => data.x.in[0]],
  'in an object that is held': [
    (data, value) => {
      data.x = {}
      data.x.in = { value }
    },
    data => data.x.in.value,
  ],
}

for (const [name, change] of Object.entries(byOwner)) {
  reference(`${name}: the session reads it, until the commit`, async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    for (const [where, [put, get]] of Object.entries(puts)) {
      // Whether it was looked at before makes no difference, but for the Dates and bytes of it.
      for (const looked of [false, !name.includes('Date') && !name.includes('bytes')]) {
        const session = sessions.create(start())
        await session.commit()
        const [raw, plain] = [held(), held()]
        put(session.data, raw)
        if (looked) JSON.stringify(get(session.data))
        const handle = get(session.data)
        change(raw)
        change(plain)
        const expected = tidy(plain)
        assert.equal(show(get(session.data)), show(expected), where)
        assert.equal(get(session.data), handle)
        assert.deepStrictEqual(snapshot(get(session.data)), expected)
        await session.commit()
        assert.deepStrictEqual(get(session.data), expected)
        assert.equal(get(session.data), handle)
        const stored = await sessions.open(session.id)
        assert.deepStrictEqual(get(stored?.data), expected)
        assert.deepEqual((await session.commit()).modifications, [])
      }
    }
  })

  reference(`${name}: once committed, it is the owner’s alone`, async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    for (const [where, [put, get]] of Object.entries(puts)) {
      const session = sessions.create(start())
      const raw = held()
      put(session.data, raw)
      await session.commit()
      const before = snapshot(session.data)
      change(raw)
      assert.deepStrictEqual(session.data, before, where)
      assert.deepEqual(session.changes(), [])
      get(session.data).n = 77
      assert.notEqual(raw.n, 77)
      assert.equal(session.changes().length, 1)
    }
  })
}

/** Without undefined, as a session shows it. */
function tidy(value: Data): Data {
  for (const key of Object.keys(value)) if (value[key] === undefined) delete value[key]
  return value
}

reference('what the session writes through a handle never reaches it', async () => {
  const writes: ((handle: Data) => unknown)[] = [
    handle => (handle.n = 2),
    handle => (handle.late = { a: 1 }),
    handle => delete handle.in,
    handle => (handle.in.a = 2),
    handle => delete handle.in.a,
    handle => Object.assign(handle, { n: 5, in: 6 }),
    handle => handle.list.push(3),
    handle => handle.list.pop(),
    handle => handle.list.shift(),
    handle => handle.list.sort(() => -1),
    handle => handle.list.reverse(),
    handle => handle.list.fill(0),
    handle => handle.list.copyWithin(0, 1),
    handle => handle.list.splice(0, 1, { a: 9 }),
    handle => (handle.list.length = 0),
    handle => (handle.list[0].a = 9),
    handle => handle.list.forEach((each: Data) => (each.a = 0)),
    handle => handle.when.setTime(77),
    handle => handle.bytes.fill(1),
    handle => handle.bytes.reverse(),
  ]
  for (const [, [put, get]] of Object.entries(puts)) {
    for (const write of writes) {
      const { data } = track<Data>(start())
      const raw = deepFreeze(held())
      put(data, raw)
      const plain = held()
      write(get(data))
      write(plain)
      assert.equal(show(raw), show(held()))
      assert.equal(show(get(data)), show(plain))
    }
  }
})

reference('once the session wrote to an object, it is its own; what is in it stays shared', () => {
  const { data } = track<Data>(start())
  const raw = held()
  data.x = raw
  data.x.n = 5
  raw.n = 6
  raw.late = true
  assert.equal(data.x.n, 5)
  assert.ok(!('late' in data.x))
  raw.in.a = 7
  raw.list.push({ a: 3 })
  assert.equal(data.x.in.a, 7)
  assert.equal(data.x.list.length, 3)
  data.x.list[0].a = 'ours'
  raw.list[0].a = 'theirs'
  raw.list[1].a = 'shared'
  assert.deepStrictEqual(data.x.list, [{ a: 'ours' }, { a: 'shared' }, { a: 3 }])
})

reference('a Map and a Set are read through their owner’s reference, too', async () => {
  const sessions = typed()
  const session = sessions.create()
  const { data } = session
  const [map, set] = [new Map<string, Data>(), new Set<Data>()]
  Object.assign(data, { map, set, user: { name: 'Ada' } })
  const handles = [data.map, data.set]
  map.set('a', { n: 1 })
  set.add('b').add('c')
  set.delete('c')
  assert.deepEqual([data.map.size, data.map.get('a'), [...data.map.keys()]], [1, { n: 1 }, ['a']])
  assert.deepEqual([data.set.size, data.set.has('b'), [...data.set]], [1, true, ['b']])
  assert.equal(show(data), show({ map, set, user: { name: 'Ada' } }))
  assert.deepStrictEqual([data.map, data.set], [map, set])
  assert.deepEqual([data.map, data.set], handles)
  data.map.get('a').n = 2
  assert.equal(map.get('a').n, 1)
  data.map.set('d', 4)
  data.set.add('e')
  assert.ok(!map.has('d') && !set.has('e'))
  map.set('lost', 1)
  set.add('lost')
  await session.commit()
  const stored = (await sessions.open(session.id))?.data
  assert.deepStrictEqual(
    stored.map,
    new Map<string, Data>([
      ['a', { n: 2 }],
      ['d', 4],
    ]),
  )
  assert.deepStrictEqual(stored.set, new Set(['b', 'e']))
})

reference('a raw object is found by itself and by its handle, until the commit', () => {
  const tracked = track<Data>(start())
  const { data } = tracked
  const raw = { id: 3 }
  data.cart.push(raw)
  assert.equal(data.cart.indexOf(raw), 2)
  assert.ok(data.cart.includes(raw) && data.cart.includes(data.cart[2]))
  assert.notEqual(data.cart[2], raw)
  tracked.accept()
  assert.ok(!data.cart.includes(raw) && data.cart.includes(data.cart[2]))
})

reference('assigned once more after a commit, it is read once more', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const session = sessions.create(start())
  const raw: Data = { list: [1] }
  for (const round of [1, 2, 3]) {
    raw.list.push(round)
    raw.round = round
    session.data.x = raw
    await session.commit()
    assert.deepStrictEqual((await sessions.open(session.id))?.data.x, raw)
  }
})

reference('discarded, it is forgotten, and its handle writes nowhere', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const session = sessions.create(start())
  await session.commit()
  const raw: Data = { in: {} }
  session.data.x = raw
  const handle = session.data.x
  handle.in.a = 1
  session.discard()
  raw.late = 1
  handle.more = 1
  assert.deepStrictEqual(session.data, start())
  assert.deepEqual(session.changes(), [])
  session.data.x = raw
  assert.deepStrictEqual(session.data.x, { in: {}, late: 1 })
  await session.commit()
  assert.deepStrictEqual((await sessions.open(session.id))?.data.x, raw)
})

reference('a commit takes the state of its call, whatever the owner does meanwhile', async () => {
  const memory = memoryStore()
  const during: (() => void)[] = []
  const store = intercepted(memory, {
    async write(proceed) {
      for (const call of during.splice(0)) call()
      return proceed()
    },
  })
  const sessions = createSessions<Data>({ store })
  const session = sessions.create(start())
  await session.commit()
  const raw: Data = { list: [1] }
  session.data.x = raw
  during.push(() => {
    raw.list.push('stray')
    session.data.x.list.push(2)
    session.data.later = { list: raw.list }
  })
  await session.commit()
  assert.deepStrictEqual((await sessions.open(session.id))?.data, { ...start(), x: { list: [1] } })
  assert.deepStrictEqual(session.data.x, { list: [1, 2] })
  await session.commit()
  const stored = (await sessions.open(session.id))?.data
  assert.deepStrictEqual(stored.x, { list: [1, 2] })
  assert.deepStrictEqual(stored, snapshot(session.data))
})

reference('a commit that refuses what the owner did imports nothing', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const session = sessions.create(start())
  await session.commit()
  const [good, bad]: Data[] = [{ a: 1 }, { a: 1 }]
  Object.assign(session.data, { good, bad })
  bad.fn = () => 1
  await assert.rejects(session.commit(), { name: 'UnsupportedValueError', path: ['bad', 'fn'] })
  delete bad.fn
  good.b = bad.b = 2
  await session.commit()
  assert.deepStrictEqual((await sessions.open(session.id))?.data, {
    ...start(),
    good: { a: 1, b: 2 },
    bad: { a: 1, b: 2 },
  })
})

reference('a recipe that throws leaves it as it was', () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const session = sessions.create(start())
  const raw: Data = { in: { a: 1 } }
  session.data.x = raw
  assert.throws(
    () =>
      session.change(data => {
        data.x.in.a = 2
        data.x.late = { b: 1 }
        data.y = data.x
        throw new RangeError('no')
      }),
    RangeError,
  )
  assert.deepStrictEqual(session.data, { ...start(), x: { in: { a: 1 } } })
  raw.in.a = 3
  raw.more = 4
  assert.deepStrictEqual(session.data.x, { in: { a: 3 }, more: 4 })
})

reference.run()

// Warnings

const warnings = suite('in development, a write that misses the session is warned of')

interface Told {
  readonly message: string
  readonly code: string
}

/** What is warned of while `action` runs. */
async function warned(action: () => Promise<unknown>): Promise<Told[]> {
  const told: Told[] = []
  const { emitWarning } = process
  process.emitWarning = ((message: string, { code }: { code: string }) => {
    told.push({ message, code })
  }) as typeof process.emitWarning
  try {
    await action()
  } finally {
    process.emitWarning = emitWarning
  }
  return told
}

/** Commits an object, lets its owner do something, and commits again. The place is a new one each time. */
let places = 0
async function afterCommit(
  change: (raw: Data, data: Data, place: string) => unknown,
  raw: Data = held(),
  rounds = 1,
): Promise<{ told: Told[]; place: string }> {
  const sessions = typed()
  const session = sessions.create(start())
  const place = `place${places++}`
  const told = await warned(async () => {
    for (let round = 0; round < rounds; round++) {
      session.data[place] = raw
      await session.commit()
      change(raw, session.data, place)
      await session.commit()
      await session.commit()
    }
  })
  return { told, place }
}

for (const [name, change] of Object.entries(byOwner)) {
  if (name.startsWith('keys come')) continue
  warnings(`${name}: once, with the path`, async () => {
    const { told, place } = await afterCommit(change)
    assert.equal(told.length, 1)
    assert.equal(told[0]?.code, 'DOTSET_STRAY_WRITE')
    assert.equal(told[0]?.message, `An object was changed after it had been committed at ${place}`)
  })
}

warnings('a Map and a Set of the owner’s', async () => {
  const map = new Map<string, Data>([['a', { n: 1 }]])
  const sessions = typed()
  const session = sessions.create()
  const set = new Set<Data>([1])
  const messages = await warned(async () => {
    Object.assign(session.data, { map, set })
    await session.commit()
    map.get('a').n = 2
    set.add(2)
    await session.commit()
  })
  assert.deepEqual(
    messages.map(({ message }) => message.replace(/.* at /, '')),
    ['map', 'set'],
  )
})

warnings('nothing is said of what is no such write', async () => {
  const other = track<Data>({ a: { b: 1 } })
  const silent: Record<
    string,
    [change: (raw: Data, data: Data, place: string) => unknown, raw?: Data]
  > = {
    'nothing was done': [() => undefined],
    'it was read': [raw => JSON.stringify(raw)],
    'it was set and set back': [
      raw => {
        raw.n = 2
        raw.n = 1
      },
    ],
    'the session wrote': [(_, data, place) => (data[place].in.a = 9)],
    'the session wrote below': [(_, data, place) => data[place].list.push(9)],
    'the session deleted it': [(_, data, place) => delete data[place]],
    'it was assigned again': [
      (raw, data, place) => {
        raw.n = 3
        data[place] = raw
      },
    ],
    'a handle in it was written to': [(_, data) => (data.user.name = 'Bob')],
    'it holds a handle of another session': [() => (other.data.a.b = 2), { in: other.data.a }],
  }
  for (const [name, [change, raw]] of Object.entries(silent)) {
    const { told } = await afterCommit(change, raw)
    assert.deepEqual(told, [], name)
  }
  const sessions = createSessions<Data>({ store: memoryStore() })
  const session = sessions.create(start())
  const told = await warned(async () => {
    const raw = { held: session.data.user, list: [] as Data[] }
    session.data.silent = raw
    session.data.silent.list.push(1)
    session.data.user.name = 'before'
    await session.commit()
    session.data.user.name = 'after'
    await session.commit()
  })
  assert.deepEqual(told, [])
})

warnings('the same place is told once, however often it happens', async () => {
  const { told } = await afterCommit(raw => raw.list.push(1), held(), 5)
  assert.equal(told.length, 1)
})

warnings('what its owner made contain itself since then is told, and does no harm', async () => {
  const { told } = await afterCommit(raw => (raw.self = raw))
  assert.equal(told.length, 1)
})

warnings('in production, nothing is said', async () => {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    const { told } = await afterCommit(raw => raw.list.push(1))
    assert.deepEqual(told, [])
  } finally {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  }
})

warnings.run()

// Places

const several = suite('one object at two places')

several('assigned to two places, it is one', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const session = sessions.create(start())
  await session.commit()
  const { data } = session
  const raw: Data = { in: { a: 1 } }
  data.one = raw
  data.two = { raw }
  data.cart.push(raw)
  assert.equal(data.one, data.two.raw)
  assert.equal(data.one, data.cart[2])
  data.one.in.a = 2
  assert.equal(data.cart[2].in.a, 2)
  const { modifications } = await session.commit()
  assert.deepEqual(modifications, [
    { op: 'set', path: ['one'], value: { in: { a: 2 } } },
    { op: 'set', path: ['two'], value: { raw: { in: { a: 2 } } } },
    { op: 'append', path: ['cart'], values: [{ in: { a: 2 } }] },
  ])
  // It stays one, and each place is written.
  data.two.raw.in.a = 3
  assert.equal(data.one.in.a, 3)
  const again = await session.commit()
  assert.deepEqual(again.modifications.map(each => each.path.join('.')).sort(), [
    'cart.2.in.a',
    'one.in.a',
    'two.raw.in.a',
  ])
  assert.deepStrictEqual((await sessions.open(session.id))?.data, snapshot(data))
})

several('a handle that is assigned is one object with what it stood for', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const session = sessions.create(start())
  await session.commit()
  const { data } = session
  data.copy = data.user
  data.list = [data.cart[0], data.cart[0]]
  assert.ok(
    data.copy === data.user && data.list[0] === data.cart[0] && data.list[0] === data.list[1],
  )
  data.copy.address.city = 'Rome'
  data.list[1].qty = 9
  assert.equal(data.user.address.city, 'Rome')
  const { modifications } = await session.commit()
  assert.deepEqual(
    modifications,
    [
      { op: 'set', path: ['user', 'address', 'city'], value: 'Rome' },
      { op: 'set', path: ['copy'], value: { name: 'Ada', address: { city: 'Rome' } } },
      { op: 'set', path: ['cart', 0, 'qty'], value: 9 },
      {
        op: 'set',
        path: ['list'],
        value: [
          { id: 1, qty: 9 },
          { id: 1, qty: 9 },
        ],
      },
    ].sort((a, b) => order(a) - order(b)),
  )
  assert.deepStrictEqual((await sessions.open(session.id))?.data, snapshot(data))

  function order({ path }: { path: unknown[] }): number {
    return modifications.findIndex(each => each.path.join() === path.join())
  }
})

several('taken from one place, it stays at the other', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const session = sessions.create(start())
  await session.commit()
  const { data } = session
  const { user } = data
  data.copy = user
  delete data.user
  user.name = 'Bob'
  data.cart.push(data.cart[0])
  const first = data.cart.shift()
  first.qty = 5
  assert.equal(data.cart[1], first)
  await session.commit()
  user.name = 'Cyd'
  first.qty = 6
  await session.commit()
  const stored = (await sessions.open(session.id))?.data
  assert.deepStrictEqual(stored, snapshot(data))
  assert.deepStrictEqual(stored, {
    n: 1,
    copy: { name: 'Cyd', address: { city: 'London' } },
    cart: [
      { id: 2, qty: 2 },
      { id: 1, qty: 6 },
    ],
  })
})

several(
  'changed below by another server, the places part; the handle stays with the first',
  async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    const session = sessions.create(start())
    const { data } = session
    data.copy = data.user
    await session.commit()
    const handle = data.user
    assert.equal(data.copy, handle)
    const other = await sessions.open(session.id)
    assert.ok(other)
    other.data.copy.name = 'Bob'
    await other.commit()
    await session.reload()
    assert.equal(data.user, handle)
    assert.deepStrictEqual([data.user.name, data.copy.name], ['Ada', 'Bob'])
    handle.address.city = 'Rome'
    data.copy.address.city = 'Oslo'
    await session.commit()
    const stored = (await sessions.open(session.id))?.data
    assert.deepStrictEqual([stored.user.address.city, stored.copy.address.city], ['Rome', 'Oslo'])
  },
)

several('inside one assigned object, it is one there, too', () => {
  const { data } = track<Data>({})
  const inner = { a: 1 }
  data.x = { one: inner, two: [inner] }
  assert.equal(data.x.one, data.x.two[0])
  data.x.one.a = 2
  assert.deepStrictEqual(data.x, { one: { a: 2 }, two: [{ a: 2 }] })
  assert.equal(inner.a, 1)
})

several.run()

// Handles of others

const foreign = suite('a handle of another session')

foreign('is imported by value, wherever it is put', async () => {
  const sessions = typed()
  for (const [name, [put, get]] of Object.entries(puts)) {
    const theirs = sessions.create({ x: held() })
    await theirs.commit()
    const session = sessions.create(start())
    put(session.data, theirs.data.x)
    assert.deepStrictEqual(get(session.data), held(), name)
    assert.notEqual(get(session.data), theirs.data.x)
    get(session.data).in.a = 'ours'
    get(session.data).list.push('ours')
    assert.deepEqual(theirs.changes(), [])
    await session.commit()
    theirs.data.x.in.a = 'theirs'
    theirs.data.x.when.setTime(0)
    const expected = held()
    expected.in.a = 'ours'
    expected.list.push('ours')
    assert.deepStrictEqual(get((await sessions.open(session.id))?.data), expected)
    assert.deepStrictEqual(get(session.data), expected)
  }
})

foreign('is taken as it is at the assignment, each time', () => {
  const theirs = track<Data>({ x: { n: 1 } })
  const { data } = track<Data>({})
  data.one = theirs.data.x
  theirs.data.x.n = 2
  data.two = theirs.data.x
  data.three = [theirs.data.x]
  theirs.data.x.n = 3
  assert.deepStrictEqual([data.one, data.two], [{ n: 1 }, { n: 2 }])
  data.one.n = 'ours'
  assert.deepStrictEqual([data.one.n, data.two.n, theirs.data.x.n], ['ours', 2, 3])
})

foreign('of a Map or a Set, and of what is in them', async () => {
  const sessions = typed()
  const theirs = sessions.create({
    map: new Map<string, Data>([['a', { n: 1 }]]),
    set: new Set<Data>(['b', { c: 1 }]),
  })
  await theirs.commit()
  const session = sessions.create()
  session.data.map = theirs.data.map
  session.data.set = theirs.data.set
  session.data.other = new Map([['a', theirs.data.map.get('a')]])
  session.data.map.get('a').n = 2
  session.data.set.add('d')
  session.data.other.get('a').n = 3
  assert.deepEqual(theirs.changes(), [])
  assert.deepStrictEqual(theirs.data.map.get('a'), { n: 1 })
  await session.commit()
  const stored = (await sessions.open(session.id))?.data
  assert.deepStrictEqual(stored, {
    map: new Map([['a', { n: 2 }]]),
    other: new Map([['a', { n: 3 }]]),
    set: new Set<Data>(['b', { c: 1 }, 'd']),
  })
})

foreign('is checked as any other value', async () => {
  const theirs = typed().create({ map: new Map([['a', 1]]), set: new Set([1]), x: { map: 1 } })
  const { data } = track<Data>({})
  for (const [value, path] of [
    [theirs.data.map, ['x']],
    [theirs.data.set, ['x']],
    [{ in: [theirs.data.map] }, ['x', 'in', 0]],
    [theirs.data, ['x', 'map']],
  ] as const) {
    assert.throws(() => (data.x = value), { name: 'UnsupportedValueError', path })
  }
  assert.deepStrictEqual(data, {})
})

foreign('what a Map is in moves only to where the schema says that there may be one', async () => {
  const sessions = typed()
  const created = sessions.create({
    maps: { one: new Map([['a', { n: 1 }]]) },
    sums: { total: 5n },
  })
  await created.commit()
  const { data } = (await sessions.open(created.id)) as Session<Data>
  for (const [move, path] of [
    [() => (data.x = data.maps), ['x', 'one']],
    [() => (data.x = { in: data.maps }), ['x', 'in', 'one']],
    [() => (data.x = [data.sums]), ['x', 0, 'total']],
  ] as const) {
    assert.throws(move, { name: 'UnsupportedValueError', path })
  }
  data.maps = { two: data.maps.one }
  data.maps.two.get('a').n = 2
  assert.deepStrictEqual(snapshot(data.maps), { two: new Map([['a', { n: 2 }]]) })
})

foreign('a Map moves only to where the schema says that there may be one', () => {
  const session = typed().create({ map: new Map([['a', { n: 1 }]]), set: new Set([1]) })
  const { data } = session
  for (const move of [
    () => (data.x = data.map),
    () => (data.x = { in: data.set }),
    () => (data.set = data.map),
    () => (data.map = data.set),
  ]) {
    assert.throws(move, { name: 'UnsupportedValueError' })
  }
  data.other = data.map
  data.other.get('a').n = 2
  assert.deepStrictEqual(data.map, new Map([['a', { n: 2 }]]))
})

foreign.run()

// Plain copies

const copied = suite('where attributes are plain copies')

for (const tracking of ['none', 'accesses', 'mutable-attributes'] as const) {
  for (const differencing of ['graph', 'binary'] as const) {
    const each = `${tracking} × ${differencing}`
    const open = async (state = start()): Promise<[Session<Data>, Session<Data>]> => {
      const sessions = createSessions<Data>({ store: memoryStore(), tracking, differencing })
      const created = sessions.create(state)
      await created.commit()
      const both = [await sessions.open(created.id), await sessions.open(created.id)]
      return both as [Session<Data>, Session<Data>]
    }

    copied(`${each}: one object put at many places is not many after a discard`, async () => {
      const pairs = (): Data => ({
        ...start(),
        pair: { a: { n: 1 }, b: { n: 2 }, c: [new Date(1), new Date(2)] },
      })
      const [session] = await open(pairs())
      const { data } = session
      const same = { id: 9, when: new Date(1) }
      data.cart.fill(same)
      data.pair.a = data.pair.b
      data.pair.c[1] = data.pair.c[0]
      session.discard()
      assert.deepStrictEqual(snapshot(data), pairs())
      data.cart[0].qty = 5
      assert.deepEqual(session.changes(), [{ op: 'set', path: ['cart', 0, 'qty'], value: 5 }])
    })

    copied(`${each}: what cannot be changed in place is exchanged`, async () => {
      const [session, other] = await open()
      session.data.user = deepFreeze({ name: 'Bob', address: { city: 'Rome' } })
      session.data.cart[0] = Object.freeze({ id: 1, qty: 3 })
      session.data.cart.push(Object.seal({ id: 3, qty: 1 }))
      await session.commit()
      await other.reload()
      other.data.user.address.city = 'Oslo'
      other.data.cart[0].qty = 4
      other.data.cart[2].qty = 5
      other.data.cart[2].more = 1
      await other.commit()
      await session.reload()
      assert.deepStrictEqual(snapshot(session.data), snapshot(other.data))
      session.data.cart[2].qty++
      session.data.user.name = 'Cyd'
      const { modifications } = await session.commit()
      assert.equal(modifications.length, 2)
      session.data.n = Object.freeze({ of: 1 })
      session.discard()
      assert.equal(session.data.n, 1)
    })

    copied(`${each}: a change that takes an earlier commit back is a change`, async () => {
      const [session, other] = await open()
      for (const city of ['Rome', 'London', 'Rome']) {
        session.data.user.address.city = city
        session.data.cart[0].qty = city.length
        const { modifications } = await session.commit()
        assert.ok(modifications.length > 0)
        await other.reload()
        assert.equal(other.data.user.address.city, city)
        assert.equal(other.data.cart[0].qty, city.length)
      }
    })

    copied(`${each}: a hole is null in the store`, async () => {
      const [session, other] = await open()
      delete session.data.cart[0]
      session.data.cart[3] = { id: 4 }
      await session.commit()
      await other.reload()
      assert.deepStrictEqual(snapshot(other.data.cart), [null, { id: 2, qty: 2 }, null, { id: 4 }])
    })
  }
}

copied.run()

/** Changes everything in a value that can be changed. */
function scribble(value: Data): void {
  if (typeof value !== 'object' || value === null) return
  if (value instanceof Date) return void value.setTime(0)
  if (ArrayBuffer.isView(value)) return void (value as Buffer).fill(0)
  const members =
    value instanceof Map || value instanceof Set ? [...value.values()] : Object.values(value)
  members.forEach(scribble)
  if (value instanceof Map) value.set('scribbled', 1)
  else if (value instanceof Set) value.add('scribbled')
  else if (Array.isArray(value)) value.push('scribbled')
  else value.scribbled = 1
}

forEachStore('handles and assignments', (handle, { create }) => {
  const store = create()
  const sessions: Sessions<Data> = createSessions({ store, schema }) as Sessions<Data>

  const rich = (): Data => ({
    ...start(),
    map: new Map<string, Data>([['a', { n: 1 }]]),
    set: new Set<Data>(['b']),
    deep: { list: [[{ a: 1 }]] },
  })

  async function pair(): Promise<[Session<Data>, Session<Data>]> {
    const created = sessions.create(rich())
    await created.commit()
    const [one, two] = [await sessions.open(created.id), await sessions.open(created.id)]
    assert.ok(one && two)
    return [one, two]
  }

  const hold = (data: Data): Data[] => [
    data,
    data.user,
    data.user.address,
    data.cart,
    data.cart[1],
    data.map,
    data.map.get('a'),
    data.set,
    data.deep.list[0][0],
  ]

  /** Writes through every handle. */
  function write(handles: Data[], value: number): void {
    const [data, user, address, cart, item, map, member, set, inner] = handles
    data.n = value
    user.age = value
    address.zip = value
    cart.push({ id: value })
    item.qty = value
    map.set(`k${value}`, value)
    member.n = value
    set.add(value)
    inner.a = value
  }

  function writePlain(plain: Data, value: number): void {
    write(hold(plain), value)
  }

  handle('work before and after commit and reload, and stay the same objects', async () => {
    const [session, other] = await pair()
    const handles = hold(session.data)
    const plain = rich()
    write(handles, 10)
    writePlain(plain, 10)
    await session.commit()
    assert.deepEqual(hold(session.data), handles)
    write(handles, 20)
    writePlain(plain, 20)
    assert.deepStrictEqual(session.data, plain)
    await session.commit()
    await other.reload()
    write(hold(other.data), 30)
    writePlain(plain, 30)
    await other.commit()
    await session.reload()
    hold(session.data).forEach((each, index) => assert.ok(each === handles[index], `${index}`))
    assert.deepStrictEqual(session.data, plain)
    write(handles, 40)
    writePlain(plain, 40)
    await session.commit()
    assert.equal(show((await sessions.open(session.id))?.data), show(plain))
  })

  handle('go on through a rebase, with what both wrote', async () => {
    const [session, other] = await pair()
    const handles = hold(session.data)
    other.data.user.name = 'Bob'
    other.data.cart[1].name = 'x'
    other.data.cart.unshift({ id: 0, qty: 0 })
    other.data.map.set('theirs', 1)
    other.data.set.add('theirs')
    other.data.user.address = { city: 'Rome', zip: 0 }
    await other.commit()
    const [, user, , cart, item, map] = handles
    user.age = 5
    item.qty = 50
    cart.push({ id: 9, qty: 9 })
    map.set('ours', 1)
    session.data.set.add('ours')
    await session.commit()
    assert.ok(session.data.user === user && session.data.cart === cart)
    assert.equal(session.data.cart[2], item, 'it follows its element')
    item.qty = 51
    user.age = 6
    await session.commit()
    const stored = (await sessions.open(session.id))?.data
    assert.equal(show(stored), show(snapshot(session.data)))
    assert.deepStrictEqual(stored.user, { name: 'Bob', address: { city: 'Rome', zip: 0 }, age: 6 })
    assert.deepStrictEqual(stored.cart, [
      { id: 0, qty: 0 },
      { id: 1, qty: 1 },
      { id: 2, qty: 51, name: 'x' },
      { id: 9, qty: 9 },
    ])
    assert.deepStrictEqual([...stored.map.keys()].sort(), ['a', 'ours', 'theirs'])
    assert.deepStrictEqual([...stored.set].sort(), ['b', 'ours', 'theirs'])
  })

  handle('of what another server removed or replaced are readable, and write nowhere', async () => {
    const [session, other] = await pair()
    const [, , address, , item] = hold(session.data)
    other.data.cart.pop()
    other.data.user.address = { city: 'Rome' }
    await other.commit()
    await session.reload()
    assert.deepStrictEqual(item, { id: 2, qty: 2 })
    item.qty = 99
    address.city = 'nowhere'
    session.data.n = 2
    const { modifications } = await session.commit()
    assert.deepEqual(modifications, [{ op: 'set', path: ['n'], value: 2 }])
    assert.equal(session.data.user.address.city, 'Rome')
  })

  handle('a benchmark is never reached by what is written, or handed out', async () => {
    const [session, other] = await pair()
    const handles = hold(session.data)
    write(handles, 5)
    const listed = session.changes()
    const patches = session.patches()
    const [copy, text] = [snapshot(session.data), show(session.data)]
    // Whatever is done to what was handed out changes nothing.
    for (const each of [...listed, ...patches] as Data[]) scribble(each.value ?? each.values)
    scribble(copy)
    assert.equal(show(session.data), text)
    const { modifications } = await session.commit()
    for (const each of modifications as Data[]) scribble(each.value ?? each.values)
    assert.equal(show(session.data), text)
    assert.deepEqual(session.changes(), [])
    await other.reload()
    assert.equal(show(other.data), show(session.data))
    session.data.user.name = 'again'
    session.discard()
    assert.equal(show(session.data), text)
    assert.equal(
      await arrived(store, session.key),
      exact({
        ...snapshot(session.data),
        map: Object.fromEntries(session.data.map),
        set: [...session.data.set],
      }),
    )
  })

  // Values and containers

  const plainSessions = createSessions<Data>({ store })

  /** The same session, opened twice. */
  async function twice(data: Data = start()): Promise<[Session<Data>, Session<Data>]> {
    const created = plainSessions.create(data)
    await created.commit()
    const [one, two] = [await plainSessions.open(created.id), await plainSessions.open(created.id)]
    assert.ok(one && two)
    return [one, two]
  }

  const read = async ({ id }: Session<Data>): Promise<Data> =>
    snapshot((await plainSessions.open(id))?.data)

  /** Ways to open a container and put something in, as two requests do at the same time. */
  const openings: Record<string, (data: Data, who: string) => void> = {
    '??=, then through the handle': (data, who) => {
      data.views ??= {}
      data.views[who] = 1
    },
    '??=, through its value': (data, who) => {
      ;(data.views ??= {})[who] = 1
    },
    '||=': (data, who) => {
      ;(data.views ||= {})[who] = 1
    },
    'a check for absence': (data, who) => {
      if (!data.views) data.views = {}
      data.views[who] = 1
    },
    'a check with in': (data, who) => {
      if (!('views' in data)) data.views = {}
      data.views[who] = 1
    },
    'a check with hasOwn': (data, who) => {
      if (!Object.hasOwn(data, 'views')) data.views = {}
      Object.assign(data.views, { [who]: 1 })
    },
    'a default of its own': (data, who) => {
      const { views = {} } = data
      data.views = views
      views[who] = 1
    },
    'x || {}': (data, who) => {
      const views = (data.views = data.views || {})
      views[who] = 1
    },
    'a count': (data, who) => {
      data.views ??= {}
      data.views[who] = (data.views[who] || 0) + 1
    },
  }

  for (const [name, open] of Object.entries(openings)) {
    handle(
      `empty after a look, by ${name}: both servers’ entries stay, at the first attempt`,
      async () => {
        const [one, two] = await twice()
        open(one.data, 'one')
        open(two.data, 'two')
        for (const [each, who] of [
          [one, 'one'],
          [two, 'two'],
        ] as const) {
          const commit = await each.commit()
          assert.deepEqual(commit.modifications, [{ op: 'set', path: ['views', who], value: 1 }])
          assert.equal(commit.attempts, 1)
        }
        assert.deepStrictEqual((await read(one)).views, { one: 1, two: 1 })
      },
    )
  }

  const lists: Record<string, (data: Data, who: string) => void> = {
    '??= and push': (data, who) => {
      ;(data.log ??= []).push(who)
    },
    'a check and push': (data, who) => {
      if (!data.log) data.log = []
      data.log.push(who)
    },
    'an index': (data, who) => {
      data.log ??= []
      data.log[data.log.length] = who
    },
    'connect-flash': (data, who) => {
      const m = (data.flash = data.flash || {})
      ;(m.info = m.info || []).push(who)
    },
    'connect-flash, kinds of their own': (data, who) => {
      const m = (data.flash = data.flash || {})
      ;(m[who] = m[who] || []).push(who)
    },
    'further down': (data, who) => {
      data.user.seen ??= {}
      data.user.seen.by ??= []
      data.user.seen.by.push(who)
    },
    grouped: (data, who) => {
      for (const key of ['a', 'b']) ((data.groups ??= {})[key] ??= []).push(who)
    },
  }

  for (const [name, append] of Object.entries(lists)) {
    handle(
      `an empty list after a look, by ${name}: both appends stay, at the first attempt`,
      async () => {
        const [one, two] = await twice()
        append(one.data, 'one')
        append(two.data, 'two')
        for (const each of [one, two]) {
          const commit = await each.commit()
          assert.ok(commit.modifications.every(({ op }) => op === 'append'))
          assert.equal(commit.attempts, 1)
        }
        const plain = start()
        append(plain, 'one')
        append(plain, 'two')
        assert.deepStrictEqual(await read(one), plain)
      },
    )
  }

  handle('one that stays empty is stored, but never over what another server put in', async () => {
    const [one, two] = await twice()
    one.data.log ??= []
    one.data.views ??= {}
    assert.equal((await one.commit()).modifications.length, 2)
    assert.deepStrictEqual(await read(one), { ...start(), log: [], views: {} })
    two.data.log ??= []
    two.data.views ??= {}
    const late = await plainSessions.open(one.id)
    assert.ok(late)
    late.data.log.push('late')
    late.data.views.late = 1
    await late.commit()
    await two.commit()
    assert.deepStrictEqual(await read(one), { ...start(), log: ['late'], views: { late: 1 } })
    assert.deepStrictEqual(two.data.log, ['late'])
  })

  /** Assignments of a value in one piece, of which the last one stays whole. */
  const values: Record<string, (data: Data, who: number) => void> = {
    'with contents': (data, who) => {
      data.owner = { id: who, [`of${who}`]: 1 }
    },
    'with contents, after a look': (data, who) => {
      if (!data.owner) data.owner = { id: who, [`of${who}`]: 1 }
    },
    'empty, without a look': (data, who) => {
      data.owner = {}
      data.owner.id = who
      data.owner[`of${who}`] = 1
    },
    'replacing what is there': (data, who) => {
      data.user = { id: who, [`of${who}`]: 1 }
    },
    'emptied and filled': (data, who) => {
      data.user = {}
      Object.assign(data.user, { id: who, [`of${who}`]: 1 })
    },
    'a spread': (data, who) => {
      data.user = { ...data.user, id: who, [`of${who}`]: 1 }
    },
    'as a member of a container': (data, who) => {
      if (!data.passport) data.passport = {}
      data.passport.user = { id: who, [`of${who}`]: 1 }
    },
    'as an element': (data, who) => {
      data.cart[0] = { id: who, [`of${who}`]: 1 }
    },
  }

  for (const [name, assign] of Object.entries(values)) {
    handle(`${name}: two servers’ values never mix`, async () => {
      const [one, two] = await twice()
      assign(one.data, 1)
      assign(two.data, 2)
      await one.commit()
      await two.commit()
      const plain = start()
      assign(plain, 2)
      const stored = await read(one)
      const text = JSON.stringify(stored)
      assert.ok(!text.includes('of1') && text.includes('of2'), text)
      // What looks before it assigns would have found the first one’s.
      if (!name.includes('look')) assert.deepStrictEqual(stored, plain)
    })
  }

  handle('a written path is written whole: what others put below it is replaced', async () => {
    const [one, two] = await twice()
    one.data.user.theirs = true
    one.data.user.address.city = 'Oslo'
    two.data.user = { ...two.data.user, name: 'Bob' }
    await one.commit()
    const { modifications } = await two.commit()
    assert.deepEqual(modifications, [
      { op: 'set', path: ['user'], value: { name: 'Bob', address: { city: 'London' } } },
    ])
    assert.deepStrictEqual((await read(one)).user, { name: 'Bob', address: { city: 'London' } })
  })

  handle('a written parent absorbs what is written below it, before and after', async () => {
    const [session] = await twice()
    const { data } = session
    data.user.name = 'Bob'
    data.user.address.city = 'Rome'
    data.user = { name: 'Cyd', address: {} }
    data.user.address.city = 'Oslo'
    data.user.age = 5
    data.cart[0].qty = 5
    data.cart = [{ id: 7 }]
    data.cart[0].qty = 6
    data.cart.push({ id: 8 })
    delete data.n
    data.n = { of: 1 }
    data.n.more = 2
    assert.deepEqual(session.changes(), [
      { op: 'set', path: ['user'], value: { name: 'Cyd', address: { city: 'Oslo' }, age: 5 } },
      { op: 'set', path: ['cart'], value: [{ id: 7, qty: 6 }, { id: 8 }] },
      { op: 'set', path: ['n'], value: { of: 1, more: 2 } },
    ])
    await session.commit()
    assert.deepStrictEqual(await read(session), snapshot(data))
  })

  handle('a container that is removed, or becomes something else, is none', async () => {
    const [session, other] = await twice()
    const { data } = session
    data.a ??= {}
    data.a.x = 1
    delete data.a
    data.b ??= []
    data.b.push(1)
    data.b = 'text'
    data.c ??= {}
    data.c = { x: 1 }
    data.d ??= {}
    data.moved = data.d
    delete data.d
    data.moved.x = 1
    await other.commit()
    await session.commit()
    assert.deepStrictEqual(await read(session), {
      ...start(),
      b: 'text',
      c: { x: 1 },
      moved: { x: 1 },
    })
  })

  handle('where null was, an empty one is a value', async () => {
    const [one, two] = await twice({ none: null, n: 1 })
    for (const [each, who] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      each.data.none ??= {}
      each.data.none[who] = 1
      assert.deepEqual((await each.commit()).modifications, [
        { op: 'set', path: ['none'], value: { [who]: 1 } },
      ])
    }
    assert.deepStrictEqual(await read(one), { none: { two: 1 }, n: 1 })
  })
})
