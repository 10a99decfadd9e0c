/**
 * Finds the modified subset: compares client state with the benchmark, and only at the places where an
 * access was tracked.
 *
 * @module
 */

import type { Key } from '../path.js'
import { copyValue } from '../state/copy.js'
import type { Difference } from '../state/difference.js'
import type { Leaves } from '../state/equal.js'
import { equalsItem } from '../state/equal.js'
import type { Item, Tree } from '../state/node.js'
import { ABSENT, isOpened, itemOf, Node, slotAt } from '../state/node.js'
import {
  elementAt,
  elementsOf,
  isRearranged,
  keysOf,
  lengthOf,
  memberAt,
  sourceAt,
} from '../state/read.js'
import type { Shape } from '../state/shape.js'
import type { ContainerKind } from '../state/value.js'
import { containerKind } from '../state/value.js'

/**
 * Lists where the state under `root` departs from the benchmark. No two results overlap.
 *
 * @param containers Whether what was put into a fresh container is listed by itself (as it is sent),
 *   or the container as one value (as patches show it).
 * @param leaves Takes what each leaf was that is no difference: what the benchmark has in its place.
 */
export function findDifferences(root: Node, containers: boolean, leaves?: Leaves): Difference[] {
  const found: Difference[] = []
  if (root.dirty) visit({ tree: root.tree, trail: [], found, containers, leaves }, root)
  return found
}

interface Walk {
  readonly tree: Tree
  /** The path of what is compared now. It is one array for the whole walk. */
  readonly trail: Key[]
  readonly found: Difference[]
  readonly containers: boolean
  readonly leaves: Leaves | undefined
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
    const isAtomic = item.shape?.merge === 'atomic'
    if (before !== undefined && item.benchmark === before && !(isAtomic && item.dirty)) {
      if (item.dirty) visit(walk, item)
      return
    }
    if (before === undefined && item.fresh && walk.containers && !isAtomic) {
      return visitFresh(walk, item, item.shape)
    }
  }
  if (before !== undefined && isEqual(walk, before, item)) return
  const isEdit = sharesElements(walk.tree, before, item) && !isAtomicNode(item)
  foundSet(walk, item, isEdit ? 'elements' : 'value', before)
}

const isAtomicNode = (item: Item): boolean => item instanceof Node && item.shape?.merge === 'atomic'

/** Whether a candidate equals the benchmark, as the differencing has it. */
function isEqual({ tree, trail, leaves }: Walk, before: unknown, item: Item | undefined): boolean {
  if (!tree.differencing.equal(before, item, trail)) return false
  return leaves === undefined || equalsItem(tree, before, item, leaves)
}

type Basis = 'value' | 'elements' | 'container'

function foundSet(walk: Walk, item: Item, basis: Basis, before?: unknown): void {
  walk.found.push({ op: 'set', path: [...walk.trail], item, basis, before })
}

/** Lists what was put into a container that had been assigned empty, where there was nothing. */
function visitFresh(walk: Walk, item: object, shape: Shape | undefined): void {
  const node = nodeFor(walk.tree, item)
  const members = node === undefined ? plainMembers(item) : nodeMembers(node)
  if (members.length === 0) {
    foundSet(walk, detached(walk.tree, item), 'container')
  } else if (isList(node?.kind ?? containerKind(item))) {
    const items = members.map(([, member]) => detached(walk.tree, member))
    walk.found.push({ op: 'append', path: [...walk.trail], items, from: 0 })
  } else {
    for (const [key, member] of members) {
      walk.trail.push(key)
      // Found in an object that the caller still holds, a container is one more of its kind.
      const inner = shape?.at(key)
      const fresh = inner?.merge !== 'atomic' && isFresh(walk.tree, member)
      if (fresh) visitFresh(walk, member as object, inner)
      else foundSet(walk, detached(walk.tree, member), 'value')
      walk.trail.pop()
    }
  }
}

/** A member of the caller's own object, which may change at any time, as it is now. */
function detached(tree: Tree, item: Item): Item {
  if (isOpened(item)) return item
  return copyValue(item, tree) as Item
}

const isList = (kind: ContainerKind | undefined): boolean => kind === 'array' || kind === 'set'

function plainMembers(value: object): [Key, Item][] {
  if (isList(containerKind(value))) {
    return Array.from(value as Iterable<unknown>, (v, i) => [i, (v ?? null) as Item])
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return entries.filter((entry): entry is [Key, Item] => entry[1] !== undefined)
}

function nodeMembers(node: Node): [Key, Item][] {
  if (isList(node.kind)) return elementsOf(node).map((item, index) => [index, item])
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
  return containerKind(item) !== undefined
}

/** Arrays: appended only, existing elements changed only, or anything else, which is one value. */
function visitElements(walk: Walk, node: Node): void {
  const benchmark = node.benchmark as unknown[]
  const changes: Difference[] = []
  const { tree, trail, containers, leaves } = walk
  const inner: Walk = { tree, trail, found: changes, containers, leaves }
  const appended = lengthOf(node) - benchmark.length
  if (appended < 0 || !visitEach(inner, node)) {
    foundSet(walk, node, 'elements', benchmark)
  } else if (appended > 0 && changes.length > 0) {
    const set = { op: 'set', path: [...walk.trail], item: node, before: benchmark } as const
    walk.found.push({ ...set, basis: 'elements', inside: changes })
  } else if (appended > 0) {
    const from = benchmark.length
    const items: Item[] = []
    for (let index = from; index < from + appended; index++) {
      items.push(elementAt(node, index) as Item)
    }
    if (items.some(item => node.inserted?.has(item))) foundSet(walk, node, 'elements', benchmark)
    else walk.found.push({ op: 'append', path: [...walk.trail], items, from })
  } else {
    walk.found.push(...changes)
  }
}

/** Compares the elements that the benchmark has too; false if others may stand in their places. */
function visitEach(walk: Walk, node: Node): boolean {
  const benchmark = node.benchmark as unknown[]
  const rearranged = isRearranged(node)
  const indexes = node.items === undefined ? (node.tracked ?? []) : benchmark.keys()
  for (const index of indexes as Iterable<number>) {
    if (index >= benchmark.length) continue
    const item = elementAt(node, index) as Item
    const before = benchmark[index] ?? null
    if (Object.is(item, before)) continue
    const isOther = rearranged && !(item instanceof Node && item.benchmark === before)
    walk.trail.push(index)
    if (!isOther) compare(walk, before, item)
    const isChanged = isOther && !isEqual(walk, before, item)
    walk.trail.pop()
    if (isChanged) return false
  }
  return true
}

/** Sets: added only, or anything else, which is one value. */
function visitMembers(walk: Walk, node: Node): void {
  const benchmark = node.benchmark as Set<unknown>
  const members = elementsOf(node)
  const items: Item[] = []
  const indexes: number[] = []
  members.forEach((member, index) => {
    if (benchmark.has(member) || (member instanceof Node && inSet(benchmark, member))) return
    items.push(member)
    indexes.push(index)
  })
  if (members.length - items.length !== benchmark.size) {
    if (isEqual(walk, benchmark, node)) return
    foundSet(walk, node, 'elements', benchmark)
  } else if (items.length > 0) {
    const from = benchmark.size
    walk.found.push({ op: 'append', path: [...walk.trail], items, from, indexes })
  }
}

const inSet = (benchmark: Set<unknown>, member: Node): boolean =>
  !member.dirty && benchmark.has(member.benchmark)

/** How many elements are looked for one by one, before all of the benchmark's are noted. */
const FEW = 4

/**
 * Whether `item` is an array that was made from the elements of the benchmark's array `before`: one
 * has the same handle, or an equal primitive; or was, before others removed them.
 * `s.cart = s.cart.filter(…)` is an edit of the cart.
 */
function sharesElements(tree: Tree, before: unknown, item: Item): boolean {
  if (!Array.isArray(before) || typeof item !== 'object' || item === null) return false
  const node = nodeFor(tree, item)
  if (node?.kind !== 'array') return false
  const originOf = (element: Item): unknown => {
    if (typeof element !== 'object' || element === null) return element
    const inner = nodeFor(tree, element)
    return inner === undefined ? element : (inner.benchmark ?? inner)
  }
  const elements = elementsOf(node)
  if (elements.some(element => node.inserted?.has(element))) return true
  // Mostly one of the first tells.
  if (elements.slice(0, FEW).some(element => before.includes(originOf(element)))) return true
  const known = new Set<unknown>(before)
  return elements.some(element => known.has(originOf(element)))
}
