/**
 * Object-graph differencing: finds the modified subset by comparing client state with the benchmark,
 * and only at the places where a write access was tracked.
 *
 * @module
 */

import type { Key } from '../path.js'
import { copyValue } from '../state/copy.js'
import type { Difference } from '../state/difference.js'
import { equalsItem } from '../state/equal.js'
import type { Item, Tree } from '../state/node.js'
import { ABSENT, itemOf, Leaf, Node, slotAt } from '../state/node.js'
import { elementAt, elementsOf, keysOf, lengthOf, memberAt, sourceAt } from '../state/read.js'
import type { PlainObject } from '../state/value.js'
import { containerKind } from '../state/value.js'

/**
 * Lists where the state under `root` departs from the benchmark. No two results overlap.
 *
 * @param containers Whether what was put into a fresh container is listed by itself (as it is sent),
 *   or the container as one value (as patches show it).
 */
export function differenceGraph(root: Node, containers: boolean): Difference[] {
  const found: Difference[] = []
  if (root.dirty) visit({ tree: root.tree, trail: [], found, containers }, root)
  return found
}

interface Walk {
  readonly tree: Tree
  /** The path of what is compared now. It is one array for the whole walk. */
  readonly trail: Key[]
  readonly found: Difference[]
  readonly containers: boolean
}

/** Compares a node that stands in the benchmark with what it is there. */
function visit(walk: Walk, node: Node): void {
  if (node.kind === 'array') visitElements(walk, node)
  else if (node.kind === 'set') visitMembers(walk, node)
  else visitKeys(walk, node)
}

function visitKeys(walk: Walk, node: Node): void {
  if (node.tracked === undefined) return
  for (const key of node.tracked) {
    walk.trail.push(key)
    const before = sourceAt(node, key)
    const slot = slotAt(node, key)
    if (slot === ABSENT) walk.found.push({ op: 'unset', path: [...walk.trail], before })
    else if (slot !== undefined) compare(walk, before, slot)
    walk.trail.pop()
  }
}

/** Compares what stands at one place with what the benchmark has there. */
function compare(walk: Walk, before: unknown, item: Item): void {
  if (item instanceof Node) {
    if (before !== undefined && item.benchmark === before) {
      if (item.dirty) visit(walk, item)
      return
    }
    if (before === undefined && item.fresh && walk.containers) return visitFresh(walk, item)
  }
  if (before !== undefined && equalsItem(walk.tree, before, item)) return
  const basis = sharesElements(walk.tree, before, item) ? 'elements' : 'value'
  foundSet(walk, item, basis, before)
}

type Basis = 'value' | 'elements' | 'container'

function foundSet(walk: Walk, item: Item, basis: Basis, before?: unknown): void {
  walk.found.push({ op: 'set', path: [...walk.trail], item, basis, before })
}

/** Lists what was put into a container that had been assigned empty, where there was nothing. */
function visitFresh(walk: Walk, item: object): void {
  const node = nodeFor(walk.tree, item)
  const members = node === undefined ? plainMembers(item) : nodeMembers(node)
  if (members.length === 0) {
    foundSet(walk, detached(walk.tree, item), 'container')
  } else if (node === undefined ? Array.isArray(item) : node.kind === 'array') {
    const items = members.map(([, member]) => detached(walk.tree, member))
    walk.found.push({ op: 'append', path: [...walk.trail], items, from: 0 })
  } else {
    for (const [key, member] of members) {
      walk.trail.push(key)
      // Found in an object that the caller still holds, a container is one more of its kind.
      const fresh = isFresh(walk.tree, member)
      if (fresh) visitFresh(walk, member as object)
      else foundSet(walk, detached(walk.tree, member), 'value')
      walk.trail.pop()
    }
  }
}

/** A member of the caller's own object, which may change at any time, as it is now. */
function detached(tree: Tree, item: Item): Item {
  if (item instanceof Node || item instanceof Leaf) return item
  return copyValue(item, tree) as Item
}

function plainMembers(value: object): [Key, Item][] {
  const entries = Object.entries(value as PlainObject) as [Key, Item | undefined][]
  if (Array.isArray(value))
    return Array.from(value as unknown[], (v, i) => [i, (v ?? null) as Item])
  return entries.filter((entry): entry is [Key, Item] => entry[1] !== undefined)
}

function nodeMembers(node: Node): [Key, Item][] {
  if (node.kind === 'array') return elementsOf(node).map((item, index) => [index, item])
  return keysOf(node).map(key => [key, memberAt(node, key) as Item])
}

function nodeFor(tree: Tree, item: object): Node | undefined {
  const known = itemOf(tree, item)
  return known instanceof Node ? known : undefined
}

function isFresh(tree: Tree, item: Item): boolean {
  if (typeof item !== 'object' || item === null) return false
  const known = itemOf(tree, item)
  if (known !== undefined) return known instanceof Node && known.fresh
  const kind = containerKind(item)
  return kind === 'object' || kind === 'array'
}

/** Arrays: appended only, existing elements changed only, or anything else, which is one value. */
function visitElements(walk: Walk, node: Node): void {
  const benchmark = node.benchmark as unknown[]
  const changes: Difference[] = []
  const inner: Walk = { ...walk, found: changes }
  const appended = lengthOf(node) - benchmark.length
  const regular =
    appended >= 0 &&
    (node.items === undefined ? visitTracked(inner, node) : visitItems(inner, node))
  if (!regular || (appended > 0 && changes.length > 0)) {
    foundSet(walk, node, 'elements', benchmark)
  } else if (appended > 0) {
    const items = Array.from({ length: appended }, (_, offset) => {
      return elementAt(node, benchmark.length + offset) as Item
    })
    walk.found.push({ op: 'append', path: [...walk.trail], items, from: benchmark.length })
  } else {
    walk.found.push(...changes)
  }
}

/** Compares the tracked elements of an array that kept its order. */
function visitTracked(walk: Walk, node: Node): true {
  const benchmark = node.benchmark as unknown[]
  for (const index of (node.tracked ?? []) as Iterable<number>) {
    if (index < benchmark.length)
      compareElement(walk, benchmark, index, slotAt(node, index) as Item)
  }
  return true
}

/** Compares all elements of a restructured array; false if they are not those of the benchmark. */
function visitItems(walk: Walk, node: Node): boolean {
  const benchmark = node.benchmark as unknown[]
  const items = node.items as Item[]
  for (let index = 0; index < benchmark.length; index++) {
    const item = items[index]
    const before = benchmark[index] ?? null
    if (item === before) continue
    const inPlace = item instanceof Node && item.benchmark === before
    if (!inPlace && !equalsItem(walk.tree, before, item)) return false
    if (inPlace) compareElement(walk, benchmark, index, item)
  }
  return true
}

function compareElement(walk: Walk, benchmark: unknown[], index: number, item: Item): void {
  walk.trail.push(index)
  compare(walk, benchmark[index] ?? null, item)
  walk.trail.pop()
}

/** Sets: added only, or anything else, which is one value. */
function visitMembers(walk: Walk, node: Node): void {
  const benchmark = node.benchmark as Set<unknown>
  const members = elementsOf(node)
  const added = members.filter(member => {
    return !benchmark.has(member) && !(member instanceof Node && inSet(benchmark, member))
  })
  if (members.length - added.length !== benchmark.size) {
    if (equalsItem(walk.tree, benchmark, node)) return
    foundSet(walk, node, 'elements', benchmark)
  } else if (added.length > 0) {
    walk.found.push({ op: 'append', path: [...walk.trail], items: added, from: benchmark.size })
  }
}

const inSet = (benchmark: Set<unknown>, member: Node): boolean =>
  !member.dirty && benchmark.has(member.benchmark)

/**
 * Whether `item` is an array that was made from the elements of the benchmark's array `before`: one
 * has the same handle, or an equal primitive. `s.cart = s.cart.filter(…)` is an edit of the cart.
 */
function sharesElements(tree: Tree, before: unknown, item: Item): boolean {
  if (!Array.isArray(before) || typeof item !== 'object' || item === null) return false
  const node = nodeFor(tree, item)
  if (node?.kind !== 'array') return false
  const known = new Set<unknown>(before)
  return elementsOf(node).some(element => {
    if (typeof element !== 'object' || element === null) return known.has(element)
    const inner = nodeFor(tree, element)
    return inner === undefined ? known.has(element) : known.has(inner.benchmark ?? inner)
  })
}
