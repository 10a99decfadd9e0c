import assert from 'node:assert/strict'
import flash from 'connect-flash'
import type { Request } from 'express'
import { suite } from 'uvu'
import { memoryStore, StoreError } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { Browser } from './browser.js'
import type { AppOptions } from './express-app.js'
import { withApp } from './express-app.js'
import { definePassport } from './passport.js'

/** A request whose session is in the form of express-session's. */
type Old = Request & { session: Data }

const old = (request: Request): Data => (request as Old).session

/** Serves an app whose requests have `session`. */
const withSession = (
  define: Parameters<typeof withApp>[0],
  use: Parameters<typeof withApp>[1],
  options?: AppOptions,
): Promise<void> => withApp(define, use, { requestProperty: 'session', ...options })

const others = suite('A session for middleware that expects express-session')

async function post(browser: Browser, path: string, password = ''): Promise<string> {
  const { status, headers } = await browser.post(path, { username: 'ada', password })
  return headers.get('location') ?? String(status)
}

others('Passport logs in with a new id, keeps what it should, and logs out', async () => {
  await withSession(
    (app, web) => definePassport(app, request => web.of(request).data),
    async browser => {
      const me = async (): Promise<unknown> => JSON.parse((await browser.get('/me')).body)
      const ada = { user: { id: 'ada' }, data: { passport: { user: 'ada' } } }
      const nobody = { user: null, data: {} }

      await browser.get('/cart')
      const anonymous = browser.cookie
      assert.equal(await post(browser, '/login', 'wrong'), '/wrong')
      assert.equal(browser.cookie, anonymous)

      assert.equal(await post(browser, '/login', 'right'), '/me')
      assert.notEqual(browser.cookie, anonymous)
      assert.deepEqual(await me(), ada)
      assert.deepEqual(
        JSON.parse((await new Browser(browser.url, anonymous).get('/me')).body),
        nobody,
      )

      await browser.get('/cart')
      const loggedIn = browser.cookie
      assert.equal(await post(browser, '/logout'), '/me')
      assert.notEqual(browser.cookie, loggedIn)
      assert.deepEqual(await me(), nobody)
      const stale = new Browser(browser.url, loggedIn)
      assert.deepEqual(JSON.parse((await stale.get('/me')).body), nobody)
    },
  )
})

others('Passport with keepSessionInfo keeps the rest, at the login and at the logout', async () => {
  await withSession(
    (app, web) => definePassport(app, request => web.of(request).data),
    async browser => {
      const data = async (): Promise<unknown> => JSON.parse((await browser.get('/me')).body).data
      await browser.get('/cart')
      const anonymous = browser.cookie
      await post(browser, '/login/keep', 'right')
      assert.notEqual(browser.cookie, anonymous)
      assert.deepEqual(await data(), { cart: ['tea'], passport: { user: 'ada' } })
      const loggedIn = browser.cookie
      await post(browser, '/logout/keep')
      assert.notEqual(browser.cookie, loggedIn)
      assert.deepEqual(await data(), { cart: ['tea'], passport: {} })
    },
  )
})

others('connect-flash keeps its messages for one reading', async () => {
  await withSession(
    app => {
      app.use(flash())
      app.get('/add/:text', (request, response) => {
        request.flash('info', request.params.text)
        response.send('added')
      })
      app.get('/read', (request, response) => void response.json(request.flash('info')))
      app.get('/all', (request, response) => void response.json(request.flash()))
    },
    async browser => {
      await browser.get('/add/one')
      await browser.get('/add/two')
      assert.equal((await browser.get('/read')).body, '["one","two"]')
      assert.equal((await browser.get('/read')).body, '[]')
      await browser.get('/add/three')
      assert.equal((await browser.get('/all')).body, '{"info":["three"]}')
      assert.equal((await browser.get('/read')).body, '[]')
    },
  )
})

others.run()

const property = suite("A session in the form of express-session's")

const members = ['id', 'save', 'reload', 'regenerate', 'destroy', 'touch', 'cookie']

property('its members are not enumerable, and no attribute can take their names', async () => {
  await withSession(
    (app, web) => {
      app.get('/', (request, response) => {
        const session = old(request)
        session.n = 1
        const refuses = (change: (member: string) => void): string[] =>
          members.filter(member => {
            try {
              change(member)
              return false
            } catch (error) {
              return (error as { code: string }).code === 'ERR_UNSUPPORTED_VALUE'
            }
          })
        response.json({
          keys: Object.keys(session),
          copy: { ...session },
          members: members.filter(member => member in session),
          id: session.id === web.of(request).id,
          set: refuses(member => {
            session[member] = 1
          }),
          defined: refuses(member => Object.defineProperty(session, member, { value: 1 })),
        })
      })
    },
    async browser => {
      assert.deepEqual(JSON.parse((await browser.get('/')).body), {
        keys: ['n'],
        copy: { n: 1 },
        members,
        id: true,
        set: members,
        defined: members,
      })
    },
  )
})

property('it is the session that everybody else in the request has', async () => {
  await withSession(
    (app, web) => {
      app.get('/', async (request, response) => {
        const before = old(request)
        before.cart = { items: [] }
        web.of(request).data.cart.items.push('tea')
        await web.of(request).rotateId()
        const kept = old(request) === before && old(request).id === web.of(request).id
        await web.of(request).rotateId({ keep: ['cart'] })
        old(request).cart.items.push('milk')
        before.cart.items.push('nowhere')
        response.json({ kept, renewed: old(request) !== before, data: web.of(request).data })
      })
    },
    async browser => {
      const data = { cart: { items: ['tea', 'milk'] } }
      assert.deepEqual(JSON.parse((await browser.get('/')).body), {
        kept: true,
        renewed: true,
        data,
      })
    },
  )
})

for (const path of ['/null', '/undefined', '/destroy', '/destroy/callback']) {
  property(`ended by ${path}, it is gone from the request, and its cookie expires`, async () => {
    await withSession(
      app => {
        app.get('/null', (request, response) => {
          ;(request as Old).session = null
          response.json(old(request))
        })
        app.get('/undefined', (request, response) => {
          ;(request as Old).session = undefined
          response.json(old(request) ?? null)
        })
        app.get('/destroy', (request, response) => {
          old(request).destroy()
          response.json(old(request) ?? null)
        })
        app.get('/destroy/callback', (request, response, next) => {
          old(request).destroy((error: unknown) => {
            if (error === undefined) response.json(old(request) ?? null)
            else next(error)
          })
        })
      },
      async browser => {
        await browser.get('/begin')
        const { cookie } = browser
        const page = await browser.get(path)
        assert.equal(page.body, 'null')
        assert.match(page.cookies[0] ?? '', /Max-Age=0/)
        assert.equal((await new Browser(browser.url, cookie).get('/n')).body, 'null')
      },
    )
  })
}

property('set to null, a session that cannot be destroyed fails the request', async () => {
  const store = memoryStore()
  await withSession(
    app => {
      app.get('/null', (request, response) => {
        ;(request as Old).session = null
        response.send('as if all were well')
      })
    },
    async browser => {
      await browser.get('/begin')
      const page = await browser.get('/null')
      assert.deepEqual([page.status, page.body, page.cookies], [503, 'error ERR_STORE', []])
      assert.equal((await browser.get('/n')).body, '1')
    },
    {
      store: {
        ...store,
        async remove() {
          throw new StoreError('destroy the session', 'the spec says so')
        },
      },
    },
  )
})

property('anything but null that is assigned to the property is refused', async () => {
  await withSession(
    app => {
      app.get('/', (request, response) => {
        assert.throws(
          () => {
            ;(request as Old).session = { user: 1 }
          },
          { code: 'ERR_UNSUPPORTED_VALUE', message: /null to destroy it/ },
        )
        response.send('refused')
      })
    },
    async browser => assert.equal((await browser.get('/')).body, 'refused'),
  )
})

property('a method that fails tells its callback; without one, the request fails', async () => {
  const store = memoryStore()
  const fail = async (): Promise<never> => {
    throw new StoreError('use the store', 'the spec says so')
  }
  let fails = false
  const failing = {
    ...store,
    load: (...args: Parameters<typeof store.load>) => (fails ? fail() : store.load(...args)),
    write: fail,
    retire: fail,
    remove: (...args: Parameters<typeof store.remove>) => (fails ? fail() : store.remove(...args)),
  }
  await withSession(
    app => {
      for (const method of ['save', 'reload', 'regenerate', 'destroy']) {
        app.get(`/${method}`, (request, response) => {
          if (method === 'save') old(request).n = 2
          fails = true
          old(request)[method]()
          response.send('as if all were well')
        })
        app.get(`/${method}/callback`, (request, response) => {
          if (method === 'save') old(request).n = 2
          fails = true
          old(request)[method]((error: { code: string }) => response.status(500).send(error.code))
        })
      }
    },
    async browser => {
      await browser.get('/begin')
      for (const method of ['save', 'reload', 'regenerate', 'destroy']) {
        fails = false
        const alone = await browser.get(`/${method}`)
        assert.deepEqual([alone.status, alone.body], [503, 'error ERR_STORE'], method)
        fails = false
        assert.equal((await browser.get(`/${method}/callback`)).body, 'ERR_STORE', method)
      }
      fails = false
      assert.equal((await browser.get('/n')).body, '1')
    },
    { store: failing },
  )
})

property('save, reload and touch do what they say, and give the session', async () => {
  await withSession(
    app => {
      app.get('/', async (request, response) => {
        const session = old(request)
        const done = (method: string): Promise<unknown> =>
          new Promise((resolve, reject) => {
            const given = session[method]((error: unknown) => (error ? reject(error) : resolve(0)))
            assert.equal(given, session)
          })
        session.n = 2
        await done('save')
        session.n = 3
        await done('reload')
        assert.equal(session.n, 2)
        assert.equal(session.touch(), session)
        response.send('done')
      })
    },
    async browser => {
      await browser.get('/begin')
      assert.equal((await browser.get('/')).body, 'done')
      assert.equal((await browser.get('/n')).body, '2')
    },
  )
})

property.run()

const cookies = suite("The cookie of a session in the form of express-session's")

const DAY = 24 * 60 * 60 * 1000

cookies('its maxAge is the timeout of the session itself', async () => {
  await withSession(
    app => {
      app.get('/default', (request, response) => {
        const { maxAge, originalMaxAge, expires, httpOnly } = old(request).cookie
        response.json({ maxAge, originalMaxAge, expires: Date.parse(expires.toJSON()), httpOnly })
      })
      app.get('/remember', (request, response) => {
        const { cookie } = old(request)
        cookie.maxAge = 3 * DAY
        response.json([cookie.maxAge, cookie.originalMaxAge, cookie.expires - Date.now()])
      })
      app.get('/long', (request, response) => {
        old(request).cookie.maxAge = 30 * DAY
        response.send('remembered')
      })
      app.get('/until', (request, response) => {
        old(request).cookie.expires = new Date(Date.now() + 2 * DAY)
        response.send('until then')
      })
    },
    async browser => {
      const told = JSON.parse((await browser.get('/default')).body)
      assert.equal(told.httpOnly, true)
      for (const lifetime of [told.maxAge, told.originalMaxAge, told.expires - Date.now()]) {
        assert.ok(lifetime > 1_790_000 && lifetime <= 1_800_000, String(lifetime))
      }
      await browser.get('/begin')
      const until = await browser.get('/until')
      assert.match(until.cookies[0] ?? '', /Max-Age=17(2800|2799);/)
      // It cannot outlive the session itself, which ends after a week.
      for (const lifetime of JSON.parse((await browser.get('/remember')).body)) {
        assert.ok(lifetime > 3 * DAY - 5000 && lifetime <= 3 * DAY, String(lifetime))
      }
      const remembered = await browser.get('/long')
      assert.match(remembered.cookies[0] ?? '', /Max-Age=60(4800|4799);/)
    },
  )
})

cookies('what is no lifetime is refused, and changes nothing', async () => {
  await withSession(
    app => {
      app.get('/', (request, response) => {
        const { cookie } = old(request)
        for (const lifetime of [-1, 0, Number.NaN, '1 day']) {
          assert.throws(
            () => {
              cookie.maxAge = lifetime
            },
            { code: 'ERR_INVALID_OPTION' },
          )
        }
        assert.ok(cookie.maxAge > 0)
        response.send('refused')
      })
    },
    async browser => assert.equal((await browser.get('/')).body, 'refused'),
  )
})

cookies(
  'without an expiry it ends with the browser, and stays so for the whole session',
  async () => {
    for (const none of [null, false, undefined]) {
      let now = Date.UTC(2030, 0, 1)
      await withSession(
        app => {
          app.get('/forget', (request, response) => {
            const { cookie } = old(request)
            cookie.expires = none
            response.json([cookie.expires, cookie.maxAge, cookie.originalMaxAge])
          })
          app.get('/remember', (request, response) => {
            old(request).cookie.maxAge = DAY
            response.send('remembered')
          })
          app.get('/regenerate', (request, response) => {
            old(request).regenerate(() => response.send('regenerated'))
          })
        },
        async browser => {
          const lives = (page: { cookies: readonly string[] }): unknown[] =>
            page.cookies.map(
              cookie => /Max-Age=\d+|Expires/.exec(cookie)?.[0] ?? 'with the browser',
            )
          assert.match(String(lives(await browser.get('/begin'))), /^Max-Age=1(800|79\d)$/)
          const forgotten = await browser.get('/forget')
          assert.equal(forgotten.body, '[null,null,null]')
          assert.deepEqual(lives(forgotten), ['with the browser'])
          assert.equal((await browser.get('/n')).body, '1')
          now += 10 * 60_000
          assert.deepEqual(lives(await browser.get('/begin')), [])
          assert.deepEqual(lives(await browser.get('/remember')), ['Max-Age=86400'])
          assert.equal((await browser.get('/n')).body, '1')
          await browser.get('/forget')
          assert.match(String(lives(await browser.get('/regenerate'))), /^Max-Age=1(800|79\d)$/)
        },
        { store: memoryStore({ now: () => now }), cookie: { keys: ['a key of this very spec'] } },
      )
    }
  },
)

cookies('a cookie that opened nothing decides nothing of the next one', async () => {
  await withSession(
    () => undefined,
    async browser => {
      browser.cookie = `session=${'A'.repeat(43)}~`
      assert.match((await browser.get('/begin')).cookies[0] ?? '', /Max-Age=1(800|79\d)/)
    },
  )
})

cookies.run()
