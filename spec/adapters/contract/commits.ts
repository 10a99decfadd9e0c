/**
 * When a request commits, when it discards, and what the store is asked.
 */

import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'uvu'
import type { Store } from '../../../lib/index.js'
import { StoreError } from '../../../lib/index.js'
import { followed, intercepted } from '../../support/servers.js'
import { Browser } from '../browser.js'
import type { Handler } from '../framework.js'
import { after, deferred, ignore, view, write } from '../framework.js'
import type { Serve } from './serve.js'

/** Defines those rules. */
export function defineCommits(test: Test, serve: Serve): void {
  test('a new session that holds nothing is not stored, and sets no cookie', async () => {
    const undo = after(({ data }) => {
      data.n = 1
      delete data.n
    })
    await serve({ '/': view, '/ignore': ignore, '/undo': undo }, async (browser, { calls }) => {
      for (const path of ['/', '/ignore', '/undo']) {
        const response = await browser.get(path)
        assert.equal(response.status, 200)
        assert.deepEqual(response.cookies, [])
        assert.deepEqual(calls, [])
      }
    })
  })

  test('a request loads once, and makes one data write if it changed something', async () => {
    const often = after(async session => {
      session.data.a = 1
      await session.commit()
      await session.commit()
      session.touch()
      await session.commit()
    })
    const handlers = { '/': view, '/ignore': ignore, '/write': write, '/often': often }
    await serve(handlers, async (browser, { calls }) => {
      const called = async (path: string): Promise<string[]> => {
        await browser.get(path)
        return calls.splice(0)
      }
      assert.deepEqual(await called('/write'), ['insert'])
      assert.deepEqual(await called('/write'), ['load', 'write'])
      assert.deepEqual(await called('/'), ['load'])
      assert.deepEqual(await called('/ignore'), ['load'])
      // A touch that was asked for is one more, if a millisecond has passed.
      const often = await called('/often')
      assert.deepEqual(
        often.filter(call => call !== 'touch'),
        ['load', 'write'],
      )
      assert.ok(often.length <= 3)
    })
  })

  test('a request that moves the expiry alone moves it once', async () => {
    await serve(
      { '/': view, '/write': write },
      async (browser, { calls }) => {
        await browser.get('/write')
        calls.splice(0)
        await browser.get('/')
        assert.deepEqual(calls, ['load', 'touch'])
      },
      { settings: { touchAfter: 0 } },
    )
  })

  test('no byte leaves before the commit has ended', async () => {
    const events: string[] = []
    const commits = async (): Promise<void> => {
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      events.push('committed')
    }
    const wrap = (store: Store): Store => followed(commits, store, ['insert'])
    const redirect: Handler = ({ data }) => {
      data.n = 1
      return { status: 303, headers: { location: '/' } }
    }
    const stream: Handler = ({ data }) => {
      data.n = 1
      return {
        body: (async function* () {
          yield 'first'
        })(),
      }
    }
    const handlers = { '/write': write, '/redirect': redirect, '/stream': stream }
    await serve(
      handlers,
      async browser => {
        for (const path of Object.keys(handlers)) {
          for (const method of ['GET', 'HEAD']) {
            const head = (): unknown => events.push('head')
            await new Browser(browser.url).request(method, path, {}, { head })
            assert.deepEqual(events.splice(0), ['committed', 'head'], `${method} ${path}`)
          }
        }
      },
      { wrap },
    )
  })

  test('a redirect finds what the request before it wrote', async () => {
    const redirect: Handler = session => {
      session.data.n = 'redirected'
      return { status: 303, headers: { location: '/' } }
    }
    await serve({ '/': view, '/redirect': redirect }, async browser => {
      const response = await browser.get('/redirect')
      assert.equal(response.status, 303)
      assert.equal(response.headers.get('location'), '/')
      assert.equal((await browser.get('/')).body, '{"n":"redirected"}')
    })
  })

  test('HEAD, 204 and 304 responses carry the cookie, and no body', async () => {
    const empty =
      (status: number): Handler =>
      session => {
        session.data.seen = true
        return { status }
      }
    await serve({ '/write': write, '/204': empty(204), '/304': empty(304) }, async browser => {
      const head = await browser.request('HEAD', '/write')
      assert.equal(head.cookies.length, 1)
      assert.equal(head.body, '')
      for (const status of [204, 304]) {
        const page = await new Browser(browser.url).get(`/${status}`)
        assert.equal(page.status, status)
        assert.equal(page.cookies.length, 1)
        assert.equal(page.body, '')
      }
    })
  })

  test('a handler that throws discards what it changed, and the response is an error', async () => {
    const fail: Handler = session => {
      session.data.n = 'lost'
      throw new Error('the handler fails')
    }
    await serve({ '/': view, '/write': write, '/fail': fail }, async (browser, { calls }) => {
      assert.equal((await browser.get('/fail')).status, 500)
      assert.deepEqual(calls, [])
      await browser.get('/write')
      calls.splice(0)
      const response = await browser.get('/fail')
      assert.equal(response.status, 500)
      assert.deepEqual(response.cookies, [])
      assert.deepEqual(calls, ['load'])
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  test('a response of 500 and above discards, unless an option commits', async () => {
    const respond =
      (status: number): Handler =>
      session => {
        session.data.n = status
        return { status, body: 'later' }
      }
    const handlers = { '/': view, '/write': write, '/499': respond(499), '/503': respond(503) }
    await serve(handlers, async browser => {
      await browser.get('/write')
      assert.equal((await browser.get('/503')).status, 503)
      assert.equal((await browser.get('/')).body, '{"n":1}')
      assert.equal((await browser.get('/499')).status, 499)
      assert.equal((await browser.get('/')).body, '{"n":499}')
    })
    await serve(
      handlers,
      async browser => {
        await browser.get('/write')
        assert.equal((await browser.get('/503')).status, 503)
        assert.equal((await browser.get('/')).body, '{"n":503}')
      },
      { adapter: { commitOnError: true } },
    )
  })

  for (const commitOnError of [false, true]) {
    test(`a commit that fails is an error response, and what the handler answered is dropped, ${
      commitOnError ? 'also' : 'not only'
    } with commitOnError`, async () => {
      const answer: Handler = session => {
        session.data.n = 2
        return {
          headers: { 'x-handler': 'was here', 'content-type': 'text/x-handler' },
          body: 'fine',
        }
      }
      let fails = true
      const failOnce = async (proceed: () => unknown): Promise<unknown> => {
        if (!fails) return proceed()
        fails = false
        throw new StoreError('commit the session', 'the spec says so')
      }
      const wrap = (store: Store): Store =>
        intercepted(store, { insert: failOnce, write: failOnce })
      await serve(
        { '/': view, '/write': write, '/answer': answer },
        async browser => {
          const refused = async (): Promise<void> => {
            const response = await browser.get('/answer')
            assert.equal(response.status, 503)
            assert.equal(response.headers.get('x-handler'), null)
            assert.notEqual(response.headers.get('content-type'), 'text/x-handler')
            assert.doesNotMatch(response.body, /fine/)
            assert.deepEqual(response.cookies, [])
          }
          await refused()
          assert.equal((await browser.get('/')).body, '{}')
          await browser.get('/write')
          fails = true
          await refused()
          // It is not tried again behind the back of a client that was told that it failed.
          assert.equal((await browser.get('/')).body, '{"n":1}')
        },
        { wrap, adapter: { commitOnError } },
      )
    })
  }

  test('a client that goes before the response leaves a commit that is whole', async () => {
    const [started, gone, committed] = [deferred(), deferred(), deferred()]
    const slow = after(async ({ data }) => {
      data.before = 1
      started.resolve()
      await gone.promise
      data.after = 1
    })
    const wrap = (store: Store): Store => followed(committed.resolve, store, ['write'])
    await serve(
      { '/': view, '/write': write, '/slow': slow },
      async browser => {
        await browser.get('/write')
        await browser.abort('/slow', started.promise)
        gone.resolve()
        await committed.promise
        const data = JSON.parse((await browser.get('/')).body)
        assert.deepEqual(data, { n: 1, before: 1, after: 1 })
      },
      { wrap },
    )
  })
}
