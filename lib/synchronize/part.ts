/**
 * One node at two places: once others changed one of them, the places part.
 *
 * @module
 */

import type { Key } from '../path.js'
import { copyHandle } from '../state/copy.js'
import { equalsItem } from '../state/equal.js'
import { save } from '../state/journal.js'
import type { Item, Slot } from '../state/node.js'
import { Leaf, Node, setSlot, slotsOf } from '../state/node.js'
import { link } from '../state/place.js'
import type { Container } from '../state/value.js'
import type { Place, Rebase } from './rebasing.js'

/**
 * What is to stand at a place that held `slot`: that, or a node of its own, if the same node was met
 * at another place before and others have something else here. The handle stays with the first.
 *
 * @param container What others made of the container of the place.
 */
export function partSlot<S extends Slot | Item>(
  { shared, tree }: Rebase,
  slot: S,
  { benchmark, now, where }: Place,
  container: Container,
): S | Node {
  if (!(slot instanceof Node) || slot.benchmark === undefined) return slot
  const first = shared.get(slot)
  if (first === undefined) {
    const isShared = slot.benchmark === benchmark && (slot.elsewhere?.size ?? 0) > 0
    if (isShared) shared.set(slot, { benchmark, now, twin: cloneNode(slot) })
    return slot
  }
  if (first.benchmark !== benchmark) return slot
  if (equalsItem(tree, first.now, now)) {
    // It stands at both places as long as the benchmark has one value there.
    if (tree.tied) (container as Record<Key, unknown>)[where.path.at(-1) as Key] = first.now
    return slot
  }
  const { twin } = first
  first.twin = cloneNode(twin)
  return twin
}

/** Another node in the state of `node`, with nodes of its own below. */
function cloneNode(node: Node): Node {
  const { tree, kind, benchmark, stored, shape, missed, verified } = node
  const clone = new Node(tree, kind, benchmark)
  Object.assign(clone, save(node), { displaced: undefined, stored, shape, missed, verified })
  for (const [key, slot] of slotsOf(clone)) {
    const copy = cloneItem(slot)
    setSlot(clone, key, copy)
    link(clone, key, copy)
  }
  if (Array.isArray(clone.items)) {
    const { items, inserted } = clone
    clone.items = items.map(cloneItem)
    clone.inserted =
      inserted && new Set(clone.items.filter((_, index) => inserted.has(items[index] as Item)))
  }
  if (clone.items instanceof Set) clone.items = new Set([...clone.items].map(cloneItem))
  for (const [index, item] of [...(clone.items ?? [])].entries()) link(clone, index, item)
  clone.handle = tree.createHandle(clone)
  return clone
}

function cloneItem<S extends Slot | Item>(item: S): S | Node | Leaf {
  if (item instanceof Node) return cloneNode(item)
  return item instanceof Leaf ? new Leaf(copyHandle(item), item.codec) : item
}
