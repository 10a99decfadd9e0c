/**
 * A session in the form of express-session's, for middleware that was made for that one.
 *
 * @module
 */

import { UnsupportedValueError } from '../errors.js'
import type { RequestSession } from './request.js'

/** How express-session's methods tell that they are done. */
type Callback = (error?: unknown) => void

/**
 * Defines the session of a request as express-session does: a property that holds the data, with
 * members that are not enumerable. Set to null, it destroys the session.
 */
export function defineSession(
  request: object,
  property: string,
  opened: RequestSession<object>,
): void {
  const { session } = opened
  let data: object | undefined
  let current: object | null | undefined
  const remove = (value: null | undefined): void => {
    data = session.data
    current = value
  }
  Object.defineProperty(request, property, {
    configurable: true,
    enumerable: true,
    get() {
      // A rotation that does not keep all begins with new data. Then this is a new object too, and the
      // old one keeps what it held.
      if (data !== session.data) {
        data = session.data
        current = createSessionObject(opened, data, () => remove(undefined))
      }
      return current
    },
    set(value: unknown) {
      if (value !== null && value !== undefined) {
        throw new UnsupportedValueError(
          [property],
          'assign attributes of the session one by one, or null to destroy it',
        )
      }
      remove(value)
      opened.waitFor(session.destroy())
    },
  })
}

/**
 * Creates the object.
 *
 * @param remove Removes it from the request.
 */
function createSessionObject(
  opened: RequestSession<object>,
  data: object,
  remove: () => void,
): object {
  const members = sessionMembers(opened, remove)
  const isMember = (key: string | symbol): key is string =>
    typeof key === 'string' && Object.hasOwn(members, key)
  const refuseMember = (key: string | symbol): void => {
    if (!isMember(key)) return
    throw new UnsupportedValueError([key], 'express-session has a member of that name, use another')
  }
  return new Proxy(data, {
    get: (_data, key) => (isMember(key) ? members[key] : Reflect.get(data, key)),
    has: (_data, key) => isMember(key) || Reflect.has(data, key),
    set(_data, key, value) {
      refuseMember(key)
      return Reflect.set(data, key, value)
    },
    defineProperty(_data, key, descriptor) {
      refuseMember(key)
      return Reflect.defineProperty(data, key, descriptor)
    },
  })
}

/** What express-session's session has beside the data. */
function sessionMembers(
  opened: RequestSession<object>,
  remove: () => void,
): Record<string, unknown> {
  const { session } = opened
  /** Tells `callback` how `work` ends; without one, the response waits for it and fails with it. */
  const tell = (work: Promise<unknown>, callback: Callback | undefined): void => {
    if (typeof callback !== 'function') opened.waitFor(work)
    else void work.then(() => callback(), callback)
  }
  return {
    get id() {
      return session.id
    },
    cookie: createCookieObject(opened),
    save(this: object, callback?: Callback) {
      tell(session.commit(), callback)
      return this
    },
    reload(this: object, callback?: Callback) {
      tell(session.reload(), callback)
      return this
    },
    regenerate(this: object, callback?: Callback) {
      // As with express-session, what was set for the cookie of the old one ends with it.
      const reset = (): void => {
        opened.browserSession = false
      }
      tell(session.rotateId({ keep: false }).then(reset), callback)
      return this
    },
    destroy(this: object, callback?: Callback) {
      remove()
      tell(session.destroy(), callback)
      return this
    },
    touch(this: object) {
      session.touch()
      return this
    },
  }
}

/** What express-session's session tells of its cookie, and lets middleware change. */
function createCookieObject(opened: RequestSession<object>): object {
  const { session } = opened
  const maxAge = (): number | null => (opened.persistent ? session.lifetime : null)
  const setLifetime = (milliseconds: number | null): void => {
    if (milliseconds !== null) session.timeouts({ idle: milliseconds })
    opened.browserSession = milliseconds === null
  }
  return {
    httpOnly: true,
    get originalMaxAge(): number | null {
      return maxAge()
    },
    get maxAge(): number | null {
      return maxAge()
    },
    set maxAge(milliseconds: number | null | undefined) {
      setLifetime(milliseconds ?? null)
    },
    get expires(): Date | null {
      return opened.persistent ? new Date(Date.now() + session.lifetime) : null
    },
    set expires(date: Date | null | false | undefined) {
      setLifetime(date instanceof Date ? date.getTime() - Date.now() : null)
    },
  }
}
