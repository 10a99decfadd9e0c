/**
 * The store for express-session under requests of all kinds, over real sockets: what the contract of the
 * adapters asks, as far as express-session itself lets a store decide it.
 */

import assert from 'node:assert/strict'
import type { Request, RequestHandler } from 'express'
import express from 'express'
import session from 'express-session'
import { DotsetStore } from '../../lib/adapters/express-session.js'
import type { Store, StoreError } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { followed } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'
import { Browser } from './browser.js'
import { answerErrors } from './express-app.js'
import { deferred, failing, recordCalls } from './framework.js'
import { listen } from './listen.js'

type Handlers = Record<string, RequestHandler>

const dataOf = (request: Request): Data => (request as Request & { session: Data }).session

const view: RequestHandler = (request, response) => {
  const { cookie: _cookie, ...data } = dataOf(request)
  response.json(data)
}
const write: RequestHandler = (request, response) => {
  const data = dataOf(request)
  data.n = (data.n ?? 0) + 1
  response.send(String(data.n))
}

forEachStore('express-session: DotsetStore under requests of all kinds', (test, { create }) => {
  async function serve(
    handlers: Handlers,
    use: (browser: Browser, calls: string[], errors: unknown[]) => Promise<void>,
    wrap = (store: Store): Store => store,
  ): Promise<void> {
    const [calls, errors]: [string[], unknown[]] = [[], []]
    const store = new DotsetStore({ store: wrap(recordCalls(create(), calls)) })
    const app = express()
    // Or else Express prints the errors that come after the head.
    app.set('env', 'test')
    const options = { secret: 'of a spec', resave: false, saveUninitialized: false }
    app.use(session({ store, ...options }))
    for (const [path, handler] of Object.entries({ '/': view, '/write': write, ...handlers })) {
      app.get(path, handler)
    }
    app.use(((error, _request, _response, next) => {
      errors.push(error)
      next(error)
    }) as express.ErrorRequestHandler)
    app.use(answerErrors)
    const server = await listen(app)
    try {
      await use(new Browser(server.url), calls, errors)
    } finally {
      await server.close()
    }
  }

  test('a redirect finds what the request before it wrote', async () => {
    const redirect: RequestHandler = (request, response) => {
      dataOf(request).n = 'redirected'
      response.redirect(303, '/')
    }
    await serve({ '/redirect': redirect }, async browser => {
      const page = await browser.get('/redirect')
      assert.equal(page.status, 303)
      assert.equal(page.cookies.length, 1)
      assert.equal((await browser.get('/')).body, '{"n":"redirected"}')
    })
  })

  test('HEAD, 204 and 304 responses carry the cookie, and no body', async () => {
    const empty =
      (status: number): RequestHandler =>
      (request, response) => {
        dataOf(request).seen = status
        response.status(status).end()
      }
    await serve({ '/204': empty(204), '/304': empty(304) }, async browser => {
      const head = await browser.request('HEAD', '/write')
      assert.deepEqual([head.cookies.length, head.body], [1, ''])
      assert.equal((await browser.get('/')).body, '{"n":1}')
      for (const status of [204, 304]) {
        const other = new Browser(browser.url)
        const page = await other.get(`/${status}`)
        assert.deepEqual([page.status, page.cookies.length, page.body], [status, 1, ''])
        assert.equal((await other.get('/')).body, `{"seen":${status}}`)
      }
    })
  })

  test('a request makes one data write, and none if it changed nothing', async () => {
    await serve({}, async (browser, calls) => {
      await browser.get('/write')
      assert.deepEqual(calls.splice(0), ['insert'])
      await browser.get('/write')
      assert.deepEqual(calls.splice(0), ['load', 'write'])
      await browser.get('/')
      assert.deepEqual(calls, ['load'])
    })
  })

  test('what a stream changes after its first byte is stored before its last', async () => {
    const received = deferred()
    const stream: RequestHandler = async (request, response) => {
      const data = dataOf(request)
      response.write('first ')
      await received.promise
      data.late = 1
      response.end('last')
    }
    await serve({ '/stream': stream }, async browser => {
      await browser.get('/write')
      const firstByte = (): void => received.resolve()
      const { body } = await browser.request('GET', '/stream', {}, { firstByte })
      assert.equal(body, 'first last')
      assert.equal((await browser.get('/')).body, '{"n":1,"late":1}')
    })
  })

  test('a client that goes before the response leaves a commit that is whole', async () => {
    const [started, gone, stored] = [deferred(), deferred(), deferred()]
    const slow: RequestHandler = async (request, response) => {
      const data = dataOf(request)
      data.before = 1
      started.resolve()
      await gone.promise
      data.after = 1
      response.send('done')
    }
    const wrap = (store: Store): Store => followed(stored.resolve, store, ['write'])
    await serve(
      { '/slow': slow },
      async browser => {
        await browser.get('/write')
        await browser.abort('/slow', started.promise)
        gone.resolve()
        await stored.promise
        const data = JSON.parse((await browser.get('/')).body)
        assert.deepEqual(data, { n: 1, before: 1, after: 1 })
      },
      wrap,
    )
  })

  test('a save that fails is told to the error handler, and nothing of it is stored', async () => {
    let outage: ReturnType<typeof failing> | undefined
    const wrap = (store: Store): Store => {
      outage = failing(store)
      return outage.store
    }
    await serve(
      {},
      async (browser, _calls, errors) => {
        await browser.get('/write')
        outage?.fail()
        // express-session lets the response go, and tells the error afterwards.
        await browser.get('/write', { connection: 'close' })
        while (errors.length === 0) await new Promise(resolve => setImmediate(resolve))
        assert.equal((errors[0] as StoreError).code, 'ERR_STORE')
        outage?.recover()
        assert.equal((await browser.get('/')).body, '{"n":1}')
      },
      wrap,
    )
  })

  test('a cookie that is forged or damaged opens nothing, and asks no store', async () => {
    await serve({}, async (browser, calls) => {
      await browser.get('/write')
      const { cookie } = browser
      calls.length = 0
      const [name, value = ''] = cookie.split('=')
      const signed = decodeURIComponent(value)
      const [id = '', signature = ''] = signed.slice(2).split('.')
      const forged = [
        id,
        `s:${id}`,
        `s:${id}.`,
        `s:${id}.${signature.slice(0, -1)}`,
        `s:${id}A.${signature}`,
        `s:${id.slice(1)}.${signature}`,
        'j:{"$ne":null}',
        '%E0%A4%A',
        'x'.repeat(12_000),
      ]
      for (const each of forged) {
        const page = await new Browser(browser.url, `${name}=${encodeURIComponent(each)}`).get('/')
        assert.deepEqual([page.status, page.body], [200, '{}'], each)
        assert.deepEqual(calls, [], each)
      }
      assert.equal((await new Browser(browser.url, cookie).get('/')).body, '{"n":1}')
    })
  })
})
