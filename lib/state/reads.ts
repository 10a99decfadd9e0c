/**
 * Recording read accesses, for a commit that depends on what was read: `'serializable'` isolation.
 *
 * @module
 */

import type { Key } from '../path.js'
import type { Node, Tree } from './node.js'
import { slotAt } from './node.js'

/** Every key, and everything below. */
export const ALL = 'all'

/** What was read since the benchmark was: by node, the keys, or all that is in it. */
export type Reads = NonNullable<Tree['reads']>

/** Records that `key` of `node` was read: a primitive by its value, a container by its being there. */
export function noteRead(node: Node, key: Key): void {
  const { reads } = node.tree
  if (reads === undefined) return
  const known = reads.get(node)
  if (known === ALL) return
  if (known === undefined) reads.set(node, new Set([key]))
  else known.add(key)
  const member = slotAt(node, key)
  // No proxy sees what is read from a Map or a Set.
  if (typeof member === 'object' && member !== null && 'kind' in member) {
    if (member.kind === 'map' || member.kind === 'set') noteReadAll(member)
  }
}

/** Records that anything in `node`, at any depth, may have been read. */
export function noteReadAll(node: Node): void {
  node.tree.reads?.set(node, ALL)
}

/** Puts what was read of `node` before back. */
export function mergeReads(tree: Tree, node: Node, keys: Set<Key> | typeof ALL): void {
  const known = tree.reads?.get(node)
  if (keys === ALL || known === undefined) tree.reads?.set(node, keys)
  else if (known !== ALL) for (const key of keys) known.add(key)
}
