/**
 * What primary state holds, beside what a schema made of it: kept in step with the commits.
 *
 * @module
 */

import type { Modification } from '../modification.js'
import type { Key } from '../path.js'
import { Node, slotAt, slotsOf } from './node.js'

/** What `stored`, a container as primary state holds it, has at `key`; undefined if nothing. */
export function storedAt(stored: unknown, key: Key): unknown {
  if (typeof stored !== 'object' || stored === null || !Object.hasOwn(stored, key)) return undefined
  return (stored as Record<Key, unknown>)[key]
}

/** Tells the nodes below `root` what is stored for them after `modifications` were applied to it. */
export function bindStored(root: Node, modifications: readonly Modification[]): void {
  for (const { path } of modifications) {
    let node: unknown = root
    let { stored } = root
    for (const key of path) {
      if (!(node instanceof Node)) break
      node.stored = stored
      node = slotAt(node, key)
      stored = storedAt(stored, key)
    }
    if (node instanceof Node) bindNode(node, stored)
  }
}

/** Tells `node` and all below what is stored for them. */
export function bindNode(node: Node, stored: unknown): void {
  node.stored = stored
  for (const [key, child] of slotsOf(node)) {
    if (child instanceof Node) bindNode(child, storedAt(stored, key))
  }
}
