import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import Koa from 'koa'
import type { Test } from 'uvu'
import { suite } from 'uvu'
import type { AdapterOptions, KoaContext, KoaSession } from '../../lib/adapters/koa.js'
import { session } from '../../lib/adapters/koa.js'
import type { SessionError, Store } from '../../lib/index.js'
import { createSessions, memoryStore } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { forEachStore } from '../support/stores.js'
import { Browser } from './browser.js'
import { defineContract } from './contract.js'
import type { Framework } from './framework.js'
import { failing, isErrorWith } from './framework.js'
import { listen } from './listen.js'

/** The types of Koa 3 are right for what is used of Koa 2, which has none. */
const Koa2 = createRequire(import.meta.url)('koa-2') as typeof Koa
const versions = { 'Koa 2': Koa2, 'Koa 3': Koa }
type Version = keyof typeof versions

/** An app that does not print its errors. */
function quietApp(version: Version): Koa {
  const app = new versions[version]()
  app.silent = true
  return app
}

const frameworkOf = (version: Version): Framework => ({
  name: version,
  serve(sessions, handlers, options) {
    const web = session(sessions, options)
    const app = quietApp(version)
    app.use(web)
    app.use(async context => {
      const handler = handlers[context.path]
      if (handler === undefined) return
      const { status = 200, headers = {}, body = '' } = await handler(web.of(context))
      context.set(headers)
      context.body = typeof body === 'string' ? body : Readable.from(body, { objectMode: false })
      context.status = status
    })
    return listen(app.callback())
  },
})

/** Serves an app while `use` runs. `/begin` sets `n` to 1, `/n` tells what it is. */
async function withApp(
  version: Version,
  define: (app: Koa, web: KoaSession<Data>) => void,
  use: (browser: Browser) => Promise<void>,
  { store = memoryStore(), ...options }: AdapterOptions & { store?: Store } = {},
): Promise<void> {
  const web = session(createSessions<Data>({ store }), options)
  const app = quietApp(version)
  define(app, web)
  app.use(web)
  app.use(context => {
    const { data } = web.of(context)
    if (context.path === '/begin') data.n = 1
    context.body = String(data.n ?? 'nothing')
  })
  const server = await listen(app.callback())
  try {
    await use(new Browser(server.url))
  } finally {
    await server.close()
  }
}

/** Defines what the middleware does in a version. */
function defineMiddleware(test: Test, version: Version): void {
  const serve = withApp.bind(undefined, version)

  test('a request that it has not seen has no session', () => {
    const web = session(createSessions<Data>({ store: memoryStore() }))
    assert.throws(() => web.of({ req: {} } as KoaContext), isErrorWith('ERR_NO_SESSION'))
  })

  test('mounted twice, it gives one session', async () => {
    await serve(
      (app, web) => {
        app.use(web)
        app.use((context, next) => {
          if (context.path === '/twice') web.of(context).data.n = 2
          return next()
        })
      },
      async browser => {
        const { body, cookies } = await browser.get('/twice')
        assert.equal(body, '2')
        assert.equal(cookies.length, 1)
      },
    )
  })

  test('a commit that fails is thrown to the middleware before', async () => {
    const { store, fail } = failing()
    await serve(
      (app, web) => {
        app.use(async (context, next) => {
          await next().catch((error: SessionError) => {
            context.status = error.status
            context.body = error.code
          })
        })
        app.use(web)
        app.use(async (context, next) => {
          await next()
          if (context.path === '/again') web.of(context).data.n++
        })
      },
      async browser => {
        await browser.get('/begin')
        fail()
        const page = await browser.get('/again')
        assert.equal(page.status, 503)
        assert.equal(page.body, 'ERR_STORE')
        assert.equal((await browser.get('/')).body, '1')
      },
      { store },
    )
  })

  test('an error discards, whatever a middleware before answers to it', async () => {
    await serve(
      (app, web) => {
        app.use(async (context, next) => {
          await next().catch(() => {
            context.body = 'never mind'
          })
        })
        app.use(web)
        app.use((context, next) => {
          if (context.path !== '/fail') return next()
          web.of(context).data.n = 2
          throw new Error('the handler fails')
        })
      },
      async browser => {
        await browser.get('/begin')
        const page = await browser.get('/fail')
        assert.equal(page.status, 200)
        assert.equal(page.body, 'never mind')
        assert.equal((await browser.get('/')).body, '1')
      },
    )
  })

  test('what a middleware before changes afterwards is committed too', async () => {
    await serve(
      (app, web) => {
        app.use(async (context, next) => {
          await next()
          if (context.path === '/after') web.of(context).data.n = 2
        })
      },
      async browser => {
        assert.equal((await browser.get('/after')).cookies.length, 1)
        assert.equal((await browser.get('/')).body, '2')
      },
    )
  })

  for (const fails of [false, true]) {
    test(`a handler that responds past Koa commits before its first byte, ${fails ? 'or fails' : ''}`, async () => {
      const { store, fail } = failing()
      await serve(
        (app, web) => {
          app.use(web)
          app.use((context, next) => {
            if (context.path !== '/raw') return next()
            web.of(context).data.n = 2
            context.respond = false
            context.res.statusCode = 200
            context.res.end('raw')
            return undefined
          })
        },
        async browser => {
          await browser.get('/begin')
          if (fails) fail()
          const { status, body } = await browser.get('/raw')
          assert.equal(status, fails ? 503 : 200)
          assert.equal(body, fails ? 'Service Unavailable' : 'raw')
          assert.equal((await browser.get('/')).body, fails ? '1' : '2')
        },
        { store },
      )
    })
  }

  test('open gives the session of an upgrade, of a web request, and of a header', async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    const web = session(sessions, { cookie: { name: 'sid', secure: true } })
    const stored = sessions.create({ n: 1 })
    await stored.commit()
    const cookie = `sid=${stored.id}`
    const request = new Request('https://example.com/', { headers: { cookie } })
    for (const form of [request, cookie]) assert.equal((await web.open(form))?.data.n, 1)
    assert.equal(await web.open(''), null)
  })

  test('it refuses options that do not fit', () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    assert.throws(
      () => session(sessions, { commitOnError: 'yes' as unknown as boolean }),
      isErrorWith('ERR_INVALID_OPTION'),
    )
  })
}

for (const version of Object.keys(versions) as Version[]) {
  const middleware = suite(`${version}: the middleware`)
  defineMiddleware(middleware, version)
  middleware.run()
  forEachStore(`${version}: the contract of all adapters`, (test, { create }) => {
    defineContract(test, frameworkOf(version), () => create())
  })
}
