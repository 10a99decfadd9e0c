import assert from 'node:assert/strict'
import { createAdaptorServer } from '@hono/node-server'
import { suite } from 'uvu'
import type { FetchOptions, FetchSession } from '../../lib/adapters/fetch.js'
import { session } from '../../lib/adapters/fetch.js'
import type { Store } from '../../lib/index.js'
import { createSessions, memoryStore, SessionError } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { followed } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'
import { defineContract } from './contract.js'
import type { Framework } from './framework.js'
import { deferred, failing, isErrorWith } from './framework.js'
import { listen, toBody } from './listen.js'

/** Answers errors, and does not print them. */
const answerError = (error: unknown): Response => {
  const status = error instanceof SessionError ? error.status : 500
  return new Response('sorry', { status })
}

const framework: Framework = {
  name: 'fetch',
  serve(sessions, handlers, options) {
    const fetch = session(sessions, { answerError, ...options }).handle(
      async (request, session) => {
        const handler = handlers[new URL(request.url).pathname]
        if (handler === undefined) return new Response(null, { status: 404 })
        const { status = 200, headers = {}, body = '' } = await handler(session)
        return new Response(toBody(body, status), { status, headers })
      },
    )
    return listen(createAdaptorServer({ fetch }))
  },
}

function createWeb({ store = memoryStore(), ...options }: FetchOptions & { store?: Store } = {}): {
  web: FetchSession<Data>
  /** The data of the session whose cookie a response set. */
  dataOf(response: Response): Promise<Data | undefined>
} {
  const web = session(createSessions<Data>({ store }), { answerError, ...options })
  return {
    web,
    async dataOf(response) {
      return (await web.open(cookieOf(response)))?.data
    },
  }
}

const get = (cookie = ''): Request => new Request('https://example.com/', { headers: { cookie } })

const cookieOf = (response: Response): string =>
  response.headers.getSetCookie()[0]?.split(';')[0] ?? ''

const handlers = suite('fetch: handlers')

handlers('a request that is not handled has no session', () => {
  assert.throws(() => createWeb().web.of(get()), isErrorWith('ERR_NO_SESSION'))
})

handlers('they get what their framework gives after the request', async () => {
  const { web } = createWeb()
  const handle = web.handle((_request, { data }, { id }: { id: string }, more: number) => {
    data.n = 1
    return Response.json([id, more])
  })
  assert.deepEqual(await (await handle(get(), { id: 'tea' }, 2)).json(), ['tea', 2])
})

handlers('one within another shares the session of its request', async () => {
  const { web, dataOf } = createWeb()
  const inner = web.handle(async (request, session) => {
    session.data.inner = true
    assert.equal(web.of(request), session)
    return new Response('inner')
  })
  const outer = web.handle((request, { data }) => {
    data.outer = true
    return inner(request)
  })
  const response = await outer(get())
  assert.equal(await response.text(), 'inner')
  assert.deepEqual({ ...(await dataOf(response)) }, { outer: true, inner: true })
})

handlers('a Response that is thrown is thrown on, with what it committed', async () => {
  const { web, dataOf } = createWeb()
  const redirect = web.handle((_request, { data }) => {
    data.n = 1
    throw Response.redirect('https://example.com/next', 303)
  })
  const response = await redirect(get()).then(
    () => assert.fail('it did not throw'),
    (thrown: Response) => thrown,
  )
  assert.equal(response.status, 303)
  assert.equal((await dataOf(response))?.n, 1)
})

handlers('a Response of 500 and above that is thrown discards', async () => {
  const { web } = createWeb()
  const fail = web.handle((_request, { data }) => {
    data.n = 1
    throw new Response(null, { status: 503 })
  })
  const response = await fail(get()).catch((thrown: Response) => thrown)
  assert.equal(response.status, 503)
  assert.deepEqual(response.headers.getSetCookie(), [])
})

handlers('by default an error is its status, and is printed if that is 500 or above', async () => {
  const printed: unknown[] = []
  const print = console.error
  console.error = (error: unknown) => printed.push(error)
  try {
    const web = session(createSessions<Data>({ store: memoryStore() }))
    const mistake = new TypeError('the handler fails')
    const fail = web.handle(() => {
      throw mistake
    })
    assert.equal((await fail(get())).status, 500)
    assert.deepEqual(printed.splice(0), [mistake])
    const late = web.handle(async (_request, session) => {
      await session.destroy()
      session.data.n = 1
      return new Response('fine')
    })
    const response = await late(get())
    assert.equal(response.status, 401)
    assert.doesNotMatch(await response.text(), /fine/)
    assert.deepEqual(printed, [])
  } finally {
    console.error = print
  }
})

handlers('answerError answers, with the cookie of a rotation, and may throw', async () => {
  const { web } = createWeb({ answerError: () => new Response('never mind') })
  const login = web.handle(async (_request, session) => {
    session.data.n = 1
    await session.commit()
    await session.rotateId()
    throw new Error('after the rotation')
  })
  const response = await login(get())
  assert.equal(await response.text(), 'never mind')
  assert.equal((await web.open(cookieOf(response)))?.data.n, 1)

  const rethrow = createWeb({
    answerError(error) {
      throw error
    },
  })
  const fail = rethrow.web.handle(() => {
    throw new TypeError('the handler fails')
  })
  await assert.rejects(fail(get()), TypeError)
})

handlers('answerError gets what fails at the open, and at the commit', async () => {
  const codes: unknown[] = []
  const { store, fail } = failing()
  const { web } = createWeb({
    store: {
      ...store,
      async load() {
        fail()
        return store.write({} as never, {} as never) as never
      },
    },
    answerError(error) {
      codes.push((error as SessionError).code)
      return new Response(null, { status: 503 })
    },
  })
  const set = web.handle((_request, { data }) => {
    data.n = 1
    return new Response()
  })
  const response = await set(get())
  assert.equal(response.status, 200)
  assert.equal((await set(get(cookieOf(response)))).status, 503)
  assert.equal((await set(get())).status, 503)
  assert.deepEqual(codes, ['ERR_STORE', 'ERR_STORE'])
})

handlers('a body that is complete stays so', async () => {
  const { web } = createWeb()
  for (const body of ['text', new Uint8Array([1, 2, 3]), new URLSearchParams({ a: '1' }), '']) {
    const expected = new Response(body as string)
    const handle = web.handle((_request, { data }) => {
      data.n = 1
      return new Response(body as string)
    })
    const response = await handle(get())
    assert.deepEqual(await response.arrayBuffer(), await expected.arrayBuffer())
    assert.equal(response.headers.get('content-type'), expected.headers.get('content-type'))
  }
})

handlers('a body that fails in the middle fails, and what came before is committed', async () => {
  const { web, dataOf } = createWeb()
  const received = deferred()
  const handle = web.handle((_request, { data }) => {
    data.n = 1
    return new Response(
      toBody(
        (async function* () {
          yield 'first '
          await received.promise
          data.n = 2
          throw new Error('in the middle')
        })(),
        200,
      ),
    )
  })
  const response = await handle(get())
  received.resolve()
  await assert.rejects(response.text(), /in the middle/)
  assert.equal((await dataOf(response))?.n, 2)
})

handlers('a response without a body stays the one it was', async () => {
  const { web } = createWeb()
  const empty = new Response(null, { status: 204 })
  assert.equal(await web.handle(() => empty)(get()), empty)
})

handlers('a response that is given to everybody keeps no cookie of anybody', async () => {
  const { web, dataOf } = createWeb()
  const everybody = new Response(null, { status: 302, headers: { location: '/' } })
  const login = web.handle((_request, { data }) => {
    data.n = 1
    return everybody
  })
  const response = await login(get())
  assert.equal((await dataOf(response))?.n, 1)
  assert.equal(response.headers.get('location'), '/')
  assert.deepEqual((await web.handle(() => everybody)(get())).headers.getSetCookie(), [])
})

handlers('a body that fails to be cancelled tells so to whoever cancels it', async () => {
  const committed = deferred()
  const { web, dataOf } = createWeb({
    store: followed(() => committed.promise, undefined, ['write']),
  })
  const handle = web.handle((_request, { data }) => {
    data.n = 1
    return new Response(
      new ReadableStream({
        pull(controller) {
          data.n++
          controller.enqueue(new Uint8Array(1))
          return new Promise(resolve => setImmediate(resolve))
        },
        cancel() {
          throw new Error('the source fails')
        },
      }),
    )
  })
  const response = await handle(get())
  const unhandled: unknown[] = []
  const note = (error: unknown): unknown => unhandled.push(error)
  process.on('unhandledRejection', note)
  try {
    const reader = (response.body as ReadableStream).getReader()
    await reader.read()
    const cancelled = reader.cancel()
    await new Promise(resolve => setImmediate(resolve))
    committed.resolve()
    await assert.rejects(cancelled, /the source fails/)
    assert.deepEqual(unhandled, [])
  } finally {
    process.off('unhandledRejection', note)
  }
  assert.equal((await dataOf(response))?.n > 1, true)
})

handlers('cookie gives a session that was opened without them to the browser', async () => {
  const { web } = createWeb()
  const sessions = createSessions<Data>({ store: memoryStore() })
  const other = session(sessions)
  const stored = sessions.create({ n: 1 })
  assert.equal(other.cookie(stored), undefined)
  await stored.commit()
  const set = other.cookie(stored) ?? ''
  assert.match(set, /^__Host-session=[\w-]{43}; Max-Age=1(?:800|79\d); Path=\/; HttpOnly; Secure;/)
  assert.equal((await other.open(set.split(';')[0] ?? ''))?.data.n, 1)
  const local = new Request('http://localhost/')
  assert.match(other.cookie(stored, local) ?? '', /^session=[\w-]{43};/)
  await stored.destroy()
  assert.match(other.cookie(stored) ?? '', /^__Host-session=; Max-Age=0;/)
  assert.equal(await web.open(''), null)
})

handlers('it refuses options that do not fit', () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  for (const options of [
    { answerError: 500 },
    { onError: 'log' },
    { cookie: { name: '' } },
    { requestProperty: 'session' },
  ]) {
    assert.throws(
      () => session(sessions, options as unknown as FetchOptions),
      isErrorWith('ERR_INVALID_OPTION'),
    )
  }
})

handlers.run()

forEachStore('fetch: the contract of all adapters', (test, { create }) => {
  defineContract(test, framework, () => create())
})

/** Requests of a framework's own class keep their type. */
class OwnRequest extends Request {
  readonly country = 'LV'
}
const typed = createWeb().web.handle((request: OwnRequest, { data }) => {
  data.country = request.country
  return new Response()
})
void (typed satisfies (request: OwnRequest) => Promise<Response>)
