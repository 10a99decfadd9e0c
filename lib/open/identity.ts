/**
 * Session ids: what the browser holds, and what the store knows a session by.
 *
 * An id is 32 random bytes, the key is its SHA-256. So neither a leaked database nor the timing of an
 * index gives a live session (CVE-2019-16782), and an id that was not made here is never adopted.
 *
 * @module
 */

import { createHash, createHmac, randomBytes, randomFillSync } from 'node:crypto'

/** 32 bytes in base64url, without padding. */
const ID = /^[A-Za-z0-9_-]{43}$/

/** Creates an id that nobody can guess: 256 random bits as 43 characters. */
export function createId(): string {
  return randomBytes(32).toString('base64url')
}

/** The id of the session that has this name: to be known, `secret` must be. */
export function idOfName(name: string, secret: string): string {
  return createHmac('sha256', secret).update(name).digest('base64url')
}

/** Whether `value` has the form of an id. What has not is never looked up. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** The key that the store knows the session of `id` by. */
export function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}

/** Random numbers ahead: asking for many costs hardly more than for one. */
const tokens = new BigInt64Array(256)
let next = tokens.length

/** Creates the token of a commit: a random int64. It is no secret, but must not come twice. */
export function createToken(): bigint {
  if (next === tokens.length) {
    randomFillSync(tokens)
    next = 0
  }
  return tokens[next++] as bigint
}
