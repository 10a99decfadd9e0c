import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { NextFunction, Request, Response } from 'express'
import { suite } from 'uvu'
import { followed } from '../support/servers.js'
import { withApp } from './express-app.js'
import { deferred, failing } from './framework.js'

const ways = suite('Responses that are held back: every way to respond')

type Respond = (response: Response) => unknown

const license = join(import.meta.dirname, '../../LICENSE')

const chunks = (): Readable => Readable.from(Array.from({ length: 100 }, () => 'x'.repeat(10_000)))

const respond: Record<string, [respond: Respond, body: string, status?: number]> = {
  'end without a body': [response => response.end(), ''],
  'end with a body': [response => response.end('body'), 'body'],
  'end with a length': [response => response.setHeader('Content-Length', 4).end('body'), 'body'],
  'end with an encoding': [response => response.end('Ym9keQ==', 'base64'), 'body'],
  'end with a callback alone': [response => response.end(() => undefined), ''],
  'end twice': [response => response.end('body').end(), 'body'],
  'write and end': [
    response => {
      response.write('bo')
      response.write(Buffer.from('d'))
      response.end('y')
    },
    'body',
  ],
  'write with an encoding, and a callback that ends': [
    response => response.write('Ym9keQ==', 'base64', () => response.end()),
    'body',
  ],
  writeHead: [response => response.writeHead(201).end('body'), 'body', 201],
  'writeHead, write and end': [
    response => {
      response.writeHead(200, { 'X-Head': 'yes' })
      response.write('bo')
      response.end('dy')
    },
    'body',
  ],
  'writeHead with a message': [
    response => response.writeHead(202, 'Fine', { 'X-Head': 'yes' }).end('body'),
    'body',
    202,
  ],
  'writeHead with no message': [
    response => response.writeHead(200, undefined as never, { 'X-Head': 'yes' }).end('body'),
    'body',
  ],
  'writeHead with null for headers': [
    response => response.writeHead(200, undefined as never, null as never).end('body'),
    'body',
  ],
  'write, and writeHead if the head is not there': [
    response => {
      response.write('bo')
      const { _header } = response as Response & { _header?: unknown }
      if (!_header) response.writeHead(200)
      response.end('dy')
    },
    'body',
  ],
  'writeHead with raw headers': [
    response =>
      response
        .writeHead(200, ['X-Head', 'yes', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
        .end('body'),
    'body',
  ],
  'writeHead with raw headers that are lists': [
    response =>
      response.writeHead(200, ['X-Head', 'yes', 'Set-Cookie', ['a=1', 'b=2']]).end('body'),
    'body',
  ],
  'writeHead with pairs': [
    response =>
      response
        .writeHead(200, [
          ['X-Head', 'yes'],
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
        ] as never)
        .end('body'),
    'body',
  ],
  'writeHead with a Set-Cookie of its own': [
    response =>
      response.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'], 'X-Head': 'yes' }).end('body'),
    'body',
  ],
  'flushHeaders first': [
    response => {
      response.flushHeaders()
      response.end('body')
    },
    'body',
  ],
  'a stream that waits for drain': [response => chunks().pipe(response), 'x'.repeat(1_000_000)],
  'a pipeline': [response => pipeline(chunks(), response), 'x'.repeat(1_000_000)],
  'a loop that waits for drain': [
    async response => {
      for (let chunk = 0; chunk < 100; chunk++) {
        if (!response.write('x'.repeat(10_000))) await once(response, 'drain')
      }
      response.end()
    },
    'x'.repeat(1_000_000),
  ],
  'Express: send': [response => response.send('body'), 'body'],
  'Express: json': [response => response.json({ a: 1 }), '{"a":1}'],
  'Express: redirect': [
    response => response.redirect(303, '/n'),
    'See Other. Redirecting to /n',
    303,
  ],
  'Express: sendStatus': [response => response.sendStatus(202), 'Accepted', 202],
  'Express: sendFile': [response => response.sendFile(license), await readFile(license, 'utf8')],
}

for (const [way, [answer, body, status = 200]] of Object.entries(respond)) {
  ways(way, async () => {
    const events: string[] = []
    const store = followed(async () => {
      for (let turn = 0; turn < 5; turn++) await nextTurn()
      events.push('committed')
    })
    await withApp(
      (app, web) => {
        app.get('/', async (request, response) => {
          web.of(request).data.n = 1
          await answer(response)
        })
      },
      async browser => {
        for (const method of ['GET', 'HEAD']) {
          browser.cookie = ''
          const page = await browser.request(method, '/', {}, { head: () => events.push('head') })
          assert.deepEqual(events.splice(0), ['committed', 'head'])
          assert.equal(page.status, status)
          assert.equal(page.body, method === 'HEAD' ? '' : body)
          const [others, ours] = [/^[ab]=/, /^session=/].map(pattern =>
            page.cookies.filter(cookie => pattern.test(cookie)),
          )
          const own = answer.toString().includes('Set-Cookie')
          assert.deepEqual(others, own ? ['a=1', 'b=2'] : [])
          assert.equal(
            page.headers.get('x-head'),
            answer.toString().includes('X-Head') ? 'yes' : null,
          )
          assert.equal(ours?.length, 1)
          browser.cookie = ours?.[0]?.split(';')[0] as string
          assert.equal((await browser.get('/n')).body, '1')
        }
      },
      { store },
    )
  })
}

ways('what a browser has already is answered with 304, after the commit', async () => {
  await withApp(
    (app, web) => {
      app.get('/', (request, response) => {
        web.of(request).data.n = (web.of(request).data.n ?? 0) + 1
        response.send('always the same')
      })
    },
    async browser => {
      const { headers } = await browser.get('/')
      const page = await browser.get('/', { 'if-none-match': headers.get('etag') as string })
      assert.equal(page.status, 304)
      assert.equal((await browser.get('/n')).body, '2')
    },
  )
})

ways.run()

const rules = suite('Responses that are held back')

rules('a list of cookies that the application gives to every response stays its own', async () => {
  const everybody = ['a=1', 'b=2']
  await withApp(
    (app, web) => {
      for (const [path, respond] of [
        ['/set', response => response.setHeader('Set-Cookie', everybody).end()],
        ['/object', response => response.writeHead(200, { 'Set-Cookie': everybody }).end()],
        ['/raw', response => response.writeHead(200, ['Set-Cookie', everybody]).end()],
        [
          '/twice',
          response => response.writeHead(200, ['Set-Cookie', everybody, 'Set-Cookie', 'c=1']).end(),
        ],
      ] as [string, (response: ServerResponse) => void][]) {
        app.get(path, (request, response) => {
          web.of(request).data.n = 1
          respond(response)
        })
      }
    },
    async browser => {
      for (const path of ['/set', '/object', '/raw', '/twice']) {
        browser.cookie = ''
        const { cookies } = await browser.get(path)
        assert.equal(cookies.length, path === '/twice' ? 4 : 3)
        assert.deepEqual(everybody, ['a=1', 'b=2'])
      }
    },
  )
})

rules('a stream that the handler still sends has no part in the answer to an error', async () => {
  const { store, fail } = failing()
  await withApp(
    (app, web) => {
      app.get('/', (request, response) => {
        web.of(request).data.n = 1
        fail()
        chunks().pipe(response)
      })
      app.use(async (_error: unknown, _: Request, response: Response, _next: NextFunction) => {
        response.status(503).write('sor')
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        response.end('ry')
      })
    },
    async browser => {
      const { status, body } = await browser.get('/')
      assert.deepEqual([status, body], [503, 'sorry'])
    },
    { store },
  )
})

rules('what responds a second time is told that it is too late, as by Node', async () => {
  const found: unknown[] = []
  const [responded, tried] = [deferred(), deferred()]
  const respondAgain = (response: Response): void => {
    assert.equal(response.headersSent, true)
    assert.equal(response.writableEnded, true)
    for (const again of [
      () => response.setHeader('X-Late', '1'),
      () => response.appendHeader('X-Late', '1'),
      () => response.removeHeader('Content-Type'),
      () => response.status(404).send('second'),
      () => response.writeHead(404),
      () => response.redirect('/elsewhere'),
    ]) {
      try {
        again()
        found.push('no error')
      } catch (error) {
        found.push((error as { code: string }).code)
      }
    }
  }
  let writes = 0
  const store = followed(async () => {
    writes++
    if (writes === 1) return responded.promise
    // The late change is being committed now, and the response has not left yet.
    tried.resolve()
    for (let turn = 0; turn < 5; turn++) await nextTurn()
  })
  await withApp(
    (app, web) => {
      app.get('/', async (request, response) => {
        web.of(request).data.n = 1
        response.send('first')
        respondAgain(response)
        await nextTurn()
        web.of(request).data.n = 2
        respondAgain(response)
        responded.resolve()
        await tried.promise
        respondAgain(response)
      })
    },
    async browser => {
      const page = await browser.get('/')
      assert.equal(page.status, 200)
      assert.equal(page.body, 'first')
      assert.equal(page.headers.get('x-late'), null)
      assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.deepEqual(found, Array(18).fill('ERR_HTTP_HEADERS_SENT'))
      assert.equal((await browser.get('/n')).body, '2')
    },
    { store },
  )
})

rules('what is written after the end is refused as by Node, and the body stays whole', async () => {
  const codes: unknown[] = []
  await withApp(
    (app, web) => {
      app.get('/', (request, response) => {
        web.of(request).data.n = 1
        response.on('error', error => codes.push((error as { code?: string }).code))
        response.end('body')
        response.write('more')
      })
    },
    async browser => {
      assert.equal((await browser.get('/')).body, 'body')
      assert.deepEqual(codes, ['ERR_STREAM_WRITE_AFTER_END'])
    },
  )
})

const mistakes: Record<string, (response: ServerResponse) => void> = {
  'end with a number': response => response.end(5),
  'write with a number': response => response.write(5),
  'a status beyond 999': response => {
    response.statusCode = 1000
    response.end('body')
  },
  'writeHead with a status below 100': response => response.writeHead(99).end('body'),
  'writeHead with a header that has a line break': response => {
    response.writeHead(200, { 'X-Split': 'a\r\nSet-Cookie: b=1' }).end('body')
  },
  'a message with a line break': response => {
    response.statusMessage = 'a\r\nb'
    response.end('body')
  },
}

for (const [what, mistake] of Object.entries(mistakes)) {
  rules(
    `what Node refuses is an error of the handler, and harms nobody else: ${what}`,
    async () => {
      await withApp(
        (app, web) => {
          app.get('/', async (request, response) => {
            await web.of(request).rotateId()
            response.setHeader('X-Handler', 'was here')
            mistake(response)
          })
        },
        async browser => {
          await browser.get('/begin')
          const page = await browser.get('/')
          assert.equal(page.status, 500)
          assert.match(page.body, /^error ERR_/)
          assert.equal(page.cookies.length, 1)
          assert.equal((await browser.get('/n')).body, '1')
        },
      )
    },
  )
}

rules('raw headers take the place of those that were set before', async () => {
  await withApp(
    (app, web) => {
      app.get('/', (request, response) => {
        web.of(request).data.n = 1
        response.setHeader('X-Head', 'before')
        response.writeHead(200, ['x-head', 'after']).end()
      })
    },
    async browser => assert.equal((await browser.get('/')).headers.get('x-head'), 'after'),
  )
})

rules('an error can be answered by a stream', async () => {
  await withApp(
    (app, web) => {
      app.get('/', (request, response) => {
        web.of(request).data.n = 1
        response.writeHead(99).end('body')
      })
      app.use((_error: Error, _request: Request, response: Response, _next: NextFunction) => {
        response.status(500)
        chunks().pipe(response)
      })
    },
    async browser => {
      const page = await browser.get('/')
      assert.equal(page.status, 500)
      assert.equal(page.body.length, 1_000_000)
    },
  )
})

rules('once the handler has responded, no rotation can begin', async () => {
  const codes: unknown[] = []
  await withApp(
    (app, web) => {
      app.get('/', async (request, response) => {
        web.of(request).data.n = 2
        response.send('done')
        const rotate = (): Promise<void> =>
          web
            .of(request)
            .rotateId()
            .catch(error => void codes.push(error.code))
        await Promise.all([rotate(), web.of(request).commit().then(rotate)])
      })
    },
    async browser => {
      await browser.get('/begin')
      const { cookie } = browser
      await browser.get('/')
      assert.deepEqual(codes, ['ERR_HEADERS_SENT', 'ERR_HEADERS_SENT'])
      assert.equal(browser.cookie, cookie)
      assert.equal((await browser.get('/n')).body, '2')
    },
  )
})

rules('what answers an error of the commit can still rotate the session', async () => {
  await withApp(
    (app, web) => {
      app.get('/', async (request, response) => {
        await web.of(request).destroy()
        web.of(request).data.n = 'nowhere to go'
        response.send('fine')
      })
      app.use(async (error: Error, request: Request, response: Response, _next: NextFunction) => {
        await web.of(request).rotateId()
        response.status(401).send(error.name)
      })
    },
    async browser => {
      await browser.get('/begin')
      const page = await browser.get('/')
      assert.equal(page.status, 401)
      assert.equal(page.body, 'SessionGoneError')
      assert.match(page.cookies[0] ?? '', /Max-Age=0/)
    },
  )
})

rules('a server-sent stream commits what it changed when the client goes', async () => {
  const committed = deferred()
  let writes = 0
  const store = followed(() => {
    if (++writes === 2) committed.resolve()
  })
  await withApp(
    (app, web) => {
      app.get('/events', (request, response) => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.write('data: 1\n\n')
        response.once('drain', () => {
          web.of(request).data.n = 2
          response.write('data: 2\n\n')
        })
      })
    },
    async browser => {
      await browser.get('/begin')
      await browser.abortAfterFirstByte('/events')
      await committed.promise
      assert.equal((await browser.get('/n')).body, '2')
    },
    { store },
  )
})

rules('a client that goes during the commit loses nothing that is changed meanwhile', async () => {
  const [started, gone, committed] = [deferred(), deferred(), deferred()]
  let writes = 0
  const store = followed(async () => {
    writes++
    if (writes === 2) {
      started.resolve()
      await gone.promise
    }
    if (writes === 3) committed.resolve()
  })
  await withApp(
    (app, web) => {
      app.get('/events', async (request, response) => {
        web.of(request).data.n = 2
        response.write('data: 1\n\n')
        await once(response, 'close')
        web.of(request).data.n = 3
        gone.resolve()
      })
    },
    async browser => {
      await browser.get('/begin')
      await browser.abort('/events', started.promise)
      await committed.promise
      assert.equal((await browser.get('/n')).body, '3')
    },
    { store },
  )
})

rules('middleware that wraps the response sees it as without sessions', async () => {
  const seen: unknown[] = []
  await withApp(
    (app, web) => {
      app.use((_request, response, next) => {
        const [writeHead, end] = [response.writeHead, response.end]
        response.writeHead = (...args: unknown[]) => {
          response.setHeader('X-Wrapped', 'yes')
          return writeHead.apply(response, args as never)
        }
        response.end = (...args: unknown[]) => {
          seen.push(args[0])
          return end.apply(response, args as never)
        }
        next()
      })
      app.get('/implicit', (request, response) => {
        web.of(request).data.n = 1
        response.end('body')
      })
      app.get('/explicit', (request, response) => {
        web.of(request).data.n = 1
        response.writeHead(200).end('body')
      })
    },
    async browser => {
      for (const path of ['/implicit', '/explicit']) {
        browser.cookie = ''
        const page = await browser.get(path)
        assert.equal(page.body, 'body')
        assert.equal(page.headers.get('x-wrapped'), 'yes')
        assert.equal(page.cookies.length, 1)
      }
      assert.deepEqual(seen, ['body', 'body'])
    },
  )
})

rules.run()
