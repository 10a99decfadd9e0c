/**
 * Knowing whether a request was sent, and keeping it back when its time is up.
 *
 * The driver may have a request wait: for a server that can be reached, for a connection, for its own
 * second try. It encodes the request when it sends it, so that is when the request is asked whether it
 * may go.
 *
 * @module
 */

import { StoreError } from '../errors.js'
import type { Attempt } from './store.js'

/**
 * Has `document`, a part of a request, tell `attempt` when it is sent; and refuse that if nobody waits
 * for the answer any more.
 */
export function accompany<T extends object>(document: T, attempt: Attempt): T {
  attempt.stage = 'waiting'
  const toBSON = (): T => {
    if (attempt.stage === 'withdrawn') throw new StoreError('send a request', 'its time is up')
    attempt.stage = 'sent'
    return document
  }
  return Object.defineProperty(document, 'toBSON', { value: toBSON })
}
