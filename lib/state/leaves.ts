/**
 * Keeping Dates, bytes and decoded instances as they were, for whoever may have to undo what is done to
 * them: they change in place, and no journal sees that.
 *
 * @module
 */

import { copyHandle } from './copy.js'
import { Leaf, Node, slotsOf } from './node.js'

/**
 * Takes copies of all leaves that were handed out below `root`.
 *
 * @returns Makes them what they were. Those that were handed out since are for the journal.
 */
export function keepLeaves(root: Node): () => void {
  const { tree } = root
  const adopted = tree.adopted && new Map(tree.adopted)
  const copies = new Map<Leaf, object>()
  const keep = (item: unknown): void => {
    if (item instanceof Leaf) copies.set(item, copyHandle(item))
    if (item instanceof Node && (item.dirty || item.benchmark === undefined)) visit(item)
  }
  const visit = (node: Node): void => {
    if (node.items !== undefined) node.items.forEach(keep)
    else for (const [, slot] of slotsOf(node)) keep(slot)
  }
  visit(root)
  adopted?.forEach(keep)
  return () => {
    tree.adopted = adopted
    for (const [leaf, copy] of copies) putBack(leaf, copy)
  }
}

function putBack(leaf: Leaf, copy: object): void {
  const { handle, codec } = leaf
  if (codec !== undefined) leaf.handle = copy
  else if (handle instanceof Date) handle.setTime((copy as Date).getTime())
  else if (handle instanceof Uint8Array) handle.set(copy as Uint8Array)
  else leaf.handle = copy
}
