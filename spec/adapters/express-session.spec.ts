import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Express, Request } from 'express'
import express from 'express'
import type { SessionData, SessionOptions } from 'express-session'
import session from 'express-session'
import { z } from 'zod'
import type { DotsetStoreOptions } from '../../lib/adapters/express-session.js'
import { DotsetStore } from '../../lib/adapters/express-session.js'
import type { Store } from '../../lib/index.js'
import { merge, SessionError } from '../../lib/index.js'
import { keyOf } from '../../lib/open/identity.js'
import type { Data } from '../support/operations.js'
import { forEachStore } from '../support/stores.js'
import { Browser } from './browser.js'
import { answerErrors } from './express-app.js'
import { recordCalls } from './framework.js'
import { listen } from './listen.js'
import { overlapRoutes, overlaps, race } from './overlap.js'

const ROUNDS = 50

/** The session of a request, as express-session's documentation speaks of it. */
interface Live extends Data {
  id: string
  cookie: Data
  save(callback: (error?: unknown) => void): this
  reload(callback: (error?: unknown) => void): this
  regenerate(callback: (error?: unknown) => void): this
  destroy(callback: (error?: unknown) => void): this
  touch(): this
}

type Action = (request: Request & { session: Live }) => unknown

/** What is served, and how it is asked. */
interface Served {
  readonly browser: Browser
  /** What express-session asked of its store. */
  readonly calls: string[]
  /** What that asked of dotset's. */
  readonly stored: string[]
  readonly store: DotsetStore
}

interface Setting extends Partial<SessionOptions> {
  readonly options?: Partial<DotsetStoreOptions>
  readonly wrap?: (store: Store) => Store
  readonly define?: (app: Express, store: DotsetStore) => void
}

/** Calls of a method of express-session's, awaited. */
const done = (call: (callback: (error?: unknown) => void) => unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    call(error => (error ? reject(error) : resolve()))
  })

/** Calls of a method of the store that answers. */
const answer = <T>(call: (callback: (error?: unknown, value?: T) => void) => unknown): Promise<T> =>
  new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value as T)))
  })

const METHODS = ['get', 'createSession', 'set', 'touch', 'destroy'] as const

forEachStore('express-session: DotsetStore', (test, { create }) => {
  async function serve(
    actions: Record<string, Action>,
    use: (served: Served) => Promise<void>,
    { options = {}, wrap = each => each, define, ...rest }: Setting = {},
  ): Promise<void> {
    const [calls, stored]: [string[], string[]] = [[], []]
    const store = new DotsetStore({
      store: wrap(recordCalls(create(), stored)),
      ...options,
    } as DotsetStoreOptions)
    for (const name of METHODS) {
      const method = store[name] as (...args: unknown[]) => unknown
      const recorded = (...args: unknown[]): unknown => {
        calls.push(name)
        return method.apply(store, args)
      }
      Object.assign(store, { [name]: recorded })
    }
    const app = express()
    // Or else Express prints the errors that come after the head.
    app.set('env', 'test')
    const settings = { secret: 'of a spec', resave: false, saveUninitialized: false, ...rest }
    app.use(session({ store, ...settings }))
    define?.(app, store)
    for (const [path, action] of Object.entries(actions)) {
      app.get(path, async (request, response) => {
        const body = await action(request as Request & { session: Live })
        if (!response.headersSent) response.json(body ?? null)
      })
    }
    app.get('/view', (request, response) => void response.json(request.session))
    app.use(answerErrors)
    const server = await listen(app)
    try {
      await use({ browser: new Browser(server.url), calls, stored, store })
    } finally {
      await server.close()
    }
  }

  const begin: Action = ({ session }) => {
    session.n = 1
  }
  const nothing: Action = () => undefined

  for (const overlap of overlaps) {
    test(`8 × ${ROUNDS} lose nothing, and none is refused: ${overlap.what}`, async () => {
      const routes = Object.entries(overlapRoutes(overlap))
      const actions = routes.map(([path, handle]): [string, Action] => [
        path,
        ({ session }) => handle(session),
      ])
      await serve(Object.fromEntries(actions), async ({ browser }) => {
        assert.deepEqual(await race(browser, overlap, ROUNDS), { lost: 0, refused: 0 })
      })
    })
  }

  /** What express-session asks of its store for each kind of request, and what comes of it. */
  const order: readonly [what: string, action: Action, calls: string, cookies: number][] = [
    ['a read', ({ session }) => session.n, 'get createSession touch', 0],
    ['the same value', begin, 'get createSession touch', 0],
    [
      'a value set and set back',
      ({ session }) => {
        session.n = 2
        session.n = 1
      },
      'get createSession touch',
      0,
    ],
    ['a change', ({ session }) => void session.n++, 'get createSession set', 0],
    [
      'a change and save()',
      ({ session }) => {
        session.n++
        return done(each => session.save(each))
      },
      'get createSession set touch',
      0,
    ],
    [
      'reload()',
      ({ session }) => done(each => session.reload(each)),
      'get createSession get createSession touch',
      0,
    ],
    [
      'regenerate()',
      ({ session }) => done(each => session.regenerate(each)),
      'get createSession destroy set',
      1,
    ],
    [
      'regenerate() and save()',
      async request => {
        await done(each => request.session.regenerate(each))
        request.session.n = 2
        await done(each => request.session.save(each))
        request.session.n = 3
      },
      'get createSession destroy set set',
      1,
    ],
    [
      'req.session = null',
      request => {
        request.session = null as never
      },
      'get createSession',
      0,
    ],
    [
      'destroy()',
      ({ session }) => done(each => session.destroy(each)),
      'get createSession destroy',
      0,
    ],
  ]

  for (const [what, action, expected, cookies] of order) {
    test(`the order of calls: ${what}`, async () => {
      await serve({ '/begin': begin, '/act': action }, async ({ browser, calls }) => {
        await browser.get('/begin')
        calls.length = 0
        const page = await browser.get('/act')
        assert.equal(page.status, 200)
        assert.equal(calls.join(' '), expected)
        assert.equal(page.cookies.length, cookies)
      })
    })
  }

  test('the order of calls: nobody, who reads and then writes', async () => {
    await serve({ '/nothing': nothing, '/begin': begin }, async ({ browser, calls, stored }) => {
      assert.equal((await browser.get('/nothing')).cookies.length, 0)
      assert.deepEqual(calls, [])
      assert.equal((await browser.get('/begin')).cookies.length, 1)
      assert.deepEqual(calls, ['set'])
      assert.deepEqual(stored, ['insert'])
    })
  })

  test('what is saved is what changed, in one write', async () => {
    const statements: unknown[] = []
    const wrap = (store: Store): Store => ({
      ...store,
      write(statement, options) {
        statements.push(...statement.modifications)
        return store.write(statement, options)
      },
    })
    const actions: Record<string, Action> = {
      '/begin': ({ session }) => {
        Object.assign(session, { user: { name: 'Ada', seen: false }, big: 'x'.repeat(1000) })
      },
      '/see': ({ session }) => {
        session.user.seen = true
      },
      '/twice': async ({ session }) => {
        session.user.seen = 1
        await done(each => session.save(each))
        session.user.seen = 2
      },
    }
    await serve(
      actions,
      async ({ browser, stored }) => {
        await browser.get('/begin')
        await browser.get('/see')
        assert.deepEqual(statements.splice(0), [{ op: 'set', path: ['user', 'seen'], value: true }])
        assert.deepEqual(stored, ['insert', 'load', 'write'])
        await browser.get('/twice')
        assert.deepEqual(statements, [
          { op: 'set', path: ['user', 'seen'], value: 1 },
          { op: 'set', path: ['user', 'seen'], value: 2 },
        ])
      },
      { wrap },
    )
  })

  test('resave saves in vain: nothing is written that did not change', async () => {
    await serve(
      { '/begin': begin, '/nothing': nothing },
      async ({ browser, calls, stored }) => {
        await browser.get('/begin')
        calls.length = stored.length = 0
        await browser.get('/nothing')
        assert.deepEqual(calls, ['get', 'createSession', 'set'])
        assert.deepEqual(stored, ['load'])
      },
      { resave: true },
    )
  })

  test('saveUninitialized stores a session without attributes, and sends its cookie', async () => {
    await serve(
      { '/nothing': nothing },
      async ({ browser, store }) => {
        assert.equal((await browser.get('/nothing')).cookies.length, 1)
        assert.equal(await answer<number>(each => store.length(each)), 1)
        assert.equal((await browser.get('/nothing')).cookies.length, 0)
      },
      { saveUninitialized: true },
    )
  })

  for (const unset of ['keep', 'destroy'] as const) {
    test(`unset: '${unset}' does that when req.session is null`, async () => {
      const actions: Record<string, Action> = {
        '/begin': begin,
        '/null': request => {
          request.session = null as never
        },
      }
      await serve(
        actions,
        async ({ browser }) => {
          await browser.get('/begin')
          await browser.get('/null')
          const { n } = JSON.parse((await browser.get('/view')).body)
          assert.equal(n, unset === 'keep' ? 1 : undefined)
        },
        { unset },
      )
    })
  }

  test('rolling sends the cookie with every response', async () => {
    await serve(
      { '/begin': begin, '/nothing': nothing },
      async ({ browser }) => {
        await browser.get('/begin')
        assert.equal((await browser.get('/nothing')).cookies.length, 1)
      },
      { rolling: true, cookie: { maxAge: 60_000 } },
    )
  })

  test('genid makes the id, and the store keeps its SHA-256', async () => {
    const ids: string[] = []
    let inserted = ''
    const wrap = (store: Store): Store => ({
      ...store,
      insert(document, options) {
        inserted = document.key
        return store.insert(document, options)
      },
    })
    await serve(
      { '/begin': begin, '/id': request => [request.sessionID, request.session.id] },
      async ({ browser }) => {
        await browser.get('/begin')
        assert.equal(inserted, keyOf('id % 0'))
        assert.deepEqual(JSON.parse((await browser.get('/id')).body), ['id % 0', 'id % 0'])
      },
      {
        wrap,
        genid() {
          ids.push(`id % ${ids.length}`)
          return ids.at(-1) as string
        },
      },
    )
  })

  test('cookie may be a function, and what it gave is remembered', async () => {
    await serve(
      { '/begin': begin, '/cookie': ({ session }) => session.cookie },
      async ({ browser }) => {
        const { cookies } = await browser.get('/begin')
        assert.match(String(cookies), /Max-Age|Expires/)
        assert.match(String(cookies), /Path=\/; .*SameSite=Strict/)
        const cookie = JSON.parse((await browser.get('/cookie')).body)
        assert.equal(cookie.sameSite, 'strict')
        assert.ok(Math.abs(cookie.originalMaxAge - 60_000) < 10)
        assert.ok(Math.abs(Date.parse(cookie.expires) - Date.now() - 60_000) < 5_000)
      },
      { cookie: () => ({ maxAge: 60_000, sameSite: 'strict' }) },
    )
  })

  test('the maximum age of the cookie is the idle timeout of the session', async () => {
    const actions: Record<string, Action> = {
      '/begin': begin,
      '/remember': ({ session }) => {
        session.cookie.maxAge = 3_600_000
      },
      '/forget': ({ session }) => {
        session.cookie.expires = null
      },
    }
    const expiry = async (store: DotsetStore): Promise<Data> => {
      const [only] = await answer<SessionData[]>(each => store.all(each))
      return only as Data
    }
    await serve(
      actions,
      async ({ browser, store }) => {
        await browser.get('/begin')
        assert.equal((await expiry(store)).cookie.expires, null)
        await browser.get('/remember')
        const { cookie } = await expiry(store)
        assert.ok(Math.abs(cookie.originalMaxAge - 3_600_000) < 10, String(cookie.originalMaxAge))
        assert.ok(Math.abs(cookie.expires.getTime() - Date.now() - 3_600_000) < 5_000)
        await browser.get('/view')
        assert.deepEqual((await expiry(store)).cookie.originalMaxAge, cookie.originalMaxAge)
        await browser.get('/forget')
        assert.equal((await expiry(store)).cookie.originalMaxAge, null)
        assert.equal((await expiry(store)).cookie.expires, null)
      },
      { options: { touchAfter: 0 } },
    )
  })

  test('a session that expired is gone, and its id is not used again', async () => {
    await serve(
      { '/begin': begin, '/id': request => request.sessionID },
      async ({ browser, store }) => {
        await browser.get('/begin')
        const id = (await browser.get('/id')).body
        const cookie = browser.cookie
        await answer<void>(each => store.clear(each))
        assert.notEqual((await browser.get('/id')).body, id)
        await browser.get('/begin')
        assert.notEqual(browser.cookie, cookie)
      },
    )
  })

  test('a logged-out session does not come back, whatever runs late', async () => {
    let release = (): void => undefined
    let arrived = (): void => undefined
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const inside = new Promise<void>(resolve => {
      arrived = resolve
    })
    const actions: Record<string, Action> = {
      '/begin': begin,
      '/slow': async ({ session }) => {
        arrived()
        await gate
        session.n = 2
      },
      '/logout': ({ session }) => done(each => session.destroy(each)),
    }
    await serve(actions, async ({ browser, store }) => {
      await browser.get('/begin')
      const slow = browser.get('/slow').catch(() => undefined)
      await inside
      await browser.get('/logout')
      release()
      await slow
      assert.equal(await answer<number>(each => store.length(each)), 0)
    })
  })

  test('a request that only reads ends without an error after a logout', async () => {
    const actions: Record<string, Action> = {
      '/begin': begin,
      '/read': async request => {
        await done(each => request.sessionStore.destroy(request.sessionID, each))
        return request.session.n
      },
    }
    await serve(actions, async ({ browser }) => {
      await browser.get('/begin')
      const { status, body } = await browser.get('/read')
      assert.deepEqual([status, body], [200, '1'])
    })
  })

  test('after an error of the handler it saves all the same', async () => {
    const actions: Record<string, Action> = {
      '/begin': begin,
      '/fail': ({ session }) => {
        session.n = 2
        throw new Error('of a handler')
      },
    }
    await serve(actions, async ({ browser }) => {
      await browser.get('/begin')
      assert.equal((await browser.get('/fail')).status, 500)
      assert.equal(JSON.parse((await browser.get('/view')).body).n, 2)
    })
  })

  test('a store that fails is told to next', async () => {
    let fails = false
    const wrap = (store: Store): Store => ({
      ...store,
      async load(key, options) {
        if (fails) throw new SessionError('ERR_STORE', 'of a spec')
        return store.load(key, options)
      },
    })
    await serve(
      { '/begin': begin },
      async ({ browser }) => {
        await browser.get('/begin')
        fails = true
        assert.equal((await browser.get('/view')).body, 'error ERR_STORE')
      },
      { wrap },
    )
  })

  test('attributes cannot shadow the methods, and are dropped at the load', async () => {
    await serve({}, async ({ browser, store }) => {
      const plain = { cookie: { originalMaxAge: null }, n: 1, save: 5, touch: 6, id: 7, req: 8 }
      await done(each => store.set('an id', plain as never, each))
      const loaded = await answer<Data>(each => store.load('an id', each as never))
      assert.deepEqual(Object.keys(loaded).sort(), ['cookie', 'n'])
      assert.equal(typeof loaded.save, 'function')
      assert.equal(loaded.id, 'an id')
      assert.equal(browser.cookie, '')
    })
  })

  test('only the attributes and the cookie are enumerable', async () => {
    const actions: Record<string, Action> = {
      '/begin': begin,
      '/keys': ({ session }) => [Object.keys(session), 'save' in session, 'n' in session],
      '/inspect': ({ session }) => inspect(session),
      '/isSession': request => request.session instanceof session.Session,
    }
    await serve(actions, async ({ browser }) => {
      await browser.get('/begin')
      assert.equal((await browser.get('/keys')).body, '[["cookie","n"],true,true]')
      assert.match((await browser.get('/inspect')).body, /Session \{.*cookie.*n: 1/)
      assert.equal((await browser.get('/isSession')).body, 'true')
    })
  })

  test('a nested attribute named cookie is data like any other', async () => {
    const actions: Record<string, Action> = {
      '/begin': ({ session }) => {
        session.jar = { cookie: 1 }
      },
      '/eat': ({ session }) => {
        session.jar.cookie = 2
      },
    }
    await serve(actions, async ({ browser }) => {
      await browser.get('/begin')
      await browser.get('/eat')
      assert.equal(JSON.parse((await browser.get('/view')).body).jar.cookie, 2)
    })
  })

  test('reload gives what others stored, and keeps nothing of what was not saved', async () => {
    const actions: Record<string, Action> = {
      '/begin': begin,
      '/reload': async request => {
        const other = await answer<Data>(each => request.sessionStore.get(request.sessionID, each))
        other.other = 1
        await done(each => request.sessionStore.set(request.sessionID, other as never, each))
        request.session.n = 5
        const before = request.session
        await done(each => request.session.reload(each))
        return [request.session === before, request.session.n, request.session.other]
      },
    }
    await serve(actions, async ({ browser }) => {
      await browser.get('/begin')
      assert.equal((await browser.get('/reload')).body, '[false,1,1]')
    })
  })

  test('what code of the application sets becomes the session: only what differs is written', async () => {
    await serve({ '/begin': begin }, async ({ browser, store, stored }) => {
      const cookie = { originalMaxAge: null }
      const set = (data: Data): Promise<void> =>
        done(each => store.set('an id', { cookie, ...data } as never, each))
      const get = (): Promise<Data> => answer<Data>(each => store.get('an id', each as never))
      await set({ a: 1, b: [1, 2] })
      assert.deepEqual(await get(), {
        cookie: { originalMaxAge: null, expires: null },
        a: 1,
        b: [1, 2],
      })
      await set({ b: [1, 2], c: 3 })
      assert.deepEqual(JSON.parse(JSON.stringify(await get())), {
        cookie: { originalMaxAge: null, expires: null },
        b: [1, 2],
        c: 3,
      })
      stored.length = 0
      await set({ b: [1, 2], c: 3 })
      assert.deepEqual(stored, ['load'])
      await done(each => store.destroy('an id', each))
      assert.equal(await get(), null)
      assert.equal(browser.cookie, '')
    })
  })

  test('touch of what is not there, or not stored, is no error', async () => {
    await serve({}, async ({ store, stored }) => {
      const cookie = { originalMaxAge: null }
      await done(each => store.touch('an id', { cookie } as never, each))
      assert.deepEqual(stored, ['load'])
    })
  })

  test('all, length and clear', async () => {
    await serve({ '/begin': begin }, async ({ browser, store }) => {
      await browser.get('/begin')
      await new Browser(browser.url).get('/begin')
      assert.equal(await answer<number>(each => store.length(each)), 2)
      const all = await answer<Data[]>(each => store.all(each as never))
      assert.deepEqual(
        all.map(({ n, cookie }) => [n, cookie.path]),
        [
          [1, '/'],
          [1, '/'],
        ],
      )
      await answer<void>(each => store.clear(each))
      assert.equal(await answer<number>(each => store.length(each)), 0)
    })
  })

  test('a schema gives defaults, checks, and intents', async () => {
    const schema = z.object({
      views: z.number().register(merge, 'increment').default(0),
      name: z.string().optional(),
    })
    const actions: Record<string, Action> = {
      '/view-page': ({ session }) => ++session.views,
      '/wrong': ({ session }) => {
        session.name = 5
      },
    }
    await serve(
      actions,
      async ({ browser, store }) => {
        assert.equal((await browser.get('/view-page')).body, '1')
        await Promise.all(Array.from({ length: 8 }, () => browser.get('/view-page')))
        assert.equal(JSON.parse((await browser.get('/view')).body).views, 9)
        await browser.get('/wrong').catch(() => undefined)
        const [only] = await answer<Data[]>(each => store.all(each as never))
        assert.deepEqual([only?.views, only?.name], [9, undefined])
      },
      { options: { schema } },
    )
  })

  test('options that do not fit are refused', () => {
    const isInvalid = (error: unknown): boolean =>
      error instanceof SessionError && error.code === 'ERR_INVALID_OPTION'
    for (const none of [undefined, null, {}]) {
      assert.throws(() => new DotsetStore(none as never), isInvalid)
    }
    assert.throws(() => new DotsetStore({ store: create(), idle: 5 } as never), isInvalid)
    const schema = z.object({ cookie: z.string().optional() })
    assert.throws(() => new DotsetStore({ store: create(), schema }), isInvalid)
  })

  test('middleware that is mounted twice over one store gives one session', async () => {
    await serve(
      { '/begin': begin },
      async ({ browser, calls }) => {
        await browser.get('/begin')
        calls.length = 0
        await browser.get('/view')
        assert.deepEqual(calls, ['get', 'createSession', 'touch'])
      },
      {
        define(app, store) {
          app.use(session({ store, secret: 'of a spec', resave: false, saveUninitialized: false }))
        },
      },
    )
  })

  test('while the store is disconnected there is no session', async () => {
    await serve(
      { '/begin': begin, '/has': request => request.session !== undefined },
      async ({ browser, store }) => {
        await browser.get('/begin')
        store.emit('disconnect')
        assert.equal((await browser.get('/has')).body, 'false')
        store.emit('connect')
        assert.equal((await browser.get('/has')).body, 'true')
      },
    )
  })
})
