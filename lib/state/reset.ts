/**
 * Making client state the benchmark again.
 *
 * @module
 */

import type { Key } from '../path.js'
import { clearSlots, link, Node, setSlot, slotsOf } from './node.js'
import type { PlainObject } from './value.js'

/**
 * Forgets everything that was written to `node` and below.
 *
 * The nodes of the benchmark's containers come back to their places, so their handles live on. Those
 * of assigned objects are detached, and Dates and bytes are handed out anew.
 */
export function reset(node: Node): void {
  if (!node.dirty || node.benchmark === undefined) return
  const nodes = benchmarkNodes(node)
  node.source = node.benchmark
  clearSlots(node)
  node.tracked = undefined
  node.dirty = false
  node.missed = undefined
  node.moved = undefined
  node.displaced = undefined
  node.items = undefined
  node.length = Array.isArray(node.benchmark) ? node.benchmark.length : 0
  for (const [key, child] of nodes) {
    setSlot(node, key, child)
    link(node, key, child)
    reset(child)
  }
  node.tree.refresh(node)
}

/** The nodes that stand for what the benchmark of `node` holds, wherever they are now. */
function benchmarkNodes(node: Node): Map<Key, Node> {
  const found = new Map<Key, Node>()
  const places = benchmarkPlaces(node)
  const candidates = [
    ...(node.displaced?.values() ?? []),
    ...slotsOf(node).map(([, slot]) => slot),
    ...(node.items ?? []),
  ]
  for (const child of candidates) {
    if (!(child instanceof Node) || child.benchmark === undefined) continue
    const key = places.get(child.benchmark)
    if (key !== undefined) found.set(key, child)
  }
  return found
}

/** Where the benchmark of `node` holds which object. */
function benchmarkPlaces(node: Node): Map<unknown, Key> {
  const { benchmark } = node
  if (benchmark instanceof Map) return invert(benchmark)
  if (Array.isArray(benchmark)) return invert(benchmark.entries())
  if (benchmark instanceof Set) return invert([...benchmark].entries())
  return invert(Object.entries(benchmark as PlainObject))
}

function invert(entries: Iterable<[Key, unknown]>): Map<unknown, Key> {
  const inverted = new Map<unknown, Key>()
  for (const [key, value] of entries) {
    if (typeof value === 'object' && value !== null) inverted.set(value, key)
  }
  return inverted
}
