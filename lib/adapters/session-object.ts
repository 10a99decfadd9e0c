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
 * methods that are not enumerable. Set to null, it destroys the session.
 */
export function defineSession(
  request: object,
  property: string,
  opened: RequestSession<object>,
): void {
  let current: object | undefined = createSessionObject(opened, renew)
  function renew(): void {
    current = createSessionObject(opened, renew)
  }
  Object.defineProperty(request, property, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set(value: unknown) {
      if (value !== null && value !== undefined) {
        throw new UnsupportedValueError(
          [property],
          'assign attributes of the session one by one, or null to destroy it',
        )
      }
      current = undefined
      opened.destroy()
    },
  })
}

/**
 * Creates the object.
 *
 * @param renew Replaces it: after a regeneration, the session is another object, and this one keeps
 *   what it held.
 */
function createSessionObject(opened: RequestSession<object>, renew: () => void): object {
  const { session } = opened
  const { data } = session
  const members = sessionMembers(opened, renew)
  const isMember = (key: string | symbol): key is string =>
    typeof key === 'string' && Object.hasOwn(members, key)
  return new Proxy(data, {
    get: (_data, key) => (isMember(key) ? members[key] : Reflect.get(data, key)),
    has: (_data, key) => isMember(key) || Reflect.has(data, key),
    set(_data, key, value) {
      if (!isMember(key)) return Reflect.set(data, key, value)
      throw new UnsupportedValueError(
        [key],
        'express-session has a method of that name, use another',
      )
    },
  })
}

/** What express-session's session has beside the data. */
function sessionMembers(
  opened: RequestSession<object>,
  renew: () => void,
): Record<string, unknown> {
  const { session } = opened
  const tell = (work: Promise<unknown>, callback?: Callback): void => {
    work.then(
      () => callback?.(),
      error => callback?.(error),
    )
  }
  return {
    id: session.id,
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
      tell(session.rotateId({ keep: false }).then(renew), callback)
      return this
    },
    destroy(this: object, callback?: Callback) {
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
  const setLifetime = (milliseconds: number | null): void => {
    opened.browserSession = milliseconds === null
    if (milliseconds !== null) session.timeouts({ idle: milliseconds })
  }
  return {
    httpOnly: true,
    get originalMaxAge(): number {
      return session.lifetime
    },
    get maxAge(): number {
      return session.lifetime
    },
    set maxAge(milliseconds: number | null) {
      setLifetime(milliseconds)
    },
    get expires(): Date {
      return session.expiresAt
    },
    set expires(date: Date | null | false) {
      setLifetime(date instanceof Date ? date.getTime() - Date.now() : null)
    },
  }
}
