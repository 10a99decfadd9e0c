/**
 * Making client state the new benchmark, as a commit does once it was applied.
 *
 * @module
 */

import type { Key } from '../path.js'
import { equalsItem } from './equal.js'
import type { Item, Tree } from './node.js'
import { ABSENT, clearSlots, deleteSlot, Leaf, Node, setSlot, slotAt, slotsOf } from './node.js'
import { link, unlink } from './place.js'
import { elementsOf, isRearranged, keysOf } from './read.js'
import type { Container, PlainObject } from './value.js'
import { containerKind, isMutableLeaf } from './value.js'
import { copyWidths, inheritWidths } from './width.js'

/** What is known of the commit whose state becomes the benchmark. */
export interface Settlement {
  /** The leaves that were sent or compared, as they were then. No other can have changed. */
  readonly leaves: ReadonlyMap<Leaf, object>
  /** Whether it is certain that nobody else committed since the last load. */
  readonly exact: boolean
}

/** Makes the state of `node` and of all below it the benchmark, and gives that. */
export function settle(node: Node, settlement: Settlement): Container {
  if (node.benchmark !== undefined && !node.dirty) return node.benchmark
  if (node.kind === 'array') node.benchmark = settleArray(node, settlement)
  else if (node.kind === 'set') node.benchmark = settleSet(node, settlement)
  else node.benchmark = settleKeys(node, settlement)
  if (node.tree.tied) node.stored = node.benchmark
  node.source = node.benchmark
  node.fresh = false
  node.missed = undefined
  node.moved = undefined
  node.inserted = undefined
  node.displaced = undefined
  node.dirty = node.tracked !== undefined
  return node.benchmark
}

function settleKeys(node: Node, settlement: Settlement): Container {
  const container = ownBenchmark(node) as PlainObject | Map<string, unknown>
  const keys = (node.benchmark === undefined ? keysOf(node) : (node.tracked ?? [])) as string[]
  node.tracked = undefined
  for (const key of keys) {
    const slot = slotAt(node, key) as Item | typeof ABSENT | undefined
    if (slot === undefined || slot === ABSENT) {
      if (container instanceof Map) container.delete(key)
      else delete container[key]
      deleteSlot(node, key)
      continue
    }
    const value = settleItem(slot, memberOf(container, key), settlement)
    if (container instanceof Map) container.set(key, value)
    else container[key] = value
    if (!isOpened(node.tree, slot, value)) deleteSlot(node, key)
    else stayTracked(node, key, slot)
  }
  return container
}

const memberOf = (container: PlainObject | Map<string, unknown>, key: string): unknown =>
  container instanceof Map ? container.get(key) : container[key]

/** The benchmark value of `item`; `before` is what stood in its place. */
function settleItem(item: Item, before: unknown, settlement: Settlement): unknown {
  if (item instanceof Node) {
    const isNew = item.benchmark === undefined
    const value = settle(item, settlement)
    if (isNew) inheritWidths(before, value)
    // An equal one was not written: it says nothing of where others have put elements meanwhile.
    if (isNew && !settlement.exact && equalsItem(item.tree, before, value)) distrust(item)
    return value
  }
  if (item instanceof Leaf) return settlement.leaves.get(item) ?? before
  return item
}

/** Takes back what is known of the positions in arrays at `node` and below. */
function distrust(node: Node): void {
  node.verified = 0
  for (const [, child] of slotsOf(node)) if (child instanceof Node) distrust(child)
}

/**
 * Whether `item` stays what the application holds, now that the benchmark has `value` for it: not a
 * primitive, nor what a codec decoded and has written otherwise.
 */
function isOpened(tree: Tree, item: Item, value: unknown): item is Node | Leaf {
  if (!(item instanceof Leaf)) return item instanceof Node
  const isPlain = item.codec !== undefined && containerKind(item.handle) !== undefined
  return !isPlain || equalsItem(tree, value, item)
}

/** What was handed out for good can change at any time, so it stays a candidate. */
function stayTracked(node: Node, key: Key, item: Item): void {
  const stays =
    item instanceof Node
      ? item.dirty
      : item instanceof Leaf && (item.codec !== undefined || isMutableLeaf(item.handle))
  if (!stays) return
  node.tracked ??= new Set()
  node.tracked.add(key)
}

function settleArray(node: Node, settlement: Settlement): Container {
  const { benchmark, tracked, fresh } = node
  let container: unknown[]
  if (benchmark !== undefined && !isRearranged(node)) {
    container = ownBenchmark(node) as unknown[]
    node.tracked = undefined
    for (const index of (tracked ?? []) as Iterable<number>) {
      const slot = slotAt(node, index) as Item
      container[index] = settleItem(slot, container[index], settlement)
      if (!isOpened(node.tree, slot, container[index])) deleteSlot(node, index)
      else stayTracked(node, index, slot)
    }
    if (settlement.exact) node.verified = container.length
  } else {
    const elements = elementsOf(node)
    const before = (benchmark ?? []) as unknown[]
    container = elements.map((item, index) => settleItem(item, before[index], settlement))
    node.generation = node.tree.generation
    adoptElements(node, elements, container)
    if (benchmark === undefined) node.verified = fresh && !settlement.exact ? 0 : container.length
    else
      node.verified = settlement.exact
        ? container.length
        : Math.min(node.verified, container.length)
  }
  node.length = container.length
  return container
}

function settleSet(node: Node, settlement: Settlement): Container {
  const elements = elementsOf(node)
  const before = [...((node.benchmark ?? []) as Set<unknown>)]
  const members = elements.map((item, index) => settleItem(item, before[index], settlement))
  adoptElements(node, elements, members)
  return new Set(members)
}

/**
 * Gives the elements of a restructured array or a Set their slots again, at their new places.
 *
 * @param values What the benchmark has for them.
 */
function adoptElements(node: Node, elements: readonly Item[], values: readonly unknown[]): void {
  node.items = undefined
  node.tracked = undefined
  clearSlots(node)
  for (const item of elements) if (item instanceof Node) unlink(node, item)
  elements.forEach((item, index) => {
    if (!isOpened(node.tree, item, values[index])) return
    setSlot(node, index, item)
    link(node, index, item)
    stayTracked(node, index, item)
  })
}

/** The benchmark container of `node`, to be changed in place: a copy, unless it is owned already. */
function ownBenchmark(node: Node): Container {
  const { benchmark, kind, tree } = node
  if (benchmark !== undefined && node.generation === tree.generation) return benchmark
  node.generation = tree.generation
  const copy =
    kind === 'map'
      ? new Map(benchmark as Map<string, unknown> | undefined)
      : kind === 'array'
        ? [...((benchmark ?? []) as unknown[])]
        : { ...(benchmark as PlainObject | undefined) }
  copyWidths(benchmark, copy)
  return copy
}
