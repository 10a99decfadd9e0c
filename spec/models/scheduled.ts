/**
 * A store each of whose answers is a point of choice: fast-check decides who goes on next.
 */

import type fc from 'fast-check'
import type { Store } from '../../lib/index.js'

/** `store`, with every call put into the hands of `scheduler`. */
export function scheduledStore(store: Store, scheduler: fc.Scheduler): Store {
  const later =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      // The request is on its way, and then its answer is.
      await scheduler.schedule(Promise.resolve(), 'request')
      const answer = await call(...args)
      return scheduler.schedule(Promise.resolve(answer), 'answer')
    }
  return {
    ...store,
    load: later(store.load),
    insert: later(store.insert),
    write: later(store.write),
    touch: later(store.touch),
    retire: later(store.retire),
    remove: later(store.remove),
  }
}
