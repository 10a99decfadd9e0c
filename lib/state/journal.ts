/**
 * Keeping nodes as they were, for whoever may have to undo or replay what is written now: a recipe
 * that may throw, or a commit that is under way while the application goes on writing.
 *
 * @module
 */

import type { Item, Journal, Node, Saved } from './node.js'
import { Slots } from './node.js'
import { relink } from './place.js'

/** Keeps `node` as it is in every open journal that has not got it. Call before each write. */
export function keep(node: Node): void {
  for (const journal of node.tree.journals) {
    if (!journal.has(node)) journal.set(node, save(node))
  }
}

/** A copy of what a write to `node` may change. */
export function save(node: Node): Saved {
  return {
    source: node.source,
    adopted: node.adopted,
    fresh: node.fresh,
    slots: Object.assign(new Slots(), node.slots),
    elements: node.elements && new Map(node.elements),
    tracked: node.tracked && new Set(node.tracked),
    dirty: node.dirty,
    moved: node.moved && new Set(node.moved),
    displaced: node.displaced && new Map(node.displaced),
    inserted: node.inserted,
    items: Array.isArray(node.items) ? [...node.items] : node.items && new Set<Item>(node.items),
    length: node.length,
  }
}

/** Makes all nodes of `journal` what they were when they were saved. */
export function restore(journal: Journal): void {
  for (const [node, saved] of journal) Object.assign(node, saved)
  // Only now does each hold what it held, and a node that was moved meanwhile finds its way back.
  for (const node of journal.keys()) {
    relink(node)
    if (node.kind === 'map' || node.kind === 'set') node.tree.refresh(node)
  }
}
