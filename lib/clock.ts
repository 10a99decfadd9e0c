/**
 * The time at the store: expiries are on its time scale, whatever an application server's clock says.
 *
 * @module
 */

import { performance } from 'node:perf_hooks'
import type { Store } from './store/store.js'
import type { Deadline } from './synchronize/deadline.js'

/** Tells the time at a store, in milliseconds since 1970. */
export interface Clock {
  /** Takes note of what the store said its time was just now. */
  note(now: number): void
  /** The time now. The store is asked if it has never told it. */
  now(deadline: Deadline): Promise<number>
  /** The time now, as far as it can be told without asking. */
  estimate(): number
}

/** Creates the clock of `store`: what it told last, and the monotonic time since. */
export function createClock(store: Store): Clock {
  const { now } = store
  if (now !== undefined) return { note: () => undefined, now: async () => now(), estimate: now }
  let offset: number | undefined
  const note = (time: number): void => {
    offset = time - performance.now()
  }
  const estimate = (): number =>
    offset === undefined ? Date.now() : Math.round(offset + performance.now())
  return {
    note,
    estimate,
    async now(deadline) {
      if (offset === undefined)
        note(await deadline.persist('ask for the time', each => store.time(each)))
      return estimate()
    },
  }
}
