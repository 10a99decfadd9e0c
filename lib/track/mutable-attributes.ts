/**
 * Tracking `'mutable-attributes'`: an attribute is a candidate once it was written, or read while it
 * held something that can change in place.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import { Leaf, Node as TreeNode } from '../state/node.js'
import { bsonTypeOf, isMutableLeaf } from '../state/value.js'
import { createCopies } from './copies.js'
import { createRootHandle } from './root.js'
import type { Tracking } from './tracking.js'

/** Hands out attributes of `root`, as plain copies where they can change in place. */
export function trackMutableAttributes(root: Node): Tracking {
  const copies = createCopies(root)
  return { ...copies, data: createRootHandle(root, copies, isMutable) }
}

function isMutable(value: object): boolean {
  if (value instanceof TreeNode) return true
  const plain = value instanceof Leaf ? value.handle : value
  // BSON's own value types do not change in place, but for those that hold bytes.
  return bsonTypeOf(plain) === undefined || isMutableLeaf(plain)
}
