import assert from 'node:assert/strict'
import { createAdaptorServer } from '@hono/node-server'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { streamSSE } from 'hono/streaming'
import { suite } from 'uvu'
import type { AdapterOptions, HonoSession } from '../../lib/adapters/hono.js'
import { session } from '../../lib/adapters/hono.js'
import type { SessionError, Store } from '../../lib/index.js'
import { createSessions, memoryStore } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { forEachStore } from '../support/stores.js'
import { Browser } from './browser.js'
import { defineContract } from './contract.js'
import type { Framework } from './framework.js'
import { failing, isErrorWith } from './framework.js'
import { listen, toBody } from './listen.js'

const origin = 'https://example.com'

/** Answers errors with their status, and does not print them. */
function answer(error: Error, context: Context): Response {
  const { status = 500, code } = error as Partial<SessionError>
  return context.text(`error ${code}`, status as 500)
}

const framework: Framework = {
  name: 'Hono',
  serve(sessions, handlers, options) {
    const web = session(sessions, options)
    const app = new Hono()
    app.onError(answer)
    app.use(web)
    for (const [path, handler] of Object.entries(handlers)) {
      app.get(path, async context => {
        const { status = 200, headers = {}, body = '' } = await handler(web.of(context))
        return context.newResponse(toBody(body, status), status as 200, headers)
      })
    }
    return listen(createAdaptorServer(app))
  },
}

/** Gives an app to `use`. `/begin` sets `n` to 1, `/n` tells what it is. */
async function withApp(
  define: (app: Hono, web: HonoSession<Data>) => void,
  use: (browser: Browser, app: Hono) => Promise<void>,
  { store = memoryStore(), ...options }: AdapterOptions & { store?: Store } = {},
): Promise<void> {
  const web = session(createSessions<Data>({ store }), options)
  const app = new Hono()
  app.use(cors({ origin }))
  app.use(web)
  app.get('/begin', context => {
    web.of(context).data.n = 1
    return context.text('begun', 201, { 'x-handler': 'yes' })
  })
  app.get('/n', context => context.text(String(web.of(context).data.n ?? 'nothing')))
  define(app, web)
  const server = await listen(createAdaptorServer(app))
  try {
    await use(new Browser(server.url), app)
  } finally {
    await server.close()
  }
}

const middleware = suite('Hono: the middleware')

middleware('a request that it has not seen has no session', () => {
  const web = session(createSessions<Data>({ store: memoryStore() }))
  assert.throws(() => web.of({} as Context), isErrorWith('ERR_NO_SESSION'))
})

middleware('mounted twice, it gives one session', async () => {
  await withApp(
    (app, web) => {
      const inner = new Hono()
      inner.use(async (context, next) => {
        web.of(context).data.n = 2
        await next()
      })
      inner.use(web)
      inner.get('/', context => context.json(web.of(context).data))
      app.route('/twice', inner)
    },
    async browser => {
      const { body, cookies } = await browser.get('/twice')
      assert.equal(body, '{"n":2}')
      assert.equal(cookies.length, 1)
    },
  )
})

middleware('without onError, a commit that fails has its own status', async () => {
  const { store, fail } = failing()
  await withApp(
    () => undefined,
    async browser => {
      fail()
      const { status, headers, body } = await browser.get('/begin', { origin })
      assert.equal(status, 503)
      assert.equal(body, 'Error 503')
      assert.equal(headers.get('x-handler'), null)
      assert.equal(headers.get('access-control-allow-origin'), origin)
    },
    { store },
  )
})

middleware('onError is given the error of a commit that fails', async () => {
  const { store, fail } = failing()
  await withApp(
    app => app.onError(answer),
    async browser => {
      fail()
      const { status, headers, body } = await browser.get('/begin', { origin })
      assert.equal(status, 503)
      assert.equal(body, 'error ERR_STORE')
      assert.equal(headers.get('x-handler'), null)
      assert.equal(headers.get('access-control-allow-origin'), origin)
    },
    { store },
  )
})

middleware('an error discards, whatever onError answers to it', async () => {
  await withApp(
    (app, web) => {
      app.onError((_error, context) => context.text('never mind', 200))
      app.get('/fail', context => {
        web.of(context).data.n = 2
        throw new Error('the handler fails')
      })
    },
    async browser => {
      await browser.get('/begin')
      assert.equal((await browser.get('/fail')).body, 'never mind')
      assert.equal((await browser.get('/n')).body, '1')
    },
  )
})

middleware(
  'a response that is complete keeps its length, its headers and its cookies',
  async () => {
    await withApp(
      (app, web) => {
        app.get('/text', context => {
          web.of(context).data.n = 2
          context.header('set-cookie', 'other=1', { append: true })
          return context.text('grüße', 201, { 'x-handler': 'yes' })
        })
      },
      async browser => {
        const { status, headers, cookies, body } = await browser.get('/text')
        assert.equal(status, 201)
        assert.equal(body, 'grüße')
        assert.equal(headers.get('content-length'), '7')
        assert.equal(headers.get('content-type'), 'text/plain; charset=UTF-8')
        assert.equal(headers.get('x-handler'), 'yes')
        assert.deepEqual(
          cookies.map(cookie => cookie.split('=')[0]),
          ['other', 'session'],
        )
      },
    )
  },
)

middleware('what a handler sends is what it would be without sessions', async () => {
  const [without, withSession] = await Promise.all(
    [false, true].map(async hasSession => {
      const app = new Hono()
      app.use(async (context, next) => {
        context.header('cache-control', 'no-store')
        context.header('set-cookie', 'before=1')
        await next()
      })
      if (hasSession) app.use(session(createSessions<Data>({ store: memoryStore() })))
      const options = { headers: { 'cache-control': 'max-age=60', 'set-cookie': 'own=1' } }
      app.get('/text', context => context.text('', 200, options.headers))
      app.get('/body', context => context.body('', 200, options.headers))
      app.get('/response', () => new Response('', options))
      app.get('/fail', () => {
        throw new Error('the handler fails')
      })
      app.onError((_error, context) => context.text('', 400, options.headers))
      const pages = ['/text', '/body', '/response', '/fail'].map(path => app.request(path))
      return (await Promise.all(pages)).map(({ status, headers }) => {
        return [status, headers.get('cache-control'), headers.getSetCookie()]
      })
    }),
  )
  assert.deepEqual(withSession, without)
  assert.equal(without?.length, 4)
})

middleware('a response whose headers cannot change gets the cookie', async () => {
  await withApp(
    (app, web) => {
      app.get('/redirect', context => {
        web.of(context).data.n = 2
        return Response.redirect('http://localhost/n', 303)
      })
      app.get('/proxied', async context => {
        web.of(context).data.n = 3
        return await fetch('data:text/plain,proxied')
      })
    },
    async browser => {
      const redirect = await browser.get('/redirect')
      assert.equal(redirect.status, 303)
      assert.equal(redirect.headers.get('location'), 'http://localhost/n')
      assert.equal(redirect.cookies.length, 1)
      const proxied = await new Browser(browser.url).get('/proxied')
      assert.equal(proxied.body, 'proxied')
      assert.equal(proxied.cookies.length, 1)
    },
  )
})

middleware('events reach the client one by one, and what they change is committed', async () => {
  await withApp(
    (app, web) => {
      app.get('/events', context =>
        streamSSE(context, async stream => {
          for (let event = 2; event <= 5; event++) {
            web.of(context).data.n = event
            await stream.writeSSE({ data: String(event) })
          }
        }),
      )
    },
    async browser => {
      await browser.get('/begin')
      const { body } = await browser.get('/events')
      assert.equal(body, 'data: 2\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\n')
      assert.equal((await browser.get('/n')).body, '5')
    },
  )
})

middleware('requests without a server have sessions, too', async () => {
  await withApp(
    () => undefined,
    async (_browser, app) => {
      const response = await app.request('/begin')
      const cookie = String(response.headers.getSetCookie()[0]?.split(';')[0])
      const page = await app.request('/n', { headers: { cookie } })
      assert.equal(await page.text(), '1')
    },
  )
})

middleware.run()

forEachStore('Hono: the contract of all adapters', (test, { create }) => {
  defineContract(test, framework, () => create())
})
