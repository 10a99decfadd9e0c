/**
 * Writing a parent whole where its parts cannot be written by themselves.
 *
 * @module
 */

import type { Key, Path } from '../path.js'
import { isSafeKey, isWithin } from '../path.js'
import { applyModification } from '../state/apply.js'
import { equalsItem } from '../state/equal.js'
import type { Item } from '../state/node.js'
import { Node } from '../state/node.js'
import type { PlainObject } from '../state/value.js'
import { printMark } from './marks.js'
import type { Outgoing } from './outgoing.js'
import type { Requirement, Write } from './plan.js'
import { itemAt } from './plan.js'

/** The most paths that one commit writes: a dotted update takes the server quadratic time. */
const MAX_PATHS = 500

/** A container that is written whole in the place of the writes below it. */
interface Point {
  readonly path: Path
  readonly requires: Requirement
}

/** What writes are collapsed with. */
export interface Whole {
  readonly root: Node
  readonly outgoing: Outgoing
  /** Decodes all attributes, as they are stored. */
  readonly storedAll: () => PlainObject
}

/**
 * Collapses writes upwards: to the nearest parent whose path is safe (R19), to a default of the
 * schema that is not stored yet (R13), and as far as it takes to leave no more than 500 (R15).
 */
export function collapseWrites(writes: readonly Write[], whole: Whole): Write[] {
  const points = writes.flatMap(write => collapsePoint(write, writes, whole) ?? [])
  let collapsed = collapseTo(points, writes, whole)
  while (collapsed.length > MAX_PATHS) {
    const depth = Math.max(...collapsed.map(({ modification }) => modification.path.length))
    const parents = collapsed
      .map(({ modification }) => modification.path)
      .filter(path => path.length === depth)
      .map((path): Point => ({ path: path.slice(0, -1), requires: 'rev' }))
    collapsed = collapseTo(parents, collapsed, whole)
  }
  return collapsed
}

/** The container that has to be written whole for `write`; undefined if none has to be. */
function collapsePoint(
  { modification }: Write,
  writes: readonly Write[],
  { root }: Whole,
): Point | undefined {
  const { path } = modification
  const unsafe = path.findIndex(key => !isSafeKey(key))
  if (unsafe >= 0) return { path: path.slice(0, unsafe), requires: 'rev' }
  let item: unknown = root
  for (let depth = 1; depth <= path.length; depth++) {
    item = item instanceof Node ? itemAt(item, path[depth - 1] as Key) : undefined
    if (!(item instanceof Node) || !isDefault(item)) continue
    const place = path.slice(0, depth)
    // What is written here is all that there is, so a default needs no more than that.
    const whole = depth === path.length && modification.op !== 'append'
    if (!whole && !growsInto(item, place, writes)) return { path: place, requires: 'layout' }
  }
  return undefined
}

/** Whether `node` stands for a default of the schema, of which nothing is stored. */
function isDefault(node: Node): boolean {
  return node.benchmark !== undefined && node.stored === undefined && !node.tree.tied
}

/** Whether `writes` alone leave in the store what decodes to the state of `node`, which is at `place`. */
function growsInto(node: Node, place: Path, writes: readonly Write[]): boolean {
  const stored = { value: node.kind === 'array' || node.kind === 'set' ? [] : {} }
  for (const { modification } of writes) {
    if (!isWithin(modification.path, place)) continue
    const path = ['value', ...modification.path.slice(place.length)]
    if (!applyModification(stored, { ...modification, path })) return false
  }
  try {
    return equalsItem(node.tree, node.shape?.decode(stored.value), node)
  } catch {
    return false
  }
}

function collapseTo(points: readonly Point[], writes: readonly Write[], whole: Whole): Write[] {
  if (points.length === 0) return [...writes]
  const outermost = points.filter(({ path }, index) => {
    return !points.some((other, position) => {
      const covers = isWithin(path, other.path)
      return covers && (other.path.length < path.length || position < index)
    })
  })
  const rest = writes.filter(({ modification }) => {
    return !outermost.some(({ path }) => isWithin(modification.path, path))
  })
  return [...rest, ...outermost.map(point => writeWhole(point, writes, whole))]
}

function writeWhole({ path, requires }: Point, writes: readonly Write[], whole: Whole): Write {
  const inside = writes.filter(({ modification }) => isWithin(modification.path, path))
  const value =
    path.length === 0
      ? applyAll(whole.storedAll(), inside)
      : whole.outgoing.valueOf(itemAtPath(whole.root, path), path)
  return {
    modification: { op: 'set', path, value },
    requires,
    ...(requires === 'layout'
      ? { raises: [path[0] as string], marks: [printMark('r', path)] }
      : {
          raises: inside.flatMap(({ raises }) => raises),
          marks: inside.flatMap(({ marks }) => marks),
        }),
  }
}

function applyAll(data: PlainObject, writes: readonly Write[]): PlainObject {
  for (const { modification } of writes) applyModification(data, modification)
  return data
}

function itemAtPath(root: Node, path: Path): Item | undefined {
  return path.reduce<Item | undefined>(
    (item, key) => (item instanceof Node ? itemAt(item, key) : undefined),
    root,
  )
}
