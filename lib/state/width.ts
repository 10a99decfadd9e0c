/**
 * Numbers that are stored wider than JavaScript would store them.
 *
 * MongoDB keeps 5, 5.0 and NumberLong(5) apart, JavaScript does not. What other programs stored as a
 * double or as an int64 is written back as one, so that an index or a query of theirs still works.
 *
 * @module
 */

import { Double, Long } from 'bson'
import type { Key } from '../path.js'
import type { PlainObject } from './value.js'
import { isPlainObject } from './value.js'

/** How a number is stored that would otherwise be an int32, or a double. */
export type Width = 'double' | 'int64'

/** By container as decoded from the store. Hardly any container has an entry. */
const widths = new WeakMap<object, Map<Key, Width>>()

/** Notes how the number that `container` holds at `key` is stored. */
export function noteWidth(container: object, key: Key, width: Width): void {
  const noted = widths.get(container)
  if (noted === undefined) widths.set(container, new Map([[key, width]]))
  else noted.set(key, width)
}

/** Notes for `copy` what is noted for `original`: it holds the same numbers. */
export function copyWidths(original: unknown, copy: object): void {
  const noted = typeof original === 'object' && original !== null ? widths.get(original) : undefined
  if (noted !== undefined) widths.set(copy, new Map(noted))
}

/** `value` in the width that the number at `key` of `container` has in the store, if it fits. */
export function keepWidth(container: object, key: Key, value: unknown): unknown {
  if (typeof value !== 'number') return value
  const width = widths.get(container)?.get(key)
  if (width === 'double') return new Double(value)
  if (width === 'int64' && Number.isSafeInteger(value)) return Long.fromNumber(value)
  return value
}

/** A deep copy of a value as decoded from the store. */
export function copyStored(stored: unknown): unknown {
  if (typeof stored !== 'object' || stored === null) return stored
  const copy = Array.isArray(stored)
    ? stored.map(copyStored)
    : isPlainObject(stored)
      ? Object.fromEntries(Object.entries(stored).map(([key, value]) => [key, copyStored(value)]))
      : stored
  copyWidths(stored, copy)
  return copy
}

/** `stored`, a value as decoded from the store, with each number in the width that it has there. */
export function withWidths(stored: unknown): unknown {
  if (typeof stored !== 'object' || stored === null) return stored
  if (Array.isArray(stored)) {
    return stored.map((element, index) => keepWidth(stored, index, withWidths(element)))
  }
  if (!isPlainObject(stored)) return stored
  const copy: PlainObject = {}
  for (const key of Object.keys(stored)) {
    copy[key] = keepWidth(stored, key, withWidths((stored as PlainObject)[key]))
  }
  return copy
}
