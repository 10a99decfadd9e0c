// biome-ignore-all lint/suspicious/noSelfCompare: that two reads give the same object is the point
/**
 * What a session holds that is no plain object or array: it comes back as it went, to the BSON type.
 */

import assert from 'node:assert/strict'
import { pathToFileURL } from 'node:url'
import { runInNewContext } from 'node:vm'
import {
  Binary,
  BSONRegExp,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'bson'
import mongoose from 'mongoose'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions, snapshot, track } from '../../lib/index.js'
import { createId, createToken, keyOf } from '../../lib/open/identity.js'
import { arrived, exact } from '../support/arrived.js'
import { openStored } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'

// biome-ignore lint/suspicious/noExplicitAny: values of all kinds
type Data = any

const hex = '0123456789abcdef01234567'

/** Values that come back as they went. */
const kept: Record<string, () => unknown> = {
  zero: () => 0,
  'negative zero': () => -0,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  'negative Infinity': () => Number.NEGATIVE_INFINITY,
  'the smallest number': () => 5e-324,
  'the largest number': () => Number.MAX_VALUE,
  'the largest int32': () => 2 ** 31 - 1,
  'beyond int32': () => 2 ** 31,
  'the smallest int32': () => -(2 ** 31),
  'the largest safe integer': () => Number.MAX_SAFE_INTEGER,
  'the smallest safe integer': () => Number.MIN_SAFE_INTEGER,
  'an integer beyond the safe ones': () => 2 ** 60,
  'a fraction': () => 0.1 + 0.2,
  null: () => null,
  true: () => true,
  false: () => false,
  'an empty string': () => '',
  'NUL in a string': () => 'a\0b',
  'an emoji': () => '🍪',
  'a replacement character': () => 'a\ufffdb',
  'text in two forms': () => 'é e\u0301',
  'a long string': () => 'x'.repeat(70_000),
  'a Date': () => new Date(1e12),
  'the first Date': () => new Date(-8.64e15),
  'the last Date': () => new Date(8.64e15),
  'a Date before 1970': () => new Date(-1),
  'a Buffer': () => Buffer.from([0, 1, 255]),
  'an empty Buffer': () => Buffer.alloc(0),
  'a Buffer that is part of another': () => Buffer.from('abcdef').subarray(2, 4),
  'an empty object': () => ({}),
  'an empty array': () => [],
  'empty ones inside': () => ({ a: {}, b: [], c: [[], {}] }),
  'an object with indexes': () => ({ 0: 'a', 1: 'b' }),
  'an array of nulls': () => [null, null],
  'a frozen object': () => Object.freeze({ a: Object.freeze([1]) }),
  'an ObjectId': () => new ObjectId(hex),
  'a Decimal128': () => Decimal128.fromString('1.10'),
  'a Decimal128 that is no number': () => Decimal128.fromString('NaN'),
  'a UUID': () => new UUID('00112233-4455-4677-8899-aabbccddeeff'),
  'bytes of a subtype': () => new Binary(Buffer.from('x'), 0x80),
  'a Timestamp': () => new Timestamp({ t: 5, i: 7 }),
  'the least key': () => new MinKey(),
  'the greatest key': () => new MaxKey(),
  'code as text': () => new Code('return 1'),
  'a regular expression of BSON': () => new BSONRegExp('^a', 'im'),
}

/** Values that are kept as another one of the same content. */
const converted: Record<string, [make: () => unknown, becomes: () => unknown]> = {
  'an object without a prototype': [
    () => Object.assign(Object.create(null), { a: 1 }),
    () => ({ a: 1 }),
  ],
  'an object of another realm': [
    () => runInNewContext('({ a: [1, { b: 2 }] })'),
    () => ({ a: [1, { b: 2 }] }),
  ],
  'undefined in an object': [() => ({ a: undefined, b: 1 }), () => ({ b: 1 })],
  'undefined in an array': [() => [undefined, 1], () => [null, 1]],
  'a hole': [
    () => {
      const holes: unknown[] = [1]
      holes[2] = 3
      return holes
    },
    () => [1, null, 3],
  ],
  'a getter': [
    () => ({
      get a() {
        return [1]
      },
    }),
    () => ({ a: [1] }),
  ],
  'a Uint8Array': [() => new Uint8Array([1, 2]), () => Buffer.from([1, 2])],
  'bytes without a subtype': [() => new Binary(Buffer.from('x')), () => Buffer.from('x')],
  'a UUID as bytes': [
    () => new Binary(Buffer.from('00112233445546778899aabbccddeeff', 'hex'), 4),
    () => new UUID('00112233-4455-4677-8899-aabbccddeeff'),
  ],
  'an Int32': [() => new Int32(5), () => 5],
  'a Double': [() => new Double(5), () => 5],
  'a small Long': [() => Long.fromNumber(5), () => 5],
  'a mongoose ObjectId': [() => new mongoose.Types.ObjectId(hex), () => new ObjectId(hex)],
  'a mongoose Decimal128': [
    () => mongoose.Types.Decimal128.fromString('1.10'),
    () => Decimal128.fromString('1.10'),
  ],
}

/** Where a value is put, and read again. */
const places: [
  name: string,
  put: (data: Data, value: unknown) => void,
  get: (data: Data) => Data,
][] = [
  ['an attribute', (data, value) => (data.x = value), data => data.x],
  ['in an object', (data, value) => (data.user.x = value), data => data.user.x],
  ['over another', (data, value) => (data.user = value), data => data.user],
  ['an element', (data, value) => (data.list[0] = value), data => data.list[0]],
  ['appended', (data, value) => data.list.push(value), data => data.list[2]],
  ['inside a body', (data, value) => (data.body = { a: [{ x: value }] }), data => data.body.a[0].x],
  [
    'in a container that was not there',
    (data, value) => {
      data.flash ??= []
      data.flash.push(value)
    },
    data => data.flash[0],
  ],
]

const start = (): Data => ({ user: { name: 'Ada' }, list: [1, { a: 1 }], n: 1 })

const alone = suite('values that are tracked without a store')

alone('the object that was given, and what is in it, is never touched', () => {
  const given = {
    when: new Date(5),
    bytes: Buffer.from('abc'),
    id: new ObjectId(hex),
    binary: new Binary(Buffer.from('x'), 0x80),
    list: [new Date(1)],
  }
  const before = structuredClone({ ...given, id: 0, binary: 0 })
  const { data } = track<Data>(given)
  data.when.setTime(6)
  data.bytes.fill(0)
  data.binary.buffer[0] = 0
  data.list[0].setTime(9)
  data.list.push(new Date(3))
  assert.deepStrictEqual(structuredClone({ ...given, id: 0, binary: 0 }), before)
  assert.equal(given.binary.buffer[0], 'x'.charCodeAt(0))
})

alone.run()

forEachStore('values', (value, { create, name: kind }) => {
  const store = create()
  const sessions: Sessions<Data> = createSessions<Data>({ store })

  const opened = (data: Data = start()): Promise<Session<Data>> => openStored(sessions, data)

  /** Puts a value everywhere, and looks for `becomes` there, before and after the commit. */
  async function comesBack(make: () => unknown, becomes: () => unknown): Promise<void> {
    const some = kind === 'embedded' ? places : places.filter((_, index) => index % 3 === 1)
    for (const [name, put, get] of some) {
      const session = await opened()
      const plain = start()
      put(session.data, make())
      put(plain, becomes())
      assert.deepStrictEqual(get(session.data), becomes(), name)
      await session.commit()
      assert.equal(await arrived(store, session.key), exact(plain), name)
      assert.deepStrictEqual(get(session.data), becomes(), name)
      const again = await sessions.open(session.id)
      assert.ok(again)
      assert.deepStrictEqual(get(again.data), becomes(), name)
      assert.deepStrictEqual(again.data, plain)
      for (const each of [session, again]) {
        // The same once more is no change.
        if (name !== 'appended' && !name.startsWith('in a container')) put(each.data, make())
        assert.deepEqual((await each.commit()).modifications, [], name)
      }
    }
  }

  for (const [name, make] of Object.entries(kept)) {
    value(`${name} comes back as it went`, () => comesBack(make, make))
  }

  for (const [name, [make, becomes]] of Object.entries(converted)) {
    value(`${name} comes back as what it stands for`, () => comesBack(make, becomes))
  }

  value('undefined is absence, and in an array null', async () => {
    const session = await opened({ a: 1, user: { name: 'Ada', x: 1 }, list: [1, 2, 3] })
    session.data.a = undefined
    session.data.missing = undefined
    session.data.user.x = undefined
    Object.assign(session.data.user, { name: 'Bob', y: undefined })
    session.data.list[1] = undefined
    session.data.list.push(undefined)
    session.data.body = { a: undefined, b: [undefined], c: { d: undefined } }
    const plain = {
      user: { name: 'Bob' },
      list: [1, null, 3, null],
      body: { b: [null], c: {} },
    }
    assert.deepStrictEqual(session.data, plain)
    assert.ok(!('a' in session.data) && !('missing' in session.data))
    assert.ok(!Object.hasOwn(session.data.body, 'a'))
    await session.commit()
    assert.equal(await arrived(store, session.key), exact(plain))
    assert.deepStrictEqual((await sessions.open(session.id))?.data, plain)
  })

  value('BSON values of another copy of the package are made anew', async () => {
    const other = await import(`${pathToFileURL('node_modules/bson/lib/bson.mjs').href}?another`)
    assert.notEqual(other.ObjectId, ObjectId)
    for (const [make, becomes] of [
      [() => new other.ObjectId(hex), () => new ObjectId(hex)],
      [() => other.Decimal128.fromString('2.50'), () => Decimal128.fromString('2.50')],
      [
        () => new other.UUID('00112233-4455-4677-8899-aabbccddeeff'),
        () => new UUID('00112233-4455-4677-8899-aabbccddeeff'),
      ],
      [() => new other.Binary(Buffer.from('x'), 0x80), () => new Binary(Buffer.from('x'), 0x80)],
      [() => new other.Timestamp({ t: 5, i: 7 }), () => new Timestamp({ t: 5, i: 7 })],
      [() => other.Long.fromNumber(5), () => 5],
      [() => new other.Double(1.5), () => 1.5],
    ] as [() => unknown, () => unknown][]) {
      await comesBack(make, becomes)
    }
    for (const make of [
      () => new other.MinKey(),
      () => new other.Code('x'),
      () => new other.BSONRegExp('x'),
    ]) {
      const session = await opened()
      assert.throws(() => (session.data.user.x = make()), { path: ['user', 'x'] })
      assert.deepStrictEqual(session.data, start())
    }
  })

  value('an ObjectId of another major version is made anew, whatever it has inside', async () => {
    const version = Symbol.for('@@mdb.bson.version')
    class ForeignId {
      readonly bytes = Buffer.from(hex, 'hex')
      get _bsontype(): string {
        return 'ObjectId'
      }
      get [version](): number {
        return 6
      }
      toHexString(): string {
        return this.bytes.toString('hex')
      }
    }
    await comesBack(
      () => new ForeignId(),
      () => new ObjectId(hex),
    )
  })

  value('what claims to be a BSON value and is none is refused with the path', async () => {
    class Liar {
      get _bsontype(): string {
        return 'ObjectId'
      }
    }
    class Stranger {
      get _bsontype(): string {
        return 'Strange'
      }
    }
    const session = await opened()
    for (const each of [new Liar(), new Stranger()]) {
      assert.throws(() => (session.data.user.x = each), {
        name: 'UnsupportedValueError',
        path: ['user', 'x'],
      })
    }
    assert.deepStrictEqual(session.data, start())
  })

  value('an int64 is a bigint only where the schema says so, within 64 bits', async () => {
    const schema = z.object({
      total: z.bigint().optional(),
      all: z.record(z.string(), z.bigint()).optional(),
    })
    const sessions = createSessions({ store, schema })
    const session = sessions.create({ total: 5n })
    const { data } = session
    for (const big of [0n, -1n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      data.total = big
      data.all = { x: big }
      await session.commit()
      assert.equal(await arrived(store, session.key), exact({ total: big, all: { x: big } }))
      const again = await sessions.open(session.id)
      assert.deepStrictEqual(again?.data, { total: big, all: { x: big } })
      data.total = big
      assert.deepEqual((await session.commit()).modifications, [])
    }
    const before = snapshot(data)
    for (const big of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 200n]) {
      assert.throws(() => (data.total = big), { name: 'UnsupportedValueError', path: ['total'] })
      assert.throws(() => (data.all = { y: big }), { path: ['all', 'y'] })
      assert.throws(() => Object.assign(data.all as object, { y: big }), { path: ['all', 'y'] })
    }
    assert.deepStrictEqual(data, before)
  })

  // Dates and bytes

  value('what was handed out is the session’s own, and one object', async () => {
    const when = new Date(5)
    const bytes = Buffer.from('abc')
    const session = await opened({ when, bytes, list: [when, { bytes }] })
    const { data } = session
    assert.ok(data.when === data.when && data.bytes === data.bytes)
    assert.ok(data.list[0] === data.list[0] && data.list[1].bytes === data.list[1].bytes)
    assert.notEqual(data.when, data.list[0])
    data.when.setTime(6)
    data.list[1].bytes[0] = 0x7a
    const plain: Data = { when: new Date(6), bytes, list: [when, { bytes: Buffer.from('zbc') }] }
    assert.deepStrictEqual(data, plain)
    const { modifications } = await session.commit()
    assert.deepEqual(modifications, [
      { op: 'set', path: ['when'], value: new Date(6) },
      { op: 'set', path: ['list', 1, 'bytes'], value: Buffer.from('zbc') },
    ])
    assert.equal(await arrived(store, session.key), exact(plain))
    // The same objects, once more.
    data.when.setTime(7)
    data.list[1].bytes[1] = 0x7a
    await session.commit()
    const after = { when: new Date(7), bytes, list: [when, { bytes: Buffer.from('zzc') }] }
    assert.equal(await arrived(store, session.key), exact(after))
  })

  value('what was handed out is compared at each commit, however long it is held', async () => {
    const session = await opened({
      when: new Date(5),
      user: { seen: new Date(1) },
      list: [new Date(0)],
    })
    const { data } = session
    const [when, seen, first] = [data.when, data.user.seen, data.list[0]]
    for (const time of [10, 20, 20, 30]) {
      when.setTime(time)
      seen.setTime(time + 1)
      first.setTime(time + 2)
      const changed = session.changes().length
      const { modifications } = await session.commit()
      assert.equal(modifications.length, changed)
      assert.equal(
        await arrived(store, session.key),
        exact({
          when: new Date(time),
          user: { seen: new Date(time + 1) },
          list: [new Date(time + 2)],
        }),
      )
    }
    when.setTime(31)
    when.setTime(30)
    assert.deepEqual(session.changes(), [])
  })

  value('a Date that was made invalid is refused by the commit, with the path', async () => {
    for (const [reach, path] of [
      [data => data.when, ['when']],
      [data => data.list[0].when, ['list', 0, 'when']],
      [data => data.list.reverse()[0].when, ['list', 0, 'when']],
      [
        data => {
          data.body = { a: [new Date(1)] }
          return data.body.a[0]
        },
        ['body', 'a', 0],
      ],
      [
        data => {
          data.body = {}
          data.body.a = new Date(1)
          return data.body.a
        },
        ['body', 'a'],
      ],
      [data => data.list.at(data.list.push({ a: new Date(1) }) - 1).a, ['list', 1, 'a']],
    ] as [(data: Data) => Date, (string | number)[]][]) {
      const session = await opened({ when: new Date(5), list: [{ when: new Date(6) }] })
      const date = reach(session.data)
      date.setTime(Number.NaN)
      await assert.rejects(session.commit(), { name: 'UnsupportedValueError', path })
      assert.equal(
        await arrived(store, session.key),
        exact({ when: new Date(5), list: [{ when: new Date(6) }] }),
      )
      date.setTime(9)
      await session.commit()
      assert.deepStrictEqual((await sessions.open(session.id))?.data, snapshot(session.data))
    }
  })

  value('a Date and bytes that were assigned stay the caller’s own', async () => {
    const session = await opened({ n: 1 })
    const [when, bytes] = [new Date(5), Buffer.from('abc')]
    Object.assign(session.data, { when, bytes })
    session.data.when.setTime(6)
    session.data.bytes[0] = 0x7a
    assert.deepEqual([when, bytes], [new Date(5), Buffer.from('abc')])
    when.setTime(9)
    bytes[1] = 0x7a
    const plain = { n: 1, when: new Date(6), bytes: Buffer.from('zbc') }
    assert.deepStrictEqual(session.data, plain)
    await session.commit()
    assert.equal(await arrived(store, session.key), exact(plain))
  })

  value('native methods work on what was handed out', async () => {
    const session = await opened({ when: new Date(86_400_000), bytes: Buffer.from('hello') })
    const { when, bytes } = session.data
    assert.equal(when.toISOString(), '1970-01-02T00:00:00.000Z')
    assert.equal(JSON.stringify(when), '"1970-01-02T00:00:00.000Z"')
    assert.equal(Number(when), 86_400_000)
    assert.ok(when instanceof Date && when > new Date(0))
    assert.equal(new Date(when).getTime(), when.getTime())
    assert.equal(structuredClone(when).getTime(), when.getTime())
    assert.ok(Buffer.isBuffer(bytes) && bytes instanceof Uint8Array)
    assert.equal(bytes.toString(), 'hello')
    assert.equal(bytes.toString('base64'), 'aGVsbG8=')
    assert.equal(Buffer.concat([bytes, bytes]).length, 10)
    assert.ok(bytes.equals(Buffer.from('hello')) && bytes.includes('ell'))
    assert.equal(bytes.map(byte => byte + 1).toString(), 'ifmmp')
    assert.deepEqual(session.changes(), [])
    // A view of the bytes writes to them.
    bytes.subarray(1, 3).fill('x')
    bytes.reverse()
    new DataView(bytes.buffer, bytes.byteOffset).setUint8(0, 0x21)
    await session.commit()
    assert.equal((await sessions.open(session.id))?.data.bytes.toString(), '!lxxh')
  })

  value('bytes of a new length are written whole', async () => {
    const session = await opened({ bytes: Buffer.from('abc') })
    session.data.bytes = Buffer.concat([session.data.bytes, Buffer.from('d')])
    session.data.bytes[0] = 0x7a
    const { modifications } = await session.commit()
    assert.deepEqual(modifications, [{ op: 'set', path: ['bytes'], value: Buffer.from('zbcd') }])
    assert.deepStrictEqual((await sessions.open(session.id))?.data.bytes, Buffer.from('zbcd'))
  })

  value('what BSON values hold inside is compared at the commit', async () => {
    const session = await opened({
      binary: new Binary(Buffer.from('abc'), 0x80),
      decimal: Decimal128.fromString('1'),
    })
    session.data.binary.buffer[0] = 0x7a
    assert.deepEqual(session.changes(), [
      { op: 'set', path: ['binary'], value: new Binary(Buffer.from('zbc'), 0x80) },
    ])
    await session.commit()
    assert.deepStrictEqual(
      (await sessions.open(session.id))?.data.binary,
      new Binary(Buffer.from('zbc'), 0x80),
    )
    session.data.decimal.bytes[0] = 2
    await session.commit()
    assert.equal((await sessions.open(session.id))?.data.decimal.toString(), '2')
  })

  value(
    'values of BSON are scalars: one that is replaced is written whole, an equal one not',
    async () => {
      const session = await opened({ id: new ObjectId(hex), decimal: Decimal128.fromString('1.0') })
      session.data.id = new ObjectId(hex)
      session.data.decimal = Decimal128.fromString('1.0')
      assert.deepEqual(session.changes(), [])
      const next = new ObjectId()
      session.data.id = next
      session.data.decimal = Decimal128.fromString('1.00')
      assert.deepEqual(session.changes(), [
        { op: 'set', path: ['id'], value: next },
        { op: 'set', path: ['decimal'], value: Decimal128.fromString('1.00') },
      ])
      await session.commit()
      assert.equal(
        await arrived(store, session.key),
        exact({ id: next, decimal: Decimal128.fromString('1.00') }),
      )
    },
  )

  // Widths

  /** Writes a document as another program might, with numbers of all widths; opens it. */
  async function stored(data: Data, into: Sessions<Data> = sessions): Promise<Session<Data>> {
    const id = createId()
    const now = await store.time({ timeout: 10_000 })
    const books = { rev: 1, layout: new Map(), tokens: [createToken()], marks: [] }
    const times = { createdAt: now, expiresAt: now + 60_000, endsAt: now + 60_000, idle: undefined }
    await store.insert({ key: keyOf(id), data, ...books, ...times }, { timeout: 10_000 })
    const session = await into.open(id)
    assert.ok(session)
    return session
  }

  const widths = (): Data => ({
    int: new Int32(1),
    double: new Double(1),
    long: Long.fromNumber(1),
    huge: Long.MAX_VALUE,
    in: {
      int: new Int32(1),
      double: new Double(1),
      long: Long.fromNumber(1),
      huge: Long.MAX_VALUE,
    },
    list: [new Double(1), Long.fromNumber(2), new Int32(3)],
    items: [
      { double: new Double(1), long: Long.fromNumber(1) },
      { double: new Double(2), long: Long.fromNumber(2) },
    ],
  })

  const widthCases: Record<
    string,
    [write: (data: Data) => unknown, changes: (data: Data) => unknown]
  > = {
    'a neighbour': [data => (data.other = 5), data => (data.other = 5)],
    'a neighbour inside': [data => (data.in.other = 5), data => (data.in.other = 5)],
    'a neighbour that has no path': [data => (data.in['a.b'] = 5), data => (data.in['a.b'] = 5)],
    'an attribute that has no path': [data => (data['a.b'] = 5), data => (data['a.b'] = 5)],
    'a neighbour in an element': [
      data => (data.items[0].other = 5),
      data => (data.items[0].other = 5),
    ],
    itself: [
      data => {
        data.int = data.double = data.long = 2
      },
      data => Object.assign(data, { int: 2, double: new Double(2), long: Long.fromNumber(2) }),
    ],
    'itself, inside': [
      data => {
        data.in.int = data.in.double = data.in.long = 2
      },
      data => Object.assign(data.in, { int: 2, double: new Double(2), long: Long.fromNumber(2) }),
    ],
    'itself, in an element': [
      data => {
        data.items[1].double++
        data.items[1].long++
      },
      data => Object.assign(data.items[1], { double: new Double(3), long: Long.fromNumber(3) }),
    ],
    'itself, an element': [
      data => {
        data.list[0] = 5
        data.list[1]++
      },
      data => (data.list = [new Double(5), Long.fromNumber(3), 3]),
    ],
    'itself, to what does not fit': [
      data => {
        data.long = 1.5
        data.in.long = 2 ** 60
        data.int = 2 ** 40
        data.double = Number.NaN
      },
      data => {
        Object.assign(data, { long: 1.5, int: new Double(2 ** 40), double: Number.NaN })
        data.in.long = new Double(2 ** 60)
      },
    ],
    'itself, to negative zero': [
      data => {
        data.long = data.double = data.int = -0
        data.items[0].long = -0
      },
      data => {
        Object.assign(data, { long: -0, double: -0, int: -0 })
        data.items[0].long = -0
      },
    ],
    'itself, and back': [
      data => {
        data.long = 5
        data.long = 1
        data.in = { ...data.in, huge: data.in.huge }
      },
      () => undefined,
    ],
    'an element moves': [
      data => {
        data.items.reverse()
        data.items[0].other = 1
      },
      data => {
        data.items.reverse()
        data.items[0].other = 1
      },
    ],
    'an element is appended': [
      data => data.items.push({ double: 3 }),
      data => data.items.push({ double: 3 }),
    ],
    'its object is replaced by one with the same key': [
      data => (data.in = { double: 5, long: 6, more: 7 }),
      data => (data.in = { double: new Double(5), long: Long.fromNumber(6), more: 7 }),
    ],
    'its object moves': [
      data => {
        data.moved = data.in
        delete data.in
      },
      data => {
        data.moved = data.in
        delete data.in
      },
    ],
  }

  for (const [name, [write, changes]] of Object.entries(widthCases)) {
    value(`a number keeps its width while somebody writes ${name}`, async () => {
      const session = await stored(widths())
      if (name === 'itself, and back') {
        // A bigint cannot be assigned without a schema, so what is huge is not copied.
        session.data.in = { ...snapshot(session.data.in), huge: undefined }
        session.data.in.long = 1
        session.discard()
        session.data.long = 5
        session.data.long = 1
        assert.deepEqual((await session.commit()).modifications, [])
        assert.equal(await arrived(store, session.key), exact(widths()))
        return
      }
      write(session.data)
      const expected = widths()
      changes(expected)
      await session.commit()
      assert.equal(await arrived(store, session.key), exact(expected))
      // And once more, by the same session and by another one.
      for (const each of [session, await sessions.open(session.id)]) {
        assert.ok(each)
        each.data.again = each === session
        await each.commit()
        expected.again = each === session
        assert.equal(await arrived(store, session.key), exact(expected))
      }
    })
  }

  value(
    'a number keeps its width where its object was replaced, in the commits after that',
    async () => {
      const session = await stored(widths())
      session.data.in = { double: 5, long: 6, more: { deep: 1 } }
      session.data.items[0] = { double: 7, long: 8 }
      await session.commit()
      session.data.in.double++
      session.data.in.long++
      session.data.in.more.deep++
      session.data.items[0].long++
      await session.commit()
      const expected = widths()
      expected.in = { double: new Double(6), long: Long.fromNumber(7), more: { deep: 2 } }
      expected.items[0] = { double: new Double(7), long: Long.fromNumber(9) }
      assert.equal(await arrived(store, session.key), exact(expected))
    },
  )

  value('an int64 beyond the safe integers is read as a bigint, and left alone', async () => {
    const session = await stored(widths())
    assert.equal(session.data.huge, 2n ** 63n - 1n)
    assert.equal(session.data.in.huge, 2n ** 63n - 1n)
    session.data.in['a.b'] = 1
    await session.commit()
    const expected = widths()
    expected.in['a.b'] = 1
    assert.equal(await arrived(store, session.key), exact(expected))
    // It can be moved with what it is in, or replaced.
    session.data.moved = { in: session.data.in }
    session.data.huge = 5
    await session.commit()
    expected.moved = { in: expected.in }
    expected.huge = 5
    assert.equal(await arrived(store, session.key), exact(expected))
  })

  value('with a schema, too, a number keeps its width', async () => {
    const number = z.number().optional()
    const inner = z.object({ double: number, long: number }).optional()
    const schema = z.object({
      double: number,
      long: number,
      in: inner,
      items: z.array(inner).optional(),
    })
    const typed = createSessions({ store, schema }) as Sessions<Data>
    const { double, long, in: within, items } = widths()
    const { int: _, huge: __, ...rest } = within
    const data = { double, long, in: rest, items }
    const session = await stored(data, typed)
    const assertStored = async (inner: Data, first: Data): Promise<void> => {
      const expected = {
        double: new Double(2),
        long,
        in: inner,
        items: [first, items[1], { long: 1 }],
      }
      assert.equal(await arrived(store, session.key), exact(expected))
    }
    session.data.double++
    session.data.in.long++
    session.data.items[0].double++
    session.data.items.push({ long: 1 })
    await session.commit()
    await assertStored(
      { double: new Double(1), long: Long.fromNumber(2) },
      { double: new Double(2), long: Long.fromNumber(1) },
    )
    // Where its object was replaced, in the commits after that.
    session.data.in = { double: 5, long: 6 }
    session.data.items[0] = { double: 7, long: 8 }
    await session.commit()
    session.data.in.double++
    session.data.items[0].long++
    await session.commit()
    await assertStored(
      { double: new Double(6), long: Long.fromNumber(6) },
      { double: new Double(7), long: Long.fromNumber(9) },
    )
  })
})
