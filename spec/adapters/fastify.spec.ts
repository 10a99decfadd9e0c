import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import createFastify from 'fastify'
import { suite } from 'uvu'
import type { AdapterOptions, FastifySession } from '../../lib/adapters/fastify.js'
import { session } from '../../lib/adapters/fastify.js'
import type { SessionError, Store } from '../../lib/index.js'
import { createSessions, memoryStore } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { forEachStore } from '../support/stores.js'
import { Browser } from './browser.js'
import { defineContract } from './contract.js'
import type { Framework, Served } from './framework.js'
import { failing, isErrorWith } from './framework.js'

async function listen(app: FastifyInstance): Promise<Served> {
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    url: url.replace('127.0.0.1', 'localhost'),
    async close() {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

const framework: Framework = {
  name: 'Fastify',
  serve(sessions, handlers, options) {
    const web = session(sessions, options)
    const app = createFastify()
    app.register(web)
    for (const [path, handler] of Object.entries(handlers)) {
      app.get(path, async (request, reply) => {
        const { status = 200, headers = {}, body = '' } = await handler(web.of(request))
        reply.status(status).headers(headers)
        return typeof body === 'string' ? body : Readable.from(body, { objectMode: false })
      })
    }
    return listen(app)
  },
}

/** Serves an app while `use` runs. `/begin` sets `n` to 1, `/n` tells what it is. */
async function withApp(
  define: (app: FastifyInstance, web: FastifySession<Data>) => void,
  use: (browser: Browser, app: FastifyInstance) => Promise<void>,
  { store = memoryStore(), ...options }: AdapterOptions & { store?: Store } = {},
): Promise<void> {
  const web = session(createSessions<Data>({ store }), options)
  const app = createFastify()
  app.register(web)
  app.get('/begin', async request => {
    web.of(request).data.n = 1
    return 'begun'
  })
  app.get('/n', async request => String(web.of(request).data.n ?? 'nothing'))
  define(app, web)
  const server = await listen(app)
  try {
    await use(new Browser(server.url), app)
  } finally {
    await server.close()
  }
}

const plugin = suite('Fastify: the plugin')

plugin('a request that it has not seen has no session', () => {
  const web = session(createSessions<Data>({ store: memoryStore() }))
  assert.throws(() => web.of({ raw: {} as never }), isErrorWith('ERR_NO_SESSION'))
})

plugin('it holds for the instance that registers it and all within, and for no other', async () => {
  const web = session(createSessions<Data>({ store: memoryStore() }))
  const app = createFastify()
  const seen: string[] = []
  const route = (path: string) => async (instance: FastifyInstance) => {
    instance.get(path, async request => {
      web.of(request)
      seen.push(path)
      return ''
    })
  }
  app.register(async shop => {
    shop.register(web)
    shop.register(route('/shop'))
    shop.register(route('/cart'), { prefix: '/inner' })
  })
  app.register(route('/other'))
  for (const path of ['/shop', '/inner/cart']) {
    assert.equal((await app.inject(path)).statusCode, 200)
  }
  assert.deepEqual(seen, ['/shop', '/cart'])
  const { statusCode, body } = await app.inject('/other')
  assert.equal(statusCode, 500)
  assert.match(body, /ERR_NO_SESSION/)
  await app.close()
})

plugin('registered twice, also within, it gives one session', async () => {
  await withApp(
    (app, web) => {
      app.register(web)
      app.register(async inner => {
        inner.addHook('onRequest', async request => {
          web.of(request).data.n = 2
        })
        inner.register(web)
        inner.get('/twice', async request => String(web.of(request).data.n))
      })
    },
    async browser => {
      const { body, cookies } = await browser.get('/twice')
      assert.equal(body, '2')
      assert.equal(cookies.length, 1)
    },
  )
})

plugin('an injected request has a session', async () => {
  await withApp(
    () => undefined,
    async (_browser, app) => {
      const { headers } = await app.inject('/begin')
      const cookie = String(headers['set-cookie']).split(';')[0]
      assert.equal((await app.inject({ url: '/n', headers: { cookie } })).body, '1')
    },
  )
})

plugin('a commit that fails calls the error handler', async () => {
  const { store, fail } = failing()
  await withApp(
    app => {
      app.setErrorHandler((error, _request, reply) => {
        const { status, code } = error as SessionError
        return reply.status(status).send({ sorry: code })
      })
    },
    async browser => {
      fail()
      const page = await browser.get('/begin')
      assert.equal(page.status, 503)
      assert.equal(page.body, '{"sorry":"ERR_STORE"}')
      assert.equal((await browser.get('/n')).body, 'nothing')
    },
    { store },
  )
})

plugin('headers of hooks before it are on the response to an error', async () => {
  const { store, fail } = failing()
  const web = session(createSessions<Data>({ store }))
  const app = createFastify()
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-before', 'yes')
  })
  app.register(web)
  app.get('/', async (request, reply) => {
    web.of(request).data.n = 1
    return reply.code(201).header('x-handler', 'yes').send({})
  })
  fail()
  const { statusCode, headers } = await app.inject('/')
  assert.equal(statusCode, 503)
  assert.equal(headers['x-before'], 'yes')
  assert.equal(headers['x-handler'], undefined)
  await app.close()
})

plugin('an error discards, whatever is answered to it', async () => {
  await withApp(
    (app, web) => {
      app.setErrorHandler(async () => 'never mind')
      app.get('/fail', request => {
        web.of(request).data.n = 2
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

plugin('a Response of the web discards by its own status', async () => {
  await withApp(
    (app, web) => {
      app.get('/:status', async request => {
        const { status } = request.params as { status: string }
        web.of(request).data.n = status
        return new Response('later', { status: Number(status) })
      })
    },
    async browser => {
      await browser.get('/begin')
      assert.equal((await browser.get('/503')).status, 503)
      assert.equal((await browser.get('/n')).body, '1')
      assert.equal((await browser.get('/202')).status, 202)
      assert.equal((await browser.get('/n')).body, '202')
    },
  )
})

for (const fails of [false, true]) {
  plugin(`a hijacked reply commits before its first byte${fails ? ', or fails' : ''}`, async () => {
    const { store, fail } = failing()
    await withApp(
      (app, web) => {
        app.get('/raw', (request, reply) => {
          web.of(request).data.n = 2
          reply.hijack()
          reply.raw.end('raw')
        })
      },
      async browser => {
        await browser.get('/begin')
        if (fails) fail()
        const { status, body } = await browser.get('/raw')
        assert.equal(status, fails ? 503 : 200)
        assert.equal(body, fails ? '' : 'raw')
        assert.equal((await browser.get('/n')).body, fails ? '1' : '2')
      },
      { store },
    )
  })
}

plugin('what fails between onSend and the first byte calls the error handler', async () => {
  const { store, fail } = failing()
  await withApp(
    (app, web) => {
      app.get('/stream', async request => {
        async function* body() {
          web.of(request).data.n = 2
          fail()
          yield 'never sent'
        }
        return Readable.from(body(), { objectMode: false })
      })
    },
    async browser => {
      await browser.get('/begin')
      const page = await browser.get('/stream')
      assert.equal(page.status, 503)
      assert.match(page.body, /ERR_STORE/)
      assert.equal((await browser.get('/n')).body, '1')
    },
    { store },
  )
})

plugin('a request that ends without a response leaves nothing behind', async () => {
  await withApp(
    (app, web) => {
      app.get('/gone', async (request, reply) => {
        web.of(request).data.n = 2
        reply.hijack()
        reply.raw.destroy()
      })
    },
    async browser => {
      await browser.get('/begin')
      await assert.rejects(browser.get('/gone'))
      assert.equal((await browser.get('/n')).body, '1')
    },
  )
})

plugin('it refuses options that do not fit', () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  assert.throws(
    () => session(sessions, { onError: 'log' as unknown as () => void }),
    isErrorWith('ERR_INVALID_OPTION'),
  )
})

plugin.run()

forEachStore('Fastify: the contract of all adapters', (test, { create }) => {
  defineContract(test, framework, () => create())
})
