/**
 * Packages that applications use beside their sessions: tokens against forms of other sites, and limits.
 */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { csrfSync } from 'csrf-sync'
import type { Express, Request, RequestHandler } from 'express'
import { rateLimit } from 'express-rate-limit'
import { suite } from 'uvu'
import type { ExpressSession } from '../../lib/adapters/express.js'
import type { Data } from '../support/operations.js'
import { forEachStore } from '../support/stores.js'
import { Browser } from './browser.js'
import type { AppOptions } from './express-app.js'
import { withApp } from './express-app.js'
import { deferred, failing } from './framework.js'
import { definePassport } from './passport.js'

const lusca = createRequire(import.meta.url)('lusca') as { csrf(): RequestHandler }

/** Middleware that refuses what has no token; both kinds define `request.csrfToken`. */
const guards: Record<string, () => RequestHandler> = {
  'csrf-sync': () => csrfSync().csrfSynchronisedProtection,
  lusca: () => lusca.csrf(),
}

const AT_ONCE = 8

/** Defines a page, whose body is its token, and what such a page sends. */
function defineGuarded(app: Express, web: ExpressSession<Data>, guard: RequestHandler): void {
  app.use(guard)
  app.get('/page', (request, response) => response.send(request.csrfToken?.()))
  let buying = 0
  const all = deferred()
  app.post('/buy/:item', async (request, response) => {
    const { data } = web.of(request)
    if (request.query.together !== undefined) {
      if (++buying === AT_ONCE) all.resolve()
      await all.promise
    }
    ;(data.bought ??= []).push(request.params.item)
    response.send('bought')
  })
  app.get('/bought', (request, response) => response.json(web.of(request).data.bought ?? []))
  app.post('/rotate', async (request, response) => {
    await web.of(request).rotateId()
    response.send('rotated')
  })
  app.post('/regenerate', (request, response, next) => {
    const { session } = request as unknown as { session: Data }
    session.regenerate((error: unknown) => (error ? next(error) : response.send('regenerated')))
  })
  app.post('/destroy', async (request, response) => {
    await web.of(request).destroy()
    response.send('destroyed')
  })
}

const withGuard = (
  guard: () => RequestHandler,
  use: (browser: Browser) => Promise<void>,
  options?: AppOptions,
): Promise<void> =>
  withApp((app, web) => defineGuarded(app, web, guard()), use, {
    requestProperty: 'session',
    ...options,
  })

const tokenOf = async (browser: Browser): Promise<string> => {
  const { status, body } = await browser.get('/page')
  assert.equal(status, 200)
  assert.match(body, /^\S{20,}$/)
  return body
}

const send = async (browser: Browser, path: string, token?: string): Promise<number> =>
  (await browser.post(path, {}, token === undefined ? {} : { 'x-csrf-token': token })).status

const bought = async (browser: Browser): Promise<string[]> =>
  JSON.parse((await browser.get('/bought')).body)

for (const [name, guard] of Object.entries(guards)) {
  const guarded = suite(`${name} over a session`)

  guarded('a form is taken with a token of its session, and with nothing else', async () => {
    await withGuard(guard, async browser => {
      const stranger = new Browser(browser.url)
      const [token, other] = [await tokenOf(browser), await tokenOf(stranger)]
      assert.equal(await send(browser, '/buy/tea', token), 200)
      assert.equal(await send(browser, '/buy/cup', token), 200)
      for (const wrong of [undefined, '', `${token.slice(1)}0`, other]) {
        assert.equal(await send(browser, '/buy/kettle', wrong), 403, wrong)
      }
      assert.equal(await send(new Browser(browser.url), '/buy/kettle', token), 403)
      assert.deepEqual(await bought(browser), ['tea', 'cup'])
      assert.deepEqual(await bought(stranger), [])
    })
  })

  guarded('a token goes on under a new id, if the session does', async () => {
    await withGuard(guard, async browser => {
      const token = await tokenOf(browser)
      const { cookie } = browser
      assert.equal(await send(browser, '/rotate', token), 200)
      assert.notEqual(browser.cookie, cookie)
      assert.equal(await send(browser, '/buy/tea', token), 200)
    })
  })

  for (const end of ['/regenerate', '/destroy']) {
    guarded(`after ${end} the token is another one`, async () => {
      await withGuard(guard, async browser => {
        const token = await tokenOf(browser)
        assert.equal(await send(browser, end, token), 200)
        const next = await tokenOf(browser)
        assert.equal(await send(browser, '/buy/tea', token), 403)
        assert.equal(await send(browser, '/buy/cup', next), 200)
        assert.deepEqual(await bought(browser), ['cup'])
      })
    })
  }

  for (const way of ['', '/keep']) {
    const then = way === '' ? 'ends with them' : 'outlives them'
    guarded(`Passport's login${way} and logout${way} need a token, which ${then}`, async () => {
      await withApp(
        (app, web) => {
          defineGuarded(app, web, guard())
          definePassport(app, request => web.of(request).data)
        },
        async browser => {
          const user = async (): Promise<unknown> =>
            JSON.parse((await browser.get('/me')).body).user?.id
          const submit = async (path: string, token: string): Promise<number> => {
            const account = { username: 'ada', password: 'right' }
            return (await browser.post(path + way, account, { 'x-csrf-token': token })).status
          }
          const spent = way === '' ? 403 : 200
          assert.equal(await submit('/login', 'wrong'), 403)
          assert.equal(await user(), undefined)
          const first = await tokenOf(browser)
          const anonymous = browser.cookie
          assert.equal(await submit('/login', first), 302)
          assert.notEqual(browser.cookie, anonymous)
          assert.equal(await user(), 'ada')
          assert.equal(await send(browser, '/buy/tea', first), spent)
          const second = await tokenOf(browser)
          assert.equal(await submit('/logout', 'wrong'), 403)
          assert.equal(await user(), 'ada')
          assert.equal(await submit('/logout', second), 302)
          assert.equal(await user(), undefined)
          assert.equal(await send(browser, '/buy/tea', second), spent)
        },
        { requestProperty: 'session' },
      )
    })
  }

  guarded.run()
}

const limits = suite('express-rate-limit over a session')

limits('its headers and its refusal pass, and each session has a limit of its own', async () => {
  await withApp(
    (app, web) => {
      const keyGenerator = (request: Request): string => web.of(request).key
      app.use(rateLimit({ limit: 2, standardHeaders: 'draft-8', keyGenerator }))
      app.get('/write', (request, response) => response.json(++web.of(request).data.n))
    },
    async browser => {
      await browser.get('/begin')
      for (const left of [1, 0]) {
        const { status, headers, body } = await browser.get('/write')
        assert.deepEqual([status, body], [200, String(3 - left)])
        assert.match(headers.get('ratelimit') ?? '', new RegExp(`; r=${left}; t=`))
        assert.match(headers.get('ratelimit-policy') ?? '', /q=2; w=60;/)
        assert.equal(headers.get('x-ratelimit-remaining'), String(left))
      }
      const refused = await browser.get('/write')
      assert.equal(refused.status, 429)
      assert.match(refused.body, /Too many requests/)
      assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
      assert.equal((await browser.get('/n')).body, '3')
      const other = new Browser(browser.url)
      await other.get('/begin')
      assert.equal((await other.get('/write')).status, 200)
    },
  )
})

limits(
  'with skipSuccessfulRequests, a login that could not be committed counts as failed',
  async () => {
    const { store, fail } = failing()
    await withApp(
      (app, web) => {
        app.use(rateLimit({ limit: 2, skipSuccessfulRequests: true }))
        app.get('/login/:password', (request, response) => {
          if (request.params.password !== 'right') return void response.sendStatus(401)
          web.of(request).data.logins = (web.of(request).data.logins ?? 0) + 1
          response.redirect('/')
        })
      },
      async browser => {
        const login = async (password: string): Promise<number> =>
          (await browser.get(`/login/${password}`)).status
        for (let time = 0; time < 6; time++) assert.equal(await login('right'), 302)
        assert.equal(await login('wrong'), 401)
        fail()
        assert.equal(await login('right'), 503)
        assert.equal(await login('right'), 429)
      },
      { store },
    )
  },
)

limits.run()

forEachStore('tokens of pages and forms that overlap', (test, { create }) => {
  for (const [name, guard] of Object.entries(guards)) {
    test(`${name}: of eight forms at once, none is refused or lost`, async () => {
      await withGuard(
        guard,
        async browser => {
          const token = await tokenOf(browser)
          const each = Array.from({ length: AT_ONCE }, (_, number) => `item${number}`)
          const [taken, refused, tokens] = await Promise.all([
            Promise.all(each.map(item => send(browser, `/buy/${item}?together`, token))),
            Promise.all(each.map(item => send(browser, `/buy/${item}?together`, 'wrong'))),
            Promise.all(each.map(() => tokenOf(browser))),
          ])
          assert.deepEqual(
            taken,
            each.map(() => 200),
          )
          assert.deepEqual(
            refused,
            each.map(() => 403),
          )
          assert.deepEqual((await bought(browser)).sort(), each)
          for (const shown of tokens) assert.equal(await send(browser, '/buy/tea', shown), 200)
        },
        { store: create() },
      )
    })
  }
})
