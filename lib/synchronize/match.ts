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
 * By `id` or `_id`, if all of them have one that is unique; else by position up to `certain`, if no
 * element changed its place, and the others by equality, where an object that has several equals
 * matches none.
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
  const places = placesById(before, now)
  if (places !== undefined) return places
  const fixed = moved ? 0 : Math.min(certain, before.length)
  const find = createFinder(tree, now, fixed)
  return before.map((element, index) => {
    if (index >= fixed) return find(element ?? null)
    return index < now.length ? index : -1
  })
}

/** By index in `before`, the index in `now` of the element with the same id; undefined without ids. */
function placesById(before: readonly unknown[], now: readonly unknown[]): number[] | undefined {
  const ids = idsOf(before)
  const theirs = idsOf(now)
  if (ids === undefined || theirs === undefined) return undefined
  const places = new Map(theirs.map((id, index) => [id, index]))
  return ids.map(id => places.get(id) ?? -1)
}

/** Creates what finds the equals of elements in `elements` from index `first` on, each once. */
function createFinder(
  tree: Tree,
  elements: readonly unknown[],
  first: number,
): (element: unknown) => number {
  const places = new Map<unknown, number[]>()
  for (let index = first; index < elements.length; index++) {
    const key = likenessOf(elements[index] ?? null)
    const alike = places.get(key)
    if (alike === undefined) places.set(key, [index])
    else alike.push(index)
  }
  return element => {
    const alike = places.get(likenessOf(element)) ?? []
    const isEqual = (index: number): boolean => equalsItem(tree, element, elements[index] ?? null)
    const match = alike.find(isEqual)
    if (match === undefined) return -1
    const isObject = typeof element === 'object' && element !== null
    if (isObject && alike.some(index => index !== match && isEqual(index))) return -1
    alike.splice(alike.indexOf(match), 1)
    return match
  }
}

/** What equal elements have in common: so that not every one has to be compared with every other. */
function likenessOf(element: unknown): unknown {
  if (typeof element !== 'object' || element === null) return element
  const members = Object.entries(element).filter(([, member]) => typeof member !== 'object')
  return members
    .map(([key, member]) => `${key}:${String(member)}`)
    .sort()
    .join()
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

/** The id of an element, as text that tells its type; undefined if it has none. */
export function idOf(element: unknown): string | undefined {
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
