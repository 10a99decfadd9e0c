/**
 * Which element of a plain array is which element of the benchmark's: by identity with the copy that was
 * handed out of it, else by `id` or `_id`, else by equality of primitives.
 *
 * @module
 */

import type { PlainObject } from '../state/value.js'

/** By array of the benchmark: the copies of its elements, in its order. */
export type Copies = WeakMap<object, readonly unknown[]>

/** By array of the benchmark: what in its copy a rebase found inserted. */
export type InsertedCopies = WeakMap<object, ReadonlySet<unknown>>

/** Where the benchmark's array has what an element may be: the indexes, by element and by id. */
type Places = Map<unknown, number[]>

/** Finds the places of all elements of `before`. */
export function placesOf(copiesOf: Copies, before: readonly unknown[]): Places {
  const copies = copiesOf.get(before) ?? []
  const places: Places = new Map()
  before.forEach((element, index) => {
    for (const key of new Set([copies[index] ?? element, keyOf(element)])) {
      const known = places.get(key)
      if (known === undefined) places.set(key, [index])
      else known.push(index)
    }
  })
  return places
}

/** The indexes at which the benchmark may have `element`. */
export function placesFor(places: Places, element: unknown): number[] | undefined {
  return places.get(element) ?? places.get(keyOf(element))
}

/** Whether an object of `before` stands elsewhere in `copy`. */
export function haveMoved(
  copiesOf: Copies,
  before: readonly unknown[],
  copy: readonly unknown[],
): boolean {
  const copies = copiesOf.get(before)
  let places: Places | undefined
  return copy.some((element, index) => {
    if (typeof element !== 'object' || element === null || copies?.[index] === element) return false
    places ??= placesOf(copiesOf, before)
    return placesFor(places, element)?.includes(index) === false
  })
}

/** Whether `copy` is an array that was made from elements of the benchmark's: then it is an edit. */
export function isEdit(copiesOf: Copies, before: unknown, copy: unknown): boolean {
  if (!Array.isArray(before) || !Array.isArray(copy)) return false
  const known = new Set<unknown>(copiesOf.get(before) ?? before)
  return copy.some(element => known.has(element))
}

/** Whether `copy` is an array that has nothing of the benchmark's: then it is another one. */
export function isReplaced(copiesOf: Copies, before: unknown, copy: unknown): boolean {
  if (!Array.isArray(before) || !Array.isArray(copy)) return false
  if (before.length === 0 || copy.length === 0 || isEdit(copiesOf, before, copy)) return false
  const known = new Set(before.map(keyOf))
  return !copy.some(element => known.has(keyOf(element)))
}

/**
 * Whether `element` was put in the place of another one: it is not that one's copy, nor has it its id.
 *
 * @param copies The copies of the elements of `before`, if they are known.
 */
export function isAnother(
  copies: readonly unknown[] | undefined,
  before: readonly unknown[],
  index: number,
  element: unknown,
): boolean {
  if (typeof element !== 'object' || element === null || copies?.[index] === element) return false
  const [own, other] = [keyOf(before[index]), keyOf(element)]
  const isNamed = typeof own === 'string' || typeof other === 'string'
  return isNamed ? own !== other : copies !== undefined
}

/** What tells an element from others: its id, or the primitive itself. */
export function keyOf(element: unknown): unknown {
  if (typeof element !== 'object' || element === null) return element ?? null
  for (const name of ['id', '_id']) {
    const id = Object.hasOwn(element, name) ? (element as PlainObject)[name] : undefined
    if (typeof id === 'string' || typeof id === 'number') return `${name}:${typeof id}:${id}`
  }
  return element
}
