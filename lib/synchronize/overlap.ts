/**
 * Whether others changed what a commit was decided on: the places that it writes, and those that were
 * read. Isolation that is stricter than the last write wins depends on it.
 *
 * @module
 */

import type { Key, Path } from '../path.js'
import type { Difference } from '../state/difference.js'
import { equalsItem } from '../state/equal.js'
import type { Tree } from '../state/node.js'
import { Node } from '../state/node.js'
import { sourceAt } from '../state/read.js'
import type { Reads } from '../state/reads.js'
import { ALL } from '../state/reads.js'
import { shapeAt } from '../state/shape.js'
import type { Container } from '../state/value.js'
import { containerKind } from '../state/value.js'
import type { ForeignMarks } from './marks.js'
import { matchElements } from './match.js'
import { itemAt } from './plan.js'

/** Two versions of a session: as it was read, and as others have it now. */
export interface Versions {
  readonly root: Node
  readonly theirs: Node
  readonly marks: ForeignMarks
}

/** The paths of those `differences` that others wrote to as well. Paths count, and not values. */
export function overlappingWrites(versions: Versions, differences: readonly Difference[]): Path[] {
  return differences
    .filter(difference => isOverlapping(versions, difference))
    .map(({ path }) => path)
}

/** The paths that were read, and that others changed. */
export function overlappingReads({ root, theirs, marks }: Versions, reads: Reads): Path[] {
  const byContainer = new Map(Array.from(reads, ([node, keys]) => [node.benchmark, keys] as const))
  const found: Path[] = []
  const visit = (before: Container | Node, now: Container | Node, path: Path): void => {
    const isRoot = before instanceof Node
    const keys = byContainer.get(isRoot ? before.benchmark : before)
    if (keys === ALL && !isRoot) {
      if (!equalsItem(root.tree, before, now)) found.push(path)
      return
    }
    for (const key of keys === ALL ? attributesOf(root, theirs) : (keys ?? [])) {
      const [was, is] = [memberOf(before, key), memberOf(now, key)]
      const place = [...path, key]
      if (keys !== ALL && isContainer(was)) {
        // That it was there is all that was read of a container, beside what was read in it.
        const isThere =
          isSameContainer(marks, place, was, is) &&
          placeNow(root.tree, marks, path, key, before, now) === key
        if (isThere) visit(was, is as Container, place)
        else found.push(place)
      } else if (!equalsItem(root.tree, was, is)) found.push(place)
    }
  }
  visit(root, theirs, [])
  return found
}

const attributesOf = (root: Node, theirs: Node): Set<Key> =>
  new Set([...Object.keys(root.source), ...Object.keys(theirs.source)])

function isOverlapping({ root, theirs, marks }: Versions, difference: Difference): boolean {
  const { path } = difference
  let [was, is]: [unknown, unknown] = [root, theirs]
  let node: unknown = root
  for (const [depth, key] of path.entries()) {
    // Where there was nothing, what others made is a container like this one, and can be written into.
    if (was !== undefined && !isSameContainer(marks, path.slice(0, depth), was, is)) return true
    const certain = node instanceof Node ? node.verified : 0
    const place = placeNow(root.tree, marks, path.slice(0, depth), key, was, is, certain)
    if (place === undefined) return true
    ;[was, is] = [memberOf(was, key), memberOf(is, place)]
    node = node instanceof Node ? itemAt(node, key) : undefined
  }
  switch (difference.op) {
    case 'append':
      if (shapeAt(root.shape, path)?.merge === 'append') return false
      return lengthOf(was) !== lengthOf(is) || marks.moved(path)
    case 'set':
      if (difference.basis === 'container' && was === undefined && isContainer(is)) return false
      return !equalsItem(root.tree, was, is)
    case 'unset':
      return !equalsItem(root.tree, was, is)
    default:
      return false
  }
}

/**
 * The key now of what was at `key`, for elements of an array may have moved; undefined if it left.
 *
 * @param certain Up to which index positions are known to be those of primary state.
 */
function placeNow(
  tree: Tree,
  marks: ForeignMarks,
  path: Path,
  key: Key,
  was: unknown,
  is: unknown,
  certain = Number.POSITIVE_INFINITY,
): Key | undefined {
  if (!Array.isArray(was) || !Array.isArray(is)) return key
  const place = matchElements(tree, was, is, certain, marks.moved(path))[key as number]
  return place === undefined || place < 0 ? undefined : place
}

function isSameContainer(marks: ForeignMarks, path: Path, was: unknown, is: unknown): boolean {
  if (was instanceof Node) return true
  if (!isContainer(was) || !isContainer(is)) return false
  return containerKind(was) === containerKind(is) && !marks.replaced(path, was, is)
}

const isContainer = (value: unknown): value is Container =>
  typeof value === 'object' && value !== null && containerKind(value) !== undefined

function memberOf(container: unknown, key: Key): unknown {
  if (container instanceof Node) return sourceAt(container, key)
  if (container instanceof Map) return container.get(key)
  if (container instanceof Set) return [...container][key as number]
  if (typeof container !== 'object' || container === null) return undefined
  return Object.hasOwn(container, key) ? (container as Record<Key, unknown>)[key] : undefined
}

const lengthOf = (value: unknown): number =>
  Array.isArray(value) ? value.length : value instanceof Set ? value.size : 0
