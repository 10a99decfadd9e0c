import assert from 'node:assert/strict'
import type { Document } from 'bson'
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  Double,
  deserialize,
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
import { BsonReader } from '../lib/bson.js'
import { InvalidDocumentError } from '../lib/index.js'
import { withWidths } from '../lib/state/width.js'
import { plainState } from './support/mutations.js'
import { holds } from './support/property.js'

const bson = suite('BSON, decoded where it is touched')

/** All elements of a document, each decoded by itself. */
function decode(bytes: Uint8Array): Document {
  const reader = new BsonReader(bytes)
  const container: Document = {}
  for (const [key, element] of reader.scan())
    container[key] = reader.decode(element, container, key)
  return container
}

const roundtrip = (document: Document): Document => decode(serialize(document))

/** A document of one element of raw bytes: its type, and its value after the key "a". */
function element(type: number, value: number[] | Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.of(type, 0x61, 0), Buffer.from(value)])
  const document = Buffer.alloc(body.length + 5)
  document.writeInt32LE(document.length)
  body.copy(document, 4)
  return document
}

function int32(value: number): number[] {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return [...bytes]
}

function int64(value: bigint): number[] {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(value)
  return [...bytes]
}

function refuses(bytes: Uint8Array, path: (string | number)[], why: RegExp): void {
  assert.throws(
    () => decode(bytes),
    error => {
      assert.ok(error instanceof InvalidDocumentError, String(error))
      assert.deepEqual(error.path, path)
      assert.match(error.message, why)
      return true
    },
  )
}

// Values

const values: Record<string, [written: unknown, read?: unknown]> = {
  'an int32': [new Int32(-5), -5],
  'a fraction': [0.1],
  'a double that is whole': [new Double(5), 5],
  'a large number': [2 ** 53],
  '-0': [-0],
  NaN: [Number.NaN],
  infinity: [Number.NEGATIVE_INFINITY],
  'the smallest number': [Number.MIN_VALUE],
  'an int64 in the safe range': [Long.fromNumber(2 ** 53 - 1), 2 ** 53 - 1],
  'an int64 beyond it': [Long.fromBigInt(2n ** 53n), 2n ** 53n],
  'the largest int64': [Long.MAX_VALUE, 2n ** 63n - 1n],
  'the smallest int64': [Long.MIN_VALUE, -(2n ** 63n)],
  text: ['zürich 日本 😀'],
  'the empty string': [''],
  'a string with NUL': ['a\0b'],
  'the character that stands for what is no text': ['\ufffd'],
  true: [true],
  false: [false],
  null: [null],
  'a Date': [new Date(1234)],
  'a Date before 1970': [new Date(-1)],
  'the last Date': [new Date(8.64e15)],
  bytes: [Buffer.of(0, 1, 255)],
  'no bytes': [Buffer.alloc(0)],
  'bytes of the old subtype': [new Binary(Buffer.of(1, 2), 2)],
  'bytes of an own subtype': [new Binary(Buffer.of(1, 2), 128)],
  'a UUID': [new UUID('00112233-4455-4677-8899-aabbccddeeff')],
  'an ObjectId': [ObjectId.createFromTime(1)],
  'a Decimal128': [Decimal128.fromString('1.10')],
  'a Timestamp': [new Timestamp({ t: 1, i: 2 })],
  'a regular expression': [new BSONRegExp('a.b', 'i')],
  code: [new Code('x')],
  'code with a scope': [new Code('x', { y: 'z' })],
  'the least of keys': [new MinKey()],
  'the greatest of keys': [new MaxKey()],
  'an object': [{ a: { b: {} } }],
  'an array': [[1, [2, []], { a: [] }]],
}

for (const [what, [written, read = written]] of Object.entries(values)) {
  bson(`comes back, at any depth: ${what}`, () => {
    const document = roundtrip({ top: written, in: { object: written, array: [0, written] } })
    assert.deepStrictEqual(document, { top: read, in: { object: read, array: [0, read] } })
  })
}

bson('reads what the bson package reads, whatever the document', async () => {
  await holds(
    fc.property(plainState, state => {
      const bytes = serialize(state)
      assert.deepStrictEqual(decode(bytes), deserialize(bytes))
    }),
    1000,
  )
})

bson('writes back exactly what it has read, the width of numbers included', async () => {
  const number = fc.oneof(
    fc.integer().map(value => new Int32(value)),
    fc.double().map(value => new Double(value)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(Long.fromBigInt),
    fc.integer({ min: -9, max: 9 }).map(Long.fromNumber),
    fc.integer({ min: -9, max: 9 }).map(value => new Double(value)),
  )
  await holds(
    fc.property(
      fc.dictionary(fc.constantFrom('a', 'b', '0'), fc.oneof(number, fc.array(number)), {
        noNullPrototype: true,
      }),
      state => {
        const bytes = serialize({ state })
        assert.deepEqual(serialize(withWidths(decode(bytes)) as Document), bytes)
      },
    ),
    1000,
  )
})

bson('any key comes back, and reaches no prototype', () => {
  const keys = ['', 'a.b', '$set', 'constructor', 'toString', 'length', '0', '07', 'ü', 'a\ufffd']
  const inner = Object.fromEntries(keys.map((key, index) => [key, index]))
  const document = roundtrip({ ...inner, inner, list: [inner] })
  assert.deepEqual(document, { ...inner, inner, list: [inner] })
})

bson('many keys, of which some look alike, are each their own', () => {
  const keys = Array.from({ length: 3000 }, (_, index) => `key${index.toString(36)}`)
  const inner = Object.fromEntries(keys.map((key, index) => [key, index]))
  assert.deepEqual(roundtrip({ inner }), { inner })
  assert.deepEqual(roundtrip({ inner: { aü: 1, 'a\u00fc\u00fc': 2 } }).inner, { aü: 1, aüü: 2 })
})

bson('an array is read by position, whatever its keys are', () => {
  const bytes = serialize({ list: { 5: 'a', x: 'b', '': 'c' } })
  const at = bytes.indexOf(3, 4)
  bytes[at] = 4
  assert.deepEqual(decode(bytes), { list: ['a', 'b', 'c'] })
})

bson('undefined, which BSON had once, is null', () => {
  assert.deepEqual(decode(element(6, [])), { a: null })
})

bson('bytes are copied, so that the document stays as it is', () => {
  const bytes = serialize({ bytes: Buffer.of(1, 2, 3), id: ObjectId.createFromTime(1) })
  const before = Buffer.from(bytes)
  const { bytes: read } = decode(bytes)
  read.fill(9)
  assert.deepEqual(Buffer.from(bytes), before)
})

bson('a document may begin anywhere in a larger buffer', () => {
  const bytes = serialize({ a: { b: [1, 'x', 2.5, new Date(5)] } })
  const large = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(9, 0xff)])
  const view = large.subarray(3, 3 + bytes.length)
  assert.deepEqual(decode(view), { a: { b: [1, 'x', 2.5, new Date(5)] } })
})

bson('the time it takes to find an attribute does not depend on what others hold', () => {
  const reader = new BsonReader(serialize({ large: new Array(1000).fill('x'), small: 1 }))
  const found = reader.scan()
  assert.deepEqual([...found.keys()], ['large', 'small'])
  assert.equal(reader.decode(found.get('small') as never, {}, 'small'), 1)
})

// What a session cannot keep

bson('__proto__ is refused, at any depth', () => {
  const evil = JSON.parse('{"__proto__": {"evil": 1}}')
  refuses(serialize(evil), ['__proto__'], /a key that would reach a prototype/)
  refuses(serialize({ a: evil }), ['a', '__proto__'], /a key that would reach a prototype/)
  refuses(serialize({ a: [{ b: evil }] }), ['a', 0, 'b', '__proto__'], /reach a prototype/)
  assert.equal(({} as Document).evil, undefined)
})

bson('_bsontype is refused below an attribute: it would be written as something else', () => {
  const typed = (document: Document): Uint8Array => {
    const bytes = Buffer.from(serialize(document))
    bytes.write('_', bytes.indexOf('$bsontype'))
    return bytes
  }
  refuses(typed({ $bsontype: 'ObjectId' }), ['_bsontype'], /a key that BSON takes for a type/)
  refuses(typed({ x: { $bsontype: 'Long' } }), ['x', '_bsontype'], /BSON takes for a type/)
  refuses(typed({ x: [{ $bsontype: 1 }] }), ['x', 0, '_bsontype'], /BSON takes for a type/)
})

bson('a key that is there twice is refused, at any depth', () => {
  const twice = (document: Document): Uint8Array => {
    const bytes = serialize(document)
    for (let at = bytes.indexOf(0x7a); at >= 0; at = bytes.indexOf(0x7a)) bytes[at] = 0x79
    return bytes
  }
  refuses(twice({ y: 1, z: 2 }), ['y'], /holds a key twice/)
  refuses(twice({ a: { y: 1, z: 2 } }), ['a'], /holds a key twice/)
  refuses(twice({ a: [0, { y: 1, b: 1, z: 2 }] }), ['a', 1], /holds a key twice/)
})

const deep = (levels: number): Document => {
  let document: Document = {}
  for (let level = 0; level < levels; level++) document = { a: document }
  return document
}

bson('more than 64 levels are refused, as they are where they are assigned', () => {
  assert.deepEqual(roundtrip(deep(64)), deep(64))
  for (const levels of [65, 66, 101, 5000]) {
    assert.throws(() => roundtrip(deep(levels)), InvalidDocumentError, `${levels}`)
  }
})

bson('a Date beyond those of JavaScript is refused', () => {
  refuses(element(9, int64(8_640_000_000_000_001n)), ['a'], /a Date beyond those of JavaScript/)
  refuses(element(9, int64(-(2n ** 63n))), ['a'], /a Date beyond those of JavaScript/)
})

bson('what is no UTF-8 is refused, in values and in keys', () => {
  refuses(element(2, [...int32(3), 0xc3, 0x28, 0]), ['a'], /no UTF-8 text/)
  refuses(element(2, [...int32(4), 0xed, 0xa0, 0x80, 0]), ['a'], /no UTF-8 text/)
  const inKey = (key: number[]): number[] => [...int32(5 + key.length + 2), 10, ...key, 0, 0]
  refuses(element(3, inKey([0xc3, 0x28])), ['a'], /a key that is no UTF-8 text/)
  refuses(element(3, inKey([0xff])), ['a'], /a key that is no UTF-8 text/)
  const atRoot = element(10, [])
  atRoot[5] = 0xff
  assert.throws(() => decode(atRoot), /no UTF-8 text/)
})

for (const type of [0x00, 0x14, 0x15, 0x20, 0x7e, 0x80, 0xfe]) {
  bson(`a type that BSON does not know is refused: ${type}`, () => {
    if (type === 0) return assert.deepEqual(decode(element(10, [])), { a: null })
    refuses(element(type, [1, 0, 0, 0, 0]), [], /a type that BSON does not know/)
    refuses(serialize({}).length === 5 ? nestedElement(type) : element(type, []), ['a'], /not know/)
  })
}

/** The same, one level down. */
function nestedElement(type: number): Buffer {
  return element(3, element(type, [1, 0, 0, 0, 0]))
}

bson('lengths that lie are refused', () => {
  for (const length of [-(2 ** 31), -1, 0, 4, 6, 1000, 2 ** 31 - 1]) {
    const lie = int32(length)
    for (const type of [2, 3, 4, 5, 12, 13, 14, 15]) {
      const bytes = element(type, [...lie, 0, 0, 0])
      assert.throws(() => decode(bytes), InvalidDocumentError, `${type} ${length}`)
    }
    const whole = serialize({ a: 1 })
    whole.set(lie)
    assert.throws(() => decode(whole), InvalidDocumentError, `the whole ${length}`)
  }
  refuses(element(2, [...int32(1), 1]), ['a'], /cut short/)
  refuses(element(11, [1, 0, 1]), [], /cut short/)
  refuses(element(3, [...int32(5), 1]), ['a'], /cut short/)
})

const everything = serialize({
  _id: 'key',
  data: { ...Object.fromEntries(Object.entries(values).map(([key, [each]]) => [key, each])) },
  ref: new DBRef('c', ObjectId.createFromTime(1)),
  symbol: new BSONSymbol('s'),
})

bson('a document that is cut short anywhere is refused', () => {
  for (let length = 0; length < everything.length; length++) {
    assert.throws(() => decode(everything.subarray(0, length)), InvalidDocumentError, `${length}`)
  }
})

bson('whatever the bytes, it is a document or refused: no other error, no loop', async () => {
  const changes = fc.array(fc.tuple(fc.nat(everything.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  })
  await holds(
    fc.property(changes, each => {
      const bytes = Buffer.from(everything)
      for (const [at, byte] of each) bytes[at] = byte
      attempt(bytes)
    }),
    5000,
  )
  await holds(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      attempt(bytes)
      const document = Buffer.concat([Buffer.from(int32(bytes.length + 5)), bytes, Buffer.of(0)])
      attempt(document)
    }),
    5000,
  )
})

function attempt(bytes: Uint8Array): void {
  try {
    decode(bytes)
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error
  }
}

bson('an error tells where, and nothing of the value', () => {
  const bytes = element(2, [...int32(8), ...Buffer.from('secret'), 0xff, 0])
  refuses(
    bytes,
    ['a'],
    /^Cannot read a: the stored document is no UTF-8 text; repair or delete it$/,
  )
})

bson.run()
