/**
 * What is sent as the cookie, and what is read from it.
 */

import assert from 'node:assert/strict'
import type { Test } from 'uvu'
import type { CookieOptions } from '../../../lib/adapters/cookie.js'
import type { Store } from '../../../lib/index.js'
import { memoryStore } from '../../../lib/index.js'
import { Browser } from '../browser.js'
import { after, view, write } from '../framework.js'
import type { Serve } from './serve.js'

/** Defines those rules. */
export function defineCookies(test: Test, serve: Serve, createStore: () => Store): void {
  test('what is set is read by the next request, with the default cookie', async () => {
    await serve({ '/': view, '/write': write }, async browser => {
      const { cookies } = await browser.get('/write')
      assert.equal(cookies.length, 1)
      assert.match(
        cookies[0] ?? '',
        /^session=[\w-]{43}; Max-Age=1(?:800|79\d); Path=\/; HttpOnly; SameSite=Lax$/,
      )
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  test('behind a proxy, the cookie is __Host-, Secure and HttpOnly', async () => {
    await serve({ '/write': write }, async browser => {
      const { cookies } = await browser.get('/write', { 'x-forwarded-proto': 'https' })
      assert.match(
        cookies[0] ?? '',
        /^__Host-session=[\w-]{43}; Max-Age=1(?:800|79\d); Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      )
    })
  })

  test('the cookie is sent again when the expiry has moved, at most once in touchAfter', async () => {
    let now = Date.UTC(2030, 0, 1)
    const options = {
      store: memoryStore({ now: () => now }),
      settings: { idleTimeout: 60_000, touchAfter: 10_000 },
    }
    await serve(
      { '/': view, '/write': write },
      async browser => {
        assert.equal((await browser.get('/write')).cookies.length, 1)
        const { cookie } = browser
        let sent = 0
        for (let second = 1; second <= 40; second++) {
          now += 1000
          const path = second % 2 === 0 ? '/write' : '/'
          sent += (await browser.get(path)).cookies.length
        }
        assert.equal(sent, 4)
        now += 11_000
        const { cookies } = await browser.get('/')
        assert.match(cookies[0] ?? '', /; Max-Age=60;/)
        assert.equal(browser.cookie, cookie)
        now += 60_000
        assert.equal((await browser.get('/')).body, '{}')
      },
      options,
    )
  })

  test('a timeout of its own moves the cookie of its session', async () => {
    const remember = after(session => session.timeouts({ idle: 86_400_000 }))
    await serve({ '/write': write, '/remember': remember }, async browser => {
      await browser.get('/write')
      const { cookies } = await browser.get('/remember')
      assert.match(cookies[0] ?? '', /; Max-Age=86400;/)
    })
  })

  test('with persistent: false it ends with the browser, and is not sent again', async () => {
    let now = Date.UTC(2030, 0, 1)
    const options = {
      store: memoryStore({ now: () => now }),
      adapter: { cookie: { persistent: false } },
    }
    await serve(
      { '/': view, '/write': write },
      async browser => {
        const { cookies } = await browser.get('/write')
        assert.match(cookies[0] ?? '', /^session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
        now += 20 * 60_000
        const page = await browser.get('/write')
        assert.equal(page.body, '2')
        assert.deepEqual(page.cookies, [])
      },
      options,
    )
  })

  test('all options are in the cookie, also in the one that expires it', async () => {
    const cookie: CookieOptions = {
      name: '__Secure-sid',
      domain: 'example.com',
      path: '/app',
      sameSite: 'none',
      secure: true,
      partitioned: true,
    }
    const logout = after(session => session.destroy())
    await serve(
      { '/write': write, '/logout': logout },
      async browser => {
        const rest = 'Domain=example.com; Path=/app; HttpOnly; Secure; Partitioned; SameSite=None'
        const set = (await browser.get('/write')).cookies[0] ?? ''
        // A server that is busy may answer some seconds late.
        const printed = set.replace(/=[\w-]{43}/, '=').replace(/Max-Age=179\d/, 'Max-Age=1800')
        assert.equal(printed, `__Secure-sid=; Max-Age=1800; ${rest}`)
        const [expired] = (await browser.get('/logout')).cookies
        assert.equal(expired, `__Secure-sid=; Max-Age=0; ${rest}`)
      },
      { adapter: { cookie } },
    )
  })

  for (const [what, cookie] of forged) {
    test(`a cookie that is forged or damaged opens nothing, and asks no store: ${what}`, async () => {
      await serve({ '/': view }, async (browser, { calls }) => {
        const response = await new Browser(browser.url, cookie).get('/')
        assert.equal(response.status, 200)
        assert.equal(response.body, '{}')
        assert.deepEqual(calls, [])
      })
    })
  }

  test('of several cookies of its name the first is read, and no other', async () => {
    await serve({ '/': view, '/write': write }, async (browser, { calls }) => {
      await browser.get('/write')
      const [mine, other] = [browser.cookie, `session=${'A'.repeat(43)}`]
      const bodyWith = async (cookie: string): Promise<string> => {
        calls.splice(0)
        const { body } = await new Browser(browser.url, cookie).get('/')
        assert.deepEqual(calls, ['load'])
        return body
      }
      assert.equal(await bodyWith(`a=1; ${mine}; ${other}; b=2`), '{"n":1}')
      assert.equal(await bodyWith(`${other}; ${mine}`), '{}')
      assert.equal(await bodyWith(`Session=1; sessio=1; ${mine}; session2=1`), '{"n":1}')
    })
  })

  test('an id that was never given is not adopted', async () => {
    await serve({ '/write': write }, async browser => {
      const offered = `session=${'A'.repeat(43)}`
      const other = new Browser(browser.url, offered)
      await other.get('/write')
      assert.notEqual(other.cookie, offered)
    })
  })

  test('a signed cookie is verified with all keys, signed with the first, and refused otherwise', async () => {
    const [first, second] = ['the first of the keys', 'the second of the keys']
    const store = createStore()
    const bodyWith = async (keys: string[] | undefined, cookie: string): Promise<string> => {
      let body = ''
      await serve(
        { '/': view },
        async browser => {
          body = (await new Browser(browser.url, cookie).get('/')).body
        },
        { store, adapter: { cookie: keys === undefined ? {} : { keys } } },
      )
      return body
    }
    let cookie = ''
    await serve(
      { '/write': write },
      async browser => {
        await browser.get('/write')
        cookie = browser.cookie
      },
      { store, adapter: { cookie: { keys: [second] } } },
    )
    assert.equal(await bodyWith([second], cookie), '{"n":1}')
    assert.equal(await bodyWith([first, second], cookie), '{"n":1}')
    assert.equal(await bodyWith([first], cookie), '{}')
    assert.equal(await bodyWith(undefined, cookie), '{}')
    assert.equal(await bodyWith([second], cookie.slice(0, -1)), '{}')
    assert.equal(await bodyWith([second], cookie.replace(/\..*$/, '')), '{}')
    assert.equal(await bodyWith([second], cookie.replace(/\..*$/, '.')), '{}')
  })
}

const id = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ'

const forged: readonly [what: string, cookie: string][] = [
  ['too short', `session=${id.slice(1)}`],
  ['too long', `session=${id}A`],
  ['another alphabet', `session=${id.slice(1)}+`],
  ['quoted', `session="${id}"`],
  ['encoded', `session=%61${id.slice(1)}`],
  ['percent junk', `session=%E0%A4%A${id.slice(8)}`],
  ['a look-alike name', `session\u00a0=${id}`],
  ['a name with another case', `Session=${id}`],
  ['an encoded name', `%73ession=${id}`],
  ['an operator as a name', `session[$ne]=${id}`],
  ['JSON', 'session={"$ne":null}'],
  ['a __Host- name where none was given', `__Host-session=${id}`],
  ['nothing', 'session='],
  ['a mark and nothing', 'session=~'],
  ['no pair at all', ';;;==;session'],
  ['twelve kilobytes', `session=${'x'.repeat(12_000)}`],
]
