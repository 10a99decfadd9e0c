import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { suite } from 'uvu'
import { z } from 'zod'
import type { SessionErrorCode, Sessions } from '../lib/index.js'
import {
  ConflictError,
  createSessions,
  InvalidDocumentError,
  memoryStore,
  SessionError,
  SessionGoneError,
  SessionTooLargeError,
  StoreError,
  UncertainCommitError,
  UnsupportedValueError,
  ValidationError,
} from '../lib/index.js'
import { gated, tampered } from './support/wrapped.js'

// biome-ignore lint/suspicious/noExplicitAny: the specs write what the types forbid
type Data = any

const errors = suite('errors')

const issue = { code: 'invalid_type', path: ['a', 0], message: 'Invalid input' } as const

/** Each kind of error, with its code, its status, and what it carries. */
const kinds: [error: SessionError, code: SessionErrorCode, status: number, data: object][] = [
  [
    new UnsupportedValueError(['cart', 3], 'it is a function, leave it out'),
    'ERR_UNSUPPORTED_VALUE',
    500,
    { path: ['cart', 3] },
  ],
  [new ValidationError('write', [issue]), 'ERR_VALIDATION', 500, { issues: [issue] }],
  [new InvalidDocumentError(['a'], 'is cut short'), 'ERR_INVALID_DOCUMENT', 500, { path: ['a'] }],
  [
    new ConflictError([['a'], ['b', 0]], 3),
    'ERR_CONFLICT',
    409,
    { paths: [['a'], ['b', 0]], attempts: 3 },
  ],
  [new SessionGoneError(), 'ERR_SESSION_GONE', 401, {}],
  [new SessionGoneError('reload the session'), 'ERR_SESSION_GONE', 401, {}],
  [new SessionTooLargeError(11, 10), 'ERR_SESSION_TOO_LARGE', 413, { bytes: 11, limit: 10 }],
  [new UncertainCommitError(new Error('x')), 'ERR_UNCERTAIN_COMMIT', 503, {}],
  [
    new StoreError('load the session', 'no server could be reached; check its address', {
      uncertain: true,
    }),
    'ERR_STORE',
    503,
    { uncertain: true, transient: true },
  ],
  [new SessionError('ERR_CLOSED', 'Cannot use it: it was closed'), 'ERR_CLOSED', 500, {}],
]

for (const [error, code, status, data] of kinds) {
  errors(`${error.constructor.name}: ${error.message}`, () => {
    assert.ok(error instanceof SessionError && error instanceof Error)
    assert.equal(error.name, error.constructor.name)
    assert.equal(error.code, code)
    assert.equal(error.status, status)
    assert.equal(error.expose, false)
    assert.match(error.message, /^Cannot [a-z].+: .+[^.]$/)
    assert.ok(String(error).startsWith(`${error.name}: Cannot`))
    const { name, ...json } = JSON.parse(JSON.stringify(error))
    assert.equal(name, error.name)
    assert.deepEqual(json, { code, status, expose: false, ...data })
  })
}

errors('a message names the places as people write them', () => {
  const messages = kinds.map(([error]) => error.message)
  assert.match(messages[0] as string, /^Cannot keep cart\[3\]: it is a function/)
  assert.match(messages[1] as string, /^Cannot write a\[0\]: it does not fit the schema/)
  assert.match(messages[3] as string, /^Cannot commit a, b\[0\]: another server changed it/)
  assert.match(new ConflictError([], 1).message, /^Cannot commit the session: /)
  assert.match(new UnsupportedValueError([], 'x').message, /^Cannot keep the session: x/)
  const twice = new ValidationError('read', [issue, { ...issue, code: 'custom' }])
  assert.match(twice.message, /^Cannot read a\[0\]: /)
})

errors('the cause is there for whoever looks for it', () => {
  const cause = new Error('x')
  assert.equal(new UncertainCommitError(cause).cause, cause)
  assert.equal(new StoreError('a', 'b', { cause }).cause, cause)
  assert.equal(Object.keys(new StoreError('a', 'b', { cause })).includes('cause'), false)
})

// What they never show

const SECRET = 'hunter2-of-ada'

/** Everything that a logger, a debugger or a response could show of a value. */
function shown(value: object): string {
  const all = { depth: 20, maxStringLength: null } as const
  return [
    String(value),
    inspect(value, all),
    inspect(value, { ...all, showHidden: true, customInspect: false }),
    inspect(value, { ...all, getters: true, customInspect: false }),
    inspect({ in: [value] }, { ...all, showHidden: true }),
    JSON.stringify(value),
    JSON.stringify({ in: [value] }),
    inspect(
      Object.getOwnPropertyNames(value).map(name => (value as Data)[name]),
      all,
    ),
    (value as Error).stack ?? '',
  ].join('\n')
}

const schema = z.object({
  text: z.string().max(3).optional(),
  number: z.number().optional(),
  choice: z.enum(['a', 'b']).optional(),
  list: z.array(z.object({ n: z.number() })).optional(),
  user: z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') })]).optional(),
  strict: z.strictObject({ a: z.string() }).optional(),
  date: z.iso.datetime().optional(),
  codec: z
    .codec(z.string(), z.instanceof(URL), {
      decode: text => new URL(text),
      encode: url => url.href,
    })
    .optional(),
  any: z.any().optional(),
})

const sessions = createSessions({
  store: memoryStore(),
  schema,
  maxBytes: 2000,
}) as unknown as Sessions<Data>

class Credentials {
  password = SECRET
}

/** Calls that fail, with a secret at hand. */
const failures: Record<string, (id: string) => unknown> = {
  'a string that is too long': () => sessions.create({ text: SECRET }).commit(),
  'a value of another type': () => sessions.create({ number: SECRET }).commit(),
  'a choice that is none': () => sessions.create({ choice: SECRET }).commit(),
  'an element that does not fit': () => sessions.create({ list: [{ n: SECRET }] }).commit(),
  'an option that is none': () => sessions.create({ user: { kind: SECRET } }).commit(),
  'a key that is one too many': () =>
    sessions.create({ strict: { a: 'x', extra: SECRET } }).commit(),
  'a text that is no date': () => sessions.create({ date: SECRET }).commit(),
  'a class instance': () => sessions.create({ any: new Credentials() }),
  'a function that holds it': () => sessions.create({ any: { f: () => SECRET } }),
  'a string with a lone surrogate': () => sessions.create({ any: `${SECRET}\ud800` }),
  'a Map': () => sessions.create({ any: new Map([['k', SECRET]]) }),
  'a RegExp': () => sessions.create({ any: new RegExp(SECRET) }),
  'a symbol': () => sessions.create({ any: Symbol(SECRET) }),
  'a session that is too large': () => sessions.create({ any: SECRET.repeat(1000) }).commit(),
  'a session that is gone': async id => {
    const session = await sessions.open(id)
    await sessions.destroy(id)
    Object.assign(session?.data, { any: SECRET })
    await session?.commit()
  },
  'an update of what is gone': id => sessions.update(`${id.slice(1)}A`, () => {}),
  'an update that never comes through': id =>
    sessions.update(
      id,
      async data => {
        data.any = SECRET
      },
      { attempts: 1 },
    ),
  'stored data that does not fit': async id => {
    const spoiled = tampered(memory, ({ data }) => {
      data.text = SECRET
      return undefined
    })
    const opened = await createSessions({ store: spoiled, schema }).open(id)
    assert.ok(opened)
    return opened.data.text
  },
  'stored data that a codec throws at': async id => {
    const spoiled = tampered(memory, ({ data }) => {
      data.codec = SECRET
      return undefined
    })
    const opened = await createSessions({ store: spoiled, schema }).open(id)
    return opened?.data.codec
  },
  'a damaged document': async id => {
    const spoiled = tampered(memory, document => ({ ...document, rev: SECRET }))
    return createSessions({ store: spoiled }).open(id)
  },
  'a store that fails': async id => {
    const { store, next } = gated(memory, 'load')
    const opening = createSessions({ store, deadline: 300 }).open(id)
    ;(await next())(new StoreError('load the session', 'the disk is full, make room'))
    return opening
  },
  'a filter that is none': () =>
    sessions.destroyWhere({ [`$${SECRET}`]: { $ne: SECRET } } as never),
  'an exception that is no key': () => sessions.destroyWhere({ a: 1 }, { except: SECRET }),
}

const memory = memoryStore()

for (const [what, fail] of Object.entries(failures)) {
  errors(`an error shows no id and no value: ${what}`, async () => {
    const session = createSessions<Data>({ store: memory }).create({ any: 'x' })
    await session.commit()
    await assert.rejects(
      async () => fail(session.id),
      error => {
        assert.ok(error instanceof Error)
        if (!(error instanceof TypeError)) assert.ok(error instanceof SessionError, String(error))
        const text = shown(error)
        assert.ok(!text.includes(SECRET), text)
        assert.ok(!text.includes(session.id), text)
        return true
      },
    )
  })
}

errors('a session shows neither its id nor its data', async () => {
  const session = sessions.create({ any: { in: SECRET } })
  const check = (): void => {
    const text = shown(session)
    assert.ok(!text.includes(session.id), 'its id')
    assert.ok(!text.includes(SECRET), 'its data')
    assert.deepEqual(Object.keys(session), [])
    assert.deepEqual({ ...session }, {})
    for (const name in session) assert.notEqual(name, 'id')
    const { key, isNew, expiresAt } = session
    assert.deepEqual(JSON.parse(JSON.stringify(session)), {
      key,
      isNew,
      expiresAt: expiresAt.toISOString(),
    })
  }
  check()
  await session.commit()
  check()
  await session.rotateId()
  check()
  await session.destroy()
  check()
})

errors('neither do the sessions of an application, nor a store', async () => {
  const store = memoryStore()
  const all = createSessions<Data>({ store })
  const session = all.create({ any: SECRET })
  await session.commit()
  for (const value of [all, store]) {
    assert.ok(!shown(value).includes(session.id))
    assert.ok(!shown(value).includes(SECRET))
  }
})

errors.run()
