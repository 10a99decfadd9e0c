/**
 * Writing a parent whole where its parts cannot be written by themselves.
 *
 * @module
 */

import type { Modification } from '../modification.js'
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
  /** How fine the writes are to be. */
  readonly granularity: 'path' | 'attribute' | 'session'
  /** Decodes all attributes, as they are stored. */
  readonly storedAll: () => PlainObject
  /** Attributes of which something is stored that nobody can read: nothing is written into that. */
  readonly invalid: ReadonlySet<string>
}

/**
 * Collapses writes upwards: to the nearest parent whose path is safe (R19), to a default of the
 * schema that is not stored yet (R13), to the attribute or the session where the granularity is that
 * coarse, and as far as it takes to leave no more than 500 (R15).
 */
export function collapseWrites(writes: readonly Write[], whole: Whole): Write[] {
  const grown = new Map<Node, boolean>()
  const grows: Grows = (node, place) => {
    const known = grown.get(node) ?? growsInto(node, place, writes)
    grown.set(node, known)
    return known
  }
  const points = writes.flatMap(write => collapsePoint(write, grows, whole) ?? [])
  let collapsed = collapseTo(points, writes, whole)
  while (collapsed.length > MAX_PATHS) {
    collapsed = collapseTo(widestParents(collapsed), collapsed, whole)
  }
  return collapsed
}

/** Of the deepest parents those that take the most writes with them, as many as are needed. */
function widestParents(writes: readonly Write[]): Point[] {
  const depth = writes.reduce((deepest, { modification }) => {
    return Math.max(deepest, modification.path.length)
  }, 0)
  const parents = new Map<string, { path: Path; count: number }>()
  for (const { modification } of writes) {
    if (modification.path.length < depth) continue
    const path = modification.path.slice(0, -1)
    const parent = parents.get(nameOf(path))
    if (parent === undefined) parents.set(nameOf(path), { path, count: 1 })
    else parent.count++
  }
  let excess = writes.length - MAX_PATHS
  const widest = [...parents.values()].sort((a, b) => b.count - a.count)
  const chosen = widest.filter(({ count }) => {
    const isNeeded = excess > 0
    excess -= count - 1
    return isNeeded
  })
  return chosen.map(({ path }): Point => ({ path, requires: 'rev' }))
}

/** A path as text, different for different paths. */
const nameOf = (path: Path): string => JSON.stringify(path)

/** Tells of the node of a default whether the writes alone leave what decodes to its state. */
type Grows = (node: Node, place: Path) => boolean

/** The container that has to be written whole for `write`; undefined if none has to be. */
function collapsePoint(
  { modification }: Write,
  grows: Grows,
  { root, invalid, granularity }: Whole,
): Point | undefined {
  const { path } = modification
  if (granularity === 'session') return { path: [], requires: 'rev' }
  const unsafe = path.findIndex(key => !isSafeKey(key))
  const attribute = path.slice(0, 1)
  if (unsafe !== 0 && invalid.has(String(attribute[0]))) {
    const whole = path.length === 1 && isWhole(modification)
    return whole ? undefined : { path: attribute, requires: 'rev' }
  }
  if (
    granularity === 'attribute' &&
    unsafe !== 0 &&
    (path.length > 1 || isAddition(modification))
  ) {
    return { path: attribute, requires: 'rev' }
  }
  let item: unknown = root
  for (let depth = 1; depth <= (unsafe < 0 ? path.length : unsafe); depth++) {
    item = item instanceof Node ? itemAt(item, path[depth - 1] as Key) : undefined
    if (!(item instanceof Node) || !isDefault(item)) continue
    const place = path.slice(0, depth)
    // What is written here is all that there is, so a default needs no more than that.
    const whole = depth === path.length && isWhole(modification)
    if (!whole && !grows(item, place)) return { path: place, requires: 'layout' }
  }
  return unsafe < 0 ? undefined : { path: path.slice(0, unsafe), requires: 'rev' }
}

/** Whether a modification says all that is at its place, and nothing that was there before counts. */
const isWhole = ({ op }: Modification): boolean => op === 'set' || op === 'unset'

const isAddition = ({ op }: Modification): boolean => op === 'append' || op === 'union'

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
  const named = new Map(points.map(point => [nameOf(point.path), point]))
  const rest: Write[] = []
  const inside = new Map<Point, Write[]>()
  for (const write of writes) {
    const { path } = write.modification
    const depth = path.findIndex((_, index) => named.has(nameOf(path.slice(0, index))))
    const point = named.get(nameOf(depth < 0 ? path : path.slice(0, depth)))
    if (point === undefined) rest.push(write)
    else if (inside.get(point)?.push(write) === undefined) inside.set(point, [write])
  }
  return [...rest, ...Array.from(inside, ([point, each]) => writeWhole(point, each, whole))]
}

function writeWhole({ path, requires }: Point, inside: readonly Write[], whole: Whole): Write {
  const value =
    path.length === 0
      ? wholeSession(inside, whole)
      : whole.outgoing.valueOf(itemAtPath(whole.root, path), path)
  return {
    modification: { op: 'set', path, value },
    requires,
    raises: [
      ...(requires === 'layout' ? [path[0] as string] : []),
      ...inside.flatMap(({ raises }) => raises),
    ],
    // Nobody else can have written below a default but where it is still one.
    marks: [
      ...(requires === 'layout' ? [printMark('d', path)] : []),
      ...inside.flatMap(({ marks }) => marks),
    ],
  }
}

function wholeSession(writes: readonly Write[], { root, outgoing, storedAll }: Whole): PlainObject {
  const data = storedAll()
  for (const { modification } of writes) {
    const attribute = String(modification.path[0])
    // Of an attribute that is written in part there may be nothing stored yet but a default.
    if (modification.path.length > 1 || !isWhole(modification)) {
      data[attribute] = outgoing.valueOf(itemAt(root, attribute), [attribute])
    } else applyModification(data, modification)
  }
  return data
}

function itemAtPath(root: Node, path: Path): Item | undefined {
  return path.reduce<Item | undefined>(
    (item, key) => (item instanceof Node ? itemAt(item, key) : undefined),
    root,
  )
}
