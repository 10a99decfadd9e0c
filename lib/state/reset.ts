/**
 * Making client state the benchmark again.
 *
 * @module
 */

import type { Key } from '../path.js'
import { keep } from './journal.js'
import { clearSlots, Node, setSlot, slotsOf } from './node.js'
import { relink } from './place.js'
import type { PlainObject } from './value.js'

/**
 * Forgets everything that was written to `node` and below.
 *
 * The nodes of the benchmark's containers come back to their places, so their handles live on. Those
 * of assigned objects are detached, and Dates and bytes are handed out anew.
 */
export function reset(node: Node): void {
  if (!node.dirty || node.benchmark === undefined) return
  keep(node)
  const nodes = benchmarkNodes(node)
  node.source = node.benchmark
  clearSlots(node)
  node.tracked = undefined
  node.dirty = false
  node.missed = undefined
  node.moved = undefined
  node.inserted = undefined
  node.displaced = undefined
  node.items = undefined
  node.length = Array.isArray(node.benchmark) ? node.benchmark.length : 0
  for (const [key, child] of nodes) setSlot(node, key, child)
  relink(node)
  for (const child of nodes.values()) reset(child)
  node.tree.refresh(node)
}

/** The nodes that stand for what the benchmark of `node` holds, wherever they are now. */
function benchmarkNodes(node: Node): Map<Key, Node> {
  const found = new Map<Key, Node>()
  const places = benchmarkPlaces(node)
  const known: (readonly [Key | undefined, unknown])[] = [
    ...(node.displaced ?? []),
    ...slotsOf(node),
    ...Array.from(node.items ?? [], item => [undefined, item] as const),
  ]
  const fill = (isHome: boolean): void => {
    for (const [home, child] of known) {
      if (!(child instanceof Node) || child.benchmark === undefined) continue
      for (const key of places.get(child.benchmark) ?? []) {
        if (!found.has(key) && (key === home || !isHome)) found.set(key, child)
      }
    }
  }
  // The benchmark may hold one object at several places: each keeps its node, if it had one.
  fill(true)
  fill(false)
  return found
}

/** Where the benchmark of `node` holds which object. */
function benchmarkPlaces(node: Node): Map<unknown, Key[]> {
  const { benchmark } = node
  if (benchmark instanceof Map) return invert(benchmark)
  if (Array.isArray(benchmark)) return invert(benchmark.entries())
  if (benchmark instanceof Set) return invert([...benchmark].entries())
  return invert(Object.entries(benchmark as PlainObject))
}

function invert(entries: Iterable<[Key, unknown]>): Map<unknown, Key[]> {
  const inverted = new Map<unknown, Key[]>()
  for (const [key, value] of entries) {
    if (typeof value !== 'object' || value === null) continue
    const keys = inverted.get(value)
    if (keys === undefined) inverted.set(value, [key])
    else keys.push(key)
  }
  return inverted
}
