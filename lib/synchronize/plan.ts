/**
 * From differences to writes: what is sent, and what each write was decided on.
 *
 * @module
 */

import type { Modification } from '../modification.js'
import type { Key, Path } from '../path.js'
import type { Difference } from '../state/difference.js'
import { equalsItem } from '../state/equal.js'
import type { Item } from '../state/node.js'
import { Node } from '../state/node.js'
import { elementAt, memberAt } from '../state/read.js'
import { shapeAt } from '../state/shape.js'
import { storedAt } from '../state/stored.js'
import { containerKind } from '../state/value.js'
import { printMark } from './marks.js'
import type { Outgoing } from './outgoing.js'

/**
 * What a write was decided on, and so requires of primary state (R17): nothing, the layout of its
 * attribute, or that nobody else committed.
 */
export type Requirement = 'nothing' | 'layout' | 'rev'

/** One write of a commit. */
export interface Write {
  /** What is written, as it is to be stored. */
  readonly modification: Modification
  /** What it requires. */
  readonly requires: Requirement
  /** The attributes in which it writes, removes or moves containers, that others may write into. */
  readonly raises: readonly string[]
  /** Which containers those are, printed for others to read. */
  readonly marks: readonly string[]
}

/** Plans what is sent for `differences`. No two writes overlap, and all their keys are safe. */
export function planWrites(
  root: Node,
  differences: readonly Difference[],
  outgoing: Outgoing,
): Write[] {
  return differences.flatMap(difference => {
    const write = planWrite(root, difference, outgoing)
    return write === undefined ? [] : [write]
  })
}

/** Plans one difference by itself; undefined if primary state has it already. */
function planWrite(root: Node, difference: Difference, outgoing: Outgoing): Write | undefined {
  const { path } = difference
  const way = wayTo(root, path)
  const before = storedAt(way.parent?.stored, path.at(-1) as Key)
  const was = isContainer(before)
  const requires = (by: Requirement): Requirement => (way.verified ? by : 'rev')
  const below = path.length > 1 || !was ? 'layout' : 'nothing'
  const replaces = (kind: 'r' | 'm'): Pick<Write, 'raises' | 'marks'> => ({
    raises: [String(path[0])],
    marks: [printMark(kind, path)],
  })
  // An array that is written whole although its elements kept their places moves none of them.
  const marksInside = (inside: readonly Difference[] | undefined) => {
    const writes = inside && planWrites(root, inside, outgoing)
    return (
      writes && {
        raises: writes.flatMap(({ raises }) => raises),
        marks: writes.flatMap(({ marks }) => marks),
      }
    )
  }
  switch (difference.op) {
    case 'unset':
      outgoing.encode(String(path[0]))
      // A default that was never stored cannot be removed.
      if (before === undefined) return undefined
      return {
        modification: { op: 'unset', path },
        requires: requires(below),
        // What others add to a counter that is not there any more would start from 0.
        ...(was || isCounter(root, path) ? replaces('r') : REPLACES_NOTHING),
      }
    case 'append':
    case 'union': {
      const values = difference.items.map((item, offset) => {
        const index = difference.indexes?.[offset] ?? difference.from + offset
        return outgoing.valueOf(item, [...path, index])
      })
      const modification: Modification = { op: difference.op, path, values }
      if (difference.op === 'union') outgoing.merged.add(String(path[0]))
      return { modification, requires: requires('layout'), ...REPLACES_NOTHING }
    }
    case 'increment': {
      const { by } = difference
      const value = outgoing.valueOf(difference.item, path)
      // An absent counter that does not start from 0: whoever is first says from where.
      if (before === undefined && by !== value) {
        const modification: Modification = { op: 'set', path, value }
        return { modification, requires: requires('layout'), ...replaces('r') }
      }
      if (Number(before ?? 0) + by !== value) outgoing.merged.add(String(path[0]))
      const modification: Modification = { op: 'increment', path, by }
      return { modification, requires: requires('layout'), ...REPLACES_NOTHING }
    }
    case 'max':
    case 'min': {
      const value = outgoing.valueOf(difference.item, path)
      outgoing.merged.add(String(path[0]))
      const modification: Modification = { op: difference.op, path, value }
      return { modification, requires: requires('layout'), ...REPLACES_NOTHING }
    }
    case 'set': {
      const value = outgoing.valueOf(difference.item, path)
      // A key that the schema does not know stays what it is; a codec may say that there is nothing.
      if (value === undefined) {
        if (before === undefined || !isKnown(way.parent, path)) return undefined
        return planWrite(root, { op: 'unset', path, before }, outgoing)
      }
      if (before !== undefined && equalsItem(root.tree, before, value)) return undefined
      const modification: Modification = { op: 'set', path, value }
      const writes = was || isContainer(value)
      switch (difference.basis) {
        case 'container':
          return { modification, requires: 'rev', ...REPLACES_NOTHING }
        case 'elements':
          return {
            modification,
            requires: 'rev',
            ...(marksInside(difference.inside) ?? replaces('m')),
          }
        case 'value':
          return {
            modification,
            requires: requires(below),
            ...(writes ? replaces('r') : REPLACES_NOTHING),
          }
      }
    }
  }
}

const isCounter = (root: Node, path: Path): boolean =>
  shapeAt(root.shape, path)?.merge === 'increment'
const isKnown = (parent: Node | undefined, path: Path): boolean =>
  parent?.shape?.at(path.at(-1) as Key) !== undefined

const REPLACES_NOTHING = { raises: [], marks: [] }

const isContainer = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && containerKind(value) !== undefined

/** The node that holds what stands at `path`, and whether all positions on the way are certain. */
function wayTo(root: Node, path: Path): { parent: Node | undefined; verified: boolean } {
  let parent: Node | undefined = root
  let verified = true
  path.forEach((key, depth) => {
    if (parent === undefined) return
    if (typeof key === 'number' && key >= parent.verified) verified = false
    if (depth === path.length - 1) return
    const next: unknown = itemAt(parent, key)
    parent = next instanceof Node ? next : undefined
  })
  return { parent, verified }
}

/** What `node` holds at `key`. */
export function itemAt(node: Node, key: Key): Item | undefined {
  return typeof key === 'number' ? elementAt(node, key) : memberAt(node, key)
}
