/**
 * Going on with the sessions that connect-mongo left in a collection.
 *
 * @module
 */

import { invalidOption } from '../errors.js'
import { keyOf } from '../open/identity.js'
import type { Settings } from '../options.js'
import type { Store } from '../store/store.js'

/** Sessions of connect-mongo's, and what is to become of them. */
export interface ConnectMongo {
  /** Whose sessions the store holds. */
  store: 'connect-mongo'
  /**
   * Whether a session of connect-mongo's becomes one of dotset's by the first write; servers with
   * connect-mongo cannot read it then. Default: false, all sessions are kept in connect-mongo's own
   * form, so that such servers can run side by side with this one.
   */
  convert?: boolean
  /**
   * Whether connect-mongo keeps its sessions as JSON: the same as its own option, for new sessions in
   * its form. Default: true, as there.
   */
  stringify?: boolean
  /** What connect-mongo makes of an id to store it: the same as its own option. Default: the id. */
  transformId?: (id: string) => string
}

/** By which keys the store may know a session; a new one gets the first. */
export type IdKeys = (id: string) => readonly [string, ...string[]]

/**
 * The store that reads what `from` says, and by which keys it knows a session.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` that says which option, and what to do.
 */
export function takeOverFrom(
  from: ConnectMongo | undefined,
  { store, absoluteTimeout }: Settings,
): { store: Store; keysOf: IdKeys } {
  if (from === undefined) return { store, keysOf: id => [keyOf(id)] }
  const { store: name, convert = false, stringify = true, transformId, ...others } = from ?? {}
  for (const option of Object.keys(others)) {
    throw invalidOption(`from.${option}`, 'there is no such option, see ConnectMongo')
  }
  if (name !== 'connect-mongo') throw invalidOption('from.store', "it must be 'connect-mongo'")
  for (const [option, value] of Object.entries({ convert, stringify })) {
    if (typeof value !== 'boolean') {
      throw invalidOption(`from.${option}`, 'it must be true or false')
    }
  }
  if (transformId !== undefined && typeof transformId !== 'function') {
    throw invalidOption('from.transformId', 'it must be the function that connect-mongo was given')
  }
  if (convert && from.stringify !== undefined) {
    throw invalidOption('from.stringify', 'it is for sessions that are not converted, leave it out')
  }
  if (!convert && absoluteTimeout !== Number.POSITIVE_INFINITY) {
    throw invalidOption('absoluteTimeout', "connect-mongo's form has no place for it, set convert")
  }
  const both = store.withConnectMongo?.({ convert, stringify, absoluteTimeout })
  if (both === undefined) {
    throw invalidOption('from', 'the store must be mongoStore() of the same collection')
  }
  const foreignKey = transformId ?? ((id: string) => id)
  return {
    store: both,
    keysOf: id => (convert ? [keyOf(id), foreignKey(id)] : [foreignKey(id), keyOf(id)]),
  }
}
