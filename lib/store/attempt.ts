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
 * Has `document`, a part of a request, tell `attempt` when it is sent. If nobody waits for the answer any
 * more, that sends `instead`; without it nothing is sent.
 */
export function accompany<T extends object>(document: T, attempt: Attempt, instead?: object): T {
  attempt.stage = 'waiting'
  const toBSON = (): object => {
    if (attempt.stage !== 'withdrawn') attempt.stage = 'sent'
    else if (instead === undefined) throw new StoreError('send a request', 'its time is up')
    else return instead
    return document
  }
  return Object.defineProperty(document, 'toBSON', { value: toBSON })
}
