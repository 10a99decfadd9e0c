/**
 * Where two values differ, as a tree of keys.
 *
 * @module
 */

import type { Key } from '../path.js'

/** The members that differ, each with where it does; or `'anywhere'`. */
export type Guide = ReadonlyMap<Key, Guide> | 'anywhere'

/** Whether the member at `key` may differ; gives where. */
export function guideAt(guide: Guide, key: Key): Guide | undefined {
  return guide === 'anywhere' ? guide : guide.get(key)
}
