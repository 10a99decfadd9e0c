import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import express from 'express'
import { suite } from 'uvu'
import type { ExpressOptions } from '../../lib/adapters/express.js'
import { session } from '../../lib/adapters/express.js'
import { createSessions, memoryStore, SessionError, StoreError } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { forEachStore } from '../support/stores.js'
import { defineContract } from './contract.js'
import { answerErrors, withApp } from './express-app.js'
import type { Framework } from './framework.js'
import { listen } from './listen.js'

const framework: Framework = {
  name: 'Express',
  serve(sessions, handlers, options) {
    const web = session(sessions, options)
    const app = express()
    app.use(web)
    for (const [path, handler] of Object.entries(handlers)) {
      app.get(path, async (request, response) => {
        const { status = 200, headers = {}, body = '' } = await handler(web.of(request))
        response.status(status).set(headers)
        if (typeof body === 'string') response.send(body)
        else Readable.from(body).pipe(response)
      })
    }
    app.use(web.errors)
    app.use(answerErrors)
    return listen(app)
  },
}

const middleware = suite('Express: the middleware')

middleware('a request that it has not seen has no session', async () => {
  const web = session(createSessions<Data>({ store: memoryStore() }))
  assert.throws(
    () => web.of({} as IncomingMessage),
    (error: unknown) => error instanceof SessionError && error.code === 'ERR_NO_SESSION',
  )
})

middleware('mounted twice, it gives one session', async () => {
  await withApp(
    (app, web) => {
      app.get('/twice', (request, _response, next) => {
        web.of(request).data.n = 2
        next()
      })
      app.use(web)
      app.get('/twice', (request, response) => void response.json(web.of(request).data.n))
    },
    async browser => {
      const { body, cookies } = await browser.get('/twice')
      assert.equal(body, '2')
      assert.equal(cookies.length, 1)
    },
  )
})

middleware('an error that is answered with a status below 500 discards by web.errors', async () => {
  for (const told of [true, false]) {
    await withApp(
      (app, web) => {
        app.get('/fail', request => {
          web.of(request).data.n = 2
          throw Object.assign(new Error('not found'), { status: 404 })
        })
        if (told) app.use(web.errors)
      },
      async browser => {
        await browser.get('/begin')
        assert.equal((await browser.get('/fail')).status, 404)
        assert.equal((await browser.get('/n')).body, told ? '1' : '2')
      },
    )
  }
})

middleware('a store that fails at the open is an error response', async () => {
  const store = memoryStore()
  let fails = false
  await withApp(
    () => undefined,
    async browser => {
      await browser.get('/begin')
      fails = true
      const page = await browser.get('/n')
      assert.equal(page.status, 503)
      assert.equal(page.body, 'error ERR_STORE')
      fails = false
      assert.equal((await browser.get('/n')).body, '1')
    },
    {
      store: {
        ...store,
        async load(key, options) {
          if (fails) throw new StoreError('load the session', 'the spec says so')
          return store.load(key, options)
        },
      },
    },
  )
})

middleware('open gives the session of an upgrade, of a web request, and of a header', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const web = session(sessions, { cookie: { name: 'sid', secure: true } })
  const stored = sessions.create({ n: 1 })
  await stored.commit()
  const cookie = `other=1; sid=${stored.id}`
  const head = { headers: { cookie, host: 'example.com' }, socket: {} } as IncomingMessage
  const request = new Request('https://example.com/', { headers: { cookie } })
  for (const form of [head, request, cookie]) {
    assert.equal((await web.open(form))?.data.n, 1)
  }
  assert.equal(await web.open('sid=nobody'), null)
  assert.equal(await web.open(''), null)
})

const refused: Record<string, ExpressOptions> = {
  'an empty requestProperty': { requestProperty: '' },
  'a requestProperty that is no name': { requestProperty: true as unknown as string },
  'a commitOnError that is no boolean': { commitOnError: 'yes' as unknown as boolean },
  'an onError that is no function': { onError: 'log' as unknown as () => void },
  'an option of the cookie that does not fit': { cookie: { path: 'app' } },
  'a cookie that is null': { cookie: null as never },
  'null for options': null as never,
  'an option that does not exist': { cookies: { keys: ['0123456789abcdef'] } } as never,
  'an option of another adapter': { answerError: () => new Response() } as never,
}

const isInvalidOption = (error: unknown): boolean =>
  error instanceof SessionError && error.code === 'ERR_INVALID_OPTION'

for (const [what, options] of Object.entries(refused)) {
  middleware(`it refuses at start-up: ${what}`, () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    assert.throws(() => session(sessions, options), isInvalidOption)
  })
}

middleware('it refuses at start-up: what is no sessions', () => {
  for (const none of [undefined, {}, memoryStore()]) {
    assert.throws(() => session(none as never), isInvalidOption)
  }
})

middleware.run()

forEachStore('Express: the contract of all adapters', (test, { create }) => {
  defineContract(test, framework, () => create())
})
