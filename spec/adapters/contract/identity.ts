/**
 * What becomes of a session's id, and of its cookie, when it is rotated or destroyed.
 */

import assert from 'node:assert/strict'
import type { Test } from 'uvu'
import type { Store } from '../../../lib/index.js'
import { StoreError } from '../../../lib/index.js'
import { Browser } from '../browser.js'
import type { Handler } from '../framework.js'
import { after, deferred, view, write } from '../framework.js'
import type { Serve } from './serve.js'

const EXPIRED = /^session=; Max-Age=0; Path=\//

/** Defines those rules. */
export function defineIdentity(test: Test, serve: Serve): void {
  const logout = after(session => session.destroy())

  test('a rotation gives a new cookie, keeps the data, and the old id opens nothing of it', async () => {
    const login = after(async session => {
      await session.rotateId()
      session.data.user = 7
    })
    await serve({ '/': view, '/write': write, '/login': login }, async (browser, { calls }) => {
      await browser.get('/write')
      const old = browser.cookie
      calls.splice(0)
      const { cookies } = await browser.get('/login')
      assert.deepEqual(calls.splice(0), ['load', 'insert', 'retire', 'write'])
      assert.equal(cookies.length, 1)
      assert.notEqual(browser.cookie, old)
      assert.equal((await browser.get('/')).body, '{"n":1,"user":7}')
      const stale = new Browser(browser.url, old)
      const page = await stale.get('/')
      assert.equal(page.body, '{}')
      // The browser may have got the new one meanwhile: nothing is to take its place.
      assert.deepEqual(page.cookies, [])
      const refused = await stale.get('/write')
      assert.equal(refused.status, 401)
      assert.deepEqual(refused.cookies, [])
    })
  })

  test('a login with an id that was rotated away starts a session of its own', async () => {
    const login = after(async session => {
      await session.rotateId()
      session.data.user = 8
    })
    const rotate = after(session => session.rotateId())
    const handlers = { '/': view, '/write': write, '/rotate': rotate, '/login': login }
    await serve(handlers, async browser => {
      await browser.get('/write')
      const stale = new Browser(browser.url, browser.cookie)
      await browser.get('/rotate')
      assert.deepEqual((await stale.get('/rotate')).cookies, [])
      assert.equal((await stale.get('/login')).cookies.length, 1)
      assert.equal((await stale.get('/')).body, '{"user":8}')
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  test('the cookie of a rotation is sent although the handler fails afterwards', async () => {
    const login: Handler = async session => {
      await session.rotateId()
      session.data.n = 'lost'
      throw new Error('after the rotation')
    }
    await serve({ '/': view, '/write': write, '/login': login }, async browser => {
      await browser.get('/write')
      const old = browser.cookie
      const response = await browser.get('/login')
      assert.equal(response.status, 500)
      assert.equal(response.cookies.length, 1)
      assert.notEqual(browser.cookie, old)
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  test('the cookie of a rotation is sent although the commit fails afterwards', async () => {
    const login = after(async session => {
      await session.rotateId()
      session.data.n = 'lost'
    })
    const wrap = (store: Store): Store => ({
      ...store,
      async write() {
        throw new StoreError('commit the session', 'the spec says so')
      },
    })
    await serve(
      { '/': view, '/write': write, '/login': login },
      async browser => {
        await browser.get('/write')
        const response = await browser.get('/login')
        assert.equal(response.status, 503)
        assert.equal(response.cookies.length, 1)
        assert.equal((await browser.get('/')).body, '{"n":1}')
      },
      { wrap },
    )
  })

  test('a rotation of a session that is not stored yet stores it once', async () => {
    const login = after(async session => {
      session.data.n = 1
      await session.rotateId()
    })
    await serve({ '/': view, '/login': login }, async (browser, { calls }) => {
      assert.equal((await browser.get('/login')).cookies.length, 1)
      assert.deepEqual(calls.splice(0), ['insert'])
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  test('destroying expires the cookie, and the id opens nothing', async () => {
    await serve(
      { '/': view, '/write': write, '/logout': logout },
      async (browser, { sessions, calls }) => {
        await browser.get('/write')
        const { cookie } = browser
        calls.splice(0)
        const { cookies } = await browser.get('/logout')
        assert.deepEqual(calls, ['load', 'remove'])
        assert.equal(cookies.length, 1)
        assert.match(cookies[0] ?? '', EXPIRED)
        assert.equal((await new Browser(browser.url, cookie).get('/')).body, '{}')
        assert.equal(await sessions.open(cookie.replace('session=', '')), null)
      },
    )
  })

  test('destroying a session that no browser knows of sets no cookie', async () => {
    await serve({ '/logout': logout }, async (browser, { calls }) => {
      const { status, cookies } = await browser.get('/logout')
      assert.equal(status, 200)
      assert.deepEqual(cookies, [])
      assert.deepEqual(calls, [])
    })
  })

  test('what was changed before the session was destroyed is given up, what comes after is 401', async () => {
    const countAndLogout = after(async session => {
      session.data.n = 'counted'
      await session.destroy()
    })
    const logoutAndCount = after(async session => {
      await session.destroy()
      session.data.n = 'counted'
    })
    const handlers = { '/write': write, '/before': countAndLogout, '/after': logoutAndCount }
    await serve(handlers, async browser => {
      for (const [path, status] of [
        ['/before', 200],
        ['/after', 401],
      ] as const) {
        await browser.get('/write')
        const page = await browser.get(path)
        assert.equal(page.status, status)
        assert.match(page.cookies[0] ?? '', EXPIRED)
      }
    })
  })

  test('a destroyed session that is rotated begins anew, with another cookie or none', async () => {
    const restart = after(async session => {
      await session.destroy()
      await session.rotateId()
    })
    const restartWith = after(async session => {
      await session.destroy()
      await session.rotateId()
      session.data.fresh = true
    })
    const handlers = { '/': view, '/write': write, '/restart': restart, '/with': restartWith }
    await serve(handlers, async browser => {
      await browser.get('/write')
      const { cookies } = await browser.get('/restart')
      assert.match(cookies[0] ?? '', EXPIRED)
      await browser.get('/write')
      const old = browser.cookie
      assert.equal((await browser.get('/with')).cookies.length, 1)
      assert.notEqual(browser.cookie, old)
      assert.equal((await browser.get('/')).body, '{"fresh":true}')
      assert.equal((await new Browser(browser.url, old).get('/')).body, '{}')
    })
  })

  test('a session that could not be destroyed keeps its cookie, and the response is an error', async () => {
    const wrap = (store: Store): Store => ({
      ...store,
      async remove() {
        throw new StoreError('destroy the session', 'the spec says so')
      },
    })
    await serve(
      { '/': view, '/write': write, '/logout': logout },
      async browser => {
        await browser.get('/write')
        const { status, cookies } = await browser.get('/logout')
        assert.equal(status, 503)
        assert.deepEqual(cookies, [])
        assert.equal((await browser.get('/')).body, '{"n":1}')
      },
      { wrap },
    )
  })

  test('a slow request does not bring a logged-out session back', async () => {
    const [started, finish] = [deferred(), deferred()]
    const slow = after(async session => {
      session.data.slow = true
      started.resolve()
      await finish.promise
    })
    const handlers = { '/': view, '/write': write, '/slow': slow, '/logout': logout }
    await serve(handlers, async browser => {
      await browser.get('/write')
      const { cookie } = browser
      const pending = new Browser(browser.url, cookie).get('/slow')
      await started.promise
      await browser.get('/logout')
      finish.resolve()
      const response = await pending
      assert.equal(response.status, 401)
      assert.deepEqual(response.cookies, [])
      assert.equal((await new Browser(browser.url, cookie).get('/')).body, '{}')
    })
  })
}
