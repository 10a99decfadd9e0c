import assert from 'node:assert/strict'
import { deserialize, Long, ObjectId } from 'bson'
import fc from 'fast-check'
import { z } from 'zod'
import type { Session, Sessions } from '../../lib/index.js'
import {
  createSessions,
  snapshot,
  UnsupportedValueError,
  ValidationError,
} from '../../lib/index.js'
import { commitAlong, mutation, Pair, plainState } from '../support/mutations.js'
import { holds } from '../support/property.js'
import { forEachStore } from '../support/stores.js'

// biome-ignore lint/suspicious/noExplicitAny: the specs write what the types forbid
type Data = any

/** An instance of a class that is no plain data. */
class Money {
  amount: number
  currency: string

  constructor(amount: number, currency: string) {
    this.amount = amount
    this.currency = currency
  }
}

const money = z.codec(z.string(), z.instanceof(Money), {
  decode(text) {
    const [amount, currency] = text.split(' ') as [string, string]
    return new Money(Number(amount), currency)
  },
  encode: ({ amount, currency }) => `${amount} ${currency}`,
})

const date = z.codec(z.iso.datetime(), z.date(), {
  decode: text => new Date(text),
  encode: each => each.toISOString(),
})

/** A codec whose stored form is an object. */
const point = z.codec(
  z.object({ x: z.number(), y: z.number(), label: z.string().optional() }),
  z.string(),
  {
    decode: ({ x, y, label }) => [x, y, label].filter(each => each !== undefined).join(),
    encode(text) {
      const [x, y, label] = text.split(',')
      return { x: Number(x), y: Number(y), label }
    },
  },
)

interface Tree {
  n: number
  children: Tree[]
}
const tree: z.ZodType<Tree> = z.object({
  n: z.number(),
  get children() {
    return z.array(tree)
  },
})
const lazyTree: z.ZodType<Tree> = z.lazy(() =>
  z.object({ n: z.number(), children: z.array(lazyTree) }),
)
const employee: z.ZodType = z.object({
  name: z.string(),
  since: date,
  get boss() {
    return employee.optional()
  },
  get team() {
    return z.map(z.string(), employee).optional()
  },
})

const shape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('circle'), radius: z.number() }),
  z.object({ kind: z.literal('dated'), when: date, tags: z.set(z.string()) }),
])

const nested: Tree = {
  n: 1,
  children: [
    { n: 2, children: [] },
    { n: 3, children: [] },
  ],
}
const when = new Date('2024-05-06T07:08:09.010Z')
const id = ObjectId.createFromTime(1)

/** A kind of schema, a value of it, and how that is stored if that is something else. */
const kinds: Record<string, [schema: z.ZodType, value: unknown, stored?: unknown]> = {
  string: [z.string().min(1).max(9).regex(/^\w+$/), 'text'],
  number: [z.number().int().positive(), 5],
  boolean: [z.boolean(), false],
  null: [z.null(), null],
  date: [z.date().min(new Date(0)), when],
  nan: [z.nan(), Number.NaN],
  literal: [z.literal(['a', 5]), 5],
  enum: [z.enum(['a', 'b']), 'b'],
  'template literal': [z.templateLiteral(['id-', z.number()]), 'id-5'],
  email: [z.email(), 'a@b.example'],
  any: [z.any(), { free: [1, { form: when }] }],
  unknown: [z.unknown(), ['x', 1]],
  json: [z.json(), { a: [1, 'x', null, { b: true }] }],
  custom: [z.instanceof(ObjectId), id],
  bytes: [z.instanceof(Buffer), Buffer.of(1, 2)],
  bigint: [z.bigint().min(0n), 5n, Long.fromNumber(5)],
  'a large bigint': [z.bigint(), 2n ** 62n, Long.fromBigInt(2n ** 62n)],
  'a negative bigint': [z.int64(), -(2n ** 63n), Long.MIN_VALUE],
  array: [z.array(z.number()).min(1), [3, 1, 2]],
  'an array of objects': [z.array(z.object({ n: z.number() })), [{ n: 1 }, { n: 2 }]],
  tuple: [z.tuple([z.string(), z.number()]), ['a', 1]],
  'a tuple with a rest': [z.tuple([z.string()], z.bigint()), ['a', 1n, 2n], ['a', 1, 2]],
  object: [z.object({ a: z.string(), b: z.object({ c: z.number() }) }), { a: 'x', b: { c: 1 } }],
  'a strict object': [z.strictObject({ a: z.string() }), { a: 'x' }],
  'a loose object': [z.looseObject({ a: z.string() }), { a: 'x', more: [1] }],
  'an object with a catchall': [
    z.object({ a: z.string() }).catchall(date),
    { a: 'x', b: when },
    { a: 'x', b: when.toISOString() },
  ],
  record: [z.record(z.string(), z.object({ n: z.number() })), { a: { n: 1 }, 'b.c': { n: 2 } }],
  'a record of an enum': [z.record(z.enum(['a', 'b']), z.number()), { a: 1, b: 2 }],
  'a partial record': [z.partialRecord(z.enum(['a', 'b']), z.number()), { b: 2 }],
  'a record of dates': [z.record(z.string(), date), { a: when }, { a: when.toISOString() }],
  map: [
    z.map(z.string(), z.number()),
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
    { a: 1, b: 2 },
  ],
  'a map of instances': [
    z.map(z.string(), money),
    new Map([['a', new Money(1, 'EUR')]]),
    { a: '1 EUR' },
  ],
  'a map of maps': [
    z.map(z.string(), z.map(z.string(), z.set(z.number()))),
    new Map([['a', new Map([['b', new Set([1, 2])]])]]),
    { a: { b: [1, 2] } },
  ],
  'a map with any keys': [
    z.map(z.string(), z.number()),
    new Map([
      ['x.y', 1],
      ['$z', 2],
      ['', 3],
    ]),
    { 'x.y': 1, $z: 2, '': 3 },
  ],
  set: [z.set(z.string()).min(1), new Set(['a', 'b']), ['a', 'b']],
  'a set of bigints': [
    z.set(z.bigint()),
    new Set([1n, 2n ** 60n]),
    [1, Long.fromBigInt(2n ** 60n)],
  ],
  optional: [z.string().optional(), 'x'],
  nullable: [z.string().nullable(), null],
  nullish: [z.number().nullish(), 1],
  'non-optional': [z.string().optional().nonoptional(), 'x'],
  default: [z.number().default(5), 6],
  prefault: [z.string().trim().prefault(' x '), 'y'],
  'a prefault of a map': [
    z.map(z.string(), z.number()).prefault(new Map()),
    new Map([['a', 1]]),
    { a: 1 },
  ],
  catch: [z.number().catch(5), 6],
  readonly: [z.array(z.object({ n: z.number() })).readonly(), [{ n: 1 }]],
  'a readonly map': [z.map(z.string(), z.number()).readonly(), new Map([['a', 1]]), { a: 1 }],
  branded: [z.string().brand('name'), 'x'],
  pipe: [z.string().pipe(z.string().max(5)), 'x'],
  'a pipe from unknown': [z.unknown().pipe(z.object({ n: z.number() })), { n: 1 }],
  union: [z.union([z.string(), z.object({ n: z.number() })]), { n: 1 }],
  'a union with a codec': [z.union([z.number(), date]), when, when.toISOString()],
  'a union of objects with codecs': [
    z.union([z.object({ a: date }), z.object({ a: money, b: z.number() })]),
    { a: new Money(1, 'EUR'), b: 1 },
    { a: '1 EUR', b: 1 },
  ],
  'a discriminated union': [shape, { kind: 'circle', radius: 1 }],
  'a discriminated union with a codec and a set': [
    shape,
    { kind: 'dated', when, tags: new Set(['x']) },
    { kind: 'dated', when: when.toISOString(), tags: ['x'] },
  ],
  intersection: [
    z.intersection(z.object({ a: z.string() }), z.object({ b: date })),
    { a: 'x', b: when },
    { a: 'x', b: when.toISOString() },
  ],
  lazy: [z.lazy(() => z.object({ when: date })), { when }, { when: when.toISOString() }],
  'a recursive object': [tree, nested],
  'a lazy recursive object': [lazyTree, nested],
  'a recursive object with codecs and maps': [
    employee,
    {
      name: 'a',
      since: when,
      boss: { name: 'b', since: when },
      team: new Map([['c', { name: 'c', since: when }]]),
    },
    {
      name: 'a',
      since: when.toISOString(),
      boss: { name: 'b', since: when.toISOString() },
      team: { c: { name: 'c', since: when.toISOString() } },
    },
  ],
  'a codec to a Date': [date, when, when.toISOString()],
  'a codec to an instance': [money, new Money(5, 'EUR'), '5 EUR'],
  'a codec to an instance, optional': [money.optional(), new Money(5, 'EUR'), '5 EUR'],
  'a codec from an object, to a primitive': [point, '1,2', { x: 1, y: 2 }],
  stringbool: [z.stringbool(), true, 'true'],
  'a codec of a codec': [
    z.codec(date, z.number(), { decode: each => each.getTime(), encode: each => new Date(each) }),
    when.getTime(),
    when.toISOString(),
  ],
}

forEachStore('every kind of schema', (test, { create, name: storeName }) => {
  const store = create()
  const use = (schema: z.ZodObject): Sessions<Data> =>
    createSessions({ store, schema } as never) as unknown as Sessions<Data>

  async function open(sessions: Sessions<Data>, id: string): Promise<Session<Data>> {
    const session = await sessions.open(id)
    assert.ok(session)
    return session
  }

  async function raw({ key }: Session<Data>): Promise<Data> {
    const loaded = await store.load(key, { timeout: 10_000 })
    return deserialize(loaded?.bytes ?? new Uint8Array(), { promoteLongs: false }).data
  }

  for (const [kind, [schema, value, stored = value]] of Object.entries(kinds)) {
    test(`comes back as it went: ${kind}`, async () => {
      const sessions = use(
        z.object({
          direct: schema.optional(),
          in: z.object({ it: schema, list: z.array(schema) }).optional(),
          map: z.map(z.string(), schema).optional(),
          n: z.number().optional(),
        }),
      )
      const fresh = (): Data => snapshotOf(value)
      const all = {
        direct: fresh(),
        in: { it: fresh(), list: [fresh(), fresh()] },
        map: new Map([['k', fresh()]]),
      }
      const session = sessions.create(all)
      assert.deepEqual({ ...session.data }, all)
      await session.commit()
      assert.deepEqual({ ...session.data }, all)
      assert.deepEqual(session.changes(), [])

      const expected = {
        direct: stored,
        in: { it: stored, list: [stored, stored] },
        map: { k: stored },
      }
      const loaded = await createSessions<Data>({ store }).open(session.id)
      assert.deepEqual(snapshot(loaded?.data), asPlain(expected))

      const opened = await open(sessions, session.id)
      assert.deepEqual({ ...opened.data }, all)
      assert.deepEqual(opened.changes(), [], 'reading is no change')
      opened.data.n = 1
      assert.deepEqual((await opened.commit()).modifications, [
        { op: 'set', path: ['n'], value: 1 },
      ])

      // Written again as it is, and moved without a look: nothing is lost.
      opened.data.in.it = fresh()
      opened.data.direct = fresh()
      assert.equal((await opened.commit()).status, 'unchanged')
      const moving = await open(sessions, session.id)
      moving.data.in.list.push(fresh())
      moving.data.in.list.reverse()
      await moving.commit()
      assert.deepEqual(
        { ...(await open(sessions, session.id)).data },
        {
          ...all,
          n: 1,
          in: { ...all.in, list: [fresh(), fresh(), fresh()] },
        },
      )
    })
  }

  test('what takes the place of nothing is what the schema says, Maps and Dates too', async () => {
    const map = z.map(z.string(), z.number())
    const value = new Map([['a', 1]])
    const sessions = use(
      z.object({
        default: map.default(value),
        prefault: map.prefault(value),
        catch: map.catch(value),
        date: date.default(when),
        text: date.prefault(when.toISOString()),
        instance: money.default(() => new Money(1, 'EUR')),
        set: z.set(z.bigint()).prefault(new Set([1n])),
        nested: z.object({ map: map.prefault(value) }).prefault({}),
      }),
    )
    const expected = {
      default: value,
      prefault: value,
      catch: value,
      date: when,
      text: when,
      instance: new Money(1, 'EUR'),
      set: new Set([1n]),
      nested: { map: value },
    }
    const session = sessions.create()
    assert.deepEqual({ ...session.data }, expected)
    assert.deepEqual(session.changes(), [])
    session.data.prefault.set('b', 2)
    session.data.set.add(2n)
    session.data.instance.amount = 2
    await session.commit()
    const { data } = await open(sessions, session.id)
    assert.deepEqual(
      { ...data },
      {
        ...expected,
        prefault: new Map([
          ['a', 1],
          ['b', 2],
        ]),
        set: new Set([1n, 2n]),
        instance: new Money(2, 'EUR'),
      },
    )
    assert.deepEqual({ ...sessions.create().data }, expected)
  })

  test('bigints are int64 in the store', async () => {
    const session = use(z.object({ big: z.bigint().optional() })).create({ big: 5n })
    await session.commit()
    assert.ok((await raw(session)).big instanceof Long)
  })

  test('an int64 beyond the safe range is a bigint, with a schema or without', async () => {
    const plain = createSessions<Data>({ store })
    const sessions = use(z.object({ big: z.bigint().optional() }))
    const session = sessions.create({ big: 2n ** 53n })
    await session.commit()
    assert.equal((await open(plain, session.id)).data.big, 2n ** 53n)
    session.data.big = 2n ** 53n - 1n
    await session.commit()
    assert.equal((await open(plain, session.id)).data.big, 2 ** 53 - 1)
    assert.equal((await open(sessions, session.id)).data.big, 2n ** 53n - 1n)
  })

  test('a bigint needs z.bigint(), and 64 bits', () => {
    const { data } = use(z.object({ n: z.any(), big: z.bigint().optional() }).partial()).create()
    assert.throws(() => {
      data.n = 1n
    }, UnsupportedValueError)
    assert.throws(() => {
      data.big = 2n ** 63n
    }, UnsupportedValueError)
  })

  test('a Map and a Set need z.map() and z.set()', () => {
    const { data } = use(z.object({ any: z.any(), o: z.object({ m: z.any() }) }).partial()).create()
    for (const value of [new Map(), new Set(), { deep: [new Map()] }]) {
      assert.throws(() => {
        data.any = value
      }, UnsupportedValueError)
      assert.throws(() => {
        data.o = { m: value }
      }, UnsupportedValueError)
    }
  })

  // Maps and Sets

  test('a Map has a path for each key, and a Set is an array that is appended to', async () => {
    const sessions = use(
      z.object({
        map: z.map(z.string(), z.object({ n: z.number() })).optional(),
        set: z.set(z.string()).optional(),
      }),
    )
    const session = sessions.create({
      map: new Map([
        ['a', { n: 1 }],
        ['b', { n: 2 }],
      ]),
      set: new Set(['x']),
    })
    await session.commit()
    session.data.map.get('a').n = 5
    session.data.map.set('c', { n: 3 })
    session.data.map.delete('b')
    session.data.set.add('y')
    const { modifications } = await session.commit()
    assert.deepEqual(
      new Set(modifications),
      new Set([
        { op: 'set', path: ['map', 'a', 'n'], value: 5 },
        { op: 'set', path: ['map', 'c'], value: { n: 3 } },
        { op: 'unset', path: ['map', 'b'] },
        { op: 'append', path: ['set'], values: ['y'] },
      ]),
    )
    const { data } = await open(sessions, session.id)
    assert.deepEqual(
      data.map,
      new Map([
        ['a', { n: 5 }],
        ['c', { n: 3 }],
      ]),
    )
    assert.deepEqual(data.set, new Set(['x', 'y']))
    data.set.delete('x')
    assert.deepEqual(session.data.set, new Set(['x', 'y']))
  })

  test('a Set may hold equal objects, each as often as it was added', async () => {
    const sessions = use(z.object({ set: z.set(z.array(z.number())).optional() }))
    const session = sessions.create({ set: new Set([[1], [2]]) })
    await session.commit()
    const [, second] = [...session.data.set]
    session.data.set.delete(second)
    session.data.set.add([1])
    assert.equal(session.changes().length, 1)
    await session.commit()
    assert.deepEqual(await raw(session), { set: [[1], [1]] })
  })

  test('two servers that write different keys of a Map keep both', async () => {
    const sessions = use(z.object({ map: z.map(z.string(), z.number()).default(new Map()) }))
    const { id } = await committed(sessions.create({ map: new Map([['a', 1]]) }))
    const [one, two] = [await open(sessions, id), await open(sessions, id)]
    one.data.map.set('b', 2)
    two.data.map.set('c', 3)
    two.data.map.set('a', 4)
    await one.commit()
    assert.equal((await two.commit()).attempts, 1)
    assert.deepEqual(
      (await open(sessions, id)).data.map,
      new Map([
        ['a', 4],
        ['b', 2],
        ['c', 3],
      ]),
    )
  })

  // Codecs

  test('below a codec nothing has a path', async () => {
    const sessions = use(z.object({ at: z.object({ p: point, d: date }).optional() }))
    const session = sessions.create({ at: { p: '1,2', d: when } })
    await session.commit()
    session.data.at.p = '1,3'
    session.data.at.d = new Date(0)
    const { modifications } = await session.commit()
    assert.deepEqual(
      new Set(modifications),
      new Set([
        { op: 'set', path: ['at', 'p'], value: { x: 1, y: 3 } },
        { op: 'set', path: ['at', 'd'], value: '1970-01-01T00:00:00.000Z' },
      ]),
    )
  })

  test('what a codec decoded may be changed in place', async () => {
    const sessions = use(
      z.object({ d: date, m: money, list: z.array(money), map: z.map(z.string(), date) }).partial(),
    )
    const session = sessions.create({
      d: new Date(0),
      m: new Money(1, 'EUR'),
      list: [new Money(1, 'EUR'), new Money(2, 'EUR')],
      map: new Map([['k', new Date(0)]]),
    })
    await session.commit()
    for (const current of [() => session, () => open(sessions, session.id)]) {
      const each = await current()
      const { data } = each
      // biome-ignore-start lint/suspicious/noSelfCompare: that two reads give the same is the point
      assert.ok(data.m === data.m && data.list[1] === data.list[1])
      // biome-ignore-end lint/suspicious/noSelfCompare: as above
      const held = data.m
      data.d.setTime(data.d.getTime() + 1)
      data.m.amount++
      data.list[1].amount++
      data.map.get('k').setTime(5)
      await each.commit()
      assert.deepEqual(each.changes(), [])
      assert.deepEqual({ ...(await open(sessions, session.id)).data }, { ...data })
      held.amount++
      assert.deepEqual(
        each.changes().map(({ path }) => path),
        [['m']],
      )
      await each.commit()
      assert.deepEqual((await open(sessions, session.id)).data.m, held)
    }
    assert.deepEqual(await raw(session), {
      d: new Date(2).toISOString(),
      m: '5 EUR',
      list: ['1 EUR', '4 EUR'],
      map: { k: new Date(5).toISOString() },
    })
  })

  test("what is assigned to a codec is the session's own from the commit on", async () => {
    const sorted = z.array(z.number()).overwrite(list => [...list].sort())
    const sessions = use(
      z.object({ m: money, list: sorted, map: z.map(z.string(), date) }).partial(),
    )
    const session = sessions.create()
    const mine = new Money(1, 'EUR')
    session.data.m = mine
    session.data.m.amount = 2
    assert.equal(mine.amount, 1)
    const map = new Map([['k', new Date(0)]])
    session.data.map = map
    session.data.map.get('k').setTime(1)
    assert.equal(map.get('k')?.getTime(), 0)
    const list = (session.data.list ??= [])
    list.push(1, 3)
    await session.commit()
    mine.amount = 9
    list.push(9)
    assert.deepEqual(session.changes(), [])
    assert.deepEqual(
      { ...session.data },
      {
        m: new Money(2, 'EUR'),
        map: new Map([['k', new Date(1)]]),
        list: [1, 3],
      },
    )
  })

  test('what is handed out of a decoded instance never reaches the benchmark', async () => {
    const sessions = use(z.object({ m: money, list: z.array(money) }).partial())
    const { id } = await committed(
      sessions.create({ m: new Money(1, 'EUR'), list: [new Money(1, 'EUR')] }),
    )
    const session = await open(sessions, id)
    const copy = snapshot(session.data)
    copy.m.amount = 9
    copy.list[0].amount = 9
    assert.deepEqual(session.changes(), [])
    assert.equal(session.data.m.amount, 1)
    session.data.m.amount = 2
    ;(session.changes()[0] as Data).value.amount = 9
    assert.equal(session.data.m.amount, 2)
    session.discard()
    assert.equal(session.data.m.amount, 1)
    assert.equal(session.data.list[0].amount, 1)
  })

  test('a recipe that throws leaves decoded instances as they were', async () => {
    const sessions = use(z.object({ m: money, d: date, n: z.number() }).partial())
    const session = await committed(sessions.create({ m: new Money(1, 'EUR'), d: new Date(0) }))
    const opened = await open(sessions, session.id)
    for (const each of [session, opened]) {
      assert.throws(() => {
        each.change((data: Data) => {
          data.m.amount = 5
          data.d.setTime(5)
          throw new RangeError('no')
        })
      }, RangeError)
      assert.equal(each.data.m.amount, 1)
      assert.equal(each.data.d.getTime(), 0)
      assert.deepEqual(each.changes(), [])
    }
  })

  test('a codec that gives undefined says that there is nothing', async () => {
    const none = z.codec(z.string().optional(), z.instanceof(Money), {
      decode: text => (text === undefined ? new Money(0, 'EUR') : new Money(Number(text), 'EUR')),
      encode: ({ amount }) => (amount === 0 ? undefined : String(amount)),
    })
    const sessions = use(
      z.object({
        m: none.optional(),
        in: z.object({ m: none }).optional(),
        list: z.array(z.object({ m: none })).optional(),
      }),
    )
    const session = sessions.create({ m: new Money(1, 'EUR'), in: { m: new Money(1, 'EUR') } })
    await session.commit()
    session.data.m.amount = 0
    session.data.in.m.amount = 0
    await session.commit()
    assert.deepEqual(await raw(session), { in: {} })
    assert.equal((await open(sessions, session.id)).data.in.m.amount, 0)
    session.data.in = { m: new Money(0, 'EUR') }
    session.data.list = [{ m: new Money(0, 'EUR') }]
    await session.commit()
    assert.deepEqual(await raw(session), { in: {}, list: [{}] })
  })

  test('undefined in what a codec encodes is absence, as everywhere', async () => {
    const sessions = use(z.object({ p: point.optional(), list: z.array(point).optional() }))
    const session = sessions.create({ p: '1,2', list: ['1,2', '3,4,x'] })
    await session.commit()
    assert.deepEqual(await raw(session), {
      p: { x: 1, y: 2 },
      list: [
        { x: 1, y: 2 },
        { x: 3, y: 4, label: 'x' },
      ],
    })
  })

  test('what a codec encodes to must come back from the store as it goes', async () => {
    for (const bad of [
      () => 1,
      Symbol('s'),
      new Map(),
      new Money(1, 'EUR'),
      new Date(Number.NaN),
      /x/,
      '\ud800',
      2n ** 63n,
      [new Set()],
      JSON.parse('{"__proto__": {"evil": 1}}'),
      { _bsontype: 'ObjectId' },
      { 'a\0b': 1 },
    ]) {
      const codec = z.codec(z.any(), z.number(), { decode: Number, encode: () => ({ in: bad }) })
      const session = use(z.object({ n: codec.optional() })).create({ n: 1 })
      await assert.rejects(session.commit(), UnsupportedValueError)
      assert.equal(session.isNew, true)
    }
  })

  test('a codec that throws says that the value does not fit, without quoting it', async () => {
    const url = z.codec(z.string(), z.instanceof(URL), {
      decode: text => new URL(text),
      encode: each => each.href,
    })
    const plain = createSessions<Data>({ store })
    const { id } = await committed(plain.create({ url: 'no-secret-url' }))
    const sessions = use(z.object({ url: url.optional() }))
    const session = await open(sessions, id)
    assert.throws(
      () => session.data.url,
      error => {
        assert.ok(error instanceof ValidationError)
        assert.deepEqual(error.issues, [
          { code: 'custom', path: ['url'], message: 'A codec or a check threw TypeError' },
        ])
        return true
      },
    )
    session.data.url = new URL('http://localhost/x')
    await session.commit()
    session.data.url.pathname = '/y'
    await session.commit()
    assert.equal((await open(plain, id)).data.url, 'http://localhost/y')
  })

  // Narrowing

  test('the option of a union may change in place', async () => {
    const sessions = use(z.object({ shape: shape.optional() }))
    const session = await committed(sessions.create({ shape: { kind: 'circle', radius: 1 } }))
    session.data.shape.kind = 'dated'
    await assert.rejects(session.commit(), ValidationError)
    Object.assign(session.data.shape, { when, tags: new Set(['x']) })
    delete session.data.shape.radius
    await session.commit()
    assert.deepEqual((await open(sessions, session.id)).data.shape, {
      kind: 'dated',
      when,
      tags: new Set(['x']),
    })
    assert.deepEqual(session.data.shape, (await open(sessions, session.id)).data.shape)
  })

  test('a catch takes the place of what does not fit, and is written only if it is', async () => {
    const plain = createSessions<Data>({ store })
    const { id } = await committed(plain.create({ n: 'x' }))
    const sessions = use(z.object({ n: z.number().catch(5), m: z.number().optional() }))
    const session = await open(sessions, id)
    assert.equal(session.data.n, 5)
    session.data.m = 1
    await session.commit()
    assert.equal((await open(plain, id)).data.n, 'x')
    session.data.n++
    await session.commit()
    assert.equal((await open(plain, id)).data.n, 6)
  })

  // Any sequence of mutations

  test('with a schema that takes anything, all is as without one', async () => {
    const recursive: z.ZodType = z.lazy(() =>
      z.union([
        z.string(),
        z.number(),
        z.nan(),
        z.boolean(),
        z.null(),
        z.array(recursive),
        z.record(z.string(), recursive),
      ]),
    )
    const loose = use(z.object({}).catchall(recursive))
    await holds(
      fc.asyncProperty(
        plainState,
        fc.array(fc.tuple(mutation, fc.boolean()), { maxLength: 8 }),
        async (state, steps) => {
          const session = loose.create({ ...structuredClone(state), created: true })
          await session.commit()
          const pair = new Pair({ ...structuredClone(state), created: true }, session.data)
          await commitAlong(loose, session, pair, steps)
        },
      ),
      storeName === 'embedded' ? 100 : 15,
    )
  })

  async function committed(session: Session<Data>): Promise<Session<Data>> {
    await session.commit()
    return session
  }
})

/** A value of its own, equal to `value`. */
function snapshotOf(value: unknown): unknown {
  if (value instanceof Money) return new Money(value.amount, value.currency)
  if (value instanceof ObjectId) return value
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (value instanceof Date) return new Date(value)
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, snapshotOf(v)]))
  if (value instanceof Set) return new Set([...value].map(snapshotOf))
  if (Array.isArray(value)) return value.map(snapshotOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, snapshotOf(v)]))
}

/** As a session without a schema reads it: an int64 is a number where it is safe. */
function asPlain(value: unknown): unknown {
  if (value instanceof Long) {
    const integer = value.toBigInt()
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
  }
  if (Array.isArray(value)) return value.map(asPlain)
  if (typeof value !== 'object' || value === null) return value
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, asPlain(v)]))
}
