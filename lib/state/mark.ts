/**
 * Recording write accesses: what was written, and the way from the root to it.
 *
 * @module
 */

import type { Key } from '../path.js'
import { keep } from './journal.js'
import type { Node } from './node.js'
import { holds } from './place.js'

/** Records that `key` of `node` was written, and tells all ancestors. */
export function track(node: Node, key: Key): void {
  node.tracked ??= new Set()
  node.tracked.add(key)
  markDirty(node)
}

/** Tells all ancestors that something was written at `node` or below. */
export function markDirty(node: Node): void {
  if (node.dirty) return
  node.dirty = true
  if (node.parent !== undefined) notify(node.parent, node.key, node)
  if (node.elsewhere !== undefined) {
    for (const [parent, keys] of node.elsewhere) {
      for (const key of keys) notify(parent, key, node)
    }
  }
}

function notify(parent: Node, key: Key, child: Node): void {
  // A node that was taken out of its place still knows it, and must not come back by being written.
  if (!holds(parent, key, child)) {
    if (child.tree.detached?.has(child) === true) child.tree.writtenDetached.push(child)
    return
  }
  keep(parent)
  if (parent.items === undefined) {
    parent.tracked ??= new Set()
    parent.tracked.add(key)
  }
  markDirty(parent)
}
