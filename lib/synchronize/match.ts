/**
 * Which element of an array is which element of another version of it (R21).
 *
 * @module
 */

import { equalsItem } from '../state/equal.js'
import type { Tree } from '../state/node.js'

/** By index of the one version, the index in the other; -1 for an element that is not there. */
export type Matches = readonly number[]

/**
 * Matches the elements of `before` with those of `now`.
 *
 * By position up to `certain`, if no element changed its place; the others by `id` or `_id`, if all
 * of them have one that is unique; else by equality, where an object that has several equals matches
 * none.
 *
 * @param certain Up to which index the positions of `before` are those of primary state.
 * @param moved Whether elements of `now` changed their places, or left.
 */
export function matchElements(
  tree: Tree,
  before: readonly unknown[],
  now: readonly unknown[],
  certain: number,
  moved: boolean,
): number[] {
  const fixed = moved ? 0 : Math.min(certain, before.length)
  const matches = before.slice(0, fixed).map((_, index) => (index < now.length ? index : -1))
  const places = placesById(before.slice(fixed), now.slice(fixed))
  const free = new Set(now.keys())
  for (let index = 0; index < fixed; index++) free.delete(index)
  for (let index = fixed; index < before.length; index++) {
    const place = places?.[index - fixed]
    const match = place === undefined ? equalElement(tree, before[index], now, free) : place
    matches.push(match < 0 || place === undefined ? match : match + fixed)
    free.delete(match)
  }
  return matches
}

/** By index in `before`, the index in `now` of the element with the same id; undefined without ids. */
function placesById(before: readonly unknown[], now: readonly unknown[]): number[] | undefined {
  const ids = idsOf(before)
  const theirs = idsOf(now)
  if (ids === undefined || theirs === undefined) return undefined
  const places = new Map(theirs.map((id, index) => [id, index]))
  return ids.map(id => places.get(id) ?? -1)
}

function equalElement(
  tree: Tree,
  element: unknown,
  now: readonly unknown[],
  free: ReadonlySet<number>,
): number {
  const equal = [...free].filter(index => equalsItem(tree, element, now[index]))
  const isObject = typeof element === 'object' && element !== null
  return equal.length === 0 || (isObject && equal.length > 1) ? -1 : (equal[0] as number)
}

/** The ids of all elements; undefined if one has none, or two have the same. */
function idsOf(elements: readonly unknown[]): string[] | undefined {
  const ids: string[] = []
  for (const element of elements) {
    const id = idOf(element)
    if (id === undefined) return undefined
    ids.push(id)
  }
  return new Set(ids).size === ids.length ? ids : undefined
}

function idOf(element: unknown): string | undefined {
  if (typeof element !== 'object' || element === null) return undefined
  for (const name of ['id', '_id']) {
    if (!Object.hasOwn(element, name)) continue
    const id: unknown = (element as Record<string, unknown>)[name]
    if (typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint') {
      return `${typeof id}:${String(id)}`
    }
    if (typeof id === 'object' && id !== null && 'toHexString' in id) return String(id)
  }
  return undefined
}
