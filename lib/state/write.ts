/**
 * Writing to client state: what a slot holds is replaced, and the access tracked.
 *
 * @module
 */

import type { Key } from '../path.js'
import { keep } from './journal.js'
import { markDirty, track } from './mark.js'
import type { Item, Slot } from './node.js'
import { ABSENT, deleteSlot, Node, setSlot, slotAt } from './node.js'
import { own } from './open.js'
import { link } from './place.js'
import { copyElements, hasMember, sourceHas } from './read.js'

/** Puts `slot` at `key` of an object, a Map, or an array that keeps its order. */
export function put(node: Node, key: Key, slot: Slot): void {
  const current = slotAt(node, key)
  if (Object.is(current, slot) && typeof slot !== 'object') return
  keep(node)
  own(node)
  if (current === ABSENT) {
    // Set again after it was deleted: the key comes last now, as it does in a plain object.
    node.moved ??= new Set()
    node.moved.add(key)
    node.tracked?.delete(key)
  }
  displace(node, key, current)
  setSlot(node, key, slot)
  link(node, key, slot)
  track(node, key)
}

/** Removes `key` from an object or a Map; tells whether it was there. */
export function remove(node: Node, key: Key): boolean {
  if (!hasMember(node, key)) return false
  keep(node)
  own(node)
  displace(node, key, slotAt(node, key))
  if (sourceHas(node, key)) {
    setSlot(node, key, ABSENT)
    node.moved?.delete(key)
    track(node, key)
  } else {
    deleteSlot(node, key)
    node.tracked?.delete(key)
    markDirty(node)
  }
  return true
}

/** Keeps the node of a benchmark container whose slot is written over, so that it can come back. */
function displace(node: Node, key: Key, current: Slot | undefined): void {
  if (!(current instanceof Node)) return
  current.elsewhere?.get(node)?.delete(key)
  if (current.benchmark === undefined) return
  node.displaced ??= new Map()
  if (!node.displaced.has(key)) node.displaced.set(key, current)
}

/** Appends `items`, already imported, to an array. */
export function append(node: Node, items: readonly Item[]): void {
  keep(node)
  // What comes after elements that were cut off stands in the place of one that the benchmark has.
  const isCut = node.length < (node.source as unknown[]).length
  if (node.items === undefined && !node.adopted && !isCut) {
    for (const item of items) {
      const index = node.length++
      setSlot(node, index, item as Slot)
      link(node, index, item)
      track(node, index)
    }
  } else {
    const members = restructure(node)
    for (const item of items) link(node, members.push(item) - 1, item)
  }
}

/** All elements of an array, to be reordered, removed and inserted by the caller. */
export function restructure(node: Node): Item[] {
  keep(node)
  own(node)
  node.items ??= copyElements(node)
  markDirty(node)
  return node.items as Item[]
}

/** Removes the elements of an array from `length` on. What is left keeps its order. */
export function cut(node: Node, length: number): void {
  if (node.items !== undefined || node.adopted) {
    restructure(node).length = length
    return
  }
  keep(node)
  for (const index of slotsFrom(node, length)) {
    displace(node, index, slotAt(node, index))
    deleteSlot(node, index)
    node.tracked?.delete(index)
  }
  node.length = length
  markDirty(node)
}

/** The indexes from `start` on that may have slots. */
function slotsFrom(node: Node, start: number): Iterable<number> {
  const count = node.length - start
  if (count < (node.elements?.size ?? 0)) return Array.from({ length: count }, (_, i) => start + i)
  return [...(node.elements?.keys() ?? [])].filter(index => index >= start)
}

/** Replaces all elements of an array, or all members of a Set. */
export function rewrite(node: Node, elements: readonly Item[]): void {
  keep(node)
  own(node)
  node.items = node.kind === 'set' ? new Set(elements) : [...elements]
  elements.forEach((item, index) => {
    link(node, index, item)
  })
  markDirty(node)
  node.tree.refresh(node)
}
