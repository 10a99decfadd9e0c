/**
 * What arrives in a store, seen without the help of the library: the bytes, decoded by the bson
 * package alone.
 */

import assert from 'node:assert/strict'
import { deserialize, EJSON, serialize } from 'bson'
import type { Modification, Store } from '../../lib/index.js'
import { isWithin } from '../../lib/path.js'
import { canonical } from './canonical.js'

/** Data as BSON keeps it: with the BSON type of each value, whatever the order of keys. */
export function exact(data: object): string {
  const document = deserialize(serialize(data, { ignoreUndefined: true }), {
    promoteValues: false,
    bsonRegExp: true,
  })
  return canonical(EJSON.serialize(document, { relaxed: false }))
}

/** The attributes that `store` holds for the session with this key, in the same form. */
export async function arrived(store: Store, key: string): Promise<string> {
  const loaded = await store.load(key, { timeout: 10_000 })
  assert.ok(loaded, 'the session is stored')
  const { data } = deserialize(loaded.bytes, { promoteValues: false, bsonRegExp: true })
  return canonical(EJSON.serialize(data, { relaxed: false }))
}

/** Asserts that no modification writes at, above or below the place of another one. */
export function assertPrefixFree(modifications: readonly Modification[]): void {
  modifications.forEach(({ path }, index) => {
    const others = modifications.filter((_, position) => position !== index)
    assert.ok(!others.some(other => isWithin(other.path, path)), `${path.join()} is written twice`)
  })
}
