/**
 * Rebasing arrays and Sets: removals, order, element changes and insertions of this session, put on
 * top of those of others.
 *
 * @module
 */

import type { Path } from '../path.js'
import { equalsItem } from '../state/equal.js'
import type { Item, Slot } from '../state/node.js'
import { clearSlots, Leaf, Node, setSlot, slotsOf } from '../state/node.js'
import { relink } from '../state/place.js'
import { elementsOf, isRearranged } from '../state/read.js'
import { storedAt } from '../state/stored.js'
import { matchElements } from './match.js'
import { mergeOrder, originsOf } from './merge-order.js'
import { mergeSlot } from './merge-slot.js'
import { partSlot } from './part.js'
import type { Place, Rebase, RebaseSlot, Theirs, Where } from './rebasing.js'
import { setBenchmark, supersede, within } from './rebasing.js'

/** Two versions of one array, and what became of which element. */
interface Versions {
  readonly benchmark: readonly unknown[]
  readonly now: readonly unknown[]
  readonly stored: unknown
  /** By index of the benchmark, the index now; -1 for an element that others removed. */
  readonly matches: readonly number[]
  /** Whether elements changed their places. */
  readonly moved: boolean
  readonly where: Where
}

/** Rebases an array that stands in the benchmark. */
export function rebaseArray(
  rebase: Rebase,
  node: Node,
  theirs: Theirs,
  where: Where,
  rebaseSlot: RebaseSlot,
): void {
  const versions = compareVersions(
    rebase,
    where,
    node.benchmark as unknown[],
    theirs,
    node.verified,
  )
  const items = isRearranged(node) ? elementsOf(node) : undefined
  const { length, inserted } = node
  const slots = slotsOf(node) as [number, Slot][]
  setBenchmark(node, theirs)
  clearSlots(node)
  node.tracked = undefined
  node.length = node.verified = versions.now.length
  if (items !== undefined) {
    node.inserted = inserted
    mergeItems(rebase, versions, node, items, rebaseSlot)
  } else {
    moveSlots(rebase, versions, node, slots, length, rebaseSlot)
  }
  node.dirty = node.items !== undefined || node.tracked !== undefined
}

/**
 * Rebases an array that was assigned, if it was made from elements of the benchmark's array: then it
 * is an edit of that one, as in `s.cart = s.cart.filter(…)`.
 */
export function rebaseAssignedArray(
  rebase: Rebase,
  node: Node,
  { where, benchmark, now, stored, certain }: Place,
  rebaseSlot: RebaseSlot,
): void {
  if (node.kind !== 'array' || !Array.isArray(benchmark) || !Array.isArray(now)) return
  const items = elementsOf(node)
  const isMadeOf = originsOf(items, benchmark).some(origin => origin >= 0)
  if (!isMadeOf && !items.some(item => node.inserted?.has(item))) return
  const versions = compareVersions(rebase, where, benchmark, { value: now, stored }, certain)
  mergeItems(rebase, versions, node, items, rebaseSlot)
}

function compareVersions(
  { tree, marks }: Rebase,
  where: Where,
  benchmark: readonly unknown[],
  { value, stored }: Theirs,
  certain: number,
): Versions {
  const now = value as readonly unknown[]
  const moved = marks.moved(where.marked)
  // In an array that was replaced none of the elements is one of the benchmark's.
  const matches = marks.replaced(where.marked, benchmark, now)
    ? benchmark.map(() => -1)
    : matchElements(tree, benchmark, now, certain, moved)
  return { benchmark, now, stored, matches, moved, where }
}

/** Rebases what the slots of an array hold that kept its order here: they go where others have them. */
function moveSlots(
  rebase: Rebase,
  versions: Versions,
  node: Node,
  slots: readonly [number, Slot][],
  length: number,
  rebaseSlot: RebaseSlot,
): void {
  const { benchmark, now, stored, matches, moved, where } = versions
  const placeSlot = (index: number, slot: Slot, written: boolean): void => {
    setSlot(node, index, slot)
    if (!written) return
    node.tracked ??= new Set()
    node.tracked.add(index)
  }
  for (const [index, written] of slots) {
    if (index >= benchmark.length) continue
    const match = matches[index] as number
    if (match < 0) {
      voidElement(rebase, written, benchmark[index], [...where.path, index])
      continue
    }
    const place: Place = {
      where: within(where, match, moved),
      benchmark: benchmark[index] ?? null,
      now: now[match] ?? null,
      stored: storedAt(stored, match),
      certain: 0,
    }
    const merged = mergeSlot(node.shape?.at(index), written, benchmark[index], now[match])
    const own = partSlot(rebase, merged, place, now as unknown[])
    const fate = rebaseSlot(rebase, own, place)
    if (fate !== 'gone') placeSlot(match, own, fate === 'written' || (own as Node).dirty)
  }
  const appended = new Map(slots)
  for (let index = benchmark.length; index < length; index++) {
    const item = appended.get(index) as Slot
    if (!isAddedByOthers(node, now, item)) placeSlot(node.length++, item, true)
  }
  relink(node)
}

/** Whether others have what was added here to a union, which has each of its elements once. */
function isAddedByOthers({ tree, shape }: Node, now: readonly unknown[], item: unknown): boolean {
  return shape?.merge === 'union' && now.some(each => equalsItem(tree, each, item))
}

/** What was written to an element that others removed is void. */
function voidElement(rebase: Rebase, slot: Slot, benchmark: unknown, path: Path): void {
  if (slot instanceof Node && slot.benchmark !== undefined) supersede(rebase, slot, path)
  else if (!equalsItem(rebase.tree, benchmark, slot)) {
    const item = slot as Item
    rebase.superseded.push({ op: 'set', path, item, basis: 'value', before: benchmark })
  }
}

/** Puts the elements of an array that was restructured here on top of what others made of it. */
function mergeItems(
  rebase: Rebase,
  versions: Versions,
  node: Node,
  mine: readonly Item[],
  rebaseSlot: RebaseSlot,
): void {
  const { benchmark, now, stored, matches, moved, where } = versions
  const all = originsOf(mine, benchmark)
  const isKept = (index: number): boolean =>
    (all[index] as number) >= 0 || !isAddedByOthers(node, now, mine[index] as Item)
  const items = mine.filter((_, index) => isKept(index))
  const origins = all.filter((_, index) => isKept(index))
  const theirs = Array.from(now, element => (element ?? null) as Item)
  origins.forEach((origin, index) => {
    const match = origin < 0 ? -1 : (matches[origin] as number)
    const item = items[index]
    if (origin < 0 || !(item instanceof Node || item instanceof Leaf)) return
    if (match < 0) {
      if (item instanceof Node) supersede(rebase, item, [...where.path, index])
      return
    }
    const place: Place = {
      where: within(where, match, moved),
      benchmark: benchmark[origin],
      now: theirs[match],
      stored: storedAt(stored, match),
      certain: 0,
    }
    const own = partSlot(rebase, item, place, now as unknown[])
    if (rebaseSlot(rebase, own, place) !== 'gone') theirs[match] = own
  })
  const merged = mergeOrder({ items, origins, theirs, matches }, node.inserted)
  node.items = merged.items
  node.inserted = merged.inserted
  relink(node)
}

/** Rebases a Set: their members, less those that were removed here, and those that were added. */
export function rebaseSet(node: Node, theirs: Theirs): void {
  const { tree, benchmark } = node
  const before = [...(benchmark as Set<unknown>)]
  const mine = elementsOf(node)
  const has = (members: readonly unknown[], member: unknown): boolean =>
    members.some(each => equalsItem(tree, plainOf(each), member) || each === member)
  const added = mine.filter(member => !has(before, member))
  const removed = before.filter(member => !mine.some(each => equalsItem(tree, member, each)))
  const now = [...(theirs.value as Set<unknown>)] as Item[]
  const kept = now.filter(member => !has(removed, member))
  setBenchmark(node, theirs)
  clearSlots(node)
  node.tracked = undefined
  const changed = added.length > 0 || removed.length > 0
  node.items = changed
    ? new Set([...kept, ...added.filter(member => !has(kept, member))])
    : undefined
  node.dirty = changed
}

const plainOf = (item: unknown): unknown =>
  item instanceof Node ? item.benchmark : item instanceof Leaf ? item.handle : item
