/**
 * What a session remembers of express-session's cookie: the attribute `cookie`, which is no data of the
 * application, and the session's own idle timeout.
 *
 * @module
 */

import type { OpenSession } from '../session/open-session.js'

/** The attribute that holds it. */
export const COOKIE = 'cookie'

/** A cookie as express-session prints it. */
export interface PrintedCookie {
  /** How long it lives, in milliseconds; null if it ends with the browser's session. */
  originalMaxAge?: number | null | undefined
  /** When it expires; null if it ends with the browser's session. */
  expires?: Date | string | null | undefined
  [attribute: string]: unknown
}

/** Each request computes the maximum age from the clock anew, and may miss it by what that takes. */
const INACCURACY = 1000

/** The longest idle timeout that a session takes, in milliseconds. */
const LONGEST = 100_000 * 24 * 60 * 60_000

/** The cookie of a session, as express-session makes its own of it. */
export function readCookie(data: object, expiresAt: Date): PrintedCookie {
  const cookie = { ...(data as { [COOKIE]?: PrintedCookie })[COOKIE] }
  const originalMaxAge = cookie.originalMaxAge ?? null
  return { ...cookie, originalMaxAge, expires: originalMaxAge === null ? null : expiresAt }
}

/**
 * Writes what changed of a cookie. When it expires is none of that: the session's expiry tells.
 *
 * @param idleTimeout The idle timeout, in ms, of sessions whose cookie ends with the browser's session.
 */
export function writeCookie(
  opened: OpenSession<object>,
  printed: PrintedCookie,
  idleTimeout: number,
): void {
  const data = opened.data as { [COOKIE]?: PrintedCookie }
  const before = data[COOKIE]
  const maxAge = printed.originalMaxAge
  const originalMaxAge = typeof maxAge === 'number' ? maxAge : null
  const now: PrintedCookie = { ...printed, originalMaxAge }
  delete now.expires
  if (isSameAge(before?.originalMaxAge ?? null, originalMaxAge)) {
    now.originalMaxAge = before?.originalMaxAge ?? originalMaxAge
  } else {
    const idle = originalMaxAge ?? idleTimeout
    opened.timeouts({ idle: Math.min(Math.max(idle, 1), LONGEST) })
  }
  if (before === undefined) {
    data[COOKIE] = now
    return
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (before[name] !== now[name]) before[name] = now[name]
  }
}

function isSameAge(before: number | null, now: number | null): boolean {
  if (before === null || now === null) return before === now
  return Math.abs(before - now) < Math.min(INACCURACY, before / 2)
}
