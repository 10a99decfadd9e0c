/**
 * A store that gives one session for ever and acknowledges everything: what is measured over it is the
 * library alone.
 */

import { serialize } from 'bson'
import type { Store } from '../../lib/index.js'

/** A store of one session, which holds `data`. */
export function standingStore(data: object): Store {
  const day = 24 * 60 * 60 * 1000
  const [now, expiresAt] = [new Date(), new Date(Date.now() + day)]
  const bytes = serialize({
    _id: 'A'.repeat(43),
    data,
    rev: 1,
    layout: {},
    tokens: [],
    createdAt: now,
    expiresAt,
    endsAt: new Date(Date.now() + 7 * day),
  })
  const done = async (): Promise<boolean> => true
  return {
    load: async () => ({ bytes, now: Date.now() }),
    insert: done,
    write: done,
    touch: done,
    retire: done,
    remove: done,
    removeWhere: async () => 0,
    async *list() {},
    time: async () => Date.now(),
    now: Date.now,
  }
}

/** An id of the form that ids have. */
export const ANY_ID = 'A'.repeat(43)
