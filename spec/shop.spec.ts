/**
 * The shop of `npm start -- --serve`, used as a browser does: by the forms of its pages.
 */

import assert from 'node:assert/strict'
import type { Test } from 'uvu'
import { suite } from 'uvu'
import type { Page } from './adapters/browser.js'
import { Browser } from './adapters/browser.js'
import type { RunningExample } from './support/example.js'
import { startExample } from './support/example.js'
import { mongoUri } from './support/stores.js'

const PHONE = { 'user-agent': 'Mozilla/5.0 (iPhone; like Mac OS X) Version/17.0 Safari/604.1' }

/** A visitor, who submits the forms that the last page had. */
class Visitor extends Browser {
  page = ''

  async visit(path: string): Promise<string> {
    this.page = (await this.get(path)).body
    return this.page
  }

  /** Submits a form of the page, and goes where that leads. */
  async submit(path: string, fields: Record<string, string> = {}, headers = {}): Promise<Page> {
    const form = new RegExp(
      `action="${path}">\\s*<input type="hidden" name="(\\w+)" value="(\\w+)">`,
    )
    const [, name = '', token = ''] = form.exec(this.page) ?? assert.fail(`no form for ${path}`)
    const answer = await this.post(path, { ...fields, [name]: token }, headers)
    const next = answer.headers.get('location')
    this.page = next === null ? answer.body : await this.visit(next)
    return answer
  }

  async logIn(name: string, headers = {}): Promise<Page> {
    await this.visit('/login')
    return this.submit('/login', { name, password: 'tea' }, headers)
  }
}

const lifetimeOf = ({ cookies }: Page): number =>
  Number(/Max-Age=(\d+)/.exec(cookies[0] ?? '')?.[1])

/** Defines what a shop at `url` does. */
function defineShop(test: Test, url: string): void {
  test('a login gives a new id and a new token, and the cart stays', async () => {
    const ada = new Visitor(url)
    await ada.visit('/')
    await ada.submit('/cart', { item: 'Kettle' })
    assert.match(ada.page, /append.*<h3>The update document for MongoDB.*\$push/s)
    const before = { cookie: ada.cookie, page: ada.page }

    await ada.visit('/login')
    const wrong = await ada.submit('/login', { name: 'Ada', password: 'coffee' })
    assert.equal(wrong.status, 401)
    assert.match(ada.page, /That is not the password/)
    assert.equal(ada.cookie, before.cookie)

    const answer = await ada.submit('/login', { name: 'Ada', password: 'tea' })
    assert.equal(answer.status, 303)
    assert.notEqual(ada.cookie, before.cookie)
    assert.match(ada.page, /<span>Ada<\/span>.*Remove Kettle.*data\.user&#39;: { name: &#39;Ada/s)
    const after = ada.page
    ada.page = before.page
    assert.equal((await ada.submit('/cart', { item: 'Tea' })).status, 403)
    ada.page = after
    assert.equal((await ada.submit('/cart', { item: 'Tea' })).status, 303)

    const stale = new Visitor(url)
    stale.cookie = before.cookie
    const { status, body } = await stale.get('/')
    assert.equal(status, 401)
    assert.match(body, /logged in or out in another window/)
    assert.doesNotMatch(body, /Ada|Kettle/)
  })

  test('a form without the token of its session changes nothing', async () => {
    const ben = new Visitor(url)
    const stranger = new Visitor(url)
    await ben.logIn('Ben')
    await stranger.logIn('Eve')
    const { cookie } = ben
    const [, token = ''] = /name="csrfToken" value="(\w+)"/.exec(stranger.page) ?? []
    assert.notEqual(token, '')
    for (const path of ['/cart', '/cart/remove', '/login', '/logout', '/devices/logout']) {
      const fields = { item: 'Tea', name: 'Eve', password: 'tea' }
      assert.equal((await ben.post(path, fields)).status, 403, path)
      assert.equal((await ben.post(path, { ...fields, csrfToken: token })).status, 403, path)
    }
    assert.equal(ben.cookie, cookie)
    assert.match(await ben.visit('/'), /<span>Ben<\/span>.*There is nothing in it yet/s)
  })

  test('a user sees all devices, and logs out everywhere else', async () => {
    const desk = new Visitor(url)
    const phone = new Visitor(url)
    const other = new Visitor(url)
    await desk.logIn('Cleo')
    await phone.logIn('Cleo', PHONE)
    await other.logIn('Dora')
    await desk.visit('/devices')
    assert.match(desk.page, /Safari on iPhone<.*last used .*<time datetime="20\S+">just now</)
    assert.equal(desk.page.match(/last used/g)?.length, 2)
    assert.equal(desk.page.match(/\(this one\)/g)?.length, 1)

    const { cookie } = phone
    assert.equal((await desk.submit('/devices/logout')).status, 303)
    assert.equal(desk.page.match(/last used/g)?.length, 1)
    assert.match(desk.page, /\(this one\)/)
    assert.doesNotMatch(await phone.visit('/'), /Cleo/)
    assert.notEqual(phone.cookie, cookie)
    assert.match(await other.visit('/devices'), /Dora.*\(this one\)/s)
  })

  test('a logout ends the session, for whoever has its cookie', async () => {
    const fred = new Visitor(url)
    await fred.logIn('Fred')
    const copy = new Visitor(url)
    copy.cookie = fred.cookie
    assert.match(await copy.visit('/'), /Fred/)
    assert.equal(lifetimeOf(await fred.submit('/logout')), 0)
    assert.doesNotMatch(fred.page, /Fred/)
    assert.doesNotMatch(await copy.visit('/'), /Fred/)
  })

  test('who wants to be remembered is, for a month', async () => {
    const gina = new Visitor(url)
    assert.ok(lifetimeOf(await gina.logIn('Gina')) <= 30 * 60)
    await gina.visit('/login')
    const answer = await gina.submit('/login', { name: 'Gina', password: 'tea', remember: 'on' })
    const days = lifetimeOf(answer) / 60 / 60 / 24
    assert.ok(days > 29 && days <= 30, String(days))
  })

  test('nobody but a user has devices', async () => {
    const { status, headers } = await new Visitor(url).get('/devices')
    assert.deepEqual([status, headers.get('location')], [303, '/login'])
  })
}

const start = (uri: string): Promise<RunningExample> =>
  startExample('shop/main.ts', ['--serve'], { MONGODB_URI: uri })
const shops = [{ title: 'the shop, with sessions in memory', ...(await start('')) }]
if (mongoUri !== '') {
  shops.push({ title: 'the shop, with sessions in MongoDB', ...(await start(mongoUri)) })
}
for (const { title, url, stop } of shops) {
  const shop = suite(title)
  defineShop(shop, url)
  shop.after(stop)
  shop.run()
}
