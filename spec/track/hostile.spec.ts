// biome-ignore-all lint/complexity/useLiteralKeys: the keys are the point
// biome-ignore-all lint/suspicious/noPrototypeBuiltins: what is inherited is the point
// biome-ignore-all lint/suspicious/noProto: so is how to get there
/**
 * What hostile requests and careless code put into sessions: it is stored exactly, or refused where
 * it is put, with the path; and nothing else has changed then.
 */

import assert from 'node:assert/strict'
import { BSONRegExp, BSONSymbol, DBRef, ObjectId } from 'bson'
import fc from 'fast-check'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Session, Sessions, Store } from '../../lib/index.js'
import {
  createSessions,
  memoryStore,
  snapshot,
  track,
  UnsupportedValueError,
} from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { createId, createToken, keyOf } from '../../lib/open/identity.js'
import type { Path } from '../../lib/path.js'
import { arrived, assertPrefixFree, exact } from '../support/arrived.js'
import { canonical } from '../support/canonical.js'
import { holds } from '../support/property.js'
import { openStored } from '../support/servers.js'
import { forEachStore, freshCollection } from '../support/stores.js'

// biome-ignore lint/suspicious/noExplicitAny: hostile data has no type
type Data = any

/** Keys that any path, query or prototype would stumble over. Each is an ordinary key. */
const ODD_KEYS = [
  ...['a.b', '.', 'a.', '.a', '..', 'user.name', 'cart.0.qty', 'data.user'],
  ...['$', '$set', '$[]', '$[id]', '$where', '$inc', '$$NOW', '$literal', '$.x', 'x$', 'a$b'],
  ...['', ' ', '\t', '*', '[0]', '["x"]', "'", '"', '\\', '/', '%', '\u2028'],
  ...['0', '00', '7', '-0', '-1', '1.5', '1e3', '4294967295', 'NaN', 'null', 'undefined', 'true'],
  ...['constructor', 'prototype', 'hasOwnProperty', 'toString', 'valueOf', 'isPrototypeOf'],
  ...['__defineGetter__', '__lookupSetter__', '_proto_', '__proto', 'proto__'],
  ...['length', 'size', 'push', 'get', 'set', 'then', 'toJSON', 'toBSON', 'inspect'],
  ...['_id', 'id', 'rev', 'data', 'layout', 'tokens', 'marks', 'expiresAt', 'commit'],
  ...['ключ', '鍵', '🍪', 'é', 'e\u0301', '\u202eabc', '\ufeffx', '\ufffd', 'x'.repeat(99)],
]

/** Keys that no session can have. */
const REFUSED_KEYS = ['__proto__', '_bsontype', 'a\0b', '\0', '\ud800', 'a\udc00', '\udc00\ud800']

const start = (): Data => ({
  user: { id: 7, name: 'Ada', address: { city: 'London' } },
  cart: [
    { sku: 'a', qty: 1 },
    { sku: 'b', qty: 2 },
  ],
  n: 1,
})

/** Where a value can be put; and the path that is told if it is refused. */
interface Place {
  readonly path: Path
  /** Whether it is put in by an assignment that replaces what others put there. */
  readonly replaces?: boolean
  put(data: Data, value: unknown): void
}

/** Ways to put a member with this key somewhere. */
const places: Record<string, (key: string) => Place> = {
  'as an attribute': key => ({
    path: [key],
    put: (data, value) => (data[key] = value),
  }),
  'as a key of an object': key => ({
    path: ['user', key],
    put: (data, value) => (data.user[key] = value),
  }),
  'as a key two levels down': key => ({
    path: ['user', 'address', key],
    put: (data, value) => (data.user.address[key] = value),
  }),
  'as a key of an element': key => ({
    path: ['cart', 1, key],
    put: (data, value) => (data.cart[1][key] = value),
  }),
  'in an element that is appended': key => ({
    path: ['cart', 2, key],
    put: (data, value) => data.cart.push({ [key]: value }),
  }),
  'in an object that is assigned': key => ({
    path: ['form', 'in', key],
    replaces: true,
    put: (data, value) => (data.form = { in: { [key]: value, other: 1 } }),
  }),
  'by Object.assign': key => ({
    path: ['user', key],
    put: (data, value) => Object.assign(data.user, { [key]: value }),
  }),
  'by Object.defineProperty': key => ({
    path: ['user', key],
    put: (data, value) => {
      const plain = { writable: true, enumerable: true, configurable: true }
      Object.defineProperty(data.user, key, { value, ...plain })
    },
  }),
  'into a container that was not there': key => ({
    path: ['flash', key],
    put: (data, value) => {
      data.flash ??= {}
      data.flash[key] = value
    },
  }),
  'into an object that the caller still holds': key => ({
    path: ['late', key],
    replaces: true,
    put: (data, value) => {
      const held: Data = {}
      data.late = held
      held[key] = value
    },
  }),
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

/** The store keeps what `session` shows, and what `plain` is. */
async function assertStored(store: Store, session: Session<Data>, plain: Data): Promise<void> {
  assert.deepStrictEqual(snapshot(session.data), plain)
  assert.equal(await arrived(store, session.key), exact(plain))
}

/** Appended elements of two servers come in the order of their commits, which is any. */
function elementsSorted(data: Data): Data {
  const [first, second, ...rest] = snapshot(data.cart) as Data[]
  rest.sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
  return { ...data, cart: [first, second, ...rest] }
}

/** The objects that `places` write into. */
function holdersOf(data: Data): Data[] {
  const objects = [data, data.user, data.user.address, ...data.cart]
  return [...objects, data.form?.in, data.flash, data.late].filter(Boolean)
}

/** Whether `start` has this key there, or the place itself is. */
const keep = (holder: Data, key: string): boolean =>
  Object.values(holder).includes(7) && key === 'id'

/** A hostile body, as text: with odd and impossible keys and texts, and deep. */
const body: fc.Arbitrary<string> = fc
  .letrec<{ value: string; object: string }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('1', 'null', '-0', '1e400', '"\\ud800"', '"a\\u0000b"', '"$set"', '"x"'),
      tie('object'),
      fc.array(tie('value'), { maxLength: 3 }).map(all => `[${all.join()}]`),
      tie('value').map(inner => `${'['.repeat(70)}${inner}${']'.repeat(70)}`),
    ),
    object: fc
      .array(
        fc.tuple(
          fc.oneof(
            { weight: 6, arbitrary: fc.constantFrom(...ODD_KEYS) },
            { weight: 1, arbitrary: fc.constantFrom(...REFUSED_KEYS) },
          ),
          tie('value'),
        ),
        { maxLength: 4 },
      )
      .map(all => `{${all.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`),
  }))
  .object.map(text => `{"polluted":true,"body":${text}}`)

/** Why no session can keep a body; undefined if one can. */
function refusal(text: string): string | undefined {
  const walk = (value: unknown, depth: number): string | undefined => {
    if (typeof value === 'string') return value.isWellFormed() ? undefined : 'a lone surrogate'
    if (typeof value !== 'object' || value === null) return undefined
    if (depth > 64) return 'too deep'
    for (const [key, member] of Object.entries(value)) {
      if (REFUSED_KEYS.includes(key)) return `the key ${JSON.stringify(key)}`
      const why = walk(member, depth + 1)
      if (why !== undefined) return why
    }
    return undefined
  }
  // The places are at most three levels down, and what is generated is far from that close.
  return walk(JSON.parse(text), 3)
}

const prototypes = suite('no path of names leads to a prototype')

const schema = z
  .object({ map: z.map(z.string(), z.any()), set: z.set(z.any()) })
  .partial()
  .catchall(z.any())

/** Session data with every kind of handle in it. */
async function everyKind(): Promise<Data> {
  const sessions = createSessions({ store: memoryStore(), schema })
  const created = sessions.create({
    ...start(),
    map: new Map<string, unknown>([['a', { b: [1] }]]),
    set: new Set<unknown>([{ c: 1 }, 2]),
  })
  await created.commit()
  const data = (await sessions.open(created.id))?.data as Data
  // Opened, assigned, and held by the caller: each is looked at.
  data.own = { list: [[1], { d: 1 }] }
  data.own.list.push(2)
  data.raw = { list: [{ e: 1 }], map: {} }
  data.user.address.more = {}
  return data
}

const SHARED = new Set<unknown>(
  [Object, Function, Array, Map, Set, Date, Promise, RegExp, Error, Proxy, Reflect, globalThis]
    .flatMap((each: Data) => [each, each.prototype])
    .concat(
      Object.getPrototypeOf(function* () {}),
      Object.getPrototypeOf(async () => 0),
    )
    .filter(each => each !== undefined),
)

/** Every name that some prototype has, and some that none has. */
const NAMES = [
  ...[Object, Function, Array, Map, Set].flatMap(each =>
    Object.getOwnPropertyNames(each.prototype),
  ),
  ...['prototype', 'caller', 'arguments', 'name', '0', 'next', 'return', 'throw', 'missing'],
]

prototypes('whatever is read from session data, and from what was read', async () => {
  const data = await everyKind()
  const seen = new Set<unknown>()
  let visited = 0
  const visit = (value: Data, path: string[]): void => {
    const kind = typeof value
    if ((kind !== 'object' && kind !== 'function') || value === null || seen.has(value)) return
    assert.ok(!SHARED.has(value), `data.${path.join('.')} is shared by the whole process`)
    seen.add(value)
    visited++
    const own = kind === 'object' ? Object.keys(value) : []
    for (const name of new Set([...NAMES, ...own])) {
      let member: unknown
      try {
        member = value[name]
      } catch {
        continue
      }
      visit(member, [...path, name])
    }
    if (value instanceof Map || value instanceof Set) {
      for (const [index, member] of [...value.values()].entries())
        visit(member, [...path, `${index}`])
    }
  }
  visit(data, [])
  assert.ok(visited > 100, `${visited} objects were looked at`)
})

/** A merge as people write it; each reads and writes by names that the body gives. */
const merges: Record<string, (target: Data, source: Data) => unknown> = {
  'for-in': function merge(target: Data, source: Data): void {
    for (const key in source) {
      const value = source[key]
      if (typeof value === 'object' && value !== null) {
        if (typeof target[key] !== 'object' && typeof target[key] !== 'function') target[key] = {}
        merge(target[key], value)
      } else target[key] = value
    }
  },
  'Object.keys and ??=': function merge(target: Data, source: Data): void {
    for (const key of Object.keys(source)) {
      if (source[key] instanceof Object) {
        // What is assigned here is the merge's own object, and not safer than any. So look again.
        target[key] ??= {}
        merge(target[key], source[key])
      } else target[key] = source[key]
    }
  },
  'Reflect.ownKeys and defineProperty': function merge(target: Data, source: Data): void {
    for (const key of Reflect.ownKeys(source)) {
      const value = source[key]
      if (Object(value) === value && Object(target[key]) === target[key]) {
        merge(target[key], value)
      } else {
        const plain = { writable: true, enumerable: true, configurable: true }
        Object.defineProperty(target, key, { value, ...plain })
      }
    }
  },
  'Object.assign': (target, source) => Object.assign(target, source),
  'Object.assign into what is there': (target, source) => {
    for (const key of Object.keys(source)) Object.assign(target[key], source[key])
  },
  'a path per leaf': (target, source) => {
    const set = (path: string[], value: unknown): void => {
      let at = target
      for (const key of path.slice(0, -1)) {
        at[key] ??= {}
        at = at[key]
      }
      at[path.at(-1) as string] = value
    }
    const walk = (value: Data, path: string[]): void => {
      if (Object(value) !== value) return set(path, value)
      for (const key of Object.keys(value)) walk(value[key], [...path, key])
    }
    walk(source, [])
  },
  '__proto__ set by assignment': (target, source) => {
    target.__proto__ = source
  },
  'Object.setPrototypeOf': (target, source) => Object.setPrototypeOf(target, source),
  'Object.defineProperties': (target, source) =>
    Object.defineProperties(target, Object.getOwnPropertyDescriptors(source)),
  'an assignment of each': (target, source) => {
    for (const [key, value] of Object.entries(source)) target[key] = value
  },
}

const POLLUTION = '{"polluted":true,"push":"polluted","hasOwnProperty":"polluted"}'

/** Bodies whose names lead to a prototype on a plain object. */
const bodies = [
  `{"__proto__":${POLLUTION}}`,
  `{"__proto__":{"__proto__":${POLLUTION}}}`,
  `{"constructor":{"prototype":${POLLUTION}}}`,
  ...['toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', '__lookupGetter__'].map(
    name => `{"${name}":{"constructor":{"prototype":${POLLUTION}},"__proto__":${POLLUTION}}}`,
  ),
  ...['user', 'own', 'raw', 'map', 'set', 'missing'].flatMap(name => [
    `{"${name}":{"__proto__":${POLLUTION}}}`,
    `{"${name}":{"constructor":{"prototype":${POLLUTION}}}}`,
    `{"${name}":{"toString":{"constructor":{"prototype":${POLLUTION}}}}}`,
  ]),
  ...['cart', 'push', 'concat', 'at'].flatMap(name => [
    `{"cart":{"__proto__":${POLLUTION}}}`,
    `{"cart":{"constructor":{"prototype":${POLLUTION}}}}`,
    `{"cart":{"${name}":{"constructor":{"prototype":${POLLUTION}},"__proto__":${POLLUTION}}}}`,
    `{"cart":{"0":{"__proto__":${POLLUTION}}}}`,
  ]),
  ...['get', 'set', 'add', 'forEach', 'keys'].flatMap(name => [
    `{"map":{"${name}":{"constructor":{"prototype":${POLLUTION}},"__proto__":${POLLUTION}}}}`,
    `{"set":{"${name}":{"constructor":{"prototype":${POLLUTION}},"__proto__":${POLLUTION}}}}`,
  ]),
  `{"toString":{"call":{"constructor":{"prototype":${POLLUTION}}},"bind":{"__proto__":${POLLUTION}}}}`,
]

/** Everything that a hostile body could have changed for the whole process, as text. */
function fingerprint(): string {
  const shared = [Object, Function, Array, Map, Set, String, Number].flatMap(each => [
    each,
    each.prototype,
  ])
  return shared
    .map(each =>
      Reflect.ownKeys(each)
        .map(key => `${String(key)}:${typeof Object.getOwnPropertyDescriptor(each, key)?.value}`)
        .join(),
    )
    .join('\n')
}

for (const [name, merge] of Object.entries(merges)) {
  prototypes(`a hostile body, merged by ${name}`, async () => {
    const before = fingerprint()
    for (const text of bodies) {
      for (const at of [
        (data: Data) => data,
        (data: Data) => data.user,
        (data: Data) => data.raw,
      ]) {
        const data = await everyKind()
        try {
          merge(at(data), JSON.parse(text))
        } catch (error) {
          assert.ok(
            error instanceof UnsupportedValueError || error instanceof TypeError,
            String(error),
          )
        }
        assert.equal(fingerprint(), before, text)
        assert.equal(({} as Data).polluted, undefined)
        assert.equal(([] as Data).polluted, undefined)
        assert.equal(data.polluted === undefined || Object.hasOwn(data, 'polluted'), true)
        assert.equal(data.user.polluted === undefined || Object.hasOwn(data.user, 'polluted'), true)
        assert.equal(Object.getPrototypeOf(data), Object.prototype)
      }
    }
  })
}

prototypes('__proto__ is refused however it is put, and changes nothing', () => {
  const evil = (): Data => JSON.parse('{"__proto__":{"admin":true}}')
  const attempts: [name: string, attempt: (data: Data) => unknown, path: Path][] = [
    ['assigned', data => (data.__proto__ = { admin: true }), ['__proto__']],
    ['assigned null', data => (data.__proto__ = null), ['__proto__']],
    ['assigned a scalar', data => (data.__proto__ = 1), ['__proto__']],
    ['assigned undefined', data => (data.__proto__ = undefined), ['__proto__']],
    ['nested', data => (data.user.__proto__ = { admin: true }), ['user', '__proto__']],
    ['in an array', data => (data.cart.__proto__ = []), ['cart', '__proto__']],
    ['Object.assign', data => Object.assign(data, evil()), ['__proto__']],
    ['Object.assign, nested', data => Object.assign(data.user, evil()), ['user', '__proto__']],
    ['a body', data => (data.body = evil()), ['body', '__proto__']],
    ['a spread body', data => (data.body = { in: { ...evil() } }), ['body', 'in', '__proto__']],
    ['an element', data => data.cart.push(evil()), ['cart', 2, '__proto__']],
    ['spliced in', data => data.cart.splice(0, 1, [evil()]), ['cart', 0, 0, '__proto__']],
    ['Reflect.set', data => Reflect.set(data, '__proto__', {}), ['__proto__']],
    [
      'a definition',
      data => Reflect.defineProperty(data, '__proto__', { value: 1 }),
      ['__proto__'],
    ],
    ['a new prototype', data => Object.setPrototypeOf(data.user, { admin: true }), ['user']],
    ['no prototype', data => Reflect.setPrototypeOf(data, null), []],
    ['inherited, then assigned', data => (data.x = Object.create({ admin: true })), ['x']],
  ]
  for (const [name, attempt, path] of attempts) {
    const tracked = track<Data>(start())
    assert.deepEqual(refused(() => attempt(tracked.data)).path, path, name)
    assert.deepStrictEqual(tracked.data, start(), name)
    assert.deepEqual(tracked.changes(), [], name)
    assert.equal(tracked.data.admin, undefined)
    assert.equal(tracked.data.user.admin, undefined)
  }
})

prototypes('deleting what is inherited deletes nothing', () => {
  const tracked = track<Data>(start())
  const before = fingerprint()
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.equal(delete tracked.data[name], true)
    assert.equal(delete tracked.data.user[name], true)
    assert.equal(delete tracked.data.cart[name], true)
  }
  assert.equal(fingerprint(), before)
  assert.deepEqual(tracked.changes(), [])
})

prototypes.run()

class Money {
  amount = 5
  get text(): string {
    return `${this.amount}`
  }
}

/** Values that BSON would damage silently, or that would break every later commit. */
const DAMAGED: Record<string, () => unknown> = {
  'an invalid Date': () => new Date(Number.NaN),
  'a function': () => () => 1,
  'a class': () => Money,
  'an async function': () => async () => 1,
  'a symbol': () => Symbol('x'),
  'a registered symbol': () => Symbol.for('x'),
  'a bigint': () => 10n,
  'a class instance': () => new Money(),
  'an instance without a constructor': () => Object.create(Object.create(null)),
  'an object that inherits': () => Object.create({ admin: true }),
  'an error': () => new Error('x'),
  'a URL': () => new URL('http://x/'),
  URLSearchParams: () => new URLSearchParams('a=1'),
  Headers: () => new Headers({ a: '1' }),
  'a Blob': () => new Blob(['x']),
  'a promise': () => Promise.resolve(1),
  'a WeakMap': () => new WeakMap(),
  'a WeakRef': () => new WeakRef({}),
  'a Map': () => new Map([['a', 1]]),
  'a Set': () => new Set([1]),
  'an empty Map': () => new Map(),
  'an ArrayBuffer': () => new ArrayBuffer(2),
  'a SharedArrayBuffer': () => new SharedArrayBuffer(2),
  'a DataView': () => new DataView(new ArrayBuffer(2)),
  'a Uint16Array': () => new Uint16Array([1]),
  'an Int8Array': () => new Int8Array([1]),
  'a Uint8ClampedArray': () => new Uint8ClampedArray([1]),
  'a Float64Array': () => new Float64Array([1]),
  'a BigInt64Array': () => new BigInt64Array([1n]),
  'a boxed number': () => Object(1),
  'a boxed boolean': () => Object(true),
  'a boxed string': () => Object('x'),
  'a boxed bigint': () => Object(1n),
  'a boxed symbol': () => Object(Symbol('x')),
  'a RegExp': () => /x/giy,
  'a match': () => 'abc'.match(/b/),
  arguments: () =>
    (function () {
      // biome-ignore lint/complexity/noArguments: they are what is tried
      return arguments
    })(),
  'a generator': () => [1].values(),
  'a Proxy of an instance': () => new Proxy(new Money(), {}),
  'an array with names': () => Object.assign([1], { total: 1 }),
  'an array with a symbol': () => Object.assign([1], { [Symbol('x')]: 1 }),
  'an object with a symbol': () => ({ a: 1, [Symbol('x')]: 2 }),
  'a lone surrogate': () => 'a\ud800',
  'a lone surrogate at the front': () => '\udc00a',
  '_bsontype from JSON': () => JSON.parse('{"_bsontype":"ObjectId","id":"x"}'),
  '_bsontype of no type': () => JSON.parse('{"_bsontype":null}'),
  'a cycle': () => {
    const cycle: Data = { a: {} }
    cycle.a.b = [cycle]
    return cycle
  },
  'a cycle of an array': () => {
    const cycle: Data[] = []
    cycle.push(cycle)
    return cycle
  },
  'a method beside data': () => ({ a: 1, total: () => 1 }),
  toBSON: () => ({ a: 1, toBSON: () => ({ b: 2 }) }),
  toJSON: () => ({ a: 1, toJSON: () => ({ b: 2 }) }),
  'a DBRef': () => new DBRef('users', new ObjectId()),
  'a BSON symbol': () => new BSONSymbol('x'),
  'more than 64 levels': () => nested(70),
  'too many levels of arrays': () => nested(70, inner => [inner]),
}

/** An object this many levels deep. */
function nested(
  levels: number,
  wrap: (inner: unknown) => unknown = inner => ({ in: inner }),
): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = wrap(value)
  return value
}

/** Ways to put a value somewhere; and the path that is told if it is refused. */
const ways: Record<string, Place> = {
  'as an attribute': { path: ['x'], put: (data, value) => (data.x = value) },
  'over an attribute': { path: ['user'], put: (data, value) => (data.user = value) },
  'in an object': { path: ['user', 'x'], put: (data, value) => (data.user.x = value) },
  'over an element': { path: ['cart', 1], put: (data, value) => (data.cart[1] = value) },
  'by push': { path: ['cart', 2], put: (data, value) => data.cart.push(value) },
  'by push of two': { path: ['cart', 3], put: (data, value) => data.cart.push(1, value) },
  'by unshift': { path: ['cart', 0], put: (data, value) => data.cart.unshift(value) },
  'by splice': { path: ['cart', 2], put: (data, value) => data.cart.splice(1, 1, 1, value) },
  'by fill': { path: ['cart', 0], put: (data, value) => data.cart.fill(value) },
  'inside a body': {
    path: ['x', 'in', 1, 'y'],
    put: (data, value) => (data.x = { in: [0, { y: value }] }),
  },
  'inside a pushed body': {
    path: ['cart', 2, 'y'],
    put: (data, value) => data.cart.push({ y: value }),
  },
  'beyond the end': { path: ['cart', 4], put: (data, value) => (data.cart[4] = value) },
  'by Object.assign': {
    path: ['user', 'x'],
    put: (data, value) => Object.assign(data.user, { x: value }),
  },
  'by Reflect.set': {
    path: ['user', 'x'],
    put: (data, value) => Reflect.set(data.user, 'x', value),
  },
}

const damage = suite('values that BSON would damage')

for (const [name, make] of Object.entries(DAMAGED)) {
  damage(`${name} is refused wherever it is put, with the path`, () => {
    for (const { path, put } of Object.values(ways)) {
      const tracked = track<Data>(start())
      const error = refused(() => put(tracked.data, make()))
      // What is wrong may be further inside.
      assert.deepEqual(error.path.slice(0, path.length), path)
      assert.equal(error.code, 'ERR_UNSUPPORTED_VALUE')
      assert.match(error.message, /^Cannot keep .+: .+, .+$/)
      assert.deepStrictEqual(tracked.data, start())
      assert.deepEqual(tracked.changes(), [])
      tracked.data.n = 2
      assert.deepEqual(tracked.changes(), [{ op: 'set', path: ['n'], value: 2 }])
    }
  })

  damage(`${name} is refused by the commit if the caller puts it in later`, async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    for (const late of [
      (data: Data, value: unknown) => {
        const held: Data = { list: [] }
        data.x = held
        held.list.push(value)
      },
      (data: Data, value: unknown) => {
        const held: Data = {}
        data.x = { list: [] }
        data.x.list.push(held)
        held.y = value
      },
      (data: Data, value: unknown) => {
        const held: Data[] = []
        data.cart.push({ held })
        data.cart.reverse()
        held.push(value)
      },
    ]) {
      const session = sessions.create(start())
      await session.commit()
      late(session.data, make())
      await assert.rejects(session.commit(), (error: Data) => {
        assert.ok(error instanceof UnsupportedValueError, String(error))
        assert.ok(['x', 'cart'].includes(error.path[0] as string))
        return true
      })
      assert.deepStrictEqual((await sessions.open(session.id))?.data, start())
      session.discard()
      session.data.n = 2
      await session.commit()
      assert.deepStrictEqual((await sessions.open(session.id))?.data, { ...start(), n: 2 })
    }
  })
}

/** What leaves nothing in BSON is no difference where bytes are compared. It is not stored either. */
const WITHOUT_BYTES = ['a symbol', 'a registered symbol']

for (const tracking of ['none', 'accesses', 'mutable-attributes'] as const) {
  for (const differencing of ['graph', 'binary'] as const) {
    damage(`in plain copies (${tracking} × ${differencing}), the commit refuses them`, async () => {
      const sessions = createSessions<Data>({ store: memoryStore(), tracking, differencing })
      const some = Object.values(ways).filter((_, index) => index % 3 === 2)
      for (const [name, make] of Object.entries(DAMAGED)) {
        if (differencing === 'binary' && WITHOUT_BYTES.includes(name)) continue
        const session = sessions.create(start())
        await session.commit()
        for (const { path, put } of some) {
          const attempt = async (): Promise<unknown> => {
            put(session.data, make())
            return session.commit()
          }
          await assert.rejects(attempt, (error: Data) => {
            assert.ok(error instanceof UnsupportedValueError, `${name}: ${error}`)
            assert.deepEqual(error.path.slice(0, path.length), path, name)
            return true
          })
          session.discard()
          assert.deepStrictEqual(snapshot(session.data), start())
        }
        session.data.n = 2
        await session.commit()
        const stored = (await sessions.open(session.id))?.data
        assert.deepStrictEqual(snapshot(stored), { ...start(), n: 2 })
      }
    })
  }
}

damage('the error names the part that is wrong, and shows no value', () => {
  const secret = 'hunter2'
  const tracked = track<Data>(start())
  const cases: [value: unknown, path: Path][] = [
    [{ a: [1, { 'b.c': new Date(Number.NaN), secret }] }, ['x', 'a', 1, 'b.c']],
    [{ a: { secret, b: () => secret } }, ['x', 'a', 'b']],
    [{ a: { secret: `${secret}\ud800` } }, ['x', 'a', 'secret']],
    [[[[new Money()]]], ['x', 0, 0, 0]],
    [{ a: Object.assign([secret], { total: secret }) }, ['x', 'a', 'total']],
    [{ a: { [`\ud800`]: secret } }, ['x', 'a', '\ud800']],
  ]
  for (const [value, path] of cases) {
    const error = refused(() => (tracked.data.x = value))
    assert.deepEqual(error.path, path)
    assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes(secret))
  }
})

damage('64 levels are kept, and one more is refused, however they come about', () => {
  const depths: Record<string, (data: Data, levels: number, accept: () => void) => void> = {
    'in one piece': (data, levels) => {
      data.x = nested(levels)
    },
    'of arrays': (data, levels) => {
      data.x = nested(levels, inner => [inner])
    },
    'through the handle': (data, levels) => {
      data.x = {}
      for (let at = data.x, level = 1; level < levels; level++) at = at.in = (at.in = {}) && at.in
    },
    'in two pieces': (data, levels) => {
      data.x = nested(30)
      let at = data.x
      for (let level = 1; level < 30; level++) at = at.in
      at.in = nested(levels - 30)
    },
    'by a handle that moves down': (data, levels) => {
      data.moved = nested(40)
      const handle = data.moved
      delete data.moved
      data.x = nested(levels - 40)
      let at = data.x
      for (let level = 1; level < levels - 40; level++) at = at.in
      at.in = handle
    },
    'by a handle of what was there before': (data, levels, accept) => {
      data.moved = nested(40)
      accept()
      data.x = nested(levels - 40)
      let at = data.x
      for (let level = 1; level < levels - 40; level++) at = at.in
      at.in = data.moved
      delete data.moved
    },
    'below a handle of what was there before': (data, levels, accept) => {
      data.x = nested(40)
      accept()
      let at = data.x
      for (let level = 1; level < 40; level++) at = at.in
      at.in = nested(levels - 40)
    },
    'by a handle in an object that is assigned': (data, levels) => {
      data.moved = nested(40)
      let value: unknown = data.moved
      for (let level = 40; level < levels; level++) value = { in: value }
      data.x = value
    },
    'below the second place of a handle': (data, levels) => {
      data.one = { in: 1 }
      data.x = nested(30)
      let at = data.x
      for (let level = 1; level < 30; level++) at = at.in
      at.in = data.one
      data.one.in = nested(levels - 31)
    },
  }
  for (const [name, build] of Object.entries(depths)) {
    const tracked = track<Data>(start())
    build(tracked.data, 64, () => tracked.accept())
    assert.equal(snapshot(tracked.data.x).in === undefined, name === 'of arrays', name)
    tracked.accept()
    const deeper = track<Data>(start())
    refused(() => build(deeper.data, 65, () => deeper.accept()))
  }
})

damage('what would contain itself is refused, however it comes about', () => {
  const cycles: Record<string, (data: Data) => void> = {
    'in its own object': data => (data.user.self = data.user),
    'further down': data => (data.user.address.up = data.user),
    'in an array': data => data.cart.push(data.cart),
    'the session itself': data => (data.self = data),
    'in an object that is assigned': data => (data.user.x = { in: [data.user] }),
    'after it was taken out': data => {
      const { user } = data
      const { address } = user
      delete data.user
      address.up = user
    },
    'two that contain each other': data => {
      data.a = {}
      data.b = {}
      data.a.b = data.b
      data.b.a = data.a
    },
    'through an element that was moved': data => {
      const first = data.cart.shift()
      data.cart.push(first)
      first.list = data.cart
    },
    'through an assigned object': data => {
      data.a = { list: [] }
      data.a.list.push(data.a)
    },
    'through an assigned object, further down': data => {
      data.a = { in: { in: {} } }
      data.a.in.in.up = data.a.in
    },
    'through an assigned object with two places': data => {
      data.a = { in: {} }
      data.b = data.a.in
      data.b.up = data.a
    },
    'through an assigned object that was taken out': data => {
      data.a = { in: {} }
      const { a } = data
      delete data.a
      a.in.up = a
    },
    'through an object that the caller changed': data => {
      const held: Data = { in: {} }
      data.a = held
      const inner = data.a.in
      held.other = { inner: held.in }
      delete held.in
      inner.up = data.a
    },
  }
  for (const [name, make] of Object.entries(cycles)) {
    const tracked = track<Data>(start())
    const error = refused(() => make(tracked.data))
    assert.match(error.message, /contain itself/, name)
    JSON.stringify(tracked.data)
  }
})

damage('what the caller makes contain itself is refused by the commit', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const cycles: Record<string, [make: (data: Data, held: Data) => void, path: Path]> = {
    'by itself': [(_, held) => (held.self = held), ['a', 'self']],
    'by its handle': [(data, held) => (held.self = data.a), ['a', 'self']],
    'further down': [(data, held) => (held.in.list = [held.in, data.a]), ['a', 'in', 'list', 0]],
    'below what was written through the handle': [
      (data, held) => {
        data.a.in.late = {}
        held.up = data.a
      },
      ['a', 'up'],
    ],
  }
  for (const [name, [make, path]] of Object.entries(cycles)) {
    const session = sessions.create(start())
    await session.commit()
    const held: Data = { in: {} }
    session.data.a = held
    make(session.data, held)
    await assert.rejects(session.commit(), { name: 'UnsupportedValueError', path }, name)
    delete session.data.a
    session.data.n = 3
    await session.commit()
    assert.deepStrictEqual((await sessions.open(session.id))?.data, { ...start(), n: 3 })
  }
})

damage('an index 1,000 beyond the end is taken, and the next one is refused', () => {
  const tracked = track<Data>(start())
  const error = refused(() => (tracked.data.cart[1003] = 1))
  assert.deepEqual(error.path, ['cart', 1003])
  assert.deepEqual(refused(() => (tracked.data.cart.length = 5000)).path, ['cart', 4999])
  assert.deepStrictEqual(tracked.data, start())
  tracked.data.cart[1002] = 1
  assert.equal(tracked.data.cart.length, 1003)
  assert.equal(tracked.data.cart[500], null)
})

damage.run()

forEachStore('hostile keys', (key, { create, name: kind }) => {
  const collection = kind === 'MongoDB' ? freshCollection() : undefined
  const store = collection === undefined ? create() : mongoStore(collection)
  const sessions: Sessions<Data> = createSessions<Data>({ store })

  const opened = (data: Data = start()): Promise<Session<Data>> => openStored(sessions, data)

  /** What drivers and databases take for more than it is. */
  const lookalikes: Data[] = [
    { $ref: 'users', $id: 5 },
    { $ref: 'https://example.com/a.json', $id: 'b', in: { c: 1 } },
    { $id: 1, $ref: 'users', $db: 'shop' },
    { $ref: 'users', $id: { $ref: 'others', $id: 1 } },
    { $oid: '65a000000000000000000001' },
    { $numberLong: '5' },
    { $date: 0, $regex: 'a', $options: 'i' },
    { $binary: { base64: 'AA==', subType: '00' } },
  ]
  for (const lookalike of lookalikes) {
    key(
      `an object that looks like something else is an object: ${JSON.stringify(lookalike)}`,
      async () => {
        const put = (): Data => structuredClone({ ...lookalike, deep: { n: 1 } })
        const session = await opened({ ...start(), x: put(), list: [put()] })
        const plain = { ...start(), x: put(), list: [put()] }
        for (const data of [session.data, plain]) {
          data.x.deep.n = 2
          data.x.more = 1
          data.list[0].deep.n = 2
          data.list.push(put())
          data.y = put()
        }
        const { attempts } = await session.commit()
        assert.equal(attempts, 1)
        for (const { data } of [session, (await sessions.open(session.id)) as Session<Data>]) {
          assert.deepStrictEqual(snapshot(data), plain)
        }
      },
    )
  }

  key(
    'a regular expression of the database stays what it is, also where JavaScript has none such',
    async () => {
      for (const [pattern, options] of [
        ['(?i)a', ''],
        ['a/b', 'x'],
        ['(?P<name>a)', 'is'],
      ] as const) {
        const session = await opened({ pattern: new BSONRegExp(pattern, options), n: 1 })
        session.data.n = 2
        await session.commit()
        const { data } = (await sessions.open(session.id)) as Session<Data>
        assert.deepEqual(snapshot(data), { pattern: new BSONRegExp(pattern, options), n: 2 })
      }
    },
  )

  for (const [name, place] of Object.entries(places)) {
    key(`${name}: any odd one is stored exactly, next to what others write`, async () => {
      // All keys at once, and by two servers that take turns.
      const session = await opened()
      const other = await sessions.open(session.id)
      assert.ok(other)
      const plain = start()
      for (const [index, odd] of ODD_KEYS.entries()) {
        const value = [index, { [odd]: { deep: odd } }, odd][index % 3]
        const { replaces, put } = place(odd)
        put(index % 2 === 0 || replaces ? session.data : other.data, value)
        place(odd).put(plain, value)
        if (index % 10 === 0) {
          other.data.user.name = `name ${index}`
          plain.user.name = `name ${index}`
        }
        if (index % 15 !== 14) continue
        for (const each of [session, other]) {
          assertPrefixFree((await each.commit()).modifications)
          assert.deepEqual((await each.commit()).modifications, [])
        }
      }
      await session.commit()
      await other.commit()
      const last = await sessions.open(session.id)
      assert.ok(last)
      assert.equal(canonical(elementsSorted(last.data)), canonical(elementsSorted(plain)))
      assert.equal(await arrived(store, session.key), exact(snapshot(last.data)))
    })

    key(`${name}: an odd one is removed again`, async () => {
      const session = await opened()
      const plain = start()
      for (const odd of ODD_KEYS) {
        place(odd).put(session.data, 1)
        place(odd).put(plain, 1)
      }
      await session.commit()
      await assertStored(store, session, plain)
      for (const target of [session.data, plain]) {
        for (const odd of ODD_KEYS) {
          for (const holder of holdersOf(target)) if (!keep(holder, odd)) delete holder[odd]
        }
      }
      await session.commit()
      await assertStored(store, session, plain)
      assert.deepStrictEqual((await sessions.open(session.id))?.data, plain)
    })

    key(`${name}: an impossible one is refused with the path`, async () => {
      for (const impossible of REFUSED_KEYS) {
        const session = await opened()
        const { path, put } = place(impossible)
        if (name === 'into an object that the caller still holds' && impossible === '__proto__') {
          // This is what `held.__proto__ = value` does to any object: it is no key of it.
          continue
        }
        if (name === 'into an object that the caller still holds') {
          put(session.data, 1)
          await assert.rejects(session.commit(), { name: 'UnsupportedValueError', path })
          delete session.data.late
        } else {
          const error = refused(() => put(session.data, 1))
          assert.deepEqual(error.path, path)
          if (name === 'into a container that was not there') delete session.data.flash
        }
        assert.deepStrictEqual(session.data, start())
        assert.deepEqual((await session.commit()).modifications, [])
        session.data.n++
        await session.commit()
        await assertStored(store, session, { ...start(), n: 2 })
      }
    })
  }

  key('two servers add odd keys to one object, and both are kept', async () => {
    for (const [one, two] of [
      ['a.b', 'a.c'],
      ['$set', '$unset'],
      ['', '.'],
      ['$[]', 'plain'],
      ['constructor', '__defineGetter__'],
    ] as const) {
      const session = await opened()
      const other = await sessions.open(session.id)
      assert.ok(other)
      session.data.user[one] = 1
      other.data.user[two] = 2
      other.data.user.address.city = 'Paris'
      await Promise.all([session.commit(), other.commit()])
      const plain = start()
      Object.assign(plain.user, { [one]: 1, [two]: 2 })
      plain.user.address.city = 'Paris'
      assert.equal(await arrived(store, session.key), exact(plain))
    }
  })

  key('an update never reaches anything but the place that was written', async () => {
    for (const odd of ['$[]', '$[].qty', '0.qty', 'user.name', '1', '$', '$[x]', '-1']) {
      const session = await opened({ cart: start().cart, user: { name: 'Ada' }, map: {} })
      session.data.map[odd] = 'odd'
      session.data[odd] = { qty: 9 }
      session.data.user[odd] = [1]
      await session.commit()
      const plain = {
        cart: start().cart,
        user: { name: 'Ada', [odd]: [1] },
        map: { [odd]: 'odd' },
        [odd]: { qty: 9 },
      }
      assert.equal(await arrived(store, session.key), exact(plain))
    }
  })

  key('any body is stored exactly where it is assigned, or refused there', async () => {
    await holds(
      fc.asyncProperty(body, fc.constantFrom(...Object.values(places)), async (text, place) => {
        const session = await opened()
        const { put } = place('body')
        const reason = refusal(text)
        const plain = start()
        put(plain, JSON.parse(text))
        if (reason === undefined) {
          put(session.data, JSON.parse(text))
        } else {
          const before = canonical(session.data)
          const put = place('body')
          try {
            put.put(session.data, JSON.parse(text))
            await session.commit()
            assert.fail(`it was not refused: ${reason}`)
          } catch (error) {
            assert.ok(error instanceof UnsupportedValueError, String(error))
            assert.deepEqual(error.path.slice(0, put.path.length), put.path)
          }
          session.discard()
          assert.equal(canonical(session.data), before)
        }
        session.data.n = plain.n = 5
        await session.commit()
        const expected = reason === undefined ? plain : { ...start(), n: 5 }
        assert.equal(await arrived(store, session.key), exact(expected))
        assert.equal(({} as Data).polluted, undefined)
        return true
      }),
      60,
    )
  })

  /** Writes a document as another program might; gives its id. */
  async function insert(data: Data): Promise<string> {
    const id = createId()
    const now = await store.time({ timeout: 10_000 })
    const books = { rev: 1, layout: new Map(), tokens: [createToken()], marks: [] }
    const times = { createdAt: now, expiresAt: now + 60_000, endsAt: now + 60_000, idle: undefined }
    const embedded = collection === undefined ? data : {}
    await store.insert({ key: keyOf(id), data: embedded, ...books, ...times }, { timeout: 10_000 })
    await collection?.updateOne({ _id: keyOf(id) as never }, { $set: { data } })
    return id
  }

  const unreadable: Record<string, [bad: unknown, path: Path]> = {
    'more than 64 levels': [nested(65), ['bad', ...new Array(64).fill('in')]],
    'a date beyond those of JavaScript': [
      { when: Object.assign(new Date(), { getTime: () => 8.64e15 + 1 }) },
      ['bad', 'when'],
    ],
  }

  if (collection !== undefined) {
    const bad = JSON.parse('{"a":[{"__proto__":{"admin":true}}]}')
    unreadable['a key that would reach a prototype'] = [bad, ['bad', 'a', 0, '__proto__']]
  }

  for (const [name, [bad, path]] of Object.entries(unreadable)) {
    key(
      `${name}: the attribute cannot be read, all others can, and it can be replaced`,
      async () => {
        const id = await insert({ good: { a: 1 }, bad })
        const session = await sessions.open(id)
        assert.ok(session)
        assert.throws(() => session.data.bad, { code: 'ERR_INVALID_DOCUMENT', path })
        assert.equal(({} as Data).admin, undefined)
        session.data.good.a = 2
        await session.commit()
        assert.deepStrictEqual((await sessions.open(id))?.data.good, { a: 2 })
        session.data.bad = 'mended'
        await session.commit()
        assert.deepStrictEqual((await sessions.open(id))?.data, { good: { a: 2 }, bad: 'mended' })
      },
    )
  }

  if (collection !== undefined) {
    key(
      'stored by another program, __proto__ as an attribute: the session cannot be opened',
      async () => {
        const id = await insert(JSON.parse('{"__proto__":{"admin":true},"a":1}'))
        await assert.rejects(sessions.open(id), {
          code: 'ERR_INVALID_DOCUMENT',
          path: ['__proto__'],
        })
        assert.equal(({} as Data).admin, undefined)
      },
    )
  }

  key('stored by another program, 64 levels are read', async () => {
    const session = await sessions.open(await insert({ deep: nested(64) }))
    assert.deepStrictEqual(snapshot(session?.data.deep), nested(64))
  })

  key(
    'stored by another program, odd keys are read, and what is written next to them leaves them alone',
    async () => {
      const odd = (): Data =>
        Object.fromEntries(ODD_KEYS.map((each, index) => [each, { [each]: index }]))
      const id = await insert({ odd: odd(), list: [odd()] })
      const session = await sessions.open(id)
      assert.ok(session)
      assert.deepStrictEqual(snapshot(session.data), { odd: odd(), list: [odd()] })
      for (const each of ODD_KEYS) session.data.odd[each].plain = true
      session.data.list[0].plain = 1
      await session.commit()
      const plain: Data = { odd: odd(), list: [{ ...odd(), plain: 1 }] }
      for (const each of ODD_KEYS) plain.odd[each].plain = true
      assert.equal(await arrived(store, session.key), exact(plain))
    },
  )
})
