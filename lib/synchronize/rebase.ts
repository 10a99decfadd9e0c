/**
 * Three-way rebase: what this session wrote since its benchmark, put on top of what others committed.
 *
 * It works in place, so that every handle goes on working and follows its element. What was written
 * below a container that others replaced or removed is void: it is as if it had come before that.
 *
 * @module
 */

import type { Key } from '../path.js'
import { equalLeaves, equalsItem } from '../state/equal.js'
import { track } from '../state/mark.js'
import type { Slot } from '../state/node.js'
import { ABSENT, deleteSlot, EMPTY, Leaf, Node, setSlot, slotAt, slotsOf } from '../state/node.js'
import { link } from '../state/place.js'
import { sourceAt, sourceHas } from '../state/read.js'
import { storedAt } from '../state/stored.js'
import type { Container } from '../state/value.js'
import { containerKind, isMutableLeaf } from '../state/value.js'
import { mergeSlot } from './merge-slot.js'
import { partSlot } from './part.js'
import { rebaseArray, rebaseAssignedArray, rebaseSet } from './rebase-array.js'
import type { Fate, Place, Rebase, Theirs, Where } from './rebasing.js'
import { setBenchmark, supersede, within } from './rebasing.js'

/** Rebases a root onto another one, which stands for what others made of the session. */
export function rebaseRoot(rebase: Rebase, root: Node, theirs: Node): void {
  const before = membersBefore(root)
  // Whatever does not fit the schema is found here, before anything has changed.
  for (const key of before.keys()) sourceAt(theirs, key)
  setBenchmark(root, { value: theirs.source, stored: theirs.stored })
  rebaseMembers(rebase, root, before, { path: [], marked: [] })
}

/**
 * Puts a root that was cleared on top of another one: of what others wrote, nothing is left.
 *
 * What was written since then is all that there is to be, so it stays as it is.
 */
export function rebaseCleared(root: Node, theirs: Node): void {
  setBenchmark(root, { value: theirs.source, stored: theirs.stored })
  for (const [key, slot] of slotsOf(root)) {
    if (slot !== ABSENT || sourceHas(root, key)) continue
    deleteSlot(root, key)
    root.tracked?.delete(key)
  }
  for (const key of Object.keys(root.source)) {
    if (slotAt(root, key) === undefined) setSlot(root, key, ABSENT)
    track(root, key)
  }
}

/** Rebases a node below the root, which stands in the benchmark, and all that is below it. */
function rebaseNode(rebase: Rebase, node: Node, theirs: Theirs, where: Where): void {
  if (node.kind === 'array') {
    rebaseArray(rebase, node, theirs, where, rebaseSlot)
  } else if (node.kind === 'set') {
    rebaseSet(node, theirs)
  } else {
    const before = membersBefore(node)
    setBenchmark(node, theirs)
    rebaseMembers(rebase, node, before, where)
  }
  node.tree.refresh(node)
}

interface Before {
  readonly benchmark: unknown
  readonly certain: number
}

function membersBefore(node: Node): Map<Key, Before> {
  return new Map(
    slotsOf(node).map(([key]) => {
      const benchmark = sourceAt(node, key)
      const length = Array.isArray(benchmark) ? benchmark.length : 0
      return [key, { benchmark, certain: node.displaced?.get(key)?.verified ?? length }]
    }),
  )
}

function rebaseMembers(
  rebase: Rebase,
  node: Node,
  members: ReadonlyMap<Key, Before>,
  where: Where,
): void {
  for (const [key, before] of members) {
    const now = sourceAt(node, key)
    const stored = storedAt(node.stored, key)
    const place: Place = { ...before, where: within(where, key), now, stored }
    const merged = mergeSlot(node.shape?.at(key), slotAt(node, key) as Slot, before.benchmark, now)
    const slot = partSlot(rebase, merged, place, node.benchmark as Container)
    setSlot(node, key, slot)
    link(node, key, slot)
    const fate = rebaseSlot(rebase, slot, place)
    if (fate === 'written' || (fate === 'opened' && (slot as Node).dirty)) continue
    node.tracked?.delete(key)
    if (fate === 'gone') deleteSlot(node, key)
  }
  if (node.tracked?.size === 0) node.tracked = undefined
  node.dirty = node.tracked !== undefined
}

function rebaseSlot(rebase: Rebase, slot: Slot, place: Place): Fate {
  const { benchmark, now, stored, where } = place
  if (slot === ABSENT) return now === undefined ? 'gone' : 'written'
  if (slot instanceof Node) {
    const shared = rebase.shared.get(slot)
    if (shared !== undefined && shared.benchmark === benchmark && slot.benchmark !== benchmark) {
      return slot.dirty ? 'written' : 'opened'
    }
    const merge = slot.shape?.merge
    const inPlace = slot.benchmark !== undefined && slot.benchmark === benchmark
    // What may only grow is content of whatever others have there, however it came here.
    const fresh = benchmark === undefined && (slot.fresh || merge === 'append' || merge === 'union')
    if (merge === 'atomic' && slot.dirty) return 'written'
    if (inPlace || fresh) {
      if (fresh && now === undefined) return 'written'
      if (!canDescend(rebase, slot, now, where)) {
        supersede(rebase, slot, where.path, now)
        return 'gone'
      }
      // A fresh container is what others made of it, with its own content written into that.
      if (fresh) openFresh(slot)
      rebaseNode(rebase, slot, { value: now as Container, stored }, where)
      return 'opened'
    }
  }
  // Handed out and left as it was, set and set back, or replaced by its equal: nothing was written.
  if (benchmark !== undefined && equalsItem(rebase.tree, benchmark, slot)) {
    return slot instanceof Leaf && refreshLeaf(slot, now) ? 'written' : 'gone'
  }
  if (slot instanceof Node) rebaseAssignedArray(rebase, slot, place, rebaseSlot)
  return 'written'
}

/**
 * Makes what was handed out of a Date or of bytes what others have there, so that it stays in its place.
 *
 * @returns false if that cannot be: it is detached then.
 */
function refreshLeaf({ handle, codec }: Leaf, now: unknown): boolean {
  if (!isMutableLeaf(handle) || codec !== undefined) return false
  if (typeof now !== 'object' || now === null) return false
  if (handle instanceof Date && now instanceof Date) handle.setTime(now.getTime())
  else if (handle instanceof Uint8Array && now instanceof Uint8Array) {
    if (handle.length === now.length) handle.set(now)
  }
  return equalLeaves(now, handle)
}

function canDescend({ marks }: Rebase, node: Node, now: unknown, where: Where): boolean {
  if (typeof now !== 'object' || now === null || containerKind(now) !== node.kind) return false
  return !marks.replaced(where.marked, node.benchmark ?? {}, now)
}

function openFresh(node: Node): void {
  node.fresh = false
  node.benchmark = EMPTY[node.kind]
}
