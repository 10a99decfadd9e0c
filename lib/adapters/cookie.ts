/**
 * The session's cookie.
 *
 * @module
 */

import { parse, serialize } from 'cookie'
import signature from 'cookie-signature'
import { invalidOption } from '../errors.js'

/** Options of the session's cookie. All are checked when the adapter is created. */
export interface CookieOptions {
  /**
   * Its name, compared byte by byte. Default: `__Host-session`; with a `domain` or another `path`,
   * `__Secure-session`. Both prefixes make the browser refuse what another host has set
   * (https://datatracker.ietf.org/doc/draft-ietf-httpbis-rfc6265bis/, section 4.1.3).
   */
  name?: string
  /** The domain whose hosts all get the cookie. Default: none, only the host that set it gets it. */
  domain?: string
  /** The path below which it is sent. Default: `/`. */
  path?: string
  /** Whether it is sent with requests that come from other sites. Default: `'lax'`. */
  sameSite?: 'strict' | 'lax' | 'none'
  /**
   * Whether it is sent over https only. `'auto'` leaves that away, and the prefix of the name, where
   * somebody develops on plain http: `NODE_ENV` is not `production`, the host is localhost or a
   * loopback address, and no proxy is in between. Default: `'auto'`.
   */
  secure?: boolean | 'auto'
  /**
   * Whether it outlives the browser's session: then it has the session's own expiry, and is sent again
   * when that has moved, at most once in `touchAfter`. Default: true.
   */
  persistent?: boolean
  /** Whether it is kept apart for each site that embeds this one (CHIPS). Default: false. */
  partitioned?: boolean
  /**
   * Keys to sign it with, of at least 16 characters: the first one signs, all of them verify, so a new
   * one goes to the front. An id cannot be guessed anyway; a signature lets forged ones be refused
   * without asking the store. Default: none.
   */
  keys?: readonly string[]
}

/** What a request says about its connection. */
export interface Connection {
  /** The `Host` header. */
  readonly host: string | undefined
  /** Whether the connection itself is encrypted. */
  readonly encrypted: boolean
  /** Whether a proxy says that it forwarded the request. */
  readonly forwarded: boolean
}

/** What a cookie says. It can be anything that a browser sends. */
export interface SentCookie {
  readonly id: string
  /** Whether it was given to live no longer than the browser's session. */
  readonly browserSession: boolean
}

/** Reads and writes the session's cookie. */
export interface SessionCookie {
  /** What the cookie says, verified; undefined if there is none, or it was forged. */
  read(header: string | undefined, connection: Connection): SentCookie | undefined
  /** A `Set-Cookie` header with an id, to live for some ms, or as long as the browser's session. */
  write(id: string, lifetime: number | undefined, connection: Connection): string
  /** A `Set-Cookie` header that removes the cookie. */
  expire(connection: Connection): string
  /** Whether the cookie follows the session's expiry. */
  readonly persistent: boolean
}

/** Follows the id where the cookie lives as long as the browser's session: browsers do not tell. */
const BROWSER_SESSION = '~'

/** The longest life that browsers give a cookie, in seconds: 400 days. */
const MAX_AGE = 400 * 24 * 60 * 60

/** A token (RFC 9110, section 5.6.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Host names, with a leading dot as some write it; a label has 63 characters at most. */
const DOMAIN = /^\.?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i
/** Any character but controls and the semicolon (RFC 6265, section 4.1.1). */
const PATH = /^\/[\u0020-\u003A\u003D-\u007E]*$/
const LOOPBACK = /^(localhost|[^:]*\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * Creates the session's cookie.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` for options that do not fit, or
 *   contradict one another.
 */
export function createCookie(options: CookieOptions = {}): SessionCookie {
  if (typeof options !== 'object' || options === null) {
    throw invalidOption('cookie', 'it must be an object, or be left out')
  }
  const { domain, path = '/', sameSite = 'lax', secure = 'auto', persistent = true } = options
  const { partitioned = false } = options
  const prefix = domain === undefined && path === '/' ? '__Host-' : '__Secure-'
  const { name = secure === false ? 'session' : `${prefix}session` } = options
  checkOptions({ ...options, name, path, sameSite, secure })
  // A list of our own: one that the application emptied later would turn signatures off.
  const keys = options.keys === undefined ? undefined : [...options.keys]
  let warned = false

  /** Whether somebody develops on plain http. */
  function isLocal({ host, encrypted, forwarded }: Connection): boolean {
    if (secure !== 'auto' || encrypted || forwarded) return false
    if (process.env.NODE_ENV === 'production' || host === undefined) return false
    return LOOPBACK.test(host)
  }

  const nameFor = (connection: Connection): string =>
    isLocal(connection) ? name.replace(/^__(Host|Secure)-/i, '') : name

  function print(value: string, maxAge: number | undefined, connection: Connection): string {
    const local = isLocal(connection)
    if (local && !warned) {
      warned = true
      process.emitWarning('The session cookie is sent without Secure on plain http to localhost', {
        code: 'DOTSET_INSECURE_COOKIE',
        detail: 'With NODE_ENV=production, or another host, it is sent over https only.',
      })
    }
    return serialize(nameFor(connection), value, {
      path,
      // Browsers refuse 'none' without Secure.
      sameSite: local && sameSite === 'none' ? 'lax' : sameSite,
      httpOnly: true,
      secure: secure !== false && !local,
      ...(domain !== undefined && { domain }),
      ...(partitioned && !local && { partitioned }),
      ...(maxAge !== undefined && { maxAge }),
    })
  }

  /** What was signed; undefined if no key fits. */
  function verify(value: string): string | undefined {
    if (keys === undefined) return value
    const text = decode(value)
    for (const key of keys) {
      const verified = signature.unsign(text, key)
      if (verified !== false) return verified
    }
    return undefined
  }

  return {
    persistent,
    read(header, connection) {
      if (header === undefined) return undefined
      const value = parse(header, { decode: text => text })[nameFor(connection)]
      const verified = value === undefined ? undefined : verify(value)
      if (verified === undefined) return undefined
      const browserSession = verified.endsWith(BROWSER_SESSION)
      return { id: browserSession ? verified.slice(0, -1) : verified, browserSession }
    },
    write(id, lifetime, connection) {
      const [key] = keys ?? []
      const text = persistent && lifetime === undefined ? id + BROWSER_SESSION : id
      const value = key === undefined ? text : signature.sign(text, key)
      if (lifetime === undefined) return print(value, undefined, connection)
      return print(value, Math.min(Math.round(lifetime / 1000), MAX_AGE), connection)
    },
    expire: connection => print('', 0, connection),
  }
}

/** Signatures are base64, of which a cookie's value may hold some characters only encoded. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return ''
  }
}

const OPTIONS: readonly string[] = [
  'name',
  'domain',
  'path',
  'sameSite',
  'secure',
  'persistent',
  'partitioned',
  'keys',
] satisfies (keyof CookieOptions)[]

type Checked = CookieOptions &
  Required<Pick<CookieOptions, 'name' | 'path' | 'sameSite' | 'secure'>>

function checkOptions(options: Checked): void {
  const { name, domain, path, sameSite, secure, persistent, partitioned, keys } = options
  const refuse = (option: string, why: string): never => {
    throw invalidOption(`cookie.${option}`, why)
  }
  for (const option of Object.keys(options)) {
    if (OPTIONS.includes(option)) continue
    refuse(option, `there is no such option; those of the cookie are ${OPTIONS.join(', ')}`)
  }
  if (typeof name !== 'string' || !NAME.test(name))
    refuse('name', 'it may hold letters, digits and some punctuation only')
  if (domain !== undefined && !DOMAIN.test(domain)) refuse('domain', 'it must be a host name')
  if (!PATH.test(path)) refuse('path', 'it must begin with "/" and hold no ";"')
  if (!['strict', 'lax', 'none'].includes(sameSite)) {
    refuse('sameSite', "it must be 'strict', 'lax' or 'none'")
  }
  if (typeof secure !== 'boolean' && secure !== 'auto') {
    refuse('secure', "it must be true, false or 'auto'")
  }
  for (const [option, value] of Object.entries({ persistent, partitioned })) {
    if (value !== undefined && typeof value !== 'boolean')
      refuse(option, 'it must be true or false')
  }
  if (/^__Host-/i.test(name) && (domain !== undefined || path !== '/')) {
    refuse('name', 'browsers refuse __Host- with a domain or another path, use __Secure- there')
  }
  if (/^__(Host|Secure)-/i.test(name) && secure === false) {
    refuse('name', 'browsers refuse this prefix without secure, choose another name')
  }
  if (sameSite === 'none' && secure === false) {
    refuse('sameSite', "browsers refuse 'none' without secure, set secure to true")
  }
  if (partitioned === true && secure === false) {
    refuse('partitioned', 'browsers refuse it without secure, set secure to true')
  }
  if (keys === undefined) return
  if (!Array.isArray(keys) || keys.length === 0) {
    refuse('keys', 'it must be a list with at least one key, or be left out')
  }
  if (keys.some(key => typeof key !== 'string' || key.length < 16)) {
    refuse('keys', 'each must be a string of at least 16 characters')
  }
}
