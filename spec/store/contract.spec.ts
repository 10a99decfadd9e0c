/**
 * What each store owes a session, method by method. Both stores run it.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Document } from 'bson'
import {
  Decimal128,
  Double,
  deserialize,
  EJSON,
  Int32,
  Long,
  ObjectId,
  serialize,
  UUID,
} from 'bson'
import { KEPT } from '../../lib/document.js'
import type { Modification } from '../../lib/modification.js'
import { readDocument } from '../../lib/open/document.js'
import { createToken } from '../../lib/open/identity.js'
import type { Filter, Loaded, NewDocument, Statement, Store } from '../../lib/store/store.js'
import { forEachStore } from '../support/stores.js'

type Data = Record<string, unknown>

const CALL = { timeout: 20_000 }
const MINUTE = 60_000

const newKey = (): string => randomBytes(32).toString('base64url')

/** A value with the BSON types of all its numbers told. */
const exact = (value: unknown): string => EJSON.stringify(value, { relaxed: false })

/** A loaded document, decoded by the bson package without promoting anything. */
const decode = (loaded: Loaded | null): Document => {
  assert.ok(loaded, 'the document is there')
  return deserialize(loaded.bytes, { promoteValues: false })
}

forEachStore('store', (store, { create }) => {
  const stored = create({ indexes: false })

  async function documentWith(
    changes: Partial<NewDocument>,
    into: Store = stored,
  ): Promise<NewDocument> {
    const now = await into.time(CALL)
    return {
      key: newKey(),
      data: {},
      rev: 1,
      layout: new Map(),
      tokens: [createToken()],
      marks: [],
      createdAt: now,
      expiresAt: now + MINUTE,
      endsAt: now + 10 * MINUTE,
      idle: undefined,
      ...changes,
    }
  }

  /** Inserts a document, and gives its key. */
  async function insert(changes: Partial<NewDocument> = {}, into: Store = stored): Promise<string> {
    const document = await documentWith(changes, into)
    assert.equal(await into.insert(document, CALL), true)
    return document.key
  }

  /** The document of `key`, without the time. */
  async function load(key: string): Promise<Document> {
    const { now: _, ...document } = decode(await stored.load(key, CALL))
    return document
  }

  function statement(key: string, changes: Partial<Statement> = {}): Statement {
    return {
      key,
      token: createToken(),
      rev: { below: 17 },
      layout: new Map(),
      modifications: [{ op: 'set', path: ['written'], value: true }],
      bytes: 40,
      raises: [],
      mark: undefined,
      trim: false,
      expiresAt: 0,
      timeouts: undefined,
      ...changes,
    }
  }

  const write = (key: string, changes: Partial<Statement> = {}): Promise<boolean> =>
    stored.write(statement(key, changes), CALL)

  /** Asserts that a call answers false, and leaves the document as it was. */
  async function leaves(key: string, call: () => Promise<unknown>): Promise<void> {
    const before = exact(await load(key))
    assert.equal(await call(), false)
    assert.equal(exact(await load(key)), before)
  }

  // Insert and load

  const everyType = (): Data => ({
    int: new Int32(5),
    double: new Double(5),
    long: Long.fromNumber(5),
    large: Long.MAX_VALUE,
    fraction: 1.5,
    zero: -0,
    nan: Number.NaN,
    infinite: Number.NEGATIVE_INFINITY,
    decimal: Decimal128.fromString('1.10'),
    text: 'ü\u0000\u{1f600}',
    empty: '',
    yes: true,
    nothing: null,
    date: new Date(-1),
    bytes: Buffer.from([0, 1, 255]),
    id: ObjectId.createFromTime(1),
    uuid: new UUID('00112233-4455-4677-8899-aabbccddeeff'),
    object: { nested: { list: [1, [2, [3]], {}], none: [] } },
    hostile: { 'a.b': 1, $set: 2, '$[]': 3, '': 4, constructor: 5 },
    'attribute.with.dots': 1,
    $attribute: 2,
    '': 3,
  })

  store('what was inserted is loaded, each value in its type', async () => {
    const data = everyType()
    const { data: loaded } = await load(await insert({ data }))
    assert.equal(exact(loaded), exact(deserialize(serialized(data), { promoteValues: false })))
  })

  store('the bookkeeping that was inserted is loaded', async () => {
    const layout = new Map([
      ['user', 3],
      ['*', 7],
      ['constructor', 1],
    ])
    const tokens = [1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]
    const now = await stored.time(CALL)
    const books = { rev: 5, layout, tokens, createdAt: now - 7, endsAt: now + 2 * MINUTE }
    const key = await insert({ ...books, expiresAt: now + MINUTE, idle: 1234.5 })
    const loaded = await stored.load(key, CALL)
    assert.ok(loaded)
    const document = readDocument(loaded)
    assert.deepEqual(document.layout, layout)
    const { rev, createdAt, endsAt, expiresAt, idle, marks } = document
    assert.deepEqual(document.tokens, tokens)
    assert.deepEqual(
      { key: document.key, rev, createdAt, endsAt, expiresAt, idle, marks },
      {
        ...{ key, rev: 5, createdAt: now - 7, endsAt: now + 2 * MINUTE },
        ...{ expiresAt: now + MINUTE, idle: 1234.5, marks: [] },
      },
    )
    assert.equal(document.retiredBy, undefined)
    assert.ok(document.now >= now)
  })

  store(
    'a session without an end has no field for it, and one without idle none either',
    async () => {
      const document = await load(await insert({ endsAt: Number.POSITIVE_INFINITY }))
      assert.deepEqual(['endsAt' in document, 'idle' in document], [false, false])
    },
  )

  store('expiries and ends are stored as Dates, counters as int32, tokens as int64', async () => {
    const document = await load(await insert({ layout: new Map([['user', 2]]), idle: 5000 }))
    for (const field of ['createdAt', 'expiresAt', 'endsAt']) {
      assert.ok(document[field] instanceof Date, field)
    }
    assert.ok(document.rev instanceof Int32)
    assert.ok(document.layout.user instanceof Int32)
    assert.ok(document.tokens[0] instanceof Long)
  })

  store('an unknown key loads null', async () => {
    assert.equal(await stored.load(newKey(), CALL), null)
  })

  store('a key that is taken takes no other document', async () => {
    const key = await insert({ data: { n: 1 } })
    assert.equal(await stored.insert(await documentWith({ key, data: { n: 2 } }), CALL), false)
    assert.equal(exact((await load(key)).data), exact({ n: new Int32(1) }))
  })

  store('the key of a session that has expired is free', async () => {
    const past = (await stored.time(CALL)) - 1
    const key = await insert({ data: { n: 1 }, expiresAt: past })
    assert.equal(await stored.insert(await documentWith({ key, data: { n: 2 } }), CALL), true)
    assert.equal(exact((await load(key)).data), exact({ n: new Int32(2) }))
  })

  store('a linearizable load gives the same', async () => {
    const key = await insert({ data: { n: 1 } })
    const loaded = await stored.load(key, { ...CALL, linearizable: true })
    assert.equal(exact(decode(loaded).data), exact({ n: new Int32(1) }))
    assert.equal(await stored.load(newKey(), { ...CALL, linearizable: true }), null)
  })

  store('what was loaded does not change by later writes', async () => {
    const key = await insert({ data: { n: 1 } })
    const loaded = await stored.load(key, CALL)
    const before = Buffer.from(loaded?.bytes as Uint8Array)
    await write(key, { modifications: [{ op: 'set', path: ['n'], value: 2 }] })
    assert.ok(before.equals(loaded?.bytes as Uint8Array))
  })

  store('what was inserted does not change with the object that it was inserted from', async () => {
    const data = { list: [1] }
    const key = await insert({ data })
    data.list.push(2)
    assert.equal(exact((await load(key)).data), exact({ list: [new Int32(1)] }))
  })

  store('the time goes on, and a load tells it', async () => {
    const before = await stored.time(CALL)
    const loaded = await stored.load(await insert(), CALL)
    const { now } = readDocument(loaded as Loaded)
    assert.ok(Number.isFinite(before) && before <= now && now <= (await stored.time(CALL)))
    if (stored.now !== undefined) assert.ok(now <= stored.now())
  })

  // Fences

  type Fence = [what: string, changes: Partial<Statement>, fits: boolean]
  const books = {
    rev: 5,
    layout: new Map([
      ['user', 3],
      ['*', 2],
      ['constructor', 1],
    ]),
    tokens: [11n, -(2n ** 63n), 2n ** 63n - 1n],
  }
  const layout = (entries: [string, number][]): Partial<Statement> => ({
    rev: { below: 21 },
    layout: new Map(entries),
  })
  const fences: Fence[] = [
    ['rev exactly as required', { rev: { exactly: 5 } }, true],
    ['rev higher than exactly required', { rev: { exactly: 4 } }, false],
    ['rev lower than exactly required', { rev: { exactly: 6 } }, false],
    ['rev below the bound', { rev: { below: 6 } }, true],
    ['rev far below the bound', { rev: { below: 1000 } }, true],
    ['rev at the bound', { rev: { below: 5 } }, false],
    ['rev above the bound', { rev: { below: 4 } }, false],
    ['a counter as required', layout([['user', 3]]), true],
    ['a counter that was raised', layout([['user', 2]]), false],
    ['a counter that is lower', layout([['user', 4]]), false],
    ['a counter required absent that is there', layout([['user', 0]]), false],
    ['a counter required absent that is absent', layout([['cart', 0]]), true],
    ['a counter required there that is absent', layout([['cart', 1]]), false],
    ['the shared counter as required', layout([['*', 2]]), true],
    ['the shared counter raised', layout([['*', 1]]), false],
    ['a counter with the name of a builtin', layout([['constructor', 1]]), true],
    ['an absent counter with the name of a builtin', layout([['toString', 0]]), true],
    ['two counters as required', layout([...books.layout].slice(0, 2)), true],
    ['one of two counters raised', layout([...books.layout, ['cart', 1]]), false],
    ['a token that is absent', { rev: { below: 21 }, token: 12n }, true],
    ['a token that is present', { rev: { below: 21 }, token: 11n }, false],
    ['the lowest token, present', { rev: { below: 21 }, token: -(2n ** 63n) }, false],
    ['the highest token, present', { rev: { below: 21 }, token: 2n ** 63n - 1n }, false],
  ]
  for (const [what, changes, fits] of fences) {
    store(`a write ${fits ? 'goes through' : 'is refused'} with ${what}`, async () => {
      const key = await insert(books)
      if (!fits) return leaves(key, () => write(key, changes))
      assert.equal(await write(key, changes), true)
      assert.equal((await load(key)).data.written, true)
    })
  }

  store('a write to an unknown key is refused, and creates nothing', async () => {
    const key = newKey()
    assert.equal(await write(key), false)
    assert.equal(await stored.load(key, CALL), null)
  })

  store('of twenty statements at once that require one rev, one is applied', async () => {
    const key = await insert({ data: { log: [] }, rev: 1 })
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => write(key, { rev: { exactly: 1 } })),
    )
    assert.equal(answers.filter(Boolean).length, 1)
    assert.equal(Number((await load(key)).rev), 2)
  })

  store('of twenty appends at once that were read at one rev, sixteen are applied', async () => {
    const key = await insert({ data: { log: [] }, rev: 1 })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, who) =>
        write(key, {
          rev: { below: 17 },
          modifications: [{ op: 'append', path: ['log'], values: [who] }],
        }),
      ),
    )
    const applied = answers.flatMap((answer, who) => (answer ? [who] : []))
    assert.equal(applied.length, 16)
    const { data } = await load(key)
    assert.deepEqual(data.log.map(Number).sort(), [...applied].sort())
  })

  store('one statement sent several times at once is applied once', async () => {
    const key = await insert({ data: { log: [] } })
    const same = statement(key, {
      modifications: [{ op: 'append', path: ['log'], values: ['once'] }],
    })
    const answers = await Promise.all(Array.from({ length: 8 }, () => stored.write(same, CALL)))
    assert.equal(answers.filter(Boolean).length, 1)
    assert.deepEqual((await load(key)).data.log, ['once'])
  })

  // Modifications

  const set = (path: (string | number)[], value: unknown): Modification => {
    return { op: 'set', path, value }
  }
  const unset = (...path: (string | number)[]): Modification => ({ op: 'unset', path })
  const append = (path: (string | number)[], ...values: unknown[]): Modification => {
    return { op: 'append', path, values }
  }
  const when = new Date(5)
  /** What happens, to which data, by what; and what is left, where false is a refusal. */
  type Row = [what: string, before: Data, modifications: Modification[], after: Data | false]
  const rows: Row[] = [
    ['a leaf is set', { a: { b: 1, c: 1 } }, [set(['a', 'b'], 2)], { a: { b: 2, c: 1 } }],
    ['a new attribute is set', { a: 1 }, [set(['b'], 2)], { a: 1, b: 2 }],
    ['a new key is set', { a: { b: 1 } }, [set(['a', 'c'], 2)], { a: { b: 1, c: 2 } }],
    [
      'an object replaces, and is not merged',
      { a: { b: 1 } },
      [set(['a'], { c: 2 })],
      { a: { c: 2 } },
    ],
    ['an array replaces', { a: [1, 2, 3] }, [set(['a'], [4])], { a: [4] }],
    ['a type is replaced by another', { a: { b: 1 } }, [set(['a'], 'x')], { a: 'x' }],
    ['null is a value', { a: 1 }, [set(['a'], null)], { a: null }],
    ['empty containers are values', { a: 1 }, [set(['a'], {}), set(['b'], [])], { a: {}, b: [] }],
    ['missing parents are created', {}, [set(['a', 'b', 'c'], 1)], { a: { b: { c: 1 } } }],
    [
      'two paths below one missing parent meet in it',
      {},
      [set(['a', 'b'], 1), set(['a', 'c', 'd'], 2)],
      { a: { b: 1, c: { d: 2 } } },
    ],
    ['a missing parent is an object, even for an index', {}, [set(['a', 0], 9)], { a: { 0: 9 } }],
    ['a digit is a key of an object', { a: {} }, [set(['a', '0'], 9)], { a: { 0: 9 } }],
    ['nothing is set below null', { a: null }, [set(['a', 'b'], 1)], false],
    ['nothing is set below a number', { a: 1 }, [set(['a', 'b'], 1)], false],
    ['nothing is set below a string', { a: 'x' }, [set(['a', 'b'], 1)], false],
    ['nothing is set below a boolean', { a: false }, [set(['a', 'b'], 1)], false],
    ['nothing is set below a Date', { a: when }, [set(['a', 'b'], 1)], false],
    ['nothing is set below bytes', { a: Buffer.from('x') }, [set(['a', 'b'], 1)], false],
    ['nothing is set below an ObjectId', { a: new ObjectId() }, [set(['a', 'b'], 1)], false],
    ['no name is set in an array', { a: [1] }, [set(['a', 'b'], 1)], false],
    ['nothing is set deep below a scalar', { a: { b: 1 } }, [set(['a', 'b', 'c', 'd'], 1)], false],
    ['an element is set', { a: [1, 2, 3] }, [set(['a', 1], 9)], { a: [1, 9, 3] }],
    ['a leaf of an element is set', { a: [{ b: 1 }] }, [set(['a', 0, 'b'], 2)], { a: [{ b: 2 }] }],
    ['nothing is set below a null element', { a: [null] }, [set(['a', 0, 'b'], 2)], false],
    ['an element is set at the end', { a: [1] }, [set(['a', 1], 9)], { a: [1, 9] }],
    ['a gap of an array is null', { a: [1] }, [set(['a', 3], 9)], { a: [1, null, null, 9] }],
    [
      'below an index in a gap, an object is created',
      { a: [1] },
      [set(['a', 2, 'b'], 9)],
      { a: [1, null, { b: 9 }] },
    ],
    [
      'indexes with a common first digit are two places',
      { a: Array.from({ length: 12 }, () => 0) },
      [set(['a', 1], 1), set(['a', 11], 11)],
      { a: [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11] },
    ],
    ['a key is unset', { a: 1, b: 2 }, [unset('a')], { b: 2 }],
    ['a nested key is unset', { a: { b: 1, c: 1 } }, [unset('a', 'b')], { a: { c: 1 } }],
    ['an object is unset', { a: { b: { c: 1 } } }, [unset('a', 'b')], { a: {} }],
    ['what is not there is unset without harm', { a: 1 }, [unset('b')], { a: 1 }],
    ['unset creates no parents', { a: 1 }, [unset('b', 'c')], { a: 1 }],
    ['below null, unset changes nothing', { a: null }, [unset('a', 'b')], { a: null }],
    ['below a scalar, unset changes nothing', { a: 1 }, [unset('a', 'b')], { a: 1 }],
    ['a key of an element is unset', { a: [{ b: 1 }] }, [unset('a', 0, 'b')], { a: [{}] }],
    ['elements are appended', { a: [1] }, [append(['a'], 2, 3)], { a: [1, 2, 3] }],
    ['an array is appended as one element', { a: [] }, [append(['a'], [1, 2])], { a: [[1, 2]] }],
    ['objects are appended as they are', { a: [] }, [append(['a'], { $x: 1 })], { a: [{ $x: 1 }] }],
    ['an append creates the array', {}, [append(['a'], 1)], { a: [1] }],
    ['an append creates parents', {}, [append(['a', 'b'], 1)], { a: { b: [1] } }],
    [
      'an append to an array in an element',
      { a: [{ b: [] }] },
      [append(['a', 0, 'b'], 1)],
      { a: [{ b: [1] }] },
    ],
    ['an append to an array in an array', { a: [[1]] }, [append(['a', 0], 2)], { a: [[1, 2]] }],
    ['nothing is appended to null', { a: null }, [append(['a'], 1)], false],
    ['nothing is appended to an object', { a: {} }, [append(['a'], 1)], false],
    ['nothing is appended to a string', { a: 'x' }, [append(['a'], 1)], false],
    ['nothing is appended to a Date', { a: when }, [append(['a'], 1)], false],
    ['nothing is appended below a scalar', { a: 1 }, [append(['a', 'b'], 1)], false],
    ['appending nothing creates the array', {}, [append(['a'])], { a: [] }],
    ['appending nothing changes no array', { a: [1] }, [append(['a'])], { a: [1] }],
    [
      'all kinds at once',
      { a: 1, b: 2, c: [], d: { e: 1 } },
      [set(['a'], 9), unset('b'), append(['c'], 1), set(['d', 'f'], 2)],
      { a: 9, c: [1], d: { e: 1, f: 2 } },
    ],
    ['all or nothing: set', { a: null }, [set(['z'], 1), set(['a', 'b'], 1)], false],
    ['all or nothing: append', { a: 1 }, [append(['z'], 1), append(['a'], 1)], false],
    ['all or nothing: unset', { a: 1, b: 1 }, [unset('b'), set(['a', 'c'], 1)], false],
    ['whole data replaces all', { a: 1, b: { c: 1 } }, [set([], { d: 1 })], { d: 1 }],
    ['whole data may be empty', { a: 1 }, [set([], {})], {}],
    [
      'whole data takes any attribute',
      { 'a.b': 1 },
      [set([], { 'c.d': 1, $e: 2, '': { $f: 3 } })],
      { 'c.d': 1, $e: 2, '': { $f: 3 } },
    ],
    [
      'no operator acts in a value',
      { a: 1 },
      [set(['a'], { $inc: { b: 1 } })],
      { a: { $inc: { b: 1 } } },
    ],
    ['no field is read by a value', { a: 1 }, [set(['b'], '$data.a')], { a: 1, b: '$data.a' }],
    ['no path acts in a value', { a: 1 }, [set(['a'], { 'b.c': 1 })], { a: { 'b.c': 1 } }],
    ['a value of each type is set', { a: 1 }, [set(['a'], everyType())], { a: everyType() }],
    [
      'keys of builtins are keys',
      {},
      [set(['constructor', 'name'], 1)],
      { constructor: { name: 1 } },
    ],
    ['keys with spaces and letters of all kinds', {}, [set(['ä b', 'ж'], 1)], { 'ä b': { ж: 1 } }],
  ]
  for (const [what, before, modifications, after] of rows) {
    store(`modifications: ${what}`, async () => {
      const key = await insert({ data: before })
      if (after === false) return leaves(key, () => write(key, { modifications }))
      assert.equal(await write(key, { modifications }), true)
      assert.deepEqual(plain((await load(key)).data), plain(after))
    })
  }

  store('a statement without modifications keeps its books', async () => {
    const key = await insert({ data: { a: 1 } })
    assert.equal(await write(key, { modifications: [] }), true)
    const { rev, data } = await load(key)
    assert.deepEqual([Number(rev), exact(data)], [2, exact({ a: new Int32(1) })])
  })

  store('numbers that are not written keep their width', async () => {
    const data = { int: new Int32(1), double: new Double(1), long: Long.fromNumber(1), n: 1 }
    const list = [new Double(2), Long.fromNumber(3), new Int32(4)]
    const key = await insert({ data: { ...data, list } })
    await write(key, {
      modifications: [set(['n'], 2), append(['list'], 5)],
    })
    assert.equal(
      exact((await load(key)).data),
      exact({ ...data, n: new Int32(2), list: [...list, new Int32(5)] }),
    )
  })

  // Bookkeeping of a write

  store('a write raises rev by one, and puts its token last', async () => {
    const key = await insert({ tokens: [1n], rev: 7 })
    await write(key, { token: 2n, rev: { exactly: 7 } })
    const { rev, tokens } = await load(key)
    assert.equal(exact([rev, tokens]), exact([new Int32(8), [Long.ONE, Long.fromNumber(2)]]))
  })

  store('a write that changes timeouts ends all statements that were made before it', async () => {
    const now = await stored.time(CALL)
    const key = await insert({ rev: 7 })
    const timeouts = { idle: 1000, endsAt: now + MINUTE }
    const change = { rev: { exactly: 7 }, expiresAt: now + 1000, timeouts, modifications: [] }
    assert.equal(await write(key, change), true)
    const { rev } = await load(key)
    assert.equal(exact(rev), exact(new Int32(7 + KEPT)))
    await leaves(key, () => write(key, { rev: { below: 7 + KEPT }, expiresAt: now + MINUTE }))
    assert.equal(await write(key, { rev: { below: 8 + KEPT } }), true)
  })

  store('a write raises the counters that it names, from nothing if need be', async () => {
    const layout = new Map([
      ['user', 3],
      ['other', 1],
    ])
    const key = await insert({ layout })
    await write(key, { raises: ['user', 'cart', '*', 'constructor'] })
    const raised = (await load(key)).layout
    assert.ok(Object.values(raised).every(count => count instanceof Int32))
    assert.deepEqual(plain(raised), { user: 4, other: 1, cart: 1, '*': 1, constructor: 1 })
  })

  store('a write leaves its mark behind those of others', async () => {
    const key = await insert()
    await write(key, { token: 5n, mark: { by: 5n, at: ['ruser', 'mcart.~1'] } })
    await write(key, { token: 6n })
    await write(key, { token: 7n, mark: { by: 7n, at: ['r'] } })
    const { marks } = readDocument((await stored.load(key, CALL)) as Loaded)
    assert.deepEqual(marks, [
      { by: 5n, at: ['ruser', 'mcart.~1'] },
      { by: 7n, at: ['r'] },
    ])
  })

  const many = Array.from({ length: 40 }, (_, index) => BigInt(index))

  store('a write that trims keeps the latest sixteen tokens, its own the last', async () => {
    const key = await insert({ tokens: many })
    await write(key, { token: 99n, trim: true })
    const { tokens } = readDocument((await stored.load(key, CALL)) as Loaded)
    assert.deepEqual(tokens, [...many.slice(1 - KEPT), 99n])
  })

  store('a write that does not trim keeps all tokens', async () => {
    const key = await insert({ tokens: many })
    await write(key, { token: 99n })
    const { tokens } = readDocument((await stored.load(key, CALL)) as Loaded)
    assert.deepEqual(tokens, [...many, 99n])
  })

  /** A document with the marks of twenty commits. */
  async function insertMarked(): Promise<string> {
    const key = await insert({ tokens: [] })
    for (const by of many.slice(0, 20)) {
      await write(key, { token: by, rev: { below: 99 }, mark: { by, at: [`r${by}`] } })
    }
    return key
  }

  store('a write that trims and leaves a mark keeps the latest sixteen marks', async () => {
    const key = await insertMarked()
    const mark = { by: 99n, at: ['rx'] }
    await write(key, { token: 99n, rev: { below: 99 }, mark, trim: true })
    const { marks } = readDocument((await stored.load(key, CALL)) as Loaded)
    assert.deepEqual(
      marks.map(({ by }) => by),
      [...many.slice(5, 20), 99n],
    )
  })

  store('a write that trims and leaves no mark keeps the latest sixteen marks', async () => {
    const key = await insertMarked()
    await write(key, { token: 99n, rev: { below: 99 }, trim: true })
    const { marks } = readDocument((await stored.load(key, CALL)) as Loaded)
    assert.deepEqual(
      marks.map(({ by }) => by),
      many.slice(4, 20),
    )
  })

  store('a write that trims leaves no marks where there are none', async () => {
    const key = await insert({ tokens: many })
    await write(key, { trim: true })
    assert.deepEqual(readDocument((await stored.load(key, CALL)) as Loaded).marks, [])
  })

  store('a write that trims tokens alone leaves the marks alone, and creates none', async () => {
    const key = await insertMarked()
    await write(key, { token: 99n, rev: { below: 99 }, trim: 'tokens' })
    const { tokens, marks } = readDocument((await stored.load(key, CALL)) as Loaded)
    assert.deepEqual(tokens, [...many.slice(21 - KEPT, 20), 99n])
    assert.equal(marks.length, 20)

    const other = await insert({ tokens: many })
    await write(other, { trim: 'tokens' })
    assert.equal('marks' in (await load(other)), false)
    await write(other, { trim: 'tokens', rev: { below: 99 }, mark: { by: 5n, at: ['ra'] } })
    const loaded = readDocument((await stored.load(other, CALL)) as Loaded)
    assert.deepEqual([loaded.tokens.length, loaded.marks], [KEPT, [{ by: 5n, at: ['ra'] }]])
  })

  // Expiry and timeouts

  const timesOf = async (key: string): Promise<unknown> => {
    const { expiresAt, endsAt, idle } = await load(key)
    return [expiresAt.getTime(), endsAt?.getTime(), idle === undefined ? undefined : Number(idle)]
  }

  for (const [what, by, moved] of [
    ['moves a later expiry', MINUTE, MINUTE],
    ['does not move an earlier one', -MINUTE / 2, 0],
  ] as const) {
    store(`a write ${what}, and nothing else of the times`, async () => {
      const expiresAt = (await stored.time(CALL)) + MINUTE
      const endsAt = expiresAt + 10 * MINUTE
      const key = await insert({ expiresAt, endsAt, idle: 5000 })
      await write(key, { expiresAt: expiresAt + by })
      assert.deepEqual(await timesOf(key), [expiresAt + moved, endsAt, 5000])
    })

    store(`a touch ${what}, and nothing else at all`, async () => {
      const expiresAt = (await stored.time(CALL)) + MINUTE
      const key = await insert({ expiresAt, data: { a: 1 } })
      const before = await load(key)
      assert.equal(await touch(key, expiresAt + by), true)
      const moment = new Date(expiresAt + moved)
      assert.equal(exact(await load(key)), exact({ ...before, expiresAt: moment }))
    })
  }

  for (const [what, timeouts, expected] of [
    ['an idle timeout and an end', { idle: 7000, endsAt: 9 * MINUTE }, [9 * MINUTE, 7000]],
    ['no idle timeout any more', { idle: undefined, endsAt: 9 * MINUTE }, [9 * MINUTE, undefined]],
    ['no end any more', { idle: 7000, endsAt: Number.POSITIVE_INFINITY }, [undefined, 7000]],
    ['neither', { idle: undefined, endsAt: Number.POSITIVE_INFINITY }, [undefined, undefined]],
  ] as const) {
    store(`a write that changes timeouts sets ${what}, and the expiry, earlier too`, async () => {
      const now = await stored.time(CALL)
      const at = (offset: number): number => now + offset
      const key = await insert({ data: { a: 1 }, expiresAt: at(5 * MINUTE), idle: 1000 })
      const changed = { ...timeouts, endsAt: now + timeouts.endsAt }
      const done = await write(key, {
        rev: { exactly: 1 },
        expiresAt: at(MINUTE),
        timeouts: changed,
        modifications: [unset('a'), set(['b'], 1), append(['c'], 1)],
      })
      assert.equal(done, true)
      const [end, idle] = expected
      assert.deepEqual(await timesOf(key), [at(MINUTE), end && at(end), idle])
      assert.deepEqual(plain((await load(key)).data), plain({ b: 1, c: [1] }))
    })
  }

  store('timeouts are set where there were none', async () => {
    const now = await stored.time(CALL)
    const key = await insert({ endsAt: Number.POSITIVE_INFINITY })
    const timeouts = { idle: 7000, endsAt: now + 2 * MINUTE }
    await write(key, { expiresAt: now + MINUTE, timeouts, modifications: [] })
    assert.deepEqual(await timesOf(key), [now + MINUTE, now + 2 * MINUTE, 7000])
  })

  /** Touches from the end that is stored; none, where there is none. */
  async function touch(key: string, expiresAt: number, idle?: number): Promise<boolean> {
    const loaded = await stored.load(key, CALL)
    const endsAt = loaded === null ? Number.POSITIVE_INFINITY : readDocument(loaded).endsAt
    return stored.touch({ key, expiresAt, idle, endsAt }, CALL)
  }

  for (const [has, requires, fits] of [
    [undefined, undefined, true],
    [undefined, 1000, false],
    [1000, 1000, true],
    [1000.5, 1000.5, true],
    [1000, 2000, false],
    [1000, undefined, false],
  ] as const) {
    const name = (idle: number | undefined): string => (idle === undefined ? 'no' : `${idle} ms`)
    const verb = fits ? 'fits' : 'does not fit'
    store(`a touch made from ${name(requires)} idle timeout ${verb} ${name(has)}`, async () => {
      const now = await stored.time(CALL)
      const key = await insert({ idle: has })
      const call = (): Promise<boolean> => touch(key, now + 5 * MINUTE, requires)
      if (!fits) return leaves(key, call)
      assert.equal(await call(), true)
      assert.equal((await load(key)).expiresAt.getTime(), now + 5 * MINUTE)
    })
  }

  for (const [what, endsAt, required, fits] of [
    ['the end', MINUTE, MINUTE, true],
    ['no end', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, true],
    ['an end that was moved', MINUTE, 2 * MINUTE, false],
    ['an end that came', MINUTE, Number.POSITIVE_INFINITY, false],
    ['an end that is no more', Number.POSITIVE_INFINITY, MINUTE, false],
  ] as const) {
    const verb = fits ? 'fits' : 'does not fit'
    store(`a touch ${verb} ${what} that its expiry was made from`, async () => {
      const now = await stored.time(CALL)
      const key = await insert({ endsAt: now + endsAt, expiresAt: now + 5000 })
      const call = (): Promise<boolean> =>
        stored.touch({ key, expiresAt: now + 9000, idle: undefined, endsAt: now + required }, CALL)
      if (!fits) return leaves(key, call)
      assert.equal(await call(), true)
      assert.equal((await load(key)).expiresAt.getTime(), now + 9000)
    })
  }

  store('a touch of an unknown key is refused, and creates nothing', async () => {
    const key = newKey()
    assert.equal(await touch(key, Date.now() + MINUTE), false)
    assert.equal(await stored.load(key, CALL), null)
  })

  // The end of a session

  const retire = (key: string, rev: number, token = 77n, expiresAt = 0): Promise<boolean> =>
    stored.retire({ key, rev, token, expiresAt }, CALL)

  store('an old id ends under its rev: only who retired it stays, and until when', async () => {
    const now = await stored.time(CALL)
    const key = await insert({ data: { secret: 1 }, rev: 3, tokens: [5n] })
    assert.equal(await retire(key, 3, -77n, now + MINUTE), true)
    assert.equal(
      exact(await load(key)),
      exact({
        ...{ _id: key, retiredBy: Long.fromNumber(-77), expiresAt: new Date(now + MINUTE) },
        ...{ lastRev: new Int32(3), tokens: [Long.fromNumber(5)] },
      }),
    )
  })

  for (const rev of [2, 4]) {
    store(`rev 3 is not retired as ${rev}`, async () => {
      const key = await insert({ rev: 3 })
      await leaves(key, () => retire(key, rev, 1n, Date.now() + MINUTE))
    })
  }

  store('an unknown key is not retired', async () => {
    const key = newKey()
    assert.equal(await retire(key, 1, 1n, Date.now() + MINUTE), false)
    assert.equal(await stored.load(key, CALL), null)
  })

  store('a retired document fits nothing any more, and is no session', async () => {
    const now = await stored.time(CALL)
    const key = await insert({ data: { who: key0 }, rev: 1 })
    await retire(key, 1, 77n, now + MINUTE)
    await leaves(key, () => write(key, { rev: { below: 99 } }))
    await leaves(key, () => write(key, { rev: { exactly: 1 } }))
    await leaves(key, () => write(key, { rev: { exactly: -1 } }))
    await leaves(key, () => write(key, { modifications: [set([], {})], rev: { below: 99 } }))
    await leaves(key, () => touch(key, now + 9 * MINUTE))
    await leaves(key, () => retire(key, 1, 78n, now + 9 * MINUTE))
    await leaves(key, () => retire(key, -1, 78n, now + 9 * MINUTE))
    await leaves(key, () => stored.remove(key, CALL))
    assert.equal(await stored.removeWhere({ who: key0 }, undefined, CALL), 0)
    assert.deepEqual(await keysWhere({ who: key0 }), [])
    assert.ok(!(await keysWhere({})).includes(key))
    assert.ok(await stored.load(key, CALL))
  })
  const key0 = newKey()

  store('a document is removed once', async () => {
    const key = await insert()
    assert.equal(await stored.remove(key, CALL), true)
    assert.equal(await stored.load(key, CALL), null)
    assert.equal(await stored.remove(key, CALL), false)
  })

  store('what was removed is not written, touched or retired any more', async () => {
    const key = await insert()
    await stored.remove(key, CALL)
    assert.equal(await write(key), false)
    assert.equal(await touch(key, Date.now() + MINUTE), false)
    assert.equal(await retire(key, 1, 1n, Date.now() + MINUTE), false)
    assert.equal(await stored.load(key, CALL), null)
  })

  store(
    'what has expired is not there for any method, although it may still be there',
    async () => {
      const now = await stored.time(CALL)
      const data = { group: newKey() }
      const expired = (): Promise<string> => insert({ data, expiresAt: now - 1 })
      assert.equal(await stored.load(await expired(), CALL), null)
      assert.equal(await stored.load(await expired(), { ...CALL, linearizable: true }), null)
      assert.equal(await write(await expired(), { expiresAt: now + MINUTE }), false)
      assert.equal(await touch(await expired(), now + MINUTE), false)
      assert.equal(await retire(await expired(), 1, 1n, now + MINUTE), false)
      assert.equal(await stored.remove(await expired(), CALL), false)
      await expired()
      assert.deepEqual(await keysWhere(data), [])
      await expired()
      assert.equal(await stored.removeWhere(data, undefined, CALL), 0)
    },
  )

  store('what expires while it is retired is gone', async () => {
    const key = await insert({ rev: 1 })
    assert.equal(await retire(key, 1, 1n, (await stored.time(CALL)) - 1), true)
    assert.equal(await stored.load(key, CALL), null)
  })

  store('timeouts that end a session at once end it', async () => {
    const now = await stored.time(CALL)
    const key = await insert()
    const timeouts = { idle: 1, endsAt: now - 1 }
    assert.equal(await write(key, { expiresAt: now - 1, timeouts }), true)
    assert.equal(await stored.load(key, CALL), null)
  })

  // Filters

  async function keysWhere(filter: Filter, from: Store = stored): Promise<string[]> {
    const keys: string[] = []
    for await (const loaded of from.list(filter)) keys.push(readDocument(loaded).key)
    return keys.sort()
  }

  const objectId = new ObjectId()
  /** What is stored, a filter, and whether it fits. */
  const matches: [what: string, data: Data, filter: Filter, fits: boolean][] = [
    ['a string', { a: 'x' }, { a: 'x' }, true],
    ['another string', { a: 'x' }, { a: 'y' }, false],
    ['an empty string', { a: '' }, { a: '' }, true],
    ['a string that is no pattern', { a: 'x' }, { a: '.' }, false],
    ['a number', { a: 5 }, { a: 5 }, true],
    ['another number', { a: 5 }, { a: 6 }, false],
    ['a fraction', { a: 1.5 }, { a: 1.5 }, true],
    ['a number stored as a double', { a: new Double(5) }, { a: 5 }, true],
    ['a number stored as an int64', { a: Long.fromNumber(5) }, { a: 5 }, true],
    ['a large number stored as an int64', { a: Long.fromBigInt(2n ** 60n) }, { a: 2 ** 60 }, true],
    ['a large number, but stored is another int64', { a: Long.MAX_VALUE }, { a: 2 ** 63 }, false],
    ['the lowest int64', { a: Long.MIN_VALUE }, { a: -(2 ** 63) }, true],
    ['a number stored as a Decimal128', { a: Decimal128.fromString('5') }, { a: 5 }, true],
    ['a Decimal128 with zeros at its end', { a: Decimal128.fromString('5.00') }, { a: 5 }, true],
    ['a Decimal128 with an exponent', { a: Decimal128.fromString('1E+22') }, { a: 1e22 }, true],
    ['a negative Decimal128', { a: Decimal128.fromString('-0.625') }, { a: -0.625 }, true],
    ['a Decimal128 that no double is', { a: Decimal128.fromString('0.1') }, { a: 0.1 }, false],
    ['a Decimal128 beyond doubles', { a: Decimal128.fromString('1E-6000') }, { a: 0 }, false],
    ['a Decimal128 of another sign', { a: Decimal128.fromString('-5') }, { a: 5 }, false],
    ['a Decimal128 that is zero', { a: Decimal128.fromString('-0.00') }, { a: 0 }, true],
    ['a Decimal128 that is NaN', { a: Decimal128.fromString('NaN') }, { a: Number.NaN }, true],
    [
      'a Decimal128 that is infinite',
      { a: Decimal128.fromString('-Infinity') },
      { a: Number.NEGATIVE_INFINITY },
      true,
    ],
    ['zero, whatever its sign', { a: -0 }, { a: 0 }, true],
    ['NaN', { a: Number.NaN }, { a: Number.NaN }, true],
    ['infinity', { a: Number.POSITIVE_INFINITY }, { a: Number.POSITIVE_INFINITY }, true],
    ['true', { a: true }, { a: true }, true],
    ['false', { a: false }, { a: false }, true],
    ['true, but stored is false', { a: false }, { a: true }, false],
    ['a Date', { a: new Date(5) }, { a: new Date(5) }, true],
    ['another Date', { a: new Date(5) }, { a: new Date(6) }, false],
    ['an ObjectId', { a: objectId }, { a: new ObjectId(objectId.id) }, true],
    ['another ObjectId', { a: objectId }, { a: new ObjectId() }, false],
    ['a number, but stored is its text', { a: '5' }, { a: 5 }, false],
    ['a number, but stored is true', { a: true }, { a: 1 }, false],
    ['a number, but stored is a Date', { a: new Date(5) }, { a: 5 }, false],
    ['text, but stored is an ObjectId', { a: objectId }, { a: objectId.toHexString() }, false],
    ['false, but stored is null', { a: null }, { a: false }, false],
    ['an empty string, but nothing is stored', {}, { a: '' }, false],
    ['a path', { a: { b: { c: 1 } } }, { 'a.b.c': 1 }, true],
    ['a path that ends at an object', { a: { b: { c: 1 } } }, { 'a.b': 1 }, false],
    ['a path that leads nowhere', { a: { b: 1 } }, { 'a.b.c': 1 }, false],
    ['a path through null', { a: null }, { 'a.b': 1 }, false],
    ['a path with a digit', { a: { 0: 5 } }, { 'a.0': 5 }, true],
    ['a key that has a dot itself', { 'a.b': 1 }, { 'a.b': 1 }, false],
    ['an element', { a: [1, 2, 3] }, { a: 2 }, true],
    ['no element', { a: [1, 2, 3] }, { a: 4 }, false],
    ['an element of an empty array', { a: [] }, { a: 1 }, false],
    ['an element of an array in an array', { a: [[1, 2]] }, { a: 1 }, false],
    ['an element by its index', { a: [1, 2] }, { 'a.1': 2 }, true],
    ['an element by another index', { a: [1, 2] }, { 'a.0': 2 }, false],
    ['a key of an element', { a: [{ b: 1 }, { b: 2 }] }, { 'a.b': 2 }, true],
    ['a key of no element', { a: [{ b: 1 }, { b: 2 }] }, { 'a.b': 3 }, false],
    ['a key of an element by its index', { a: [{ b: 1 }, { b: 2 }] }, { 'a.1.b': 2 }, true],
    ['an element of an array in an element', { a: [{ b: [1, 2] }] }, { 'a.b': 2 }, true],
    ['a key of an element of an array in an array', { a: [[{ b: 1 }]] }, { 'a.b': 1 }, false],
    ['the same, by its index', { a: [[{ b: 1 }]] }, { 'a.0.b': 1 }, true],
    ['an element of an element that an index names', { a: [1, [2]] }, { 'a.1': 2 }, false],
    ['an element that a key names', { a: { 1: [2] } }, { 'a.1': 2 }, true],
    ['the length of an array', { a: [1, 2] }, { 'a.length': 2 }, false],
    ['two paths', { a: 1, b: 2 }, { a: 1, b: 2 }, true],
    ['two paths, of which one fits', { a: 1, b: 2 }, { a: 1, b: 3 }, false],
    ['nothing', { a: 1 }, {}, true],
    ['the name of a builtin that is there', { constructor: 1 }, { constructor: 1 }, true],
    ['the name of a builtin', { a: {} }, { 'a.constructor.name': 'Object' }, false],
  ]
  for (const [what, data, filter, fits] of matches) {
    const verb = fits ? 'fits' : 'does not fit'
    store(`a filter for ${what} ${verb}, for list and removeWhere alike`, async () => {
      const tag = newKey()
      const key = await insert({ data: { ...data, tag } })
      assert.deepEqual(await keysWhere({ ...filter, tag }), fits ? [key] : [])
      assert.equal(await stored.removeWhere({ ...filter, tag }, undefined, CALL), fits ? 1 : 0)
      assert.equal((await stored.load(key, CALL)) === null, fits)
    })
  }

  store(
    'a filter removes what fits, tells how many, and spares the one that is excepted',
    async () => {
      const [mine, other] = [newKey(), newKey()]
      const keys = await Promise.all([1, 2, 3].map(() => insert({ data: { user: { id: mine } } })))
      const spared = await insert({ data: { user: { id: other } } })
      const [first, second, third] = keys as [string, string, string]
      assert.equal(await stored.removeWhere({ 'user.id': mine }, second, CALL), 2)
      assert.equal(await stored.load(first, CALL), null)
      assert.equal(await stored.load(third, CALL), null)
      assert.deepEqual(await keysWhere({ 'user.id': mine }), [second])
      assert.deepEqual(await keysWhere({ 'user.id': other }), [spared])
      assert.equal(await stored.removeWhere({ 'user.id': mine }, undefined, CALL), 1)
      assert.equal(await stored.removeWhere({ 'user.id': mine }, undefined, CALL), 0)
    },
  )

  store('an exception that does not fit the filter stays all the same', async () => {
    const mine = newKey()
    const key = await insert({ data: { mine } })
    const other = await insert()
    assert.equal(await stored.removeWhere({ mine }, other, CALL), 1)
    assert.equal(await stored.load(key, CALL), null)
    assert.ok(await stored.load(other, CALL))
  })

  store('a list gives whole documents, and the time', async () => {
    const tag = newKey()
    const layout = new Map([['a', 2]])
    const keys = await Promise.all([1, 2].map(n => insert({ data: { tag, n }, layout })))
    const found = []
    for await (const loaded of stored.list({ tag })) {
      const document = readDocument(loaded)
      assert.deepEqual([document.rev, document.layout], [1, layout])
      assert.ok(Number.isFinite(document.now))
      found.push([document.key, Number(decode(loaded).data.n)])
    }
    assert.deepEqual(found.sort(), [[keys[0], 1] as const, [keys[1], 2] as const].sort())
  })

  store('a list without a filter gives all that are there', async () => {
    const all = create({ indexes: false })
    const keys = [await insert({}, all), await insert({ data: { a: 1 } }, all)]
    const gone = await insert({}, all)
    await all.remove(gone, CALL)
    await insert({ expiresAt: (await all.time(CALL)) - 1 }, all)
    assert.deepEqual(await keysWhere({}, all), [...keys].sort())
  })

  store('a list may be left before its end', async () => {
    const tag = newKey()
    for (let n = 0; n < 3; n++) await insert({ data: { tag } })
    for await (const loaded of stored.list({ tag })) {
      assert.ok(loaded)
      break
    }
    assert.equal((await keysWhere({ tag })).length, 3)
  })
})

/** Data as the bson package reads it back by default. */
function plain(data: unknown): unknown {
  return deserialize(serialized(data as Data), { promoteBuffers: true })
}

function serialized(data: Data): Uint8Array {
  return serialize(data)
}
