/**
 * One nested write, and what it costs as the state grows.
 */

import { deepEqual } from 'node:assert/strict'
import type { Work } from './measure.js'
import type { Tracker } from './trackers.js'
import { trackers } from './trackers.js'

/** A tree of two levels below its root. */
export interface Tree {
  [branch: string]: { [leaf: string]: { value: number } }
}

/** About how many nodes the trees have. */
export const SIZES = [10, 1000, 100_000] as const

/** Creates a tree of about `nodes` nodes, as wide as it is at its second level. */
function growTree(nodes: number): Tree {
  const keys = Array.from({ length: Math.floor(Math.sqrt(nodes)) }, (_, index) => `key${index}`)
  const branch = (): Tree[string] => Object.fromEntries(keys.map(key => [key, { value: 0 }]))
  return Object.fromEntries(keys.map(key => [key, branch()]))
}

/** Wrap, write one number two levels down, and take the modified subset. */
export function nestedWrites(): Work[] {
  return SIZES.flatMap(nodes => trackers.map(tracker => nestedWrite(tracker, nodes)))
}

/** The name of the work that `nestedWrites` gives for a tracker and a size. */
export const nestedName = (tracker: Tracker, nodes: number): string => `${tracker.name} at ${nodes}`

function nestedWrite(tracker: Tracker, nodes: number): Work {
  const base = growTree(nodes)
  const key = `key${Math.floor(Math.sqrt(nodes) / 2)}`
  let value = 0
  const run = (): unknown => {
    value++
    return tracker.run(base, tree => {
      const leaf = tree[key]?.[key]
      if (leaf !== undefined) leaf.value = value
    })
  }
  const subset = run() as { path: unknown; value: unknown }[]
  deepEqual(
    subset.map(({ path, value }) => ({ path, value })),
    [{ path: [key, key, 'value'], value }],
  )
  deepEqual(base, growTree(nodes), `${tracker.name} changed its base`)
  return { name: nestedName(tracker, nodes), run }
}
