/**
 * Binary differencing beside object-graph differencing: whatever is stored and whatever is done to it,
 * both find the same modified subset.
 */

import assert from 'node:assert/strict'
import type { Document } from 'bson'
import {
  Binary,
  BSONRegExp,
  Code,
  DBRef,
  Decimal128,
  Double,
  deserialize,
  EJSON,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  serialize,
  Timestamp,
  UUID,
} from 'bson'
import fc from 'fast-check'
import { suite } from 'uvu'
import { z } from 'zod'
import type {
  Modification,
  Session,
  Sessions,
  TrackingName,
  TrackOptions,
} from '../../lib/index.js'
import { createSessions, memoryStore, UnsupportedValueError } from '../../lib/index.js'
import { createToken } from '../../lib/open/identity.js'
import { canonical } from '../support/canonical.js'
import { holds } from '../support/property.js'
import { differencings, trackings } from '../support/strategies.js'
import { EXACT, tampered } from '../support/wrapped.js'

// biome-ignore lint/suspicious/noExplicitAny: states of all kinds
type Data = any

// States, as somebody may have stored them: numbers of each width, and all that BSON has

const [one, other] = ['65a000000000000000000001', '65a000000000000000000002']

const NUMBERS: readonly unknown[] = [
  ...[0, -0, 1, 5, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 60],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE],
  ...[0, 1, 5].flatMap(number => [new Int32(number), new Double(number), Long.fromNumber(number)]),
  ...[new Double(-0), Long.fromNumber(2 ** 40), new Double(2 ** 40), Long.fromBigInt(2n ** 60n)],
]

const LEAVES: readonly unknown[] = [
  ...NUMBERS,
  ...NUMBERS,
  ...['', 'x', '5', 'ü', 'a\0b', true, false, null],
  ...[new Date(0), new Date(5), new Date(-1)],
  ...[Buffer.of(), Buffer.of(1, 2), Buffer.of(1, 3)],
  ...[2, 5, 128].map(subtype => new Binary(Buffer.of(1, 2), subtype)),
  new UUID('00112233-4455-4677-8899-aabbccddeeff'),
  ...[new ObjectId(one), new ObjectId(other)],
  ...[new BSONRegExp('a', 'i'), new BSONRegExp('a', 'im'), new BSONRegExp('(?i)a/b', 'x')],
  ...['5', '5.0', 'NaN'].map(text => Decimal128.fromString(text)),
  ...[new Timestamp({ t: 1, i: 2 }), new Code('x'), new MinKey(), new MaxKey()],
]

const KEYS = ['a', 'b', 'id', '0', '7', 'x.y', '$set', '$ref', '$id', '', 'constructor', 'length']

const value: fc.Arbitrary<unknown> = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...LEAVES),
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(tie('value'), { maxLength: 4 }),
  ),
})).value

const state: fc.Arbitrary<Document> = fc.dictionary(fc.constantFrom(...KEYS), value, {
  maxKeys: 5,
  noNullPrototype: true,
})

/** One thing to do to a state: it makes another one of it. */
interface Mutation {
  readonly kind: keyof typeof MUTATIONS
  readonly where: number
  readonly key: string
  readonly index: number
  readonly value: unknown
}

const MUTATIONS = {
  'write a member': (holder: Data, { key, index, value }: Mutation) => {
    if (Array.isArray(holder)) holder.splice(index, 1, value)
    else holder[key] = value
  },
  'remove a member': (holder: Data, { index }: Mutation) => {
    if (Array.isArray(holder)) holder.splice(index, 1)
    else delete holder[Object.keys(holder)[index] as string]
  },
  'another leaf for one that is there': (holder: Data, { index, value }: Mutation) => {
    const key = Object.keys(holder)[index]
    if (key !== undefined) holder[key] = value
  },
  'another width for a number': (holder: Data, { where }: Mutation) => {
    for (const [key, member] of Object.entries(holder)) {
      const number = asRead(member)
      if (typeof number !== 'number') continue
      holder[key] = where % 2 === 0 ? number : new Double(number)
    }
  },
  'another order of keys': (holder: Data) => {
    if (Array.isArray(holder)) holder.reverse()
    const entries = Object.entries(holder).reverse()
    for (const [key] of entries) delete holder[key]
    Object.assign(holder, Object.fromEntries(entries))
  },
  append: (holder: Data, { value }: Mutation) => {
    if (Array.isArray(holder)) holder.push(value)
  },
  'one element in front of all': (holder: Data, { value }: Mutation) => {
    if (Array.isArray(holder)) holder.unshift(value)
  },
  'an element moves': (holder: Data, { index }: Mutation) => {
    if (Array.isArray(holder)) holder.push(...holder.splice(index, 1))
  },
  'an array for an object, and back': (holder: Data, { index }: Mutation) => {
    const [key, member] = Object.entries(holder)[index] ?? []
    if (key === undefined || typeof member !== 'object' || member === null) return
    if (Array.isArray(member)) holder[key] = { ...member }
    else if (isPlain(member)) holder[key] = Object.values(member)
  },
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom(...(Object.keys(MUTATIONS) as (keyof typeof MUTATIONS)[])),
  where: fc.nat(20),
  key: fc.constantFrom(...KEYS),
  index: fc.nat(3),
  value,
})

const isPlain = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** A copy, down to the leaves: those are never changed in place. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member)]))
}

function containersOf(value: unknown): Data[] {
  if (!Array.isArray(value) && !isPlain(value)) return []
  return [value, ...Object.values(value).flatMap(containersOf)]
}

function mutated(state: Document, mutations: readonly Mutation[]): Document {
  const result = copy(state) as Document
  for (const each of mutations) {
    const holders = containersOf(result)
    MUTATIONS[each.kind](holders[each.where % holders.length], { ...each, value: copy(each.value) })
  }
  return result
}

// What a session does to come from one state to another

/** Tells at each place, by turns, in which of some ways to go on. */
type Choose = (ways: number) => number

function chooser(choices: readonly number[]): Choose {
  let turn = 0
  return ways => (choices[turn++ % choices.length] as number) % ways
}

/** A Timestamp is a Long by its prototype. */
const isLong = (value: unknown): value is Long => (value as Data)?._bsontype === 'Long'

/** A number as a session has it; all other values as they are. */
function asRead(value: unknown): unknown {
  if (value instanceof Int32 || value instanceof Double) return value.valueOf()
  if (isLong(value)) {
    const integer = value.toBigInt()
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : value
  }
  return value
}

/** What to assign for a value: a copy, of which the session may keep all. */
function assignable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(assignable)
  if (isPlain(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, assignable(each)]))
  }
  if (value instanceof Date) return new Date(value)
  return Buffer.isBuffer(value) ? Buffer.from(value) : asRead(value)
}

/** Makes `data` equal to `to`: in place, or by assignment. What is equal already may be assigned too. */
function lead(data: Data, to: Document, choose: Choose): void {
  for (const key of Object.keys(data)) if (!Object.hasOwn(to, key)) delete data[key]
  for (const key of Object.keys(to)) {
    const present = Object.hasOwn(data, key) ? data[key] : undefined
    if (!leadInPlace(present, to[key], choose)) data[key] = assignable(to[key])
  }
}

function leadInPlace(present: Data, to: Data, choose: Choose): boolean {
  if (typeof present !== 'object' || present === null || choose(3) === 0) return false
  if (Array.isArray(present)) {
    if (!Array.isArray(to)) return false
    leadElements(present, to, choose)
  } else if (present instanceof Date && to instanceof Date) {
    present.setTime(to.getTime())
  } else if (Buffer.isBuffer(present) && Buffer.isBuffer(to) && present.length === to.length) {
    present.set(to)
  } else if (isPlain(to) && containersOf(present).length > 0) {
    lead(present, to, choose)
  } else return false
  return true
}

function leadElements(data: Data[], to: readonly unknown[], choose: Choose): void {
  switch (choose(4)) {
    case 0:
      data.splice(0, data.length, ...to.map(assignable))
      return
    case 1:
      // Taken out and put in again: an equal one comes to its place.
      data.pop()
      break
    case 2:
      data.reverse()
  }
  if (data.length > to.length) data.length = to.length
  for (const [index, element] of to.entries()) {
    if (index >= data.length) data.push(assignable(element))
    else if (!leadInPlace(data[index], element, choose)) data[index] = assignable(element)
  }
}

// What is compared

/** A value as text: numbers by value alone, everything else by its type too. */
function text(value: unknown): string {
  return canonical(EJSON.serialize({ value: shown(value) }, { relaxed: false }))
}

function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return `the integer ${value}`
  if (isLong(value) || value instanceof Int32 || value instanceof Double) {
    const number = asRead(value)
    return isLong(number) ? `the integer ${number}` : shown(number)
  }
  if (typeof value === 'number') return `the number ${Object.is(value, -0) ? '-0' : value}`
  if (Array.isArray(value)) return Array.from(value, shown)
  // The bson package makes one of what has `$ref` and `$id`.
  if (value instanceof DBRef) return shown(value.toJSON())
  if (value instanceof Uint8Array) return new Binary(value)
  if (
    typeof value !== 'object' ||
    value === null ||
    '_bsontype' in value ||
    value instanceof Date
  ) {
    return value
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shown(member)]))
}

const listed = (modifications: readonly Modification[]): string[] =>
  modifications.map(({ op, path, ...content }) => `${op} ${JSON.stringify(path)} ${text(content)}`)

const store = memoryStore()

/** Opens a session that holds `state`, each number in the width that it has there. */
async function loaded(sessions: Sessions<Data>, state: Document): Promise<Session<Data>> {
  const { id, key } = sessions.create()
  const now = Date.now()
  const times = { createdAt: now, expiresAt: now + 1_800_000, endsAt: Number.POSITIVE_INFINITY }
  const books = { rev: 1, layout: new Map(), tokens: [createToken()], marks: [], idle: undefined }
  await store.insert({ key, data: copy(state) as Document, ...books, ...times }, { timeout: 1000 })
  return opened(sessions, id)
}

const opened = async <T extends object>(sessions: Sessions<T>, id: string): Promise<Session<T>> =>
  (await sessions.open(id)) as Session<T>

/** What is stored, decoded by the bson package alone. */
async function stored({ key }: Session<Data>): Promise<unknown> {
  const bytes = (await store.load(key, { timeout: 1000 }))?.bytes as Uint8Array
  return deserialize(bytes, EXACT).data
}

/** Leads a session to a state, commits, and tells what it found and what it sent. */
async function change(
  session: Session<Data>,
  to: Document,
  choices: readonly number[],
): Promise<{ found: string[]; sent: string[] }> {
  lead(session.data, to, chooser(choices))
  const found = listed(session.changes())
  const { modifications, superseded } = await session.commit()
  assert.deepEqual(superseded, [])
  assert.equal(text(session.data), text(to))
  assert.equal(text(await stored(session)), text(to))
  assert.deepEqual(session.changes(), [])
  return { found, sent: listed(modifications) }
}

const property = suite('binary differencing, whatever is stored and done')

for (const tracking of trackings) {
  const [graphs, bytes] = differencings.map(differencing => {
    return createSessions<Data>({ store, tracking, differencing })
  }) as [Sessions<Data>, Sessions<Data>]

  property(`'${tracking}': it finds what comparing graphs finds, there and back`, async () => {
    const choices = fc.array(fc.nat(11), { minLength: 1, maxLength: 12 })
    await holds(
      fc.asyncProperty(
        state,
        fc.array(mutation, { maxLength: 5 }),
        choices,
        async (a, all, way) => {
          const b = mutated(a, all)
          const [one, two] = [await loaded(bytes, a), await loaded(graphs, a)]
          const there = await change(one, b, way)
          assert.deepEqual(there, await change(two, b, way))
          assert.equal(there.found.length === 0, text(a) === text(b))
          // And back: over what was committed here, and over what was loaded.
          assert.deepEqual(await change(one, a, way), await change(two, a, way))
          const [three, four] = [await loaded(bytes, b), await loaded(graphs, b)]
          assert.deepEqual(await change(three, a, way), await change(four, a, way))
        },
      ),
      120,
    )
  })
}

property.run()

// Where bytes alone would tell something else

const binary = suite('binary differencing, as the graphs are')

type Matrix = Partial<Record<TrackingName, readonly string[]>>

/** Does an edit with each tracking and each differencing: both are to find what is expected. */
function finds(
  title: string,
  expected: readonly string[] | Matrix,
  begin: (options: TrackOptions) => Promise<Session<Data>>,
  edit: (data: Data) => unknown,
): void {
  binary(title, async () => {
    for (const tracking of trackings)
      for (const differencing of differencings) {
        const session = await begin({ tracking, differencing })
        edit(session.data)
        const found = session.changes().map(({ op, path }) => `${op} ${path.join('.')}`)
        const wanted = Array.isArray(expected) ? expected : (expected as Matrix)[tracking]
        assert.deepEqual(found, wanted, `${tracking} × ${differencing}`)
        const { status } = await session.commit()
        assert.equal(status, found.length === 0 ? 'unchanged' : 'updated')
        assert.deepEqual(session.changes(), [])
      }
  })
}

const begins = (data: Document) => (options: TrackOptions) =>
  loaded(createSessions<Data>({ store, ...options }), data)

finds(
  'an element that was taken out, and an equal one put in',
  [],
  begins({ list: [{ a: 1 }, { a: 2 }] }),
  ({ list }) => list.push({ ...list.pop() }),
)

finds(
  'an element that is now what the array was as a whole',
  ['set list'],
  begins({ list: [[1]] }),
  ({ list }) => {
    list.pop()
    list.push([[1]])
  },
)

finds(
  'a number of the bson package, where the same is stored',
  [],
  begins({ o: { n: 5 } }),
  data => {
    data.o = { n: new Int32(5) }
  },
)

/** What keeps all it has in private, so that it has no bytes. */
class Money {
  #cents: number
  constructor(cents: number) {
    this.#cents = cents
  }
  get cents(): number {
    return this.#cents
  }
  set cents(cents: number) {
    this.#cents = cents
  }
}

const schema = z.object({
  item: z
    .object({
      n: z.number(),
      price: z.codec(z.number(), z.instanceof(Money), {
        decode: cents => new Money(cents),
        encode: ({ cents }) => cents,
      }),
    })
    .optional(),
  tags: z.set(z.string()).optional(),
  pages: z.map(z.string(), z.number()).optional(),
})

async function decoded(options: TrackOptions): Promise<Session<Data>> {
  const sessions = createSessions({ store, schema, ...options })
  const session = sessions.create({
    item: { n: 1, price: new Money(5) },
    tags: new Set(['a', 'b']),
    pages: new Map(Object.entries({ a: 1, b: 2 })),
  })
  await session.commit()
  return opened(sessions, session.id) as Promise<Session<Data>>
}

const PRICE = ['set item.price']
const whole: Matrix = {
  writes: ['set item'],
  accesses: ['set item'],
  'mutable-attributes': ['set item'],
  none: PRICE,
}

finds('what a codec made, in an object that is replaced', whole, decoded, data => {
  data.item = { n: 1, price: new Money(7) }
})
finds('what a codec made, replaced', PRICE, decoded, ({ item }) => {
  item.price = new Money(7)
})
finds('what a codec made, changed in place', PRICE, decoded, ({ item }) => {
  item.price.cents = 7
})
finds('an equal one', [], decoded, data => {
  data.item = { n: 1, price: new Money(5) }
})
finds('a Set in another order', [], decoded, data => {
  data.tags = new Set(['b', 'a'])
})
finds('a Map in another order', [], decoded, data => {
  data.pages = new Map(Object.entries({ b: 2, a: 1 }))
})

/** The bytes of a document whose array of objects has these names for its elements, in the place of 0, 1, … */
function renamed(document: Document, names: string): Uint8Array {
  const bytes = Buffer.from(serialize(document))
  // After the name come the length of the array (4 bytes), and the type of its first element.
  let at = bytes.indexOf('LIST\0') + 5 + 4 + 1
  for (const name of names) {
    bytes.write(name, at)
    at += 2 + bytes.readInt32LE(at + 2) + 1
  }
  return bytes
}

for (const names of ['012', '123', '102', '000']) {
  const odd = tampered(store, document => renamed(document, names))
  const begin = async (options: TrackOptions): Promise<Session<Data>> => {
    const { id } = await loaded(createSessions({ store }), { LIST: [{ a: 1 }, { a: 2 }, { a: 3 }] })
    return opened(createSessions<Data>({ store: odd, ...options }), id)
  }
  const title = `elements that are stored with the names ${names} have their positions`
  finds(`${title}: the last is changed`, ['set LIST.2.a'], begin, ({ LIST }) => {
    LIST[2].a = 9
  })
  finds(`${title}: the first is now what the second is`, ['set LIST.0'], begin, ({ LIST }) => {
    LIST[0] = { a: 2 }
  })
  finds(`${title}: one is replaced by an equal one`, [], begin, ({ LIST }) => {
    LIST[1] = { a: 2 }
  })
}

// What BSON does not take is told by the commit, with its path, and not by whoever compares bytes first.
for (const [title, spoil, path] of [
  ['a key with NUL', (held: Data) => (held['a\0b'] = 1), ['o', 'a\0b']],
  ["a key of BSON's own", (held: Data) => (held._bsontype = 'ObjectId'), ['o', '_bsontype']],
  ['a function', (held: Data) => (held.call = () => 1), ['o', 'call']],
] as const) {
  for (const differencing of differencings) {
    binary(`put into an object after that was assigned: ${title}, ${differencing}`, async () => {
      const session = await begins({ o: { n: 5 } })({ differencing })
      const held = { n: 5 }
      session.data.o = held
      spoil(held)
      assert.deepEqual(
        session.changes().map(({ path }) => path),
        [['o']],
      )
      await assert.rejects(session.commit(), error => {
        assert.equal(error instanceof UnsupportedValueError, true, String(error))
        assert.deepEqual((error as UnsupportedValueError).path, path)
        return true
      })
      assert.equal(text(await stored(session)), text({ o: { n: 5 } }))
    })
  }
}

binary.run()
