/**
 * What every adapter does, checked over real sockets with the real framework.
 */

import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'uvu'
import type { AdapterOptions } from '../../lib/adapters/request.js'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { createSessions, StoreError } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { Browser } from './browser.js'

/** What a handler answers. Chunks are streamed one by one. */
export interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string | AsyncIterable<string>
}

/** A handler, in the words of no framework. */
export type Handler = (session: Session<Data>) => Answer | Promise<Answer>

/** A framework with the adapter for it. */
export interface Framework {
  readonly name: string
  /** Serves handlers by path. */
  serve(sessions: Sessions<Data>, handlers: Handlers, options?: AdapterOptions): Promise<Served>
}

export type Handlers = Record<string, Handler>

/** A server that runs. */
export interface Served {
  readonly url: string
  close(): Promise<void>
}

/** Defines the rules that hold for `framework` over `createStore`. */
export function defineContract(test: Test, framework: Framework, createStore: () => Store): void {
  /** Serves `handlers` while `use` runs. */
  async function served(
    handlers: Handlers,
    use: (
      browser: Browser,
      context: { sessions: Sessions<Data>; calls: string[] },
    ) => Promise<void>,
    options?: AdapterOptions,
    wrap: (store: Store) => Store = store => store,
  ): Promise<void> {
    const calls: string[] = []
    const sessions = createSessions<Data>({ store: wrap(recordCalls(createStore(), calls)) })
    const server = await framework.serve(sessions, handlers, options)
    try {
      await use(new Browser(server.url), { sessions, calls })
    } finally {
      await server.close()
    }
  }

  const view: Handler = ({ data }) => ({ body: JSON.stringify(data) })
  const write: Handler = ({ data }) => {
    data.n = (data.n ?? 0) + 1
    return { body: String(data.n) }
  }

  test('a new session that holds nothing is not stored, and sets no cookie', async () => {
    await served({ '/': view }, async (browser, { calls }) => {
      const response = await browser.get('/')
      assert.equal(response.status, 200)
      assert.deepEqual(response.cookies, [])
      assert.deepEqual(calls, [])
    })
  })

  test('what is set is read by the next request, with the default cookie', async () => {
    await served({ '/': view, '/write': write }, async browser => {
      const { cookies } = await browser.get('/write')
      assert.equal(cookies.length, 1)
      assert.match(
        cookies[0] ?? '',
        /^session=[\w-]{43}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax$/,
      )
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  test('behind a proxy, the cookie is __Host-, Secure and HttpOnly', async () => {
    await served({ '/write': write }, async browser => {
      const { cookies } = await browser.get('/write', { 'x-forwarded-proto': 'https' })
      assert.match(
        cookies[0] ?? '',
        /^__Host-session=[\w-]{43}; Max-Age=1800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      )
    })
  })

  test('a request with changes makes one data write, one without makes none', async () => {
    const several: Handler = async session => {
      session.data.a = 1
      await session.commit()
      await session.commit()
      session.touch()
      return { body: 'done' }
    }
    await served(
      { '/': view, '/write': write, '/several': several },
      async (browser, { calls }) => {
        await browser.get('/write')
        assert.deepEqual(calls.splice(0), ['insert'])
        await browser.get('/write')
        assert.deepEqual(calls.splice(0), ['load', 'write'])
        await browser.get('/')
        assert.deepEqual(calls.splice(0), ['load'])
        await browser.get('/several')
        assert.equal(calls.filter(call => call === 'write').length, 1)
      },
    )
  })

  test('a handler that throws discards what it changed, and the response is an error', async () => {
    const fail: Handler = session => {
      session.data.n = 'lost'
      throw new Error('the handler fails')
    }
    await served({ '/': view, '/write': write, '/fail': fail }, async (browser, { calls }) => {
      await browser.get('/write')
      calls.splice(0)
      assert.equal((await browser.get('/fail')).status, 500)
      assert.deepEqual(calls, ['load'])
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  test('a response of 500 and above discards, unless an option commits', async () => {
    const unavailable: Handler = session => {
      session.data.n = 'kept'
      return { status: 503, body: 'later' }
    }
    const handlers = { '/': view, '/write': write, '/unavailable': unavailable }
    await served(handlers, async browser => {
      await browser.get('/write')
      assert.equal((await browser.get('/unavailable')).status, 503)
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
    await served(
      handlers,
      async browser => {
        await browser.get('/write')
        assert.equal((await browser.get('/unavailable')).status, 503)
        assert.equal((await browser.get('/')).body, '{"n":"kept"}')
      },
      { commitOnError: true },
    )
  })

  test('a commit that fails is an error response, and what the handler answered is dropped', async () => {
    const answer: Handler = session => {
      session.data.n = 2
      return {
        headers: { 'x-handler': 'was here', 'content-type': 'text/x-handler' },
        body: 'fine',
      }
    }
    const wrap = (store: Store): Store => ({
      ...store,
      write: async () => {
        throw new StoreError('commit the session', 'the spec says so')
      },
    })
    await served(
      { '/write': write, '/answer': answer },
      async browser => {
        await browser.get('/write')
        const response = await browser.get('/answer')
        assert.equal(response.status, 503)
        assert.equal(response.headers.get('x-handler'), null)
        assert.notEqual(response.headers.get('content-type'), 'text/x-handler')
        assert.doesNotMatch(response.body, /fine/)
      },
      {},
      wrap,
    )
  })

  test('a redirect leaves after the commit', async () => {
    const redirect: Handler = session => {
      session.data.n = 'redirected'
      return { status: 303, headers: { location: '/' } }
    }
    await served({ '/': view, '/redirect': redirect }, async browser => {
      const response = await browser.get('/redirect')
      assert.equal(response.status, 303)
      assert.equal((await browser.get('/')).body, '{"n":"redirected"}')
    })
  })

  test('HEAD and 304 responses carry the cookie, and no body', async () => {
    const unmodified: Handler = session => {
      session.data.seen = true
      return { status: 304 }
    }
    await served({ '/write': write, '/unmodified': unmodified }, async browser => {
      const head = await browser.request('HEAD', '/write')
      assert.equal(head.cookies.length, 1)
      assert.equal(head.body, '')
      const other = new Browser(browser.url)
      const unchanged = await other.get('/unmodified')
      assert.equal(unchanged.status, 304)
      assert.equal(unchanged.cookies.length, 1)
    })
  })

  test('what a stream changes after its first byte is committed before its last', async () => {
    const received = deferred()
    const stream: Handler = session => ({
      body: (async function* () {
        session.data.early = 1
        yield 'first '
        await received.promise
        session.data.late = 1
        yield 'last'
      })(),
    })
    await served({ '/': view, '/write': write, '/stream': stream }, async browser => {
      await browser.get('/write')
      const page = await browser.request('GET', '/stream', {}, received.resolve)
      assert.equal(page.body, 'first last')
      const { body } = await browser.get('/')
      assert.equal(JSON.parse(body).late, 1)
    })
  })

  test('a new session that begins after the first byte is ERR_HEADERS_SENT, and never stored', async () => {
    const errors: unknown[] = []
    const received = deferred()
    const stream: Handler = session => ({
      body: (async function* () {
        yield 'first '
        await received.promise
        session.data.late = 1
        yield 'last'
      })(),
    })
    await served(
      { '/stream': stream },
      async (browser, { calls }) => {
        const response = await browser.request('GET', '/stream', {}, received.resolve)
        assert.equal(response.body, 'first last')
        assert.deepEqual(response.cookies, [])
        assert.deepEqual(calls, [])
        assert.deepEqual(
          errors.map(error => (error as { code: string }).code),
          ['ERR_HEADERS_SENT'],
        )
      },
      { onError: error => errors.push(error) },
    )
  })

  test('a client that goes in the middle of a stream loses nothing that was changed before', async () => {
    const committed = deferred()
    const stream: Handler = session => ({
      body: (async function* () {
        yield 'first '
        session.data.late = 1
        await committed.promise
        yield 'never read'
      })(),
    })
    const wrap = (store: Store): Store => ({
      ...store,
      async write(statement, options) {
        const result = await store.write(statement, options)
        committed.resolve()
        return result
      },
    })
    await served(
      { '/': view, '/write': write, '/stream': stream },
      async browser => {
        await browser.get('/write')
        await browser.abortAfterFirstByte('/stream')
        await committed.promise
        assert.equal(JSON.parse((await browser.get('/')).body).late, 1)
      },
      {},
      wrap,
    )
  })

  test('a rotation gives a new cookie, keeps the data, and the old id opens nothing of it', async () => {
    const login: Handler = async session => {
      await session.rotateId()
      session.data.user = 7
      return { body: 'welcome' }
    }
    await served({ '/': view, '/write': write, '/login': login }, async (browser, { sessions }) => {
      await browser.get('/write')
      const old = browser.cookie
      const { cookies } = await browser.get('/login')
      assert.equal(cookies.length, 1)
      assert.notEqual(browser.cookie, old)
      assert.equal((await browser.get('/')).body, '{"n":1,"user":7}')
      const stale = new Browser(browser.url, old)
      assert.equal((await stale.get('/')).body, '{}')
      assert.notEqual((await stale.get('/write')).status, 200)
      assert.equal(stale.cookie, old)
      assert.ok(sessions)
    })
  })

  test('the cookie of a rotation is sent although the handler fails afterwards', async () => {
    const login: Handler = async session => {
      await session.rotateId()
      throw new Error('after the rotation')
    }
    await served({ '/': view, '/write': write, '/login': login }, async browser => {
      await browser.get('/write')
      const response = await browser.get('/login')
      assert.equal(response.status, 500)
      assert.equal(response.cookies.length, 1)
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  test('destroying expires the cookie, and the id opens a new session', async () => {
    const logout: Handler = async session => {
      await session.destroy()
      return { body: 'bye' }
    }
    await served({ '/': view, '/write': write, '/logout': logout }, async browser => {
      await browser.get('/write')
      const id = browser.cookie
      const { cookies } = await browser.get('/logout')
      assert.match(cookies[0] ?? '', /^session=; Max-Age=0; Path=\//)
      assert.equal((await new Browser(browser.url, id).get('/')).body, '{}')
    })
  })

  test('a slow request does not bring a logged-out session back', async () => {
    const started = deferred()
    const finish = deferred()
    const slow: Handler = async session => {
      session.data.slow = true
      started.resolve()
      await finish.promise
      return { body: 'slow' }
    }
    const logout: Handler = async session => {
      await session.destroy()
      return { body: 'bye' }
    }
    const handlers = { '/': view, '/write': write, '/slow': slow, '/logout': logout }
    await served(handlers, async browser => {
      await browser.get('/write')
      const id = browser.cookie
      const pending = new Browser(browser.url, id).get('/slow')
      await started.promise
      await browser.get('/logout')
      finish.resolve()
      const response = await pending
      assert.equal(response.status, 401)
      assert.deepEqual(response.cookies, [])
      assert.equal((await new Browser(browser.url, id).get('/')).body, '{}')
    })
  })

  for (const [what, handler, check] of overlapping) {
    test(`8 × 50 overlapping requests lose nothing, and none is refused: ${what}`, async () => {
      const both: Handlers = { '/': view, '/begin': begin }
      for (let number = 0; number < 8; number++) {
        both[`/${number}`] = async session => {
          await handler(session.data, number)
          return { body: 'ok' }
        }
      }
      await served(both, async browser => {
        await browser.get('/begin')
        for (let round = 0; round < 50; round++) {
          const responses = await Promise.all(
            Array.from({ length: 8 }, (_, number) => browser.get(`/${number}`)),
          )
          for (const { status } of responses) assert.equal(status, 200)
        }
        check(JSON.parse((await browser.get('/')).body) as Data)
      })
    })
  }

  for (const [what, cookie] of forged) {
    test(`a cookie that is forged or damaged opens nothing, and asks no store: ${what}`, async () => {
      await served({ '/': view }, async (browser, { calls }) => {
        const response = await new Browser(browser.url, cookie).get('/')
        assert.equal(response.status, 200)
        assert.equal(response.body, '{}')
        assert.deepEqual(calls, [])
      })
    })
  }

  test('an id that was never given is not adopted', async () => {
    await served({ '/write': write }, async browser => {
      const offered = `session=${'A'.repeat(43)}`
      const other = new Browser(browser.url, offered)
      await other.get('/write')
      assert.notEqual(other.cookie, offered)
    })
  })

  test('a signed cookie is verified with all keys, signed with the first, and refused otherwise', async () => {
    const keys = ['the first of the keys', 'the second of the keys']
    const handlers = { '/': view, '/write': write }
    const store = createStore()
    const sessions = createSessions<Data>({ store })
    const serve = (list: string[]): Promise<Served> =>
      framework.serve(sessions, handlers, { cookie: { keys: list } })
    const [old, rotated, other] = [
      await serve(keys.slice(1)),
      await serve(keys),
      await serve(['a key that nobody knows']),
    ]
    const browser = new Browser(old.url)
    await browser.get('/write')
    assert.equal((await new Browser(rotated.url, browser.cookie).get('/')).body, '{"n":1}')
    assert.equal((await new Browser(other.url, browser.cookie).get('/')).body, '{}')
    const cut = browser.cookie.slice(0, -1)
    assert.equal((await new Browser(old.url, cut).get('/')).body, '{}')
    const unsigned = browser.cookie.replace(/\..*$/, '')
    assert.equal((await new Browser(old.url, unsigned).get('/')).body, '{}')
    for (const server of [old, rotated, other]) await server.close()
  })
}

const begin: Handler = ({ data }) => {
  data.items = Array.from({ length: 8 }, (_, id) => ({ id, n: 0 }))
  data.user = { name: 'Ada' }
  return { body: 'begun' }
}

type Overlap = [
  what: string,
  change: (data: Data, who: number) => void | Promise<void>,
  check: (data: Data) => void,
]

/** Long enough for the other seven requests to have opened the session. */
const slowly = (): Promise<void> => wait(2)

const each = (check: (who: number) => void): void => {
  for (let who = 0; who < 8; who++) check(who)
}

const overlapping: readonly Overlap[] = [
  [
    'own attribute',
    async (data, who) => {
      await slowly()
      data[`own${who}`] = (data[`own${who}`] ?? 0) + 1
    },
    data => each(who => assert.equal(data[`own${who}`], 50)),
  ],
  [
    'append',
    async (data, who) => {
      data.log ??= []
      await slowly()
      data.log.push(who)
    },
    data => each(who => assert.equal(data.log.filter((n: number) => n === who).length, 50)),
  ],
  [
    'different items of one array',
    async (data, who) => {
      await slowly()
      data.items[who].n++
    },
    data => each(who => assert.equal(data.items[who].n, 50)),
  ],
  [
    'leaves of one object',
    async (data, who) => {
      await slowly()
      data.user[`leaf${who}`] = (data.user[`leaf${who}`] ?? 0) + 1
    },
    data => each(who => assert.equal(data.user[`leaf${who}`], 50)),
  ],
  [
    'views per page under a first `if (!s.views) s.views = {}`',
    async (data, who) => {
      if (!data.views) data.views = {}
      await slowly()
      data.views[`page${who}`] = (data.views[`page${who}`] ?? 0) + 1
    },
    data => each(who => assert.equal(data.views[`page${who}`], 50)),
  ],
  [
    '`(s.cart ??= []).push`',
    async (data, who) => {
      await slowly()
      ;(data.cart ??= []).push({ who })
    },
    data =>
      each(who => assert.equal(data.cart.filter((line: Data) => line.who === who).length, 50)),
  ],
  [
    "connect-flash's own code",
    async (data, who) => {
      await slowly()
      const messages = (data.flash = data.flash || {})
      ;(messages.info = messages.info || []).push(`message ${who}`)
    },
    data => {
      const messages: string[] = data.flash.info
      each(who => assert.equal(messages.filter(text => text === `message ${who}`).length, 50))
    },
  ],
]

const id = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ'

const forged: readonly [what: string, cookie: string][] = [
  ['too short', `session=${id.slice(1)}`],
  ['too long', `session=${id}A`],
  ['another alphabet', `session=${id.slice(1)}+`],
  ['percent junk', `session=%E0%A4%A${id.slice(8)}`],
  ['a look-alike name', `session\u00a0=${id}`],
  ['a name with another case', `Session=${id}`],
  ['an operator as a name', `session[$ne]=${id}`],
  ['JSON', 'session={"$ne":null}'],
  ['a __Host- name where none was given', `__Host-session=${id}`],
  ['nothing', 'session='],
  ['no pair at all', ';;;==;session'],
  ['twelve kilobytes', `session=${'x'.repeat(12_000)}`],
]

/** A promise to be resolved by somebody else. */
function deferred(): { promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>(each => {
    resolve = each
  })
  return { promise, resolve: () => resolve() }
}

function recordCalls(store: Store, calls: string[]): Store {
  const names = ['load', 'insert', 'write', 'touch', 'retire', 'remove'] as const
  const recorded = names.map(name => [
    name,
    (...args: unknown[]) => {
      calls.push(name)
      return (store[name] as (...args: unknown[]) => unknown)(...args)
    },
  ])
  return { ...store, ...Object.fromEntries(recorded) } as Store
}
