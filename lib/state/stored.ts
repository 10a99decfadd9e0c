/**
 * What primary state holds, beside what a schema made of it: kept in step with the commits.
 *
 * @module
 */

import type { Key } from '../path.js'
import { Node, slotsOf } from './node.js'

/** What `stored`, a container as primary state holds it, has at `key`; undefined if nothing. */
export function storedAt(stored: unknown, key: Key): unknown {
  if (typeof stored !== 'object' || stored === null || !Object.hasOwn(stored, key)) return undefined
  return (stored as Record<Key, unknown>)[key]
}

/** Tells `node` and all below what is stored for them. */
export function bindNode(node: Node, stored: unknown): void {
  node.stored = stored
  for (const [key, child] of slotsOf(node)) {
    if (child instanceof Node) bindNode(child, storedAt(stored, key))
  }
}
