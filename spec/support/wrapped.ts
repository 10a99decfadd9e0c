/**
 * Stores over other stores: with documents that somebody edited by hand, and with calls that wait.
 */

import type { Document } from 'bson'
import { deserialize, serialize } from 'bson'
import type { Store } from '../../lib/index.js'

/** Asked to be exact, the bson package gives each value back as it came. */
export const EXACT = { promoteValues: false, bsonRegExp: true } as const

/** A store whose documents are read as `edit` leaves them: as a document, or as raw bytes. */
export function tampered(
  store: Store,
  edit: (document: Document) => Document | Uint8Array | undefined,
): Store {
  return {
    ...store,
    async load(key, options) {
      const loaded = await store.load(key, options)
      if (loaded === null) return null
      const document = deserialize(loaded.bytes, EXACT)
      const edited = edit(document) ?? document
      const bytes = edited instanceof Uint8Array ? edited : serialize(edited)
      return loaded.now === undefined ? { bytes } : { bytes, now: loaded.now }
    },
  }
}

/** A store one of whose methods waits to be let go, each time that it is called. */
export interface Gate {
  readonly store: Store
  /** Resolves at the next call that waits, with a function that lets it go. */
  next(): Promise<(failure?: Error) => void>
}

/** Puts a gate before a method of `store`; what is let go with a failure never reaches it. */
export function gated(
  store: Store,
  method: 'insert' | 'write' | 'load' | 'remove' | 'touch',
): Gate {
  const arrivals: ((letGo: (failure?: Error) => void) => void)[] = []
  const waiting: ((failure?: Error) => void)[] = []
  const arrive = (letGo: (failure?: Error) => void): void => {
    const expected = arrivals.shift()
    if (expected === undefined) waiting.push(letGo)
    else expected(letGo)
  }
  const call = store[method] as (...args: unknown[]) => unknown
  return {
    store: {
      ...store,
      [method]: async (...args: unknown[]) => {
        await new Promise<void>((resolve, reject) => {
          arrive(failure => (failure === undefined ? resolve() : reject(failure)))
        })
        return call(...args)
      },
    },
    async next() {
      const letGo = waiting.shift()
      return letGo ?? new Promise(resolve => arrivals.push(resolve))
    },
  }
}
