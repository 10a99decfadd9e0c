// biome-ignore-all lint/complexity/useLiteralKeys: handlers write it either way
/**
 * What people write in handlers, line by line: it does what it does to a plain object, and the least
 * that says so is sent.
 */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { z } from 'zod'
import type { Modification, Sessions } from '../../lib/index.js'
import { createSessions, snapshot } from '../../lib/index.js'
import { printPath } from '../../lib/path.js'
import { arrived, assertPrefixFree, exact } from '../support/arrived.js'
import { canonical } from '../support/canonical.js'
import { holds } from '../support/property.js'
import { forEachStore } from '../support/stores.js'

// biome-ignore lint/suspicious/noExplicitAny: the lines run on plain objects and on session data
type Data = any
type Line = (s: Data) => unknown

/** A line, and what is sent for it: one text for each modification. */
type Lines = Record<string, [line: Line | readonly Line[], sent: readonly string[]]>

const start = (): Data => ({
  user: { id: 7, name: 'Ada', roles: ['editor'], address: { city: 'London', zip: 'N1' } },
  cart: [
    { sku: 'a', qty: 1, price: 10 },
    { sku: 'b', qty: 2, price: 5 },
    { sku: 'c', qty: 3, price: 1 },
  ],
  saved: [{ sku: 'z', qty: 1, price: 3 }],
  tags: ['new', 'sale'],
  scores: [30, 4, 21],
  prefs: { theme: 'light', mail: { daily: true, hour: 6 } },
  passport: { user: 7 },
  n: 1,
  none: null,
  when: new Date(86_400_000),
  bytes: Buffer.from('abc'),
})

/** A request's body, as JSON brings it. */
const body = (): Data => JSON.parse('{"name":"Bob","address":{"city":"Paris"},"age":36}')

/** As lodash's `set`, for a path of keys. */
function setAt(object: Data, path: readonly (string | number)[], value: unknown): void {
  path.reduce((parent, key, index) => {
    if (index === path.length - 1) parent[key] = value
    else parent[key] ??= typeof path[index + 1] === 'number' ? [] : {}
    return parent[key]
  }, object)
}

/** As lodash's `merge`. */
function merge(target: Data, source: Data): Data {
  for (const [key, value] of Object.entries(source)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      target[key] = merge(target[key] ?? {}, value)
    } else target[key] = value
  }
  return target
}

const item = (sku: string): Data => ({ sku, qty: 1, price: 2 })

const objects: Lines = {
  'a leaf is assigned': [s => (s.user.name = 'Bob'), ["user.name = 'Bob'"]],
  'a leaf is assigned by its name': [
    s => (s['user']['address']['city'] = 'Rome'),
    ["user.address.city = 'Rome'"],
  ],
  'a leaf is assigned what it is': [s => (s.user.name = 'Ada'), []],
  'a leaf is set and set back': [
    [s => (s.prefs.theme = 'dark'), s => (s.prefs.theme = 'light')],
    [],
  ],
  'a counter from nothing': [s => (s.views = (s.views ?? 0) + 1), ['views = 1']],
  'a counter': [s => (s.n = (s.n ?? 0) + 1), ['n = 2']],
  'a counter, shorter': [[s => s.n++, s => ++s.n, s => (s.n += 5)], ['n = 8']],
  'a nested counter': [s => (s.user.logins = (s.user.logins || 0) + 1), ['user.logins = 1']],
  'a toggle': [s => (s.prefs.mail.daily = !s.prefs.mail.daily), ['prefs.mail.daily = false']],
  'a flag that is removed': [s => delete s.user.address.zip, ['delete user.address.zip']],
  'an attribute that is removed': [s => delete s.prefs, ['delete prefs']],
  'what is not there is removed': [s => delete s.nothing, []],
  'undefined is assigned': [s => (s.user.name = undefined), ['delete user.name']],
  'undefined is assigned where nothing is': [s => (s.error = undefined), []],
  'null is assigned': [s => (s.passport = null), ['passport = null']],
  'null is replaced': [s => (s.none = { a: 1 }), ['none = { a: 1 }']],
  'Object.assign of a body': [
    s => Object.assign(s.user, body()),
    ["user.name = 'Bob'", "user.address = { city: 'Paris' }", 'user.age = 36'],
  ],
  'Object.assign of what is there': [s => Object.assign(s.user, { id: 7, name: 'Ada' }), []],
  'Object.assign to the session': [
    s => Object.assign(s, { n: 2, lang: 'en' }),
    ['n = 2', "lang = 'en'"],
  ],
  'a body is assigned': [
    s => (s.user = body()),
    ["user = { name: 'Bob', address: { city: 'Paris' }, age: 36 }"],
  ],
  'a body is assigned, and written to': [
    [s => (s.form = body()), s => (s.form.address.city = 'Rome'), s => delete s.form.age],
    ["form = { name: 'Bob', address: { city: 'Rome' } }"],
  ],
  'spread and reassign': [
    s => (s.prefs = { ...s.prefs, theme: 'dark' }),
    ["prefs = { theme: 'dark', mail: { daily: true, hour: 6 } }"],
  ],
  'spread and reassign without a change': [s => (s.user = { ...s.user }), []],
  'a deep spread': [
    s => (s.prefs = { ...s.prefs, mail: { ...s.prefs.mail, hour: 7 } }),
    ["prefs = { theme: 'light', mail: { daily: true, hour: 7 } }"],
  ],
  'a rest pattern removes a key': [
    s => {
      const { zip: _, ...rest } = s.user.address
      s.user.address = rest
    },
    ["user.address = { city: 'London' }"],
  ],
  'destructuring with defaults': [
    s => {
      const { theme = 'none', size = 12, mail: { hour = 0, minute = 30 } = {} } = s.prefs
      Object.assign(s.prefs, { theme, size })
      s.prefs.mail.at = `${hour}:${minute}`
    },
    ['prefs.size = 12', "prefs.mail.at = '6:30'"],
  ],
  'destructuring into the session': [
    s => {
      ;({ name: s.user.name, age: s.age } = body())
    },
    ["user.name = 'Bob'", 'age = 36'],
  ],
  'a swap of leaves by destructuring': [
    s => ([s.prefs.theme, s.user.name] = [s.user.name, s.prefs.theme]),
    ["prefs.theme = 'Ada'", "user.name = 'light'"],
  ],
  'a swap of attributes by destructuring': [
    s => ([s.cart, s.saved] = [s.saved, s.cart]),
    [
      "cart = [ { sku: 'z', qty: 1, price: 3 } ]",
      "saved = [ { sku: 'a', qty: 1, price: 10 }, { sku: 'b', qty: 2, price: 5 }, { sku: 'c', qty: 3, price: 1 } ]",
    ],
  ],
  'a rename': [
    s => {
      s.account = s.passport
      delete s.passport
    },
    ['account = { user: 7 }', 'delete passport'],
  ],
  'optional chaining, then a write': [
    [
      s => s.user?.address && (s.user.address.city = 'Rome'),
      s => s.missing?.address && (s.missing.address.city = 'Rome'),
      s => delete s.missing?.address,
      s => delete s.user?.roles,
    ],
    ["user.address.city = 'Rome'", 'delete user.roles'],
  ],
  'a computed key': [s => (s.user[`last_${'login'}`] = 1), ['user.last_login = 1']],
  'every key is rewritten': [
    s => {
      for (const key in s.user.address) s.user.address[key] = s.user.address[key].toUpperCase()
    },
    ["user.address.city = 'LONDON'"],
  ],
  'every entry is rewritten': [
    s => {
      for (const [key, value] of Object.entries<Data>(s.prefs.mail)) s.prefs.mail[key] = `${value}`
    },
    ["prefs.mail.daily = 'true'", "prefs.mail.hour = '6'"],
  ],
  'all but one key is removed': [
    s => {
      for (const key of Object.keys(s.user)) if (key !== 'id') delete s.user[key]
    },
    ['delete user.name', 'delete user.roles', 'delete user.address'],
  ],
  'structuredClone of a snapshot': [
    [s => (s.backup = structuredClone(snapshot(s.prefs))), s => (s.prefs.mail.hour = 9)],
    ["backup = { theme: 'light', mail: { daily: true, hour: 6 } }", 'prefs.mail.hour = 9'],
  ],
  'JSON.parse of JSON.stringify': [
    [
      s => (s.user = JSON.parse(JSON.stringify(s.user))),
      s => (s.copy = JSON.parse(JSON.stringify(s.cart[0]))),
      s => (s.cart[0].qty = 4),
    ],
    ["copy = { sku: 'a', qty: 1, price: 10 }", 'cart[0].qty = 4'],
  ],
  'a set by path': [s => setAt(s, ['prefs', 'mail', 'hour'], 9), ['prefs.mail.hour = 9']],
  'a set by path where nothing is': [
    s => setAt(s, ['wizard', 'step', 'name'], 'Bob'),
    ["wizard.step.name = 'Bob'"],
  ],
  'a set by path in an array': [s => setAt(s, ['cart', 1, 'qty'], 9), ['cart[1].qty = 9']],
  'a merge': [
    s => merge(s, { prefs: { mail: { hour: 7 } }, user: { roles: ['admin'] }, n: 1 }),
    ['prefs.mail.hour = 7', "user.roles = [ 'admin' ]"],
  ],
  'a merge of what is new': [
    s => merge(s, { wizard: { step: 1, form: { name: 'Bob' } } }),
    ["wizard = { step: 1, form: { name: 'Bob' } }"],
  ],
  'an object from entries': [
    s => (s.prefs = Object.fromEntries(Object.entries(s.prefs).filter(([key]) => key !== 'mail'))),
    ["prefs = { theme: 'light' }"],
  ],
  'groups by a key': [
    s => {
      s.groups = s.cart.reduce((groups: Data, each: Data) => {
        ;(groups[each.sku] ??= []).push(each.qty)
        return groups
      }, {})
    },
    ['groups = { a: [ 1 ], b: [ 2 ], c: [ 3 ] }'],
  ],
  'null is a default for everything': [
    s => {
      s.none ??= { hits: 0 }
      s.none.hits++
    },
    ['none = { hits: 1 }'],
  ],
}

const arrays: Lines = {
  'an append': [s => s.cart.push(item('d')), ["cart.push({ sku: 'd', qty: 1, price: 2 })"]],
  'an append to what may be there': [
    s => (s.cart ??= []).push(item('d')),
    ["cart.push({ sku: 'd', qty: 1, price: 2 })"],
  ],
  'an append to what is not there': [s => (s.log ??= []).push('x'), ["log.push('x')"]],
  'appends to what is not there': [
    [s => (s.log ||= []).push('x'), s => s.log.push('y', 'z')],
    ["log.push('x', 'y', 'z')"],
  ],
  'an append by length': [s => (s.tags[s.tags.length] = 'hot'), ["tags.push('hot')"]],
  'a spread append': [s => (s.tags = [...s.tags, 'hot']), ["tags = [ 'new', 'sale', 'hot' ]"]],
  'concat and reassign': [
    s => (s.scores = s.scores.concat(5, [6])),
    ['scores = [ 30, 4, 21, 5, 6 ]'],
  ],
  'an append unless it is there': [
    [
      s => s.tags.includes('new') || s.tags.push('new'),
      s => s.tags.indexOf('hot') < 0 && s.tags.push('hot'),
    ],
    ["tags.push('hot')"],
  ],
  'find, then a write': [
    s => s.cart.find((each: Data) => each.sku === 'b').qty++,
    ['cart[1].qty = 3'],
  ],
  'find or append': [
    s => {
      for (const sku of ['b', 'd']) {
        const found = s.cart.find((each: Data) => each.sku === sku)
        if (found) found.qty++
        else s.cart.push(item(sku))
      }
    },
    [
      "cart = [ { sku: 'a', qty: 1, price: 10 }, { sku: 'b', qty: 3, price: 5 }, { sku: 'c', qty: 3, price: 1 }, { sku: 'd', qty: 1, price: 2 } ]",
    ],
  ],
  'a write by index': [s => (s.cart[2].qty = 0), ['cart[2].qty = 0']],
  'a write to the last': [s => (s.cart.at(-1).qty = 9), ['cart[2].qty = 9']],
  'an element is replaced': [
    s => (s.cart[0] = { ...s.cart[0], qty: 7 }),
    ["cart[0] = { sku: 'a', qty: 7, price: 10 }"],
  ],
  'filter and reassign': [
    s => (s.cart = s.cart.filter((each: Data) => each.sku !== 'b')),
    ["cart = [ { sku: 'a', qty: 1, price: 10 }, { sku: 'c', qty: 3, price: 1 } ]"],
  ],
  'filter and reassign, and nothing leaves': [s => (s.cart = s.cart.filter(Boolean)), []],
  'map and reassign': [
    s => (s.cart = s.cart.map((each: Data) => ({ ...each, qty: each.qty + 1 }))),
    [
      "cart = [ { sku: 'a', qty: 2, price: 10 }, { sku: 'b', qty: 3, price: 5 }, { sku: 'c', qty: 4, price: 1 } ]",
    ],
  ],
  'slice and reassign': [s => (s.scores = s.scores.slice(-2)), ['scores = [ 4, 21 ]']],
  'an element is cut out': [
    s =>
      s.cart.splice(
        s.cart.findIndex((each: Data) => each.sku === 'a'),
        1,
      ),
    ["cart = [ { sku: 'b', qty: 2, price: 5 }, { sku: 'c', qty: 3, price: 1 } ]"],
  ],
  'an element moves between arrays': [
    s => s.saved.push(...s.cart.splice(1, 1)),
    [
      "cart = [ { sku: 'a', qty: 1, price: 10 }, { sku: 'c', qty: 3, price: 1 } ]",
      "saved.push({ sku: 'b', qty: 2, price: 5 })",
    ],
  ],
  'an element moves between arrays and is written to': [
    [s => s.saved.push(s.cart.pop()), s => s.saved[1].qty++],
    [
      "cart = [ { sku: 'a', qty: 1, price: 10 }, { sku: 'b', qty: 2, price: 5 } ]",
      "saved.push({ sku: 'c', qty: 4, price: 1 })",
    ],
  ],
  'a swap of elements by destructuring': [
    s => ([s.scores[0], s.scores[2]] = [s.scores[2], s.scores[0]]),
    ['scores[0] = 21', 'scores[2] = 30'],
  ],
  'a swap of objects by destructuring': [
    s => ([s.cart[0], s.cart[1]] = [s.cart[1], s.cart[0]]),
    [
      "cart = [ { sku: 'b', qty: 2, price: 5 }, { sku: 'a', qty: 1, price: 10 }, { sku: 'c', qty: 3, price: 1 } ]",
    ],
  ],
  'a sort of numbers': [
    s => s.scores.sort((a: number, b: number) => a - b),
    ['scores = [ 4, 21, 30 ]'],
  ],
  'a sort of objects': [
    s => s.cart.sort((a: Data, b: Data) => a.price - b.price),
    [
      "cart = [ { sku: 'c', qty: 3, price: 1 }, { sku: 'b', qty: 2, price: 5 }, { sku: 'a', qty: 1, price: 10 } ]",
    ],
  ],
  'a sort of what is sorted': [s => s.tags.sort(), []],
  'a reversal and back': [s => s.scores.reverse().reverse(), []],
  'for … of with writes': [
    s => {
      for (const each of s.cart) each.qty = 0
    },
    ['cart[0].qty = 0', 'cart[1].qty = 0', 'cart[2].qty = 0'],
  ],
  'for … of entries() with writes': [
    s => {
      for (const [i, x] of s.cart.entries()) x.rank = i + 1
    },
    ['cart[0].rank = 1', 'cart[1].rank = 2', 'cart[2].rank = 3'],
  ],
  'for … of entries() with writes by index': [
    s => {
      for (const [i, x] of s.scores.entries()) s.scores[i] = x + 1
    },
    ['scores[0] = 31', 'scores[1] = 5', 'scores[2] = 22'],
  ],
  'forEach with writes': [
    s => s.cart.forEach((each: Data, i: number) => i > 0 && (each.price *= 2)),
    ['cart[1].price = 10', 'cart[2].price = 2'],
  ],
  'emptied by length': [s => (s.cart.length = 0), ['cart = []']],
  'emptied by assignment': [s => (s.cart = []), ['cart = []']],
  'emptied, and filled anew': [
    [s => (s.tags.length = 0), s => s.tags.push('hot')],
    ["tags = [ 'hot' ]"],
  ],
  'the latest ten': [
    s => {
      s.scores.unshift(99)
      s.scores.length = Math.min(s.scores.length, 3)
    },
    ['scores = [ 99, 30, 4 ]'],
  ],
  'the last ten': [
    s => {
      s.tags.push('a', 'b')
      while (s.tags.length > 3) s.tags.shift()
    },
    ["tags = [ 'sale', 'a', 'b' ]"],
  ],
  'an array with a hole': [
    s => {
      const tags = [...s.tags]
      delete tags[0]
      s.tags = tags
    },
    ["tags = [ null, 'sale' ]"],
  ],
  'an append that is taken back': [[s => s.tags.push('x'), s => s.tags.pop()], []],
  'an element deleted': [s => delete s.tags[0], ['tags[0] = null']],
  'the unique ones': [[s => s.tags.push('new'), s => (s.tags = [...new Set(s.tags)])], []],
  'a nested append': [s => s.user.roles.push('admin'), ["user.roles.push('admin')"]],
  'a nested append to what is not there': [
    s => (s.user.seen ??= []).push(1),
    ['user.seen.push(1)'],
  ],
  'a list in a list': [
    [s => s.scores.push([1]), s => s.scores[3].push(2)],
    ['scores.push([ 1, 2 ])'],
  ],
}

const values: Lines = {
  'a Date setter': [s => s.when.setDate(5), ['when = 1970-01-05T00:00:00.000Z']],
  'a Date setter, to what it was': [s => s.when.setTime(s.when.getTime()), []],
  'a new Date': [s => (s.seen = new Date(5)), ['seen = 1970-01-01T00:00:00.005Z']],
  'a new Date, then its setter': [
    [s => (s.seen = new Date(5)), s => s.seen.setTime(6)],
    ['seen = 1970-01-01T00:00:00.006Z'],
  ],
  'an equal Date': [s => (s.when = new Date(86_400_000)), []],
  'a Date is moved on': [
    s => (s.when = new Date(s.when.getTime() + 1000)),
    ['when = 1970-01-02T00:00:01.000Z'],
  ],
  'a byte of a Buffer': [s => (s.bytes[0] = 0x7a), ['bytes = <Buffer 7a 62 63>']],
  'a write into a Buffer': [s => s.bytes.write('xy', 1), ['bytes = <Buffer 61 78 79>']],
  'a Buffer is filled and filled back': [
    [s => s.bytes.fill(0), s => s.bytes.set(Buffer.from('abc'))],
    [],
  ],
  'a Buffer is concatenated': [
    s => (s.bytes = Buffer.concat([s.bytes, Buffer.from('d')])),
    ['bytes = <Buffer 61 62 63 64>'],
  ],
  'a Date in an element': [
    [s => (s.cart[1].at = new Date(1)), s => s.cart[1].at.setTime(2)],
    ['cart[1].at = 1970-01-01T00:00:00.002Z'],
  ],
}

/** The code of packages that write to sessions, in its own shape. */
const packages: Lines = {
  'connect-flash: a message': [
    s => {
      const m = (s.flash = s.flash || {})
      ;(m.info = m.info || []).push('saved')
    },
    ["flash.info.push('saved')"],
  ],
  'connect-flash: messages of two kinds': [
    [
      s => {
        const m = (s.flash = s.flash || {})
        ;(m.info = m.info || []).push('saved')
        ;(m.error = m.error || []).push('but')
      },
      s => {
        const m = (s.flash = s.flash || {})
        ;(m.info = m.info || []).push('again')
      },
    ],
    ["flash.info.push('saved', 'again')", "flash.error.push('but')"],
  ],
  'connect-flash: read, and so removed': [
    [
      s => {
        const m = (s.flash = s.flash || {})
        ;(m.info = m.info || []).push('saved')
      },
      s => {
        const m = (s.flash = s.flash || {})
        const read = m.info
        delete m.info
        return read || []
      },
    ],
    ['flash = {}'],
  ],
  'Passport: a login': [
    s => {
      if (!s.passport) s.passport = {}
      s.passport.user = 8
    },
    ['passport.user = 8'],
  ],
  'Passport: a first login': [
    s => {
      if (!s.pass) s.pass = {}
      s.pass.user = { id: 8 }
    },
    ['pass.user = { id: 8 }'],
  ],
  'Passport: assigned at once': [s => (s.passport = { user: 8 }), ['passport = { user: 8 }']],
  'Passport: a logout': [s => s.passport && delete s.passport.user, ['delete passport.user']],
  'Passport: messages of a failure': [
    s => {
      s.messages = s.messages || []
      s.messages.push('Incorrect password.')
    },
    ["messages.push('Incorrect password.')"],
  ],
  'csurf: a secret, once': [
    s => {
      s.csrfSecret ||= 'k'
      s.csrfSecret ||= 'l'
    },
    ["csrfSecret = 'k'"],
  ],
  'return to where one came from': [
    s => {
      s.returnTo = '/a?b=c.d'
      const { returnTo = '/' } = s
      delete s.returnTo
      return returnTo
    },
    [],
  ],
}

const schema = z
  .object({
    views: z.map(z.string(), z.number()).optional(),
    seen: z.set(z.string()).optional(),
    people: z.map(z.string(), z.object({ name: z.string(), tags: z.set(z.string()) })).optional(),
    hits: z.map(z.string(), z.number()).optional(),
    ids: z.set(z.number()).optional(),
    total: z.bigint().optional(),
  })
  .catchall(z.any())

const collections: Lines = {
  'a count in a Map': [s => s.views.set('/', (s.views.get('/') ?? 0) + 1), ['views["/"] = 6']],
  'a new key of a Map': [s => s.views.set('about', 1), ['views.about = 1']],
  'a key of a Map is removed': [s => s.views.delete('/'), ['delete views["/"]']],
  'a Map is emptied': [s => s.views.clear(), ['delete views["/"]', 'delete views.help']],
  'a Map is made anew': [
    s => (s.views = new Map([...s.views].filter(([, count]) => count > 1))),
    ["views = { '/': 5 }"],
  ],
  'a member of a Map is written to': [
    s => (s.people.get('ada').name = 'Ada L.'),
    ["people.ada.name = 'Ada L.'"],
  ],
  'members of a Map are written to': [
    s => {
      for (const [key, person] of s.people) person.name = key
    },
    ["people.ada.name = 'ada'"],
  ],
  'an addition to a Set': [s => s.seen.add('c'), ["seen.push('c')"]],
  'an addition to a Set of what is there': [s => s.seen.add('a').add('b'), []],
  'a Set loses one': [s => s.seen.delete('a'), ["seen = [ 'b' ]"]],
  'a Set loses one and has it again': [[s => s.seen.delete('b'), s => s.seen.add('b')], []],
  'a Set from the session': [
    s => (s.seen = new Set([...s.seen, 'c'])),
    ["seen = [ 'a', 'b', 'c' ]"],
  ],
  'a Set in a Map': [s => s.people.get('ada').tags.add('x'), ["people.ada.tags.push('x')"]],
  'a count in a Map that may not be there': [
    [
      s => (s.hits ??= new Map()).set('/', 1),
      s => (s.hits ??= new Map()).set('/', s.hits.get('/') + 1),
      s => [s.hits.size, [...s.hits], [...s.hits.keys()], s.hits.has('/'), s.hits.get('a')],
    ],
    ['hits["/"] = 2'],
  ],
  'an addition to a Set that may not be there': [
    [
      s => (s.ids ??= new Set()).add(5),
      s => (s.ids ??= new Set()).add(5).add(6),
      s => [s.ids.size, [...s.ids], s.ids.has(6), s.ids.has(7)],
    ],
    ['ids.push(5, 6)'],
  ],
  'a Map is rewritten while it is iterated': [
    [
      s => {
        s.hits = new Map([...s.views])
        for (const [key, count] of s.hits) s.hits.set(key, count + 1)
      },
      s => s.hits.forEach((count: number, key: string) => s.hits.set(`${key}`, count + 1)),
    ],
    ["hits = { '/': 7, help: 3 }"],
  ],
  'a bigint': [s => (s.total += 5n), ['total = 12n']],
}

const startCollections = (): Data => ({
  views: new Map([
    ['/', 5],
    ['help', 1],
  ]),
  seen: new Set(['a', 'b']),
  people: new Map([['ada', { name: 'Ada', tags: new Set(['math']) }]]),
  total: 7n,
})

/** A value as people see it: order of keys, kinds of value and -0 included. */
const show = (value: unknown): string => inspect(value, { depth: 20, breakLength: 1e6 })

/** A modification as one would write it. */
function tell(modification: Modification): string {
  const place = printPath(modification.path)
  switch (modification.op) {
    case 'set':
      return `${place} = ${show(modification.value)}`
    case 'unset':
      return `delete ${place}`
    case 'append':
      return `${place}.push(${modification.values.map(show).join(', ')})`
    default:
      return `${modification.op} ${place}`
  }
}

const isPlain = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Data as a store keeps it: a Map as a document, a Set as an array. */
function asStored(value: Data): Data {
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, asStored(v)]))
  if (value instanceof Set) return [...value].map(asStored)
  if (Array.isArray(value)) return Array.from(value, (each: unknown) => asStored(each ?? null))
  if (!isPlain(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, asStored(member)]),
  )
}

/** What a plain object shows that lived by the rules of a session: without undefined and holes. */
function tidy(value: Data): Data {
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) value[index] = tidy(each ?? null)
    return value
  }
  if (!isPlain(value)) return value
  for (const key of Object.keys(value)) {
    if (value[key] === undefined) delete value[key]
    else value[key] = tidy(value[key])
  }
  return value
}

const lineOf = (line: Line | readonly Line[]): readonly Line[] =>
  typeof line === 'function' ? [line] : line

/** Runs lines on session data and on a plain object, and compares what each gives and leaves. */
function runAlike(lines: readonly Line[], data: Data, plain: Data): void {
  lines.forEach((line, index) => {
    const gave = show(line(data))
    assert.equal(gave, show(line(plain)), `what line ${index} gave`)
    assert.equal(show(data), show(tidy(plain)), `what line ${index} left`)
  })
}

/** What a line gives or throws, as text. */
function outcome(line: Line, data: Data): string {
  try {
    return canonical([snapshot(line(data))])
  } catch (error) {
    return (error as Error).name
  }
}

const without: [suite: string, lines: Lines][] = [
  ['objects', objects],
  ['arrays', arrays],
  ['values', values],
  ['packages', packages],
]

type AnySessions = Sessions<Data>

forEachStore('one-liners of handlers', (line, { create, name: kind }) => {
  const store = create()
  const plainSessions: AnySessions = createSessions<Data>({ store })
  const schemaSessions = createSessions({ store, schema }) as AnySessions

  function define(name: string, lines: Lines, sessions: AnySessions, begin: () => Data): void {
    for (const [title, [each, sent]] of Object.entries(lines)) {
      line(`${name}: ${title}`, () => check(sessions, begin, lineOf(each), sent))
    }
  }

  async function check(
    sessions: AnySessions,
    begin: () => Data,
    lines: readonly Line[],
    sent: readonly string[],
  ): Promise<void> {
    const created = sessions.create(begin())
    await created.commit()
    let plain = begin()
    const session = await sessions.open(created.id)
    assert.ok(session)
    for (const round of ['loaded', 'committed', 'reloaded']) {
      if (round === 'reloaded') {
        await session.reload()
        // The keys come in the order that the store made of them.
        assert.deepStrictEqual(session.data, plain)
        plain = snapshot(session.data)
      }
      const before = exact(asStored(plain))
      runAlike(lines, session.data, plain)
      const changes = session.changes()
      const commit = await session.commit()
      if (round === 'loaded') assert.deepEqual(commit.modifications.map(tell), sent)
      assert.deepEqual(commit.modifications.length, changes.length)
      assertPrefixFree(commit.modifications)
      const after = exact(asStored(plain))
      assert.equal(commit.modifications.length === 0, before === after, 'none is in vain')
      assert.equal(await arrived(store, session.key), after)
      assert.equal(show(session.data), show(plain))
      const again = await sessions.open(session.id)
      assert.ok(again)
      assert.deepStrictEqual(again.data, plain)
      for (const each of [session, again]) {
        const { status, modifications, attempts } = await each.commit()
        assert.deepEqual([status, modifications, attempts], ['unchanged', [], 0])
      }
    }
  }

  for (const [name, lines] of without) define(name, lines, plainSessions, start)
  define('collections', collections, schemaSessions, startCollections)

  line(
    'any lines one after the other, with commits in between, end as on a plain object',
    async () => {
      const all = without.flatMap(([, lines]) => Object.values(lines).map(([each]) => lineOf(each)))
      await holds(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom(...all), fc.boolean()), { maxLength: 8 }),
          async steps => {
            const session = plainSessions.create(start())
            const plain = start()
            for (const [lines, commits] of steps) {
              // What throws on the plain object does so here, having done as much.
              for (const each of lines) {
                assert.equal(outcome(each, session.data), outcome(each, plain))
                assert.equal(canonical(snapshot(session.data)), canonical(tidy(plain)))
              }
              if (!commits) continue
              assertPrefixFree((await session.commit()).modifications)
              assert.equal(await arrived(store, session.key), exact(asStored(plain)))
            }
          },
        ),
        kind === 'embedded' ? 200 : 20,
      )
    },
  )

  for (const tracking of ['accesses', 'mutable-attributes', 'none'] as const) {
    for (const differencing of ['graph', 'binary'] as const) {
      if (kind !== 'embedded') continue
      const options = { store, tracking, differencing }
      const some: [Sessions<Data>, () => Data, Lines][] = [
        ...without.map(([, lines]): [Sessions<Data>, () => Data, Lines] => {
          return [createSessions<Data>(options), start, lines]
        }),
        [createSessions({ ...options, schema }) as Sessions<Data>, startCollections, collections],
      ]
      line(`tracking ${tracking}, differencing ${differencing}: each line is stored`, async () => {
        for (const [sessions, begin, lines] of some) {
          for (const [title, [each]] of Object.entries(lines)) {
            const created = sessions.create(begin())
            await created.commit()
            const session = await sessions.open(created.id)
            assert.ok(session)
            const plain = begin()
            for (const round of ['loaded', 'committed']) {
              for (const one of lineOf(each))
                assert.equal(outcome(one, session.data), outcome(one, plain))
              assertPrefixFree((await session.commit()).modifications)
              tidy(plain)
              assert.equal(
                await arrived(store, session.key),
                exact(asStored(plain)),
                `${title}, ${round}`,
              )
              assert.deepStrictEqual(snapshot(session.data), plain, title)
              assert.deepEqual((await session.commit()).modifications, [], title)
            }
          }
        }
      })
    }
  }

  line('a new session: each line is stored with what it began with', async () => {
    for (const [, lines] of without) {
      for (const [each] of Object.values(lines)) {
        const plain = start()
        const session = plainSessions.create(start())
        runAlike(lineOf(each), session.data, plain)
        const { status } = await session.commit()
        assert.equal(status, 'created')
        assert.equal(await arrived(store, session.key), exact(asStored(plain)))
      }
    }
  })
})
