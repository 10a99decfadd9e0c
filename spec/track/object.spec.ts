// biome-ignore-all lint/suspicious/noPrototypeBuiltins: sessions inherit these methods as all objects do
// biome-ignore-all lint/suspicious/noSelfCompare: that two reads give the same object is the point
// biome-ignore-all lint/suspicious/useIsArray: instanceof has to work too
// biome-ignore-all lint/correctness/noSelfAssign: assigning what is there already is no change
import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { parse } from 'node:querystring'
import { Writable } from 'node:stream'
import { format, inspect, isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import { snapshot, track, UnsupportedValueError } from '../../lib/index.js'
import { canonical } from '../support/canonical.js'

// biome-ignore lint/suspicious/noExplicitAny: recipes run on plain objects and on handles
type Data = any
type Recipe = (data: Data) => unknown

const start = (): Data => ({
  user: { name: 'Ada', address: { city: 'London', zip: 1 } },
  cart: [
    { id: 1, qty: 2 },
    { id: 2, qty: 3 },
  ],
  n: 1,
  zero: 0,
  text: '',
  none: null,
  flag: false,
  when: new Date(86_400_000),
})

/** A value as people see it: order of keys, kinds of value and -0 included. */
const show = (value: unknown): string =>
  inspect(value, { depth: 20, breakLength: 120, maxArrayLength: null })

function outcome(recipe: Recipe, data: Data): { returned: unknown } | { threw: string } {
  try {
    return { returned: recipe(data) }
  } catch (error) {
    return { threw: (error as Error).name }
  }
}

/** Runs a recipe on a plain object and on a tracked one, and compares what it gave and left. */
function alike(recipe: Recipe, state: () => Data = start): void {
  const plain = state()
  const benchmark = deepFreeze(state())
  const tracked = track(benchmark)
  const expected = outcome(recipe, plain)
  const actual = outcome(recipe, tracked.data)
  assert.equal(show(actual), show(expected), 'what it gave')
  assert.deepStrictEqual(actual, expected)
  assert.equal(show(tracked.data), show(plain), 'what it left')
  assert.equal(show(snapshot(tracked.data)), show(plain), 'a snapshot of what it left')
  assert.deepStrictEqual(tracked.data, plain)
  assert.deepStrictEqual(plain, tracked.data)
  assert.equal(JSON.stringify(tracked.data), JSON.stringify(plain))
  assert.equal(show(benchmark), show(state()), 'the benchmark')
  tracked.accept()
  assert.deepStrictEqual(tracked.data, plain)
  assert.deepEqual(tracked.changes(), [])
  assert.equal(canonical(tracked.benchmark), canonical(plain))
  assert.equal(show(benchmark), show(state()), 'the object that was given')
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  }
  return value
}

/** Whether all properties are what a session has: enumerable, writable, not undefined, no names in arrays. */
function isPlainData(value: Data): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return true
  return Object.entries(Object.getOwnPropertyDescriptors(value)).every(([key, descriptor]) => {
    if (Array.isArray(value) && key === 'length') return true
    if (Array.isArray(value) && !/^\d+$/.test(key)) return false
    const { value: member, enumerable, writable } = descriptor as PropertyDescriptor
    return member !== undefined && enumerable && writable && isPlainData(member)
  })
}

/** Runs what must be refused; gives the error. */
function refused(action: () => unknown): UnsupportedValueError {
  try {
    action()
  } catch (error) {
    if (error instanceof UnsupportedValueError) return error
    throw error
  }
  return assert.fail('it was not refused')
}

const reads: Record<string, Recipe> = {
  'Object.keys': data => [Object.keys(data), Object.keys(data.user), Object.keys(data.cart)],
  'Object.values': data => Object.values(data),
  'Object.entries': data => [Object.entries(data), Object.entries(data.cart)],
  'Object.fromEntries': data => Object.fromEntries(Object.entries(data.user)),
  'Object.getOwnPropertyNames': data => [
    Object.getOwnPropertyNames(data),
    Object.getOwnPropertyNames(data.cart),
  ],
  'Object.getOwnPropertySymbols': data => [
    Object.getOwnPropertySymbols(data),
    Object.getOwnPropertySymbols(data.cart),
  ],
  'Reflect.ownKeys': data => [Reflect.ownKeys(data), Reflect.ownKeys(data.cart)],
  'for-in': data => {
    const keys: string[] = []
    for (const key in data) keys.push(key)
    for (const key in data.cart) keys.push(key)
    return keys
  },
  'a spread': data => ({ ...data }),
  'a spread of a nested object': data => ({ ...data.user.address, extra: 1 }),
  'a rest pattern': data => {
    const { user, n, ...rest } = data
    return [user, n, rest]
  },
  'a nested pattern with defaults': data => {
    const {
      user: { address: { city = 'none', county = 'none' } = {} },
      other = { a: 1 },
    } = data
    return [city, county, other]
  },
  'JSON.stringify': data => [
    JSON.stringify(data),
    JSON.stringify(data, null, 2),
    JSON.stringify(data, ['user', 'name']),
  ],
  'JSON.stringify with a replacer': data => {
    const seen: unknown[] = []
    const text = JSON.stringify(data, function (this: Data, key, value) {
      seen.push([key, this[key] === value, Array.isArray(value)])
      return typeof value === 'number' ? value + 1 : value
    })
    return [text, seen]
  },
  in: data => ['n' in data, 'none' in data, 'missing' in data, 'toString' in data, 'city' in data],
  'in, of a symbol': data => [Symbol.iterator in data, Symbol('none') in data, 1 in data],
  'Reflect.has': data => [Reflect.has(data, 'user'), Reflect.has(data.user, 'user')],
  'Object.hasOwn': data => [Object.hasOwn(data, 'n'), Object.hasOwn(data, 'toString')],
  'hasOwnProperty and its kin': data => [
    data.hasOwnProperty('n'),
    data.hasOwnProperty('toString'),
    data.user.hasOwnProperty('name'),
    Object.prototype.hasOwnProperty.call(data, 'user'),
    data.hasOwnProperty.call(data.user, 'name'),
    data.hasOwnProperty.apply(data.user, ['address']),
    data.hasOwnProperty.bind(data)('cart'),
  ],
  'propertyIsEnumerable, inherited': data => [
    data.propertyIsEnumerable('n'),
    data.propertyIsEnumerable('toString'),
  ],
  'toString and valueOf': data => [
    data.toString(),
    data.toLocaleString(),
    data.user.toString(),
    data.valueOf() === data,
    `${data}`,
    String(data.user),
    Number.isNaN(+data),
    Object.prototype.toString.call(data),
    Object.prototype.toString.call(data.cart),
  ],
  'the kind of a method': data => [
    typeof data.toString,
    data.toString === data.toString,
    data.hasOwnProperty.name,
    data.hasOwnProperty.length,
  ],
  'isPrototypeOf, inherited': data => [
    data.isPrototypeOf(Object.create(data)),
    data.isPrototypeOf(data.user),
  ],
  typeof: data => [typeof data, typeof data.user, typeof data.cart, typeof data.missing],
  instanceof: data => [
    data.cart instanceof Array,
    data.user instanceof Array,
    data instanceof Object,
  ],
  'Object.getPrototypeOf': data => [
    Object.getPrototypeOf(data) === Object.prototype,
    Object.getPrototypeOf(data.cart) === Array.prototype,
  ],
  'Object.getOwnPropertyDescriptor': data => [
    Object.getOwnPropertyDescriptor(data, 'n'),
    Object.getOwnPropertyDescriptor(data, 'user'),
    Object.getOwnPropertyDescriptor(data, 'missing'),
    Object.getOwnPropertyDescriptor(data, 'toString'),
    Object.getOwnPropertyDescriptor(data.cart, 0),
  ],
  'Object.getOwnPropertyDescriptors': data => Object.getOwnPropertyDescriptors(data),
  'Object.isExtensible and its kin': data => [
    Object.isExtensible(data),
    Object.isFrozen(data),
    Object.isSealed(data.user),
  ],
  'optional chaining': data => [
    data.user?.address?.city,
    data.missing?.address.city,
    data.none?.x,
    data.user.toString?.(),
    data.user.missing?.(),
    data?.user?.name,
  ],
  'reading through null throws': data => data.none.x,
  'reading through what is missing throws': data => data.missing.x,
  'calling what is no function throws': data => data.user(),
  'new of what is no function throws': data => new data.user(),
  identity: data => [
    data.user === data.user,
    data.user.address === data.user.address,
    data.cart[0] === data.cart[0],
    data.cart[0] === data.cart[1],
    data.when === data.when,
    Object.is(data.user, data.user),
    Object.values(data).includes(data.user),
    data.cart.find((item: Data) => item.id === 2) === data.cart[1],
  ],
  'identity as a key of a Map, a WeakMap and a Set': data => [
    new Map([[data.user, 1]]).get(data.user),
    new WeakMap([[data.user, 2]]).get(data.user),
    new Set([data.user, data.user, data.cart]).size,
  ],
  'Reflect.get': data => [Reflect.get(data, 'n'), Reflect.get(data.user, 'name', {})],
  'Reflect.apply of an inherited method': data => Reflect.apply(data.hasOwnProperty, data, ['n']),
  'symbols read undefined': data => [
    data[Symbol('x')],
    data[Symbol.toStringTag],
    data[inspect.custom],
  ],
  'a callback per entry': data =>
    Object.entries(data.user.address).map(([key, value]) => `${key}=${value}`),
  'Object.assign to another object': data => Object.assign({ n: 5 }, data.user, data.cart[0]),
  format: data => [format('%s', data.n), format('%j', data), format('%O', data.user), format(data)],
  'a template literal of what is in it': data => `${data.user.name} ${data.n} ${data.none}`,
}

const writes: Record<string, Recipe> = {
  'a set gives the value': data => (data.n = 2),
  'a nested set': data => (data.user.address.city = 'Paris'),
  'a new key comes last': data => {
    data.fresh = true
    data.user.fresh = [1, { a: 2 }]
    return Object.keys(data)
  },
  'integer keys come first': data => {
    data['10'] = 'ten'
    data.word = 'word'
    data['2'] = 'two'
    data['01'] = 'no index'
    data['-1'] = 'none either'
    data['4294967294'] = 'the last index'
    data['4294967295'] = 'beyond'
    data['1.5'] = 'none'
    return [Object.keys(data), data[2], data['2']]
  },
  'a number is the key that it prints': data => {
    data[7] = 'seven'
    data[1e3] = 'thousand'
    data[-0] = 'zero'
    return [data['7'], data[1000], data['0'], 7 in data]
  },
  'increments and compound assignment': data => {
    data.n++
    data.n += 5
    data.n **= 2
    data.text += 'x'
    return [data.n++, --data.n]
  },
  'logical assignment': data => [
    (data.zero ||= 5),
    (data.none ??= 6),
    (data.text &&= 7),
    (data.missing ??= 8),
    (data.flag ||= false),
    (data.user ??= {}).name,
  ],
  'a count from nothing': data => {
    data.count = (data.count || 0) + 1
    data.count = (data.count || 0) + 1
  },
  'delete gives true': data => [delete data.n, delete data.missing, delete data.user.address.zip],
  'Reflect.deleteProperty': data => [
    Reflect.deleteProperty(data, 'n'),
    Reflect.deleteProperty(data.user, 'missing'),
  ],
  'what was deleted reads as absent': data => {
    delete data.user
    return [data.user, 'user' in data, Object.hasOwn(data, 'user'), Object.keys(data)]
  },
  'deleted and set again, a key comes last': data => {
    delete data.user
    data.user = { name: 'Bob' }
    return Object.keys(data)
  },
  'deleted and set again twice': data => {
    delete data.n
    data.n = 5
    delete data.n
    data.n = 6
    return Object.keys(data)
  },
  'deleted after it was new': data => {
    data.fresh = 1
    delete data.fresh
    data.other = 2
    return Object.keys(data)
  },
  'written over, a key keeps its place': data => {
    data.user = 5
    data.n = { a: 1 }
    return Object.keys(data)
  },
  'all keys deleted': data => {
    for (const key of Object.keys(data)) delete data[key]
    return Object.keys(data)
  },
  'all keys deleted while they are enumerated': data => {
    const seen: string[] = []
    for (const key in data) {
      seen.push(key)
      delete data[key]
    }
    return seen
  },
  'a key deleted before it is enumerated is not met': data => {
    const seen: string[] = []
    for (const key in data) {
      seen.push(key)
      delete data.n
    }
    return seen
  },
  'Object.assign gives its target': data =>
    Object.assign(data, { n: 3, m: { a: 1 } }, null, { m: { b: 2 } }) === data,
  'Object.assign from a handle': data => Object.assign(data.user, data.cart[0]),
  'Object.defineProperty of a new key': data =>
    Object.defineProperty(data, 'fresh', {
      value: 1,
      writable: true,
      enumerable: true,
      configurable: true,
    }) === data,
  'Object.defineProperty of a key that is there': data => {
    Object.defineProperty(data, 'n', { value: 9 })
    Object.defineProperty(data.user, 'name', { value: 'Bob', enumerable: true })
    Object.defineProperty(data.user, 'address', { enumerable: true })
    return Object.getOwnPropertyDescriptor(data, 'n')
  },
  'Reflect.defineProperty': data => Reflect.defineProperty(data, 'n', { value: 4 }),
  'Object.defineProperties': data => {
    const plain = { writable: true, enumerable: true, configurable: true }
    Object.defineProperties(data, { a: { value: 1, ...plain }, b: { value: { c: 2 }, ...plain } })
  },
  'Reflect.set gives true': data => [Reflect.set(data, 'n', 5), Reflect.set(data.user, 'x', {})],
  'Reflect.set for another receiver writes there': data => {
    const receiver: Data = { other: 1 }
    return [Reflect.set(data, 'n', 5, receiver), receiver, data.n]
  },
  'a swap of attributes': data => {
    ;[data.user, data.cart] = [data.cart, data.user]
    return [data.user[0].id, data.cart.name]
  },
  'a swap of leaves': data => {
    ;[data.cart[0].qty, data.cart[1].qty] = [data.cart[1].qty, data.cart[0].qty]
  },
  'a pattern that assigns': data => {
    ;({ a: data.n, b: data.user.name, ...data.rest } = { a: 5, b: 'Bob', c: 6, d: [7] } as Data)
  },
  'a spread update': data => {
    data.user = { ...data.user, name: 'Bob', address: { ...data.user.address, zip: 2 } }
  },
  'a spread update without a key': data => {
    const { name: _, ...rest } = data.user
    data.user = rest
  },
  'entries rewritten': data => {
    Object.entries(data.user.address).forEach(([key, value]) => {
      data.user.address[key] = String(value).toUpperCase()
    })
  },
  'keys renamed': data => {
    data.user = Object.fromEntries(
      Object.entries(data.user).map(([key, value]) => [`_${key}`, value]),
    )
  },
  'a move': data => {
    const { address } = data.user
    delete data.user.address
    data.address = address
    address.city = 'Rome'
    return data.address === address
  },
  'one object at two places': data => {
    data.copy = data.user
    data.copy.address.city = 'Rome'
    data.user.name = 'Bob'
    return [data.copy === data.user, data.copy.address === data.user.address]
  },
  'assigned to itself': data => {
    data.user = data.user
    data.n = data.n
    data.cart[0] = data.cart[0]
  },
  'names of methods are ordinary keys': data => {
    data.toString = 'mine'
    data.hasOwnProperty = { a: 1 }
    data.valueOf = 3
    data.length = 4
    delete data.user.toString
    return [data.toString, data.hasOwnProperty.a, Object.keys(data)]
  },
  'what a query string parses to': data => {
    const query: Data = { ...parse('a=1&b=2&b=3') }
    data.query = query
    Object.assign(data.user, parse('c=4'))
  },
  'an object that inherits from a handle': data => {
    const child = Object.create(data)
    const before = [child.n, child.user === data.user, 'n' in child, Object.hasOwn(child, 'n')]
    child.n = 5
    child.own = { a: 1 }
    child.user.name = 'Bob'
    const inherited: string[] = []
    for (const key in child) inherited.push(key)
    delete child.own
    delete child.user
    return [before, child.n, data.n, Object.keys(child), inherited, JSON.stringify(child)]
  },
  'a class whose instances inherit from a handle': data => {
    class Request {
      count = 0
    }
    Object.setPrototypeOf(Request.prototype, data)
    const request = new Request() as Data
    request.count++
    request.n++
    return [request.count, request.n, data.n, Object.keys(request)]
  },
  'a getter that uses a handle': data => {
    const view = {
      get name() {
        return data.user.name
      },
      set name(value: string) {
        data.user.name = value
      },
    }
    view.name += '!'
    return view.name
  },
}

const reading = suite('objects read as the plain object')
for (const [name, recipe] of Object.entries(reads)) reading(name, () => alike(recipe))

reading('console.log prints the data', () => {
  const print = (value: unknown): string => {
    let text = ''
    const stdout = new Writable({
      write(chunk, _encoding, done) {
        text += chunk
        done()
      },
    })
    const console = new Console({ stdout, colorMode: true })
    console.log(value)
    console.log('%s %O', 'session', value)
    console.table([value])
    return text
  }
  const { data } = track(start())
  data.user.name = 'Bob'
  data.more = { a: [1] }
  assert.equal(
    print(data),
    print({ ...start(), user: { ...start().user, name: 'Bob' }, more: { a: [1] } }),
  )
})

reading('util.inspect heeds its options', () => {
  const { data } = track(start())
  for (const options of [{ depth: 0 }, { depth: 1 }, { compact: false }, { sorted: true }]) {
    assert.equal(inspect(data, options), inspect(start(), options))
    assert.equal(inspect({ in: [data] }, options), inspect({ in: [start()] }, options))
  }
})

reading('a deep comparison finds equality and its absence, from both sides', () => {
  const { data } = track(start())
  assert.equal(isDeepStrictEqual(data, start()), true)
  assert.equal(isDeepStrictEqual(start(), data), true)
  for (const change of [
    (other: Data) => (other.n = 2),
    (other: Data) => (other.user.address.zip = '1'),
    (other: Data) => delete other.none,
    (other: Data) => other.cart.push(1),
    (other: Data) => (other.zero = -0),
  ]) {
    const other = start()
    change(other)
    assert.equal(isDeepStrictEqual(data, other), false)
    assert.equal(isDeepStrictEqual(other, data), false)
  }
})

reading('two tracked objects are equal by content, not by identity', () => {
  const [one, other] = [track(start()), track(start())]
  assert.deepStrictEqual(one.data, other.data)
  assert.notEqual(one.data, other.data)
  assert.notEqual(one.data.user, other.data.user)
})

reading('structuredClone takes a snapshot, not a handle', () => {
  const { data } = track(start())
  assert.throws(() => structuredClone(data), { name: 'DataCloneError' })
  const copy = snapshot(data)
  assert.deepStrictEqual(structuredClone(copy), start())
  copy.user.name = 'Bob'
  copy.cart.push(1)
  copy.when.setTime(0)
  assert.deepStrictEqual(data, start())
})

reading('a snapshot of part of it is that part', () => {
  const { data } = track(start())
  data.user.address.zip = 2
  assert.deepStrictEqual(snapshot(data.user.address), { city: 'London', zip: 2 })
  assert.deepStrictEqual(snapshot(data.cart), start().cart)
  assert.equal(snapshot(data.n), 1)
  assert.deepStrictEqual(snapshot({ held: data.cart[0] }), { held: { id: 1, qty: 2 } })
})

reading.run()

const writing = suite('objects are written as the plain object')
for (const [name, recipe] of Object.entries(writes)) writing(name, () => alike(recipe))

writing('any two recipes, one after the other, leave what they leave on the plain object', () => {
  const recipes = Object.values(writes)
  let compared = 0
  for (const first of recipes) {
    for (const second of recipes) {
      const both: Recipe = data => [outcome(first, data), outcome(second, data)]
      const plain = start()
      both(plain)
      if (!isPlainData(plain)) continue
      alike(both)
      compared++
    }
  }
  assert.equal(compared > recipes.length ** 2 / 2, true)
})

writing('handles stay the same objects across writes, accept and discard', () => {
  const tracked = track(start())
  const { data } = tracked
  const [user, address, cart, first] = [data.user, data.user.address, data.cart, data.cart[0]]
  const check = (): void => {
    assert.equal(data.user, user)
    assert.equal(data.user.address, address)
    assert.equal(data.cart, cart)
    assert.equal(data.cart[0], first)
  }
  address.city = 'Paris'
  first.qty = 9
  check()
  tracked.accept()
  check()
  address.city = 'Rome'
  data.fresh = {}
  check()
  assert.deepEqual(tracked.changes(), [
    { op: 'set', path: ['user', 'address', 'city'], value: 'Rome' },
    { op: 'set', path: ['fresh'], value: {} },
  ])
  delete data.user
  tracked.discard()
  check()
  assert.deepEqual(snapshot(address), { city: 'Paris', zip: 1 })
})

writing('a handle of what was replaced is readable, and writes nowhere', () => {
  const tracked = track(start())
  const { data } = tracked
  const { user } = data
  data.user = { name: 'Bob' }
  user.address.city = 'Nowhere'
  assert.equal(user.address.city, 'Nowhere')
  assert.deepEqual(tracked.changes(), [{ op: 'set', path: ['user'], value: { name: 'Bob' } }])
  data.user = user
  assert.equal(data.user, user)
  assert.deepEqual(tracked.changes(), [
    { op: 'set', path: ['user', 'address', 'city'], value: 'Nowhere' },
  ])
})

writing('set and set back, equal replacement and another order of keys are no change', () => {
  const tracked = track(start())
  const { data } = tracked
  data.user.name = 'Bob'
  data.user.name = 'Ada'
  data.user.address = { zip: 1, city: 'London' }
  data.cart = [
    { qty: 2, id: 1 },
    { id: 2, qty: 3 },
  ]
  data.when = new Date(86_400_000)
  data.extra = 1
  delete data.extra
  delete data.n
  data.n = 1
  assert.deepEqual(tracked.changes(), [])
})

writing('numbers differ as Object.is says', () => {
  const tracked = track<Data>({ nan: Number.NaN, zero: 0, negative: -0 })
  Object.assign(tracked.data, { nan: Number.NaN, zero: 0, negative: -0 })
  assert.deepEqual(tracked.changes(), [])
  tracked.data.zero = -0
  assert.deepEqual(tracked.changes(), [{ op: 'set', path: ['zero'], value: -0 }])
  tracked.accept()
  assert.equal(Object.is(tracked.data.zero, -0), true)
})

writing.run()

const inputs = suite('objects of any origin')

const origins: Record<string, () => Data> = {
  'a literal': start,
  'JSON.parse': () => JSON.parse(JSON.stringify(start())),
  'another realm': () =>
    runInNewContext(
      `({ user: { name: 'Ada', address: { city: 'London' } }, cart: [{ id: 1 }, [2]] })`,
    ),
  'objects without a prototype': () => {
    const bare = (members: object): Data => Object.assign(Object.create(null), members)
    return bare({
      user: bare({ name: 'Ada', address: bare({ city: 'London' }) }),
      cart: [bare({ id: 1 })],
    })
  },
  'an object that was frozen': () => deepFreeze(start()),
}

/** The same data made of this realm's own objects, each with its prototype. */
function ordinary(value: Data): Data {
  if (Array.isArray(value)) return Array.from(value, ordinary)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, ordinary(member)]))
}

const touch: Recipe = data => {
  data.user.address.city = 'Rome'
  data.cart.push({ id: 9 })
  data.cart[0].id = 7
  return [data.user, Object.keys(data)]
}

for (const [name, make] of Object.entries(origins)) {
  inputs(`tracked: ${name}`, () => {
    const given = make()
    const tracked = track(given)
    const plain = structuredClone(ordinary(make()))
    assert.equal(show(touch(tracked.data)), show(touch(plain)))
    assert.deepStrictEqual(tracked.data, plain)
    assert.deepStrictEqual(snapshot(tracked.data), plain)
    tracked.accept()
    assert.deepStrictEqual(tracked.data, plain)
    assert.equal(show(given), show(make()))
  })

  inputs(`assigned: ${name}`, () => {
    const given = make()
    const tracked = track<Data>({})
    tracked.data.in = given
    const plain = structuredClone(ordinary(make()))
    assert.equal(show(touch(tracked.data.in)), show(touch(plain)))
    assert.deepStrictEqual(tracked.data, { in: plain })
    const [change] = tracked.changes()
    assert.deepStrictEqual(change, { op: 'set', path: ['in'], value: plain })
    tracked.accept()
    assert.deepStrictEqual(tracked.data, { in: plain })
    assert.equal(show(given), show(make()))
  })
}

inputs('a getter comes in as the value that it has', () => {
  const tracked = track<Data>({})
  tracked.data.in = {
    get total() {
      return 5
    },
    lines: [1],
  }
  tracked.accept()
  assert.deepStrictEqual(tracked.data, { in: { total: 5, lines: [1] } })
})

inputs('what is not enumerable stays outside, as it does with a spread', () => {
  const tracked = track<Data>({})
  tracked.data.in = Object.defineProperty({ a: 1 }, 'hidden', { value: 2, enumerable: false })
  assert.deepEqual(tracked.changes(), [{ op: 'set', path: ['in'], value: { a: 1 } }])
  tracked.accept()
  assert.deepStrictEqual(tracked.data, { in: { a: 1 } })
})

inputs('an array is tracked as well as an object', () => {
  const tracked = track<Data>([{ id: 1 }, 2])
  tracked.data[0].id = 5
  assert.deepStrictEqual(tracked.data, [{ id: 5 }, 2])
  assert.deepEqual(tracked.changes(), [{ op: 'set', path: [0, 'id'], value: 5 }])
})

inputs.run()

const limits = suite('what plain objects can do and session data cannot')

const refusals: [name: string, action: Recipe, path: (string | number)[]][] = [
  ['Object.freeze', data => Object.freeze(data), []],
  ['Object.freeze, nested', data => Object.freeze(data.user.address), ['user', 'address']],
  ['Object.freeze of an array', data => Object.freeze(data.cart), ['cart']],
  ['Object.seal', data => Object.seal(data.user), ['user']],
  ['Object.preventExtensions', data => Object.preventExtensions(data.cart[1]), ['cart', 1]],
  ['Reflect.preventExtensions', data => Reflect.preventExtensions(data), []],
  ['Object.setPrototypeOf', data => Object.setPrototypeOf(data.user, { a: 1 }), ['user']],
  ['Object.setPrototypeOf null', data => Object.setPrototypeOf(data, null), []],
  ['Object.setPrototypeOf of an array', data => Object.setPrototypeOf(data.cart, {}), ['cart']],
  ['a symbol as a key', data => (data.user[Symbol('s')] = 1), ['user']],
  [
    'Object.defineProperty with a symbol',
    data => Object.defineProperty(data, Symbol('s'), { value: 1 }),
    [],
  ],
  ['a new key that is not writable', data => Object.defineProperty(data, 'x', { value: 1 }), ['x']],
  [
    'a key made read-only',
    data => Object.defineProperty(data.user, 'name', { writable: false }),
    ['user', 'name'],
  ],
  [
    'a key made invisible',
    data => Object.defineProperty(data.user, 'name', { enumerable: false }),
    ['user', 'name'],
  ],
  ['a getter', data => Object.defineProperty(data, 'x', { get: () => 1 }), ['x']],
  [
    'a getter that could be deleted',
    data =>
      Object.defineProperty(data.user, 'x', { get: () => 1, enumerable: true, configurable: true }),
    ['user', 'x'],
  ],
  [
    'a setter',
    data => Object.defineProperty(data.cart[0], 'id', { set: () => undefined }),
    ['cart', 0, 'id'],
  ],
]

for (const [name, action, path] of refusals) {
  limits(`${name} is refused with the path, and changes nothing`, () => {
    const tracked = track(start())
    const error = refused(() => action(tracked.data))
    assert.deepEqual(error.path, path)
    assert.equal(error.code, 'ERR_UNSUPPORTED_VALUE')
    assert.deepStrictEqual(tracked.data, start())
    assert.deepEqual(tracked.changes(), [])
    tracked.data.n = 2
    assert.equal(tracked.data.n, 2)
  })
}

limits('the prototype that an object has anyway may be set', () => {
  const { data } = track(start())
  assert.equal(Object.setPrototypeOf(data.user, Object.prototype), data.user)
  assert.equal(Reflect.setPrototypeOf(data.cart, Array.prototype), true)
})

limits('a symbol that nobody can set is deleted like any absent key', () => {
  const { data } = track(start())
  assert.equal(delete data[Symbol('s')], true)
})

limits('a snapshot can be frozen', () => {
  const { data } = track(start())
  assert.equal(Object.isFrozen(Object.freeze(snapshot(data.user))), true)
  data.user.name = 'Bob'
  assert.equal(data.user.name, 'Bob')
})

limits.run()
