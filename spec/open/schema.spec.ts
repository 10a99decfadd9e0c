import assert from 'node:assert/strict'
import { deserialize } from 'bson'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Session, Sessions, ValidationIssue } from '../../lib/index.js'
import {
  createSessions,
  memoryStore,
  SessionError,
  snapshot,
  UnsupportedValueError,
  ValidationError,
} from '../../lib/index.js'
import { recordCalls } from '../adapters/framework.js'
import { forEachStore } from '../support/stores.js'
import { EXACT } from '../support/wrapped.js'

// biome-ignore lint/suspicious/noExplicitAny: the specs write what the types forbid
type Data = any

type Options = Record<string, unknown>

const using = (schema: z.ZodObject, options: Options = {}): Sessions<Data> =>
  createSessions({ store: memoryStore(), schema, ...options } as never) as unknown as Sessions<Data>

// What createSessions refuses

const refusing = suite('a schema that cannot be used is refused')

function refuses(schema: unknown, why: RegExp, options: Options = {}): void {
  assert.throws(
    () => using(schema as z.ZodObject, options),
    error => {
      assert.ok(error instanceof SessionError)
      assert.equal(error.code, 'ERR_INVALID_OPTION')
      assert.match(error.message, /^Cannot use schema: /)
      assert.match(error.message, why)
      return true
    },
  )
}

for (const [what, schema] of Object.entries<unknown>({
  null: null,
  'a string': 'object',
  'a plain object': { a: z.string() },
  'a record': z.record(z.string(), z.string()),
  'an optional object': z.object({}).optional(),
  'a readonly object': z.object({}).readonly(),
  'a union': z.union([z.object({}), z.object({})]),
})) {
  refusing(`no object schema: ${what}`, () => refuses(schema, /it must be made by z\.object\(\)/))
}

refusing('one that is strict at its root', () => {
  refuses(z.strictObject({ a: z.string().optional() }), /z\.strictObject\(\).*use z\.object\(\)/)
  refuses(z.object({ a: z.string().optional() }).strict(), /use z\.object\(\)/)
})

refusing('one that is strict further down is used', () => {
  assert.ok(using(z.object({ a: z.strictObject({ b: z.string() }).optional() })))
})

const oneWay = z.string().transform(Number)

/** Where something can stand, and the path that an error tells. */
const places: [path: RegExp, wrap: (inner: z.ZodType) => z.ZodType][] = [
  [/: a is/, inner => inner.optional()],
  [/: a\.b is/, inner => z.object({ b: inner }).optional()],
  [/: a\["\*"\] is/, inner => z.array(inner).optional()],
  [/: a\[1\] is/, inner => z.tuple([z.string(), inner]).optional()],
  [/: a\["\*"\] is/, inner => z.tuple([z.string()], inner).optional()],
  [/: a\["\*"\] is/, inner => z.record(z.string(), inner).optional()],
  [/: a\["\*"\] is/, inner => z.record(inner as never, z.string()).optional()],
  [/: a\["\*"\] is/, inner => z.map(z.string(), inner).optional()],
  [/: a\["\*"\] is/, inner => z.set(inner).optional()],
  [/: a\["\*"\] is/, inner => z.object({}).catchall(inner).optional()],
  [/: a is/, inner => z.union([z.number(), inner]).optional()],
  [/: a\.b is/, inner => z.intersection(z.object({ b: inner }), z.object({})).optional()],
  [/: a is/, inner => inner.nullable().optional()],
  [/: a is/, inner => inner.readonly().optional()],
  [/: a is/, inner => inner.catch('x').optional()],
  [/: a is/, inner => inner.default('x')],
  [/: a is/, inner => inner.prefault('x')],
  [/: a is/, inner => inner.pipe(z.any()).optional()],
  [/: a\.b is/, inner => z.lazy(() => z.object({ b: inner })).optional()],
]

for (const [path, wrap] of places) {
  refusing(`a one-way transform, with its path ${path.source}`, () => {
    refuses(z.object({ a: wrap(oneWay) }), path)
    refuses(z.object({ a: wrap(oneWay) }), /is transformed one way only, use z\.codec\(\)/)
  })
}

refusing('a one-way transform in what other attributes hold', () => {
  refuses(z.object({}).catchall(oneWay), /\["\*"\] is transformed one way only/)
})

refusing('a preprocessing', () => {
  refuses(
    z.object({ a: z.object({ b: z.preprocess(Number, z.number()) }).optional() }),
    /: a\.b is/,
  )
})

for (const [what, schema, where] of [
  ['of a string', z.string().refine(async () => true), 'a'],
  ['below an object', z.object({ b: z.string().refine(async () => true) }), 'a.b'],
  ['of an object', z.object({ b: z.string() }).refine(async () => true), 'a'],
  ['of an array', z.array(z.string()).check(async () => undefined), 'a'],
  ['that is a schema by itself', z.custom(async () => true), 'a'],
] as [string, z.ZodType, string][]) {
  refusing(`an asynchronous check: ${what}`, () => {
    refuses(z.object({ a: schema.optional() }), new RegExp(`: ${where} has an async check`))
  })
}

refusing('an asynchronous check of the whole', () => {
  refuses(
    z.object({}).refine(async () => true),
    /the session has an async check/,
  )
  refuses(
    z.object({}).check(async () => undefined),
    /the session has an async check/,
  )
})

refusing('a check that gives a promise, once it is seen', async () => {
  refuses(
    z.object({}).refine(() => Promise.resolve(true)),
    /the session has a check that gives a/,
  )
  const sessions = using(
    z.object({
      a: z
        .string()
        .superRefine(async () => {})
        .optional(),
    }),
  )
  const session = sessions.create({ a: 'x' })
  await assert.rejects(session.commit(), /Cannot use schema: a has a check that gives a promise/)
})

refusing('an asynchronous codec', () => {
  const decode = (async (text: string) => Number(text)) as never
  const encode = (async (number: number) => String(number)) as never
  const codec = z.codec(z.string(), z.number(), { decode, encode })
  refuses(z.object({ a: codec.optional() }), /: a has an async codec/)
})

for (const schema of [
  z.function(),
  z.promise(z.string()),
  z.symbol(),
  z.file(),
  z.success(z.string()),
] as z.ZodType[]) {
  refusing(`what cannot be stored: ${schema.def.type}`, () => {
    refuses(z.object({ a: z.object({ b: schema }).optional() }), /: a\.b is a .* cannot be stored/)
  })
}

refusing('a Map whose keys are no strings', () => {
  refuses(z.object({ a: z.map(z.number(), z.string()).optional() }), /: a is a Map whose keys/)
})

refusing('a check that changes the session as a whole', () => {
  refuses(
    z.object({}).overwrite(data => data),
    /the session is changed by a check of the whole/,
  )
})

refusing('one that rejects {}, without initial()', () => {
  const required = z.object({ a: z.string() })
  refuses(required, /it rejects \{\}.*optional.*default.*initial\(\)/)
  assert.ok(using(required, { initial: () => ({ a: 'x' }) }))
  for (const each of [
    z.string().optional(),
    z.string().default('x'),
    z.string().prefault('x'),
    z.string().catch('x'),
    z.string().exactOptional(),
    z.any().optional(),
  ]) {
    assert.ok(using(z.object({ a: each as z.ZodType })))
  }
})

refusing('one whose check rejects {}, or throws at it, without initial()', () => {
  const schema = z.object({ a: z.string().optional(), b: z.string().optional() })
  const either = schema.refine(({ a, b }) => a !== undefined || b !== undefined)
  refuses(either, /it rejects \{\}/)
  const careless = schema.refine(({ a }) => (a as string).length > 0)
  refuses(careless, /it rejects \{\}/)
  assert.ok(using(careless, { initial: () => ({ a: 'x' }) }))
})

refusing.run()

// Rules

forEachStore('a schema', (test, { create }) => {
  const store = create()

  /** Sessions of one schema; all share the store. */
  const use = (schema: z.ZodObject, options: Options = {}): Sessions<Data> =>
    using(schema, { store, ...options })
  /** Sessions of an application that has no schema: what it stores can be anything. */
  const plain = createSessions<Data>({ store })

  async function stored(data: object): Promise<string> {
    const session = plain.create(data)
    await session.commit()
    return session.id
  }

  async function open(sessions: Sessions<Data>, id: string): Promise<Session<Data>> {
    const session = await sessions.open(id)
    assert.ok(session)
    return session
  }

  /** What is stored for a session, as the bson package reads it. */
  async function raw({ key }: Session<Data>): Promise<Data> {
    const loaded = await store.load(key, { timeout: 10_000 })
    return deserialize(loaded?.bytes ?? new Uint8Array(), EXACT).data
  }

  const rejects = async (call: () => unknown, path: (string | number)[]): Promise<void> => {
    await assert.rejects(
      async () => call(),
      error => {
        assert.ok(error instanceof ValidationError, String(error))
        assert.deepEqual(error.issues.map((issue: ValidationIssue) => issue.path)[0], path)
        return true
      },
    )
  }

  // New sessions

  test('what a new session holds are the defaults, and what initial() gives', () => {
    const schema = z.object({
      views: z.number().default(1),
      user: z.string().optional(),
      tags: z.array(z.string()).default(['a']),
    })
    assert.deepEqual(use(schema).create().data, { views: 1, tags: ['a'] })
    const sessions = use(schema, { initial: () => ({ user: 'Ada', views: 2 }) })
    assert.deepEqual({ ...sessions.create().data }, { views: 2, tags: ['a'], user: 'Ada' })
    assert.deepEqual(sessions.create().changes(), [])
  })

  test('a new session that only has defaults and initial() is not stored', async () => {
    const sessions = use(z.object({ a: z.string(), b: z.number().default(1) }), {
      initial: () => ({ a: 'x' }),
    })
    const session = sessions.create()
    assert.equal(session.data.b, 1)
    assert.equal((await session.commit()).status, 'unchanged')
    assert.equal(session.isNew, true)
  })

  test('with a change, what initial() gave is stored too, and defaults are not', async () => {
    const sessions = use(
      z.object({ a: z.string(), b: z.number().default(1), c: z.number().optional() }),
      { initial: () => ({ a: 'x' }) },
    )
    const session = sessions.create()
    session.data.c = 1
    await session.commit()
    assert.deepEqual(Object.keys(await raw(session)).sort(), ['a', 'c'])
    assert.deepEqual({ ...(await open(sessions, session.id)).data }, { a: 'x', b: 1, c: 1 })
  })

  test('each session has a default of its own', async () => {
    let count = 0
    const sessions = use(
      z.object({
        id: z.string().default(() => `id${count++}`),
        list: z.array(z.object({ n: z.number() })).default([{ n: 1 }]),
        nested: z.object({ at: z.number().default(() => count++) }).prefault({}),
      }),
    )
    const [one, two] = [sessions.create().data, sessions.create().data]
    assert.notEqual(one.id, two.id)
    assert.notEqual(one.nested.at, two.nested.at)
    one.list[0].n = 2
    one.list.push({ n: 3 })
    assert.deepEqual(two.list, [{ n: 1 }])
    assert.deepEqual(sessions.create().data.list, [{ n: 1 }])
  })

  test('initial() may give Maps, Sets and bigints, and what a codec takes in', async () => {
    const when = z.codec(z.iso.datetime(), z.date(), {
      decode: text => new Date(text),
      encode: date => date.toISOString(),
    })
    const shape = { map: z.map(z.string(), z.number()), set: z.set(z.string()), big: z.bigint() }
    const sessions = use(z.object({ ...shape, when, changed: z.boolean().optional() }), {
      initial: () => ({
        map: new Map([['a', 1]]),
        set: new Set(['b']),
        big: 5n,
        when: '2020-01-01T00:00:00.000Z',
      }),
    })
    const expected = {
      map: new Map([['a', 1]]),
      set: new Set(['b']),
      big: 5n,
      when: new Date('2020-01-01T00:00:00.000Z'),
    }
    const session = sessions.create()
    assert.deepEqual({ ...session.data }, expected)
    session.data.changed = true
    await session.commit()
    assert.deepEqual({ ...session.data }, { ...expected, changed: true })
    assert.deepEqual({ ...(await open(sessions, session.id)).data }, { ...expected, changed: true })
  })

  test('what initial() gives is checked when a session is created', () => {
    const schema = z.object({ a: z.string(), any: z.any() })
    const create = (initial: () => unknown) => () => use(schema, { initial }).create()
    assert.throws(
      create(() => ({ a: 1 })),
      ValidationError,
    )
    assert.throws(
      create(() => ({ a: 'x', any: () => 1 })),
      UnsupportedValueError,
    )
    assert.throws(
      create(() => ({ a: 'x', any: new (class Foo {})() })),
      UnsupportedValueError,
    )
    for (const initial of [async () => ({ a: 'x' }), () => 'a', () => [], () => null]) {
      if (initial() === null) continue
      assert.throws(create(initial), /Cannot use initial: it must give a plain object/)
    }
  })

  test('a key of initial() that the schema does not know is dropped', () => {
    const sessions = use(z.object({ a: z.string() }), { initial: () => ({ a: 'x', evil: 1 }) })
    const { data } = sessions.create()
    assert.deepEqual(Object.keys(data), ['a'])
    assert.equal('evil' in data, false)
  })

  test('a new session is not stored while it lacks a required attribute', async () => {
    const sessions = use(z.object({ a: z.string(), b: z.string(), c: z.number().optional() }), {
      initial: () => ({ a: 'x' }),
    })
    const session = sessions.create({ c: 1 })
    await rejects(() => session.commit(), ['b'])
    assert.equal(session.isNew, true)
    session.data.b = 'y'
    assert.equal((await session.commit()).status, 'created')
  })

  // Reading

  test('an attribute is decoded and validated when it is first touched, and no other', async () => {
    const seen: string[] = []
    const watched = (name: string): z.ZodType =>
      z.string().refine(() => {
        seen.push(name)
        return true
      })
    const sessions = use(z.object({ a: watched('a').optional(), b: watched('b').optional() }))
    const session = await open(sessions, await stored({ a: 'x', b: 'y' }))
    seen.length = 0
    assert.equal(session.data.a, 'x')
    assert.equal(session.data.a, 'x')
    assert.deepEqual(seen, ['a'])
  })

  test('what does not fit is told when it is touched, and the rest can be used', async () => {
    const sessions = use(z.object({ a: z.string().optional(), b: z.number().optional() }))
    const session = await open(sessions, await stored({ a: 1, b: 2 }))
    assert.equal(session.data.b, 2)
    for (const touch of [
      () => session.data.a,
      () => Object.keys(session.data),
      () => JSON.stringify(session.data),
      () => ({ ...session.data }),
      () => 'a' in session.data,
    ]) {
      await rejects(touch, ['a'])
    }
    session.data.b = 3
    assert.equal((await session.commit()).status, 'updated')
    assert.deepEqual((await open(plain, session.id)).data, { a: 1, b: 3 })
  })

  test('what does not fit can be written over, or removed, without a look', async () => {
    const sessions = use(z.object({ a: z.string().optional(), b: z.number().optional() }))
    const session = await open(sessions, await stored({ a: { x: 1 }, b: 'y', c: 1 }))
    session.data.a = 'mended'
    delete session.data.b
    await session.commit()
    assert.deepEqual({ ...session.data }, { a: 'mended' })
    assert.deepEqual((await open(plain, session.id)).data, { a: 'mended', c: 1 })
  })

  test('a required attribute that is missing is told when it is touched', async () => {
    const sessions = use(z.object({ a: z.string(), b: z.number().optional() }), {
      initial: () => ({ a: 'x' }),
    })
    const session = await open(sessions, await stored({ b: 1 }))
    assert.equal(session.data.b, 1)
    await rejects(() => session.data.a, ['a'])
    session.data.a = 'y'
    await session.commit()
    assert.deepEqual({ ...(await open(sessions, session.id)).data }, { a: 'y', b: 1 })
  })

  test('attributes come in the order of the schema', async () => {
    const sessions = use(
      z.object({ a: z.number().optional(), b: z.number().default(1), c: z.number().optional() }),
    )
    const session = await open(sessions, await stored({ z: 1, c: 1, a: 1 }))
    assert.deepEqual(Object.keys(session.data), ['a', 'b', 'c'])
  })

  // Writing

  test('what does not fit is refused by the commit, with nothing sent and the changes kept', async () => {
    const calls: string[] = []
    const sessions = use(
      z.object({ a: z.object({ b: z.string().min(2) }).optional(), n: z.number().optional() }),
      { store: recordCalls(store, calls) },
    )
    const session = sessions.create({ a: { b: 'xx' } })
    await session.commit()
    const before = await raw(session)
    calls.length = 0
    session.data.a.b = 'x'
    session.data.n = 1
    await rejects(() => session.commit(), ['a', 'b'])
    assert.deepEqual(calls, [])
    assert.deepEqual(await raw(session), before)
    assert.equal(session.changes().length, 2)
    session.data.a.b = 'yy'
    assert.equal((await session.commit()).status, 'updated')
    assert.deepEqual((await open(plain, session.id)).data, { a: { b: 'yy' }, n: 1 })
  })

  test('what is wrong is told by its path and rule, without the value', async () => {
    const sessions = use(z.object({ list: z.array(z.object({ n: z.number() })).optional() }))
    const session = sessions.create({ list: [{ n: 1 }, { n: 'secret' }] })
    await assert.rejects(session.commit(), error => {
      assert.ok(error instanceof ValidationError)
      assert.deepEqual(error.issues, [
        {
          code: 'invalid_type',
          path: ['list', 1, 'n'],
          message: 'Invalid input: expected number, received string',
        },
      ])
      assert.match(error.message, /^Cannot write list\[1\]\.n: /)
      return true
    })
  })

  test('a required key cannot be removed, at any depth', async () => {
    const sessions = use(
      z.object({ a: z.string(), u: z.object({ name: z.string() }).optional() }),
      { initial: () => ({ a: 'x' }) },
    )
    const session = sessions.create({ u: { name: 'Ada' } })
    await session.commit()
    delete session.data.u.name
    await rejects(() => session.commit(), ['u', 'name'])
    session.discard()
    delete session.data.a
    await rejects(() => session.commit(), ['a'])
    session.discard()
    session.clear()
    await rejects(() => session.commit(), ['a'])
    session.discard()
    assert.deepEqual((await open(plain, session.id)).data, { a: 'x', u: { name: 'Ada' } })
  })

  test('only attributes that are written are validated', async () => {
    let calls = 0
    const counted = z.string().refine(() => ++calls > 0)
    const sessions = use(z.object({ a: counted.optional(), n: z.number().optional() }))
    const session = sessions.create({ a: 'x', n: 1 })
    await session.commit()
    calls = 0
    session.data.n = 2
    await session.commit()
    assert.equal(calls, 0)
    session.data.a = 'y'
    await session.commit()
    assert.notEqual(calls, 0)
  })

  test('an optional attribute can be removed', async () => {
    const sessions = use(z.object({ a: z.string().optional(), b: z.number().optional() }))
    const session = sessions.create({ a: 'x', b: 1 })
    await session.commit()
    delete session.data.a
    assert.deepEqual((await session.commit()).modifications, [{ op: 'unset', path: ['a'] }])
    assert.deepEqual((await open(plain, session.id)).data, { b: 1 })
  })

  test('after a commit the session reads what was stored', async () => {
    const sessions = use(
      z.object({
        name: z.string().trim().toLowerCase().optional(),
        tags: z.array(z.string().trim()).default([]),
        user: z.object({ mail: z.string().toLowerCase() }).optional(),
        list: z
          .array(z.number())
          .overwrite(list => [...list].sort())
          .optional(),
      }),
    )
    const session = sessions.create({ name: ' Ada ', user: { mail: 'A@B' }, list: [3, 1] })
    const { user } = session.data
    session.data.tags.push(' x ')
    const { modifications } = await session.commit()
    assert.deepEqual(
      new Set(modifications),
      new Set([
        { op: 'set', path: ['name'], value: 'ada' },
        { op: 'set', path: ['tags'], value: ['x'] },
        { op: 'set', path: ['user'], value: { mail: 'a@b' } },
        { op: 'set', path: ['list'], value: [1, 3] },
      ]),
    )
    const expected = { name: 'ada', tags: ['x'], user: { mail: 'a@b' }, list: [1, 3] }
    assert.deepEqual({ ...session.data }, expected)
    assert.deepEqual(session.changes(), [])
    assert.equal(user.mail, 'a@b')
    assert.deepEqual({ ...(await open(sessions, session.id)).data }, expected)
    session.data.tags.push(' y ')
    session.data.user.mail = 'C@D'
    session.data.list.push(2)
    await session.commit()
    assert.deepEqual({ ...session.data }, { ...(await open(sessions, session.id)).data })
    assert.deepEqual(session.data.tags, ['x', 'y'])
    assert.deepEqual(session.data.list, [1, 2, 3])
    assert.equal(user.mail, 'c@d')
  })

  test('what a schema makes equal to what is stored is not written, and read as it is', async () => {
    const sessions = use(z.object({ name: z.string().trim().optional() }))
    const session = sessions.create({ name: 'Ada' })
    await session.commit()
    session.data.name = '  Ada '
    const { status, modifications } = await session.commit()
    assert.deepEqual([status, modifications], ['unchanged', []])
    assert.equal(session.data.name, 'Ada')
    assert.deepEqual(session.changes(), [])
  })

  test('what could not be read back is refused before it is sent', async () => {
    const name = z.string().min(3).trim().optional()
    const sessions = use(z.object({ name, n: z.number().optional() }))
    const session = sessions.create({ n: 1 })
    await session.commit()
    session.data.name = ' a '
    await rejects(() => session.commit(), ['name'])
    assert.deepEqual((await open(plain, session.id)).data, { n: 1 })
    assert.equal(session.data.name, ' a ')
  })

  // Unknown keys

  test('keys that the schema does not know are kept by every commit, at any depth', async () => {
    const item = z.object({ n: z.number() })
    const sessions = use(
      z.object({
        user: z.object({ name: z.string(), deep: z.object({ n: z.number() }) }).optional(),
        list: z.array(item).optional(),
        map: z.map(z.string(), item).optional(),
        record: z.record(z.string(), item).optional(),
      }),
    )
    const later = { newer: 1 }
    const data = {
      user: { name: 'Ada', later, deep: { n: 1, later } },
      list: [
        { n: 1, later },
        { n: 2, later },
      ],
      map: { a: { n: 1, later } },
      record: { a: { n: 1, later } },
      later,
    }
    const session = await open(sessions, await stored(data))
    assert.equal('later' in session.data, false)
    assert.equal('later' in session.data.user, false)
    session.data.user.name = 'Eve'
    session.data.user.deep.n = 2
    session.data.list[0].n = 3
    session.data.map.get('a').n = 4
    session.data.record.a.n = 5
    await session.commit()
    const expected: Data = structuredClone(data)
    Object.assign(expected.user, { name: 'Eve' })
    expected.user.deep.n = 2
    expected.list[0].n = 3
    expected.map.a.n = 4
    expected.record.a.n = 5
    assert.deepEqual((await open(plain, session.id)).data, expected)

    // Whole arrays, a key that no path can name, and an attribute next to it.
    session.data.list.reverse()
    session.data.list.push({ n: 6 })
    session.data.record['a.b'] = { n: 7 }
    session.data.user.name = 'Bob'
    await session.commit()
    expected.list.reverse()
    expected.list.push({ n: 6 })
    expected.record['a.b'] = { n: 7 }
    expected.user.name = 'Bob'
    assert.deepEqual((await open(plain, session.id)).data, expected)
  })

  test('in what is assigned they are dropped, at any depth: no mass assignment', async () => {
    const sessions = use(
      z.object({
        user: z.object({ name: z.string() }).optional(),
        list: z.array(z.object({ n: z.number() })).optional(),
      }),
    )
    const session = sessions.create()
    session.data.user = { name: 'Ada', admin: true }
    session.data.list = [{ n: 1, admin: true }]
    session.data.list.push({ n: 2, admin: true })
    session.data.admin = true
    await session.commit()
    const expected = { user: { name: 'Ada' }, list: [{ n: 1 }, { n: 2 }] }
    assert.deepEqual({ ...session.data }, expected)
    assert.deepEqual((await open(plain, session.id)).data, expected)
    session.data.user.admin = true
    session.data.list[0].admin = true
    session.data.admin = true
    assert.equal((await session.commit()).status, 'unchanged')
    assert.deepEqual(session.changes(), [])
    assert.deepEqual({ ...session.data }, expected)
    assert.deepEqual((await open(plain, session.id)).data, expected)
  })

  for (const tracking of ['none', 'accesses', 'mutable-attributes', 'writes']) {
    test(`and are not there any more after the commit: tracking '${tracking}'`, async () => {
      const sessions = use(z.object({ a: z.string().optional() }), { tracking })
      const fresh = sessions.create()
      fresh.data.evil = 1
      assert.equal((await fresh.commit()).status, 'unchanged')
      assert.deepEqual({ ...fresh.data }, {})
      Object.assign(fresh.data, { a: 'x', evil: { more: 1 } })
      await fresh.commit()
      assert.deepEqual({ ...fresh.data }, { a: 'x' })
      fresh.data.evil = 2
      assert.equal((await fresh.commit()).status, 'unchanged')
      assert.deepEqual({ ...fresh.data }, { a: 'x' })
      assert.deepEqual(fresh.changes(), [])
      assert.deepEqual((await open(plain, fresh.id)).data, { a: 'x' })
    })

    test(`what does not fit reads as absent with 'unset': tracking '${tracking}'`, async () => {
      const sessions = use(
        z.object({
          a: z.string().optional(),
          n: z.number(),
          list: z.array(z.number()).default([]),
        }),
        { tracking, onInvalid: 'unset', initial: () => ({ n: 1 }) },
      )
      const session = await open(sessions, await stored({ a: 1, n: 'x', list: { b: 1 } }))
      assert.equal('a' in session.data, false)
      assert.deepEqual({ ...session.data }, { list: [] })
      session.data.list.push(5)
      session.data.n = 2
      await session.commit()
      assert.deepEqual({ ...session.data }, { list: [5], n: 2 })
      assert.deepEqual((await open(plain, session.id)).data, { list: [5], n: 2 })
    })

    test(`what a codec decoded may change in place: tracking '${tracking}'`, async () => {
      const date = z.codec(z.iso.datetime(), z.date(), {
        decode: text => new Date(text),
        encode: each => each.toISOString(),
      })
      const sessions = use(z.object({ d: date, in: z.array(date) }).partial(), {
        tracking,
      })
      const session = sessions.create({
        d: new Date(0),
        in: [new Date(0), new Date(1)],
      })
      await session.commit()
      for (const each of [session, await open(sessions, session.id)]) {
        await each.reload()
        assert.deepEqual(each.changes(), [])
        each.data.d.setTime(each.data.d.getTime() + 1)
        each.data.in[1].setTime(each.data.in[1].getTime() + 1)
        await each.commit()
        assert.deepEqual(each.changes(), [])
        assert.deepEqual({ ...each.data }, { ...(await open(sessions, session.id)).data })
      }
      assert.deepEqual((await open(plain, session.id)).data, {
        d: new Date(2).toISOString(),
        in: [new Date(0).toISOString(), new Date(3).toISOString()],
      })
    })
  }

  test('a key that a newer version stored is not written over by one that is dropped', async () => {
    const sessions = use(z.object({ user: z.object({ name: z.string() }).optional() }))
    const session = await open(sessions, await stored({ user: { name: 'Ada', role: 'x' }, top: 1 }))
    session.data.user.role = 'admin'
    session.data.top = 2
    session.data.user.name = 'Eve'
    await session.commit()
    const expected = { user: { name: 'Eve', role: 'x' }, top: 1 }
    assert.deepEqual((await open(plain, session.id)).data, expected)
  })

  test('a new session that only has unknown attributes is not stored, and drops them', async () => {
    const session = use(z.object({ a: z.string().optional() })).create()
    session.data.evil = 1
    assert.equal((await session.commit()).status, 'unchanged')
    assert.deepEqual(session.changes(), [])
    assert.deepEqual({ ...session.data }, {})
  })

  test('z.looseObject() and catchall() know any attribute', async () => {
    const loose = use(z.looseObject({ a: z.string().optional() }))
    const session = loose.create({ a: 'x', other: { deep: [1] } })
    await session.commit()
    assert.deepEqual({ ...(await open(loose, session.id)).data }, { a: 'x', other: { deep: [1] } })
    const numbers = use(z.object({ a: z.string().optional() }).catchall(z.number()))
    const counts = numbers.create({ x: 1 })
    await counts.commit()
    counts.data.x++
    counts.data.y = 'no'
    await rejects(() => counts.commit(), ['y'])
    delete counts.data.y
    await counts.commit()
    assert.deepEqual({ ...(await open(numbers, counts.id)).data }, { x: 2 })
    delete counts.data.x
    await counts.commit()
    assert.deepEqual({ ...(await open(numbers, counts.id)).data }, {})
  })

  // Defaults

  test('a default that was only read is not written', async () => {
    const sessions = use(
      z.object({ list: z.array(z.number()).default([]), n: z.number().optional() }),
    )
    const session = sessions.create({ n: 1 })
    assert.deepEqual(session.data.list, [])
    await session.commit()
    session.data.list.slice()
    session.data.n = 2
    assert.deepEqual((await session.commit()).modifications, [{ op: 'set', path: ['n'], value: 2 }])
    assert.deepEqual((await open(plain, session.id)).data, { n: 2 })
  })

  test('below an absent attribute, appends go as appends and keys by path', async () => {
    const sessions = use(
      z.object({
        list: z.array(z.number()).default([]),
        views: z.record(z.string(), z.number()).default({}),
        prefs: z.object({ theme: z.string(), size: z.number() }).default({ theme: 'x', size: 1 }),
        scores: z.array(z.number()).default([1, 2]),
        n: z.number().default(0),
      }),
    )
    const session = await open(sessions, await stored({ other: 1 }))
    session.data.list.push(1)
    session.data.views.home = 1
    session.data.prefs.theme = 'y'
    session.data.scores.push(3)
    session.data.n++
    assert.deepEqual((await session.commit()).modifications, [
      { op: 'append', path: ['list'], values: [1] },
      { op: 'set', path: ['views', 'home'], value: 1 },
      { op: 'set', path: ['n'], value: 1 },
      { op: 'set', path: ['prefs'], value: { theme: 'y', size: 1 } },
      { op: 'set', path: ['scores'], value: [1, 2, 3] },
    ])
    const expected = {
      list: [1],
      views: { home: 1 },
      n: 1,
      prefs: { theme: 'y', size: 1 },
      scores: [1, 2, 3],
    }
    assert.deepEqual((await open(plain, session.id)).data, { other: 1, ...expected })
    assert.deepEqual({ ...(await open(sessions, session.id)).data }, expected)
  })

  const moves: Record<string, (data: Data) => unknown> = {
    shift: ({ cart }) => cart.shift(),
    unshift: ({ cart }) => cart.unshift({ id: 9, qty: 9 }),
    reverse: ({ cart }) => cart.reverse(),
    sort: ({ cart }) => cart.sort((a: Data, b: Data) => b.id - a.id),
    splice: ({ cart }) => cart.push(...cart.splice(0, 1)),
    copyWithin: ({ cart }) => cart.copyWithin(0, 1),
    'to another array': data => (data.other = [data.cart.pop(), data.cart.shift()]),
    'in a Set': data => {
      const [first, ...others] = data.pairs
      data.pairs = new Set([...others, first])
    },
  }
  for (const [title, move] of Object.entries(moves)) {
    test(`elements that moved before anybody looked at them stay what they are: ${title}`, async () => {
      const item = z.object({ id: z.number(), qty: z.number() })
      const list = z.array(item).optional()
      const sessions = use(z.object({ cart: list, other: list, pairs: z.set(item).optional() }))
      const items = [1, 2, 3, 4].map(id => ({ id, qty: id, unknown: id }))
      const id = await stored({ cart: items, pairs: items })
      const session = await open(sessions, id)
      move(session.data)
      const expected = snapshot(session.data)
      // Whoever looks at them now finds them at other places.
      assert.deepEqual(JSON.parse(JSON.stringify(session.data.cart)), expected.cart)
      assert.deepEqual(
        [...session.data.pairs].map(each => ({ ...each })),
        [...expected.pairs],
      )
      await session.commit()
      assert.deepEqual(snapshot((await open(sessions, id)).data), expected)
      const { cart, other = [] } = await raw(session)
      for (const { id, unknown = id } of [...cart, ...other]) {
        assert.equal(Number(unknown), Number(id))
      }
    })
  }

  test('an equal array that was assigned is edited as the one before', async () => {
    const schema = z.object({ list: z.array(z.number()).optional(), n: z.number().optional() })
    const sessions = use(schema)
    const id = await stored({ list: [1, 2] })
    const [one, two] = [await open(sessions, id), await open(sessions, id)]
    two.data.list = two.data.list.filter(() => true)
    two.data.n = 1
    await two.commit()
    one.data.list.push(3)
    await one.commit()
    two.data.list.push(4)
    assert.deepEqual((await two.commit()).modifications, [
      { op: 'append', path: ['list'], values: [4] },
    ])
    assert.deepEqual((await open(sessions, id)).data.list, [1, 2, 3, 4])
  })

  test('two servers that both append to a default keep both', async () => {
    const sessions = use(z.object({ list: z.array(z.number()).default([]) }))
    const id = await stored({ other: 1 })
    const [one, two] = [await open(sessions, id), await open(sessions, id)]
    one.data.list.push(1)
    two.data.list.push(2)
    await one.commit()
    assert.equal((await two.commit()).attempts, 1)
    assert.deepEqual((await open(sessions, id)).data.list, [1, 2])
  })

  test('an attribute with a default that is removed reads as its default again', async () => {
    const sessions = use(z.object({ n: z.number().default(7), a: z.string().optional() }))
    const session = sessions.create({ n: 1 })
    await session.commit()
    delete session.data.n
    await session.commit()
    assert.equal(session.data.n, 7)
    session.data.a = 'x'
    await session.commit()
    session.clear()
    await session.commit()
    assert.deepEqual({ ...session.data }, { n: 7 })
    assert.deepEqual((await open(plain, session.id)).data, {})
  })

  test('defaults further down are what is stored only once they are written', async () => {
    const sessions = use(
      z.object({ user: z.object({ name: z.string(), age: z.number().default(1) }).optional() }),
    )
    const session = await open(sessions, await stored({ user: { name: 'Ada' } }))
    assert.equal(session.data.user.age, 1)
    session.data.user.name = 'Eve'
    await session.commit()
    assert.deepEqual((await open(plain, session.id)).data, { user: { name: 'Eve' } })
    session.data.user.age = 2
    await session.commit()
    assert.deepEqual((await open(plain, session.id)).data, { user: { name: 'Eve', age: 2 } })
  })

  // Checks that look at several attributes

  const range = z
    .object({ from: z.number().optional(), to: z.number().optional(), n: z.number().optional() })
    .refine(({ from = 0, to = 0 }) => from <= to, { path: ['from'] })

  test('a check of several attributes sees all of them before a commit writes one', async () => {
    const sessions = use(range)
    const session = sessions.create({ from: 1, to: 2 })
    await session.commit()
    session.data.from = 3
    await rejects(() => session.commit(), ['from'])
    assert.deepEqual((await open(plain, session.id)).data, { from: 1, to: 2 })
    session.data.to = 4
    await session.commit()
    assert.deepEqual((await open(plain, session.id)).data, { from: 3, to: 4 })
    const wrong = sessions.create({ from: 1 })
    await rejects(() => wrong.commit(), ['from'])
    assert.equal(wrong.isNew, true)
  })

  test('without one, the other attributes are not even decoded', async () => {
    const sessions = use(z.object({ a: z.string().optional(), n: z.number().optional() }))
    const session = await open(sessions, await stored({ a: 1 }))
    session.data.n = 1
    assert.equal((await session.commit()).status, 'updated')
  })

  test('a check that throws is one that fails', async () => {
    const sessions = use(
      z.object({ a: z.string().optional(), n: z.number().optional() }).refine(({ n }) => {
        if (n === 3) throw new TypeError('secret')
        return true
      }),
    )
    const session = sessions.create({ n: 3 })
    await assert.rejects(session.commit(), error => {
      assert.ok(error instanceof ValidationError)
      assert.deepEqual(error.issues, [
        { code: 'custom', path: [], message: 'A codec or a check threw TypeError' },
      ])
      return true
    })
  })

  // validate and onInvalid

  test("validate: 'open' checks everything at open", async () => {
    const schema = z.object({ a: z.string().optional(), b: z.number().optional() })
    const sessions = use(schema, { validate: 'open' })
    await rejects(async () => sessions.open(await stored({ a: 'x', b: 'y' })), ['b'])
    const required = use(z.object({ a: z.string() }), {
      validate: 'open',
      initial: () => ({ a: 'x' }),
    })
    await rejects(async () => required.open(await stored({ b: 1 })), ['a'])
    const checked = use(range, { validate: 'open' })
    await rejects(async () => checked.open(await stored({ from: 2, to: 1 })), ['from'])
    assert.ok(await checked.open(await stored({ from: 1, to: 2 })))
    assert.ok(await use(range).open(await stored({ from: 2, to: 1 })))
  })

  test("onInvalid: 'unset' reads what does not fit as absent", async () => {
    const sessions = use(
      z.object({ a: z.string().optional(), d: z.number().default(7), n: z.number().optional() }),
      { onInvalid: 'unset' },
    )
    const id = await stored({ a: 1, d: 'x', n: 1 })
    const { data } = await open(sessions, id)
    assert.equal('a' in data, false)
    assert.deepEqual(Object.keys(data), ['d', 'n'])
    assert.deepEqual({ ...data }, { d: 7, n: 1 })
    assert.equal((await open(sessions, id)).data.a, undefined)
  })

  test("onInvalid: 'unset' removes it with the next commit of data, and not before", async () => {
    const sessions = use(
      z.object({ a: z.string().optional(), d: z.number().default(7), n: z.number().optional() }),
      { onInvalid: 'unset', touchAfter: 0 },
    )
    const session = await open(sessions, await stored({ a: 1, d: 'x', n: 1, other: 1 }))
    assert.deepEqual({ ...session.data }, { d: 7, n: 1 })
    assert.equal((await session.commit()).status, 'touched')
    assert.deepEqual((await open(plain, session.id)).data, { a: 1, d: 'x', n: 1, other: 1 })
    session.data.n = 2
    await session.commit()
    assert.deepEqual((await open(plain, session.id)).data, { n: 2, other: 1 })
    assert.deepEqual({ ...session.data }, { d: 7, n: 2 })
  })

  test("onInvalid: 'unset' never removes what was mended since", async () => {
    const sessions = use(z.object({ a: z.string().optional(), n: z.number().optional() }), {
      onInvalid: 'unset',
    })
    const session = await open(sessions, await stored({ a: 1, n: 1 }))
    assert.equal(session.data.a, undefined)
    session.data.n = 2
    await session.commit()
    session.data.a = 'mended here'
    await session.commit()
    session.data.n = 3
    await session.commit()
    assert.deepEqual((await open(plain, session.id)).data, { a: 'mended here', n: 3 })

    const other = await open(sessions, await stored({ a: 1, n: 1 }))
    assert.equal(other.data.a, undefined)
    const elsewhere = await open(plain, other.id)
    elsewhere.data.a = 'mended there'
    await elsewhere.commit()
    other.data.n = 2
    await other.commit()
    assert.deepEqual((await open(plain, other.id)).data, { a: 'mended there', n: 2 })
    assert.equal(other.data.a, 'mended there')
  })

  test("onInvalid: 'unset' removes it although others committed meanwhile", async () => {
    const sessions = use(z.object({ a: z.string().optional(), n: z.number().optional() }), {
      onInvalid: 'unset',
    })
    const session = await open(sessions, await stored({ a: 1 }))
    assert.equal(session.data.a, undefined)
    const elsewhere = await open(plain, session.id)
    elsewhere.data.other = 1
    await elsewhere.commit()
    session.data.n = 2
    await session.commit()
    assert.deepEqual((await open(plain, session.id)).data, { other: 1, n: 2 })
  })

  test("onInvalid: 'unset', and what is written into the place replaces what was there", async () => {
    const schema = z.object({
      prefs: z.object({ theme: z.string() }).default({ theme: 'x' }),
      list: z.array(z.number()).default([]),
      log: z.array(z.number()).optional(),
      views: z.record(z.string(), z.number()).optional(),
      n: z.number().default(0),
      gone: z.string().optional(),
    })
    const sessions = use(schema, { onInvalid: 'unset', deadline: 2000 })
    const wrong = {
      prefs: { theme: 5, left: 1 },
      list: { a: 1 },
      log: 'x',
      views: [1],
      n: { a: 1 },
      gone: [1],
    }
    const session = await open(sessions, await stored(wrong))
    session.data.prefs.theme = 'y'
    session.data.list.push(1)
    ;(session.data.log ??= []).push(2)
    ;(session.data.views ??= {}).home = 3
    session.data.n++
    assert.equal(session.data.gone, undefined)
    await session.commit()
    const expected = { prefs: { theme: 'y' }, list: [1], log: [2], views: { home: 3 }, n: 1 }
    assert.deepEqual((await open(plain, session.id)).data, expected)
    assert.deepEqual({ ...session.data }, expected)
    session.data.list.push(4)
    session.data.prefs.theme = 'z'
    const { modifications } = await session.commit()
    assert.deepEqual(
      new Set(modifications),
      new Set([
        { op: 'append', path: ['list'], values: [4] },
        { op: 'set', path: ['prefs', 'theme'], value: 'z' },
      ]),
    )
  })

  test("onInvalid: 'unset' with a name that no path can have", async () => {
    const sessions = use(z.object({ 'a.b': z.string().optional(), n: z.number().optional() }), {
      onInvalid: 'unset',
    })
    const session = await open(sessions, await stored({ 'a.b': 1, n: 1, other: { x: 1 } }))
    assert.equal(session.data['a.b'], undefined)
    session.data.n = 2
    await session.commit()
    assert.deepEqual((await open(plain, session.id)).data, { n: 2, other: { x: 1 } })
  })

  test("onInvalid: 'unset' reads a required attribute as absent, too", async () => {
    const sessions = use(z.object({ a: z.string(), n: z.number().optional() }), {
      onInvalid: 'unset',
      initial: () => ({ a: 'x' }),
    })
    const session = await open(sessions, await stored({ a: 1 }))
    assert.equal(session.data.a, undefined)
    assert.deepEqual(Object.keys(session.data), [])
    session.data.a = 'y'
    await session.commit()
    assert.deepEqual((await open(plain, session.id)).data, { a: 'y' })
  })

  test("onInvalid: 'new' opens nothing, touches nothing, and lists it neither", async () => {
    const schema = z.object({ a: z.string().optional(), mark: z.string().optional() })
    const sessions = use(schema, { onInvalid: 'new' })
    const id = await stored({ a: 1, mark: 'new' })
    const good = await stored({ a: 'x', mark: 'new' })
    assert.equal(await sessions.open(id), null)
    assert.ok(await sessions.open(good))
    const listed = []
    for await (const { data } of sessions.list({ mark: 'new' })) listed.push(data)
    assert.deepEqual(listed, [{ a: 'x', mark: 'new' }])
    assert.deepEqual((await open(plain, id)).data, { a: 1, mark: 'new' })
  })

  test("onInvalid: 'throw' is the default, for list too", async () => {
    const sessions = use(z.object({ a: z.string().optional(), mark: z.string().optional() }))
    await stored({ a: 1, mark: 'throw' })
    await rejects(async () => {
      for await (const _ of sessions.list({ mark: 'throw' })) assert.fail('it was listed')
    }, ['a'])
  })

  // Rotation

  test('what a rotation does not keep begins as in a new session', async () => {
    const sessions = use(z.object({ a: z.string(), n: z.number().default(1) }), {
      initial: () => ({ a: 'initial' }),
    })
    for (const keep of [false, ['n']]) {
      const session = sessions.create({ a: 'mine', n: 5 })
      await session.commit()
      await session.rotateId({ keep } as never)
      const expected = { a: 'initial', n: keep === false ? 1 : 5 }
      assert.deepEqual({ ...session.data }, expected)
      assert.deepEqual({ ...(await open(sessions, session.id)).data }, expected)
      const fresh = sessions.create({ a: 'mine', n: 5 })
      await fresh.rotateId({ keep } as never)
      assert.deepEqual({ ...fresh.data }, expected)
    }
  })
})
