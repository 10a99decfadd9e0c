/**
 * When a session expires.
 *
 * @module
 */

import type { Timeouts } from '../store/store.js'

/** Timeouts of one session alone. */
export interface SessionTimeouts {
  /** How long it lives after it was last used, in milliseconds. */
  idle?: number
  /** How long it lives from the next commit on, however much it is used, in ms; `Infinity` for no end. */
  absolute?: number
}

/** When a session expires, and by which timeouts. */
export interface Expiry extends Timeouts {
  /** When it expires if nobody uses it from now on. */
  readonly expiresAt: number
}

/**
 * When a session expires that is used at `now`.
 *
 * @param idleTimeout The idle timeout of sessions that have none of their own.
 * @param before Its timeouts so far.
 * @param given Those that it was given since.
 */
export function expiryOf(
  idleTimeout: number,
  now: number,
  before: Timeouts,
  { idle = before.idle, absolute }: SessionTimeouts = {},
): Expiry {
  const endsAt = absolute === undefined ? before.endsAt : now + absolute
  return { idle, endsAt, expiresAt: Math.min(now + (idle ?? idleTimeout), endsAt) }
}

/**
 * By how much the expiry must move for that alone to be written: a session that has a short timeout of
 * its own must not expire in between.
 */
export function stepOf(touchAfter: number, idle: number | undefined): number {
  return idle === undefined ? touchAfter : Math.min(touchAfter, idle / 10)
}

/** Whether an expiry moved by a step: once each time that it passes a multiple, however it moves. */
export function hasMoved(before: number, after: number, step: number): boolean {
  if (step === 0) return after !== before
  return Math.floor(after / step) !== Math.floor(before / step)
}
