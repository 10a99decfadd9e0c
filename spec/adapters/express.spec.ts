import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import flash from 'connect-flash'
import type { Express, NextFunction, Request, Response } from 'express'
import express from 'express'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { suite } from 'uvu'
import type { CookieOptions, ExpressOptions } from '../../lib/adapters/express.js'
import { session } from '../../lib/adapters/express.js'
import { createSessions, memoryStore, SessionError } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { forEachStore } from '../support/stores.js'
import { Browser } from './browser.js'
import type { Framework, Served } from './contract.js'
import { defineContract } from './contract.js'

const quiet = (error: { status?: number }, _: Request, response: Response, next: NextFunction) => {
  if (response.headersSent) return next(error)
  response.status(error.status ?? 500).send('an error')
}

async function listen(app: Express | ((...args: never[]) => void)): Promise<Served> {
  const server = createServer(app as never).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://localhost:${port}`,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

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
    app.use(quiet)
    return listen(app)
  },
}

/** An app with dotset's middleware, and what it is asked. */
async function withApp(
  define: (app: Express, web: ReturnType<typeof session<Data>>) => void,
  use: (browser: Browser) => Promise<void>,
  options?: ExpressOptions,
): Promise<void> {
  const web = session(createSessions<Data>({ store: memoryStore() }), options)
  const app = express()
  app.use(web)
  define(app, web)
  app.use(quiet)
  const server = await listen(app)
  try {
    await use(new Browser(server.url))
  } finally {
    await server.close()
  }
}

const responses = suite('Express: the ways to respond')

type Respond = (response: ServerResponse) => void

const ways: Record<string, [respond: Respond, body: string]> = {
  'end without a body': [response => response.end(), ''],
  'end with a body': [response => response.end('body'), 'body'],
  'end with a length': [
    response => {
      response.setHeader('Content-Length', 4)
      response.end('body')
    },
    'body',
  ],
  'end with an encoding and a callback': [
    response => void response.end('Ym9keQ==', 'base64', () => undefined),
    'body',
  ],
  'writeHead, write and end': [
    response => {
      response.writeHead(200, { 'X-Head': 'yes' })
      response.write('bo')
      response.end('dy')
    },
    'body',
  ],
  'writeHead with a message': [
    response => {
      response.writeHead(200, 'Fine', { 'X-Head': 'yes' })
      response.end('body')
    },
    'body',
  ],
  'writeHead with raw headers': [
    response => {
      response.writeHead(200, ['X-Head', 'yes', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
      response.end('body')
    },
    'body',
  ],
  'writeHead with a Set-Cookie of its own': [
    response => {
      response.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'], 'X-Head': 'yes' })
      response.end('body')
    },
    'body',
  ],
  'flushHeaders first': [
    response => {
      response.flushHeaders()
      response.end('body')
    },
    'body',
  ],
  'a stream that waits for drain': [
    response => {
      Readable.from(Array.from({ length: 100 }, () => 'x'.repeat(10_000))).pipe(response)
    },
    'x'.repeat(1_000_000),
  ],
}

for (const [way, [respond, body]] of Object.entries(ways)) {
  responses(`the session is committed before the first byte: ${way}`, async () => {
    await withApp(
      (app, web) => {
        app.get('/', (request, response) => {
          web.of(request).data.n = 1
          respond(response)
        })
        app.get('/n', (request, response) => void response.json(web.of(request).data.n ?? null))
      },
      async browser => {
        const page = await browser.get('/')
        assert.equal(page.body, body)
        const cookies = page.cookies.filter(cookie => cookie.startsWith('session='))
        assert.equal(cookies.length, 1)
        if (way.includes('writeHead')) {
          assert.equal(page.headers.get('x-head') ?? 'yes', 'yes')
          assert.equal(page.cookies.filter(cookie => /^[ab]=/.test(cookie)).length % 2, 0)
        }
        browser.cookie = (cookies[0] as string).split(';')[0] as string
        assert.equal((await browser.get('/n')).body, '1')
      },
    )
  })
}

responses('what responds a second time is told that it is too late, as by Node', async () => {
  const codes: unknown[] = []
  await withApp(
    app => {
      app.get('/', (_request, response) => {
        response.send('first')
        assert.equal(response.headersSent, true)
        for (const again of [
          () => response.setHeader('X-Late', '1'),
          () => response.status(404).send('second'),
          () => response.writeHead(404),
          () => response.redirect('/elsewhere'),
        ]) {
          try {
            again()
          } catch (error) {
            codes.push((error as { code: string }).code)
          }
        }
      })
    },
    async browser => {
      const page = await browser.get('/')
      assert.equal(page.status, 200)
      assert.equal(page.body, 'first')
      assert.equal(page.headers.get('x-late'), null)
      assert.deepEqual(codes, Array(4).fill('ERR_HTTP_HEADERS_SENT'))
    },
  )
})

responses(
  'an error that a middleware answers with another status discards by web.errors',
  async () => {
    await withApp(
      (app, web) => {
        app.get('/begin', (request, response) => {
          web.of(request).data.n = 1
          response.send('begun')
        })
        app.get('/fail', request => {
          web.of(request).data.n = 2
          throw Object.assign(new Error('not found'), { status: 404 })
        })
        app.get('/n', (request, response) => void response.json(web.of(request).data.n))
        app.use(web.errors)
      },
      async browser => {
        await browser.get('/begin')
        assert.equal((await browser.get('/fail')).status, 404)
        assert.equal((await browser.get('/n')).body, '1')
      },
    )
  },
)

responses('a server-sent stream commits what it changed when the client goes', async () => {
  let closed: Promise<unknown> | undefined
  await withApp(
    (app, web) => {
      app.get('/begin', (request, response) => {
        web.of(request).data.n = 1
        response.send('begun')
      })
      app.get('/events', (request, response) => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.write('data: 1\n\n')
        web.of(request).data.n = 2
        closed = once(response, 'close')
      })
      app.get('/n', (request, response) => void response.json(web.of(request).data.n))
    },
    async browser => {
      await browser.get('/begin')
      await browser.abortAfterFirstByte('/events')
      await closed
      let n = '1'
      while (n === '1') n = (await browser.get('/n')).body
      assert.equal(n, '2')
    },
  )
})

responses('a client that aborts before the first byte leaves a commit that is whole', async () => {
  const started = new EventEmitter()
  await withApp(
    (app, web) => {
      app.get('/begin', (request, response) => {
        web.of(request).data.n = 1
        response.send('begun')
      })
      app.get('/slow', async (request, response) => {
        web.of(request).data.n = 2
        started.emit('started')
        await once(response, 'close')
        response.end('nobody listens')
      })
      app.get('/n', (request, response) => void response.json(web.of(request).data.n))
    },
    async browser => {
      await browser.get('/begin')
      const aborted = new AbortController()
      const pending = fetch(`${browser.url}/slow`, {
        headers: { cookie: browser.cookie },
        signal: aborted.signal,
      }).catch(() => undefined)
      await once(started, 'started')
      aborted.abort()
      await pending
      let n = '1'
      while (n === '1') n = (await browser.get('/n')).body
      assert.equal(n, '2')
    },
  )
})

responses('a request that the middleware has not seen has no session', async () => {
  const web = session(createSessions<Data>({ store: memoryStore() }))
  assert.throws(
    () => web.of({} as IncomingMessage),
    (error: unknown) => error instanceof SessionError && error.code === 'ERR_NO_SESSION',
  )
})

responses('open gives the session of an upgrade, of a web request, and of a header', async () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  const web = session(sessions, { cookie: { name: 'sid', secure: true } })
  const stored = sessions.create({ n: 1 })
  await stored.commit()
  const cookie = `other=1; sid=${stored.id}`
  const head = { headers: { cookie, host: 'example.com' }, socket: {} } as IncomingMessage
  const request = new Request('https://example.com/', { headers: { cookie } })
  for (const form of [head, request, cookie]) {
    assert.equal((await web.open(form))?.data['n'], 1)
  }
  assert.equal(await web.open('sid=nobody'), null)
})

responses.run()

const options = suite('Express: options that contradict are refused at start-up')

const refused: [what: string, CookieOptions][] = [
  ['a __Host- name with a domain', { name: '__Host-sid', domain: 'example.com' }],
  ['a __Host- name with a path', { name: '__Host-sid', path: '/app' }],
  ['a prefix without secure', { name: '__Secure-sid', secure: false }],
  ['SameSite=None without secure', { sameSite: 'none', secure: false }],
  ['an unknown SameSite', { sameSite: 'Lax; Domain=evil' as 'lax' }],
  ['partitioned without secure', { partitioned: true, secure: false }],
  ['an empty list of keys', { keys: [] }],
  ['a short key', { keys: ['short'] }],
  ['a name that is no token', { name: 'a;b' }],
  ['a domain that is no host', { domain: 'example.com; Path=/' }],
  ['a path with a semicolon', { path: '/;' }],
  ['secure that is neither', { secure: 'yes' as 'auto' }],
]

for (const [what, cookie] of refused) {
  options(what, () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    assert.throws(
      () => session(sessions, { cookie }),
      (error: unknown) => error instanceof SessionError && error.code === 'ERR_INVALID_OPTION',
    )
  })
}

options.run()

const property = suite('Express: a session for middleware that expects express-session')

passport.use(
  new Strategy((user, password, done) => done(null, password === 'right' ? { id: user } : false)),
)
passport.serializeUser((user, done) => done(null, (user as { id: string }).id))
passport.deserializeUser((id, done) => done(null, { id } as Express.User))

const inSession = { requestProperty: 'session' }

property('Passport logs in with a new id, keeps what it should, and logs out', async () => {
  await withApp(
    (app, web) => {
      app.use(express.urlencoded({ extended: false }), passport.session())
      app.get('/begin', (request, response) => {
        web.of(request).data.cart = ['tea']
        response.send('begun')
      })
      app.get('/me', (request, response) => {
        response.json({ user: request.user ?? null, data: web.of(request).data })
      })
      for (const keepSessionInfo of [true, false]) {
        app.post(
          keepSessionInfo ? '/login/keep' : '/login',
          passport.authenticate('local', { failureRedirect: '/wrong', keepSessionInfo }),
          (_request, response) => response.redirect('/me'),
        )
      }
      app.post('/logout', (request, response, next) => {
        request.logout(error => (error ? next(error) : response.redirect('/me')))
      })
    },
    async browser => {
      const login = async (path: string, password: string): Promise<string> => {
        const response = await fetch(browser.url + path, {
          method: 'POST',
          redirect: 'manual',
          headers: { cookie: browser.cookie },
          body: new URLSearchParams({ username: 'ada', password }),
        })
        const [cookie] = response.headers.getSetCookie()
        if (cookie !== undefined) browser.cookie = cookie.split(';')[0] as string
        return response.headers.get('location') ?? ''
      }
      const me = async () => JSON.parse((await browser.get('/me')).body)
      await browser.get('/begin')
      const anonymous = browser.cookie
      assert.equal(await login('/login', 'wrong'), '/wrong')
      assert.equal(browser.cookie, anonymous)
      assert.equal(await login('/login/keep', 'right'), '/me')
      assert.notEqual(browser.cookie, anonymous)
      assert.deepEqual(await me(), {
        user: { id: 'ada' },
        data: { cart: ['tea'], passport: { user: 'ada' } },
      })
      const loggedIn = browser.cookie
      await login('/logout', '')
      assert.notEqual(browser.cookie, loggedIn)
      assert.deepEqual(await me(), { user: null, data: {} })
      const stale = new Browser(browser.url, loggedIn)
      assert.equal(JSON.parse((await stale.get('/me')).body).user, null)
      await login('/login', 'right')
      assert.deepEqual((await me()).data, { passport: { user: 'ada' } })
    },
    inSession,
  )
})

property('connect-flash keeps its messages for one reading', async () => {
  await withApp(
    app => {
      app.use(flash())
      app.get('/add/:text', (request, response) => {
        request.flash('info', request.params['text'] as string)
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
    inSession,
  )
})

type Old = Request & { session: Data }

property('it has the members of express-session, which are not enumerable', async () => {
  await withApp(
    (app, web) => {
      app.get('/', (request, response) => {
        const { session: old } = request as Old
        old.n = 1
        const members = ['id', 'save', 'reload', 'regenerate', 'destroy', 'touch', 'cookie']
        response.json({
          keys: Object.keys(old),
          members: members.filter(member => member in old),
          id: old.id === web.of(request).id,
          maxAge: old.cookie.maxAge > 1_799_000,
          refused: members.filter(member => {
            try {
              old[member] = 1
              return false
            } catch (error) {
              return (error as { code: string }).code === 'ERR_UNSUPPORTED_VALUE'
            }
          }),
        })
      })
    },
    async browser => {
      const members = ['id', 'save', 'reload', 'regenerate', 'destroy', 'touch', 'cookie']
      assert.deepEqual(JSON.parse((await browser.get('/')).body), {
        keys: ['n'],
        members,
        id: true,
        maxAge: true,
        refused: members,
      })
    },
    inSession,
  )
})

property('set to null, or destroyed, it ends with its cookie', async () => {
  for (const path of ['/null', '/destroy']) {
    await withApp(
      app => {
        app.get('/begin', (request, response) => {
          ;(request as Old).session.n = 1
          response.send('begun')
        })
        app.get('/null', (request, response) => {
          ;(request as Old).session = null
          response.json({ session: (request as Old).session ?? 'none' })
        })
        app.get('/destroy', (request, response) => {
          ;(request as Old).session.destroy(() => response.json({ session: 'none' }))
        })
        app.get('/n', (request, response) => void response.json((request as Old).session.n ?? null))
      },
      async browser => {
        await browser.get('/begin')
        const { cookie } = browser
        const page = await browser.get(path)
        assert.equal(page.body, '{"session":"none"}')
        assert.match(page.cookies[0] ?? '', /Max-Age=0/)
        assert.equal((await new Browser(browser.url, cookie).get('/n')).body, 'null')
      },
      inSession,
    )
  }
})

property(
  "its cookie's maxAge is the session's own timeout, and null one of the browser",
  async () => {
    await withApp(
      app => {
        app.get('/remember', (request, response) => {
          const { session: old } = request as Old
          old.n = 1
          old.cookie.maxAge = 30 * 24 * 60 * 60 * 1000
          response.send('remembered')
        })
        app.get('/forget', (request, response) => {
          const { session: old } = request as Old
          old.n = 2
          old.cookie.expires = null
          response.send('forgotten')
        })
      },
      async browser => {
        // It cannot outlive the session itself, which ends after a week.
        const remembered = await browser.get('/remember')
        assert.match(remembered.cookies[0] ?? '', /Max-Age=604800;/)
        const fresh = new Browser(browser.url)
        const forgotten = await fresh.get('/forget')
        assert.doesNotMatch(forgotten.cookies[0] ?? '', /Max-Age|Expires/)
      },
      inSession,
    )
  },
)

property.run()

forEachStore('Express: the contract of all adapters', (test, { create }) => {
  defineContract(test, framework, () => create())
})
