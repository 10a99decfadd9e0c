import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { suite } from 'uvu'
import type { Connection, CookieOptions } from '../../lib/adapters/cookie.js'
import { createCookie } from '../../lib/adapters/cookie.js'
import { SessionError } from '../../lib/index.js'
import { holds } from '../support/property.js'

const ID = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO_-'
const KEY = 'a key of sixteen characters'
const https: Connection = { host: 'example.com', encrypted: true, forwarded: false }
const localhost: Connection = { host: 'localhost:3000', encrypted: false, forwarded: false }

/** The `Cookie` header of a browser that was given `cookie`. */
const sentBack = (cookie: string): string => cookie.split(';')[0] as string

const nameOf = (cookie: string): string => cookie.split('=')[0] as string

const reading = suite('Cookie: reading')

reading('what was written is read back, among any others', async () => {
  const other = fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{0,12}=?[ -:<-~]{0,20}$/)
  const property = fc.property(
    fc.array(other),
    fc.array(other),
    fc.boolean(),
    fc.boolean(),
    (before, after, isSigned, browserSession) => {
      const cookie = createCookie(isSigned ? { keys: [KEY] } : {})
      const own = sentBack(cookie.write(ID, browserSession ? undefined : 1000, https))
      const others = before.filter(each => !/^\s*__Host-session\s*=/.test(each))
      const header = [...others, own, ...after].join('; ')
      assert.deepEqual(cookie.read(header, https), { id: ID, browserSession })
      return true
    },
  )
  await holds(property, 200)
})

reading('any header can come, and no other name is read', async () => {
  const part = fc.oneof(
    fc.constantFrom('__Host-session', 'session', '=', ';', ' ', '%', '%E0%A4%A', '"', ID, '.', '~'),
    fc.string(),
  )
  const cookies = [createCookie(), createCookie({ keys: [KEY] })]
  const property = fc.property(fc.array(part), parts => {
    const header = parts.join('')
    for (const cookie of cookies) {
      const sent = cookie.read(header, https)
      if (sent === undefined) continue
      assert.match(header, /(^|;)[ \t]*__Host-session[ \t]*=/)
      assert.equal(cookie, cookies[0])
    }
    return true
  })
  await holds(property, 500)
})

for (const [what, name] of [
  ['another case', 'SID'],
  ['an encoded letter', '%73id'],
  ['a no-break space', '\u00a0sid'],
  ['a prefix', '__Host-sid'],
  ['a member of every object', '__proto__'],
] as const) {
  reading(`a name is compared byte by byte: ${what}`, () => {
    const cookie = createCookie({ name: 'sid' })
    assert.equal(cookie.read(`${name}=${ID}`, https), undefined)
    assert.equal(cookie.read(`${name}=x; sid=${ID}; ${name}=x`, https)?.id, ID)
  })
}

reading('a name that is a member of every object is one like any other', () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const cookie = createCookie({ name })
    assert.equal(cookie.read('a=1', https), undefined)
    assert.equal(cookie.read(`${name}=${ID}`, https)?.id, ID)
  }
})

reading('of several of the same name the first is read', () => {
  const cookie = createCookie({ name: 'sid' })
  assert.equal(cookie.read(`sid=${ID}; sid=other`, https)?.id, ID)
  assert.equal(cookie.read(`sid=other; sid=${ID}`, https)?.id, 'other')
  assert.equal(cookie.read(`sid=; sid=${ID}`, https)?.id, '')
})

const MEGABYTE = 2 ** 20

for (const [what, fill] of Object.entries({
  'one long value': (size: number) => `a=${'x'.repeat(size)}; `,
  'semicolons alone': (size: number) => ';'.repeat(size),
  'equal signs alone': (size: number) => `${'='.repeat(size)};`,
  'names without values': (size: number) => 'a;'.repeat(size / 2),
  'many short cookies': (size: number) => 'a=1;'.repeat(size / 4),
  'percent signs': (size: number) => `b=${'%'.repeat(size)};`,
  'a long value of its own name': (size: number) => `sid2=${'.'.repeat(size)};`,
})) {
  reading(`a megabyte takes time in proportion to its length: ${what}`, () => {
    for (const keys of [undefined, [KEY, `another ${KEY}`]]) {
      const cookie = createCookie({ name: 'sid', ...(keys !== undefined && { keys }) })
      const own = sentBack(cookie.write(ID, 1000, https))
      // Were it quadratic, this alone would take many minutes.
      const header = fill(MEGABYTE) + own
      assert.equal(cookie.read(header, https)?.id, ID)
      assert.equal(
        cookie.read(`sid=${fill(MEGABYTE).replaceAll(';', '.')}`, https)?.id === ID,
        false,
      )
    }
  })
}

reading.run()

const signing = suite('Cookie: signatures')

const [first, second] = [`the first ${KEY}`, `the second ${KEY}`]

signing('the first key signs, all of them verify', () => {
  const old = sentBack(createCookie({ keys: [second] }).write(ID, 1000, https))
  const both = createCookie({ keys: [first, second] })
  const fresh = sentBack(both.write(ID, 1000, https))
  assert.equal(both.read(old, https)?.id, ID)
  assert.equal(both.read(fresh, https)?.id, ID)
  assert.equal(createCookie({ keys: [first] }).read(fresh, https)?.id, ID)
  assert.equal(createCookie({ keys: [second] }).read(fresh, https), undefined)
  assert.equal(createCookie({ keys: [first] }).read(old, https), undefined)
})

signing('a single character that differs is refused', () => {
  const cookie = createCookie({ keys: [first] })
  const [name, value] = cookie.write(ID, 1000, https).split(/[=;]/) as [string, string]
  const signed = decodeURIComponent(value)
  for (let index = 0; index < signed.length; index++) {
    const other = signed[index] === 'A' ? 'B' : 'A'
    const forged = signed.slice(0, index) + other + signed.slice(index + 1)
    assert.equal(cookie.read(`${name}=${encodeURIComponent(forged)}`, https), undefined)
  }
  for (const forged of [ID, `${ID}.`, `${signed}A`, signed.slice(0, -1), `.${signed}`, '.', '']) {
    assert.equal(cookie.read(`${name}=${encodeURIComponent(forged)}`, https), undefined)
  }
})

signing('whether it ends with the browser is signed too', () => {
  const cookie = createCookie({ keys: [first] })
  const header = sentBack(cookie.write(ID, undefined, https))
  assert.deepEqual(cookie.read(header, https), { id: ID, browserSession: true })
  assert.equal(cookie.read(header.replace('~', ''), https), undefined)
})

signing('a list of keys that is emptied later goes on to sign', () => {
  const keys = [first]
  const cookie = createCookie({ keys })
  keys.length = 0
  assert.equal(cookie.read(`__Host-session=${ID}`, https), undefined)
  assert.match(cookie.write(ID, 1000, https), /^__Host-session=[\w-]{43}\./)
})

signing.run()

const secure = suite("Cookie: secure: 'auto'")

const hosts: [connection: Partial<Connection>, isLocal: boolean][] = [
  [{}, true],
  [{ host: 'LOCALHOST' }, true],
  [{ host: 'app.localhost:8080' }, true],
  [{ host: '127.0.0.1' }, true],
  [{ host: '127.1.2.3:80' }, true],
  [{ host: '[::1]:3000' }, true],
  [{ host: 'example.com' }, false],
  [{ host: 'localhost.example.com' }, false],
  [{ host: 'notlocalhost' }, false],
  [{ host: '127.0.0.1.example.com' }, false],
  [{ host: '10.0.0.1' }, false],
  [{ host: '[::2]' }, false],
  [{ host: 'example.com:80/.localhost' }, false],
  [{ host: 'localhost@example.com' }, false],
  [{ host: '' }, false],
  [{ host: undefined as unknown as string }, false],
  [{ encrypted: true }, false],
  [{ forwarded: true }, false],
]

for (const [differs, isLocal] of hosts) {
  secure(`${JSON.stringify(differs)} is ${isLocal ? '' : 'not '}somebody who develops`, () => {
    const cookie = createCookie()
    const connection = { ...localhost, ...differs }
    const written = cookie.write(ID, 1000, connection)
    assert.equal(nameOf(written), isLocal ? 'session' : '__Host-session')
    assert.equal(/; Secure/.test(written), !isLocal)
    assert.equal(nameOf(cookie.expire(connection)), nameOf(written))
    const read = (name: string): string | undefined => cookie.read(`${name}=${ID}`, connection)?.id
    assert.equal(read('session'), isLocal ? ID : undefined)
    assert.equal(read('__Host-session'), isLocal ? undefined : ID)
  })
}

secure('in production it is always Secure', () => {
  const { NODE_ENV } = process.env
  process.env.NODE_ENV = 'production'
  try {
    assert.match(createCookie().write(ID, 1000, localhost), /^__Host-session=.*; Secure/)
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  }
})

secure('it warns once of a cookie without Secure', async () => {
  // Those of other rules come first.
  await nextTurn()
  const warnings: { code?: string }[] = []
  const collect = (warning: { code?: string }): void => void warnings.push(warning)
  process.on('warning', collect)
  const warned = once(process, 'warning')
  const cookie = createCookie()
  cookie.write(ID, 1000, https)
  cookie.write(ID, 1000, localhost)
  cookie.write(ID, 1000, localhost)
  await warned
  process.off('warning', collect)
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['DOTSET_INSECURE_COOKIE'],
  )
})

secure('true and false are what they say, whatever the connection', () => {
  for (const connection of [https, localhost]) {
    assert.match(createCookie({ secure: true }).write(ID, 1, connection), /^__Host-.*; Secure/)
    const plain = createCookie({ secure: false }).write(ID, 1, connection)
    assert.equal(nameOf(plain), 'session')
    assert.doesNotMatch(plain, /Secure/)
  }
})

secure('a name of its own loses its prefix where browsers would refuse it', () => {
  const cookie = createCookie({ name: '__Secure-sid', sameSite: 'none', partitioned: true })
  assert.match(cookie.write(ID, 1, localhost), /^sid=.*; HttpOnly; SameSite=Lax$/)
  assert.match(cookie.write(ID, 1, https), /^__Secure-sid=.*; Secure; Partitioned; SameSite=None$/)
})

secure.run()

const writing = suite('Cookie: writing')

writing('the name tells browsers how far it may be trusted', () => {
  const names: [CookieOptions, string][] = [
    [{}, '__Host-session'],
    [{ path: '/app' }, '__Secure-session'],
    [{ domain: 'example.com' }, '__Secure-session'],
    [{ secure: false }, 'session'],
    [{ name: 'sid' }, 'sid'],
  ]
  for (const [options, name] of names) {
    assert.equal(nameOf(createCookie(options).write(ID, 1000, https)), name)
  }
})

writing('it lives for whole seconds, and no longer than browsers let it', () => {
  const maxAge = (lifetime: number): string | undefined =>
    /Max-Age=([^;]*)/.exec(createCookie().write(ID, lifetime, https))?.[1]
  assert.equal(maxAge(1_499), '1')
  assert.equal(maxAge(0), '0')
  assert.equal(maxAge(10 * 365 * 24 * 60 * 60 * 1000), '34560000')
})

writing.run()

const options = suite('Cookie: options are checked at start-up')

const refused: [what: string, option: string, options: unknown][] = [
  ['a __Host- name with a domain', 'name', { name: '__Host-sid', domain: 'example.com' }],
  ['a __Host- name with a path', 'name', { name: '__Host-sid', path: '/app' }],
  ['a __host- name with a path', 'name', { name: '__host-sid', path: '/app' }],
  ['a prefix without secure', 'name', { name: '__Secure-sid', secure: false }],
  ['a name that is no token', 'name', { name: 'a;b' }],
  ['an empty name', 'name', { name: '' }],
  ['a name that is null', 'name', { name: null }],
  ['SameSite=None without secure', 'sameSite', { sameSite: 'none', secure: false }],
  ['an unknown SameSite', 'sameSite', { sameSite: 'Lax; Domain=evil' }],
  ['partitioned without secure', 'partitioned', { partitioned: true, secure: false }],
  ['partitioned that is neither', 'partitioned', { partitioned: 'yes' }],
  ['persistent that is neither', 'persistent', { persistent: 1 }],
  ['an empty list of keys', 'keys', { keys: [] }],
  ['keys that are no list', 'keys', { keys: KEY }],
  ['a short key', 'keys', { keys: [KEY, 'short'] }],
  ['a key that is no string', 'keys', { keys: [Buffer.alloc(32)] }],
  ['a domain that is no host', 'domain', { domain: 'example.com; Path=/' }],
  ['a domain with a long label', 'domain', { domain: `${'a'.repeat(64)}.com` }],
  ['a path with a semicolon', 'path', { path: '/;' }],
  ['a path with a line break', 'path', { path: '/\r\n' }],
  ['a path that begins elsewhere', 'path', { path: 'app' }],
  ['secure that is neither', 'secure', { secure: 'yes' }],
  ["express-session's maxAge", 'maxAge', { maxAge: 60_000 }],
  ["express-session's httpOnly", 'httpOnly', { httpOnly: false }],
]

for (const [what, option, given] of refused) {
  options(what, () => {
    assert.throws(
      () => createCookie(given as CookieOptions),
      (error: unknown) =>
        error instanceof SessionError &&
        error.code === 'ERR_INVALID_OPTION' &&
        error.message.startsWith(`Cannot use cookie.${option}: `),
    )
  })
}

options.run()
