/**
 * Numbers that are stored wider than JavaScript would store them.
 *
 * MongoDB keeps 5, 5.0 and NumberLong(5) apart, JavaScript does not. What other programs stored as a
 * double or as an int64 is written back as one, so that an index or a query of theirs still works.
 *
 * @module
 */

import { Double, Long } from 'bson'
import type { Modification } from '../modification.js'
import type { Key } from '../path.js'
import { storedAt } from './stored.js'
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

/**
 * Notes for `after`, which replaces `before`, what is noted for that: the same keys hold numbers of the
 * same widths, at any depth.
 */
export function inheritWidths(before: unknown, after: unknown): void {
  if (before === after || !isObject(before) || !isObject(after)) return
  for (const [key, width] of widths.get(before) ?? []) {
    if (typeof after[key] === 'number' && widthAt(after, key) === undefined) {
      noteWidth(after, key, width)
    }
  }
  for (const key of Object.keys(after)) inheritWidths(storedAt(before, key), after[key])
}

const isObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && isPlainObject(value)

function widthAt(container: unknown, key: Key): Width | undefined {
  return typeof container === 'object' && container !== null
    ? widths.get(container)?.get(key)
    : undefined
}

/** `value` in this width, if it fits. */
function widen(value: number, width: Width | undefined): unknown {
  if (width === 'double') return new Double(value)
  const fits = width === 'int64' && Number.isSafeInteger(value) && !Object.is(value, -0)
  return fits ? Long.fromNumber(value) : value
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

/**
 * `value`, which is to be stored, with each number in the width that it has in the store. What needs no
 * other width is not copied.
 *
 * @param before What is stored in its place.
 */
export function withWidths(value: unknown, before?: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const isArray = Array.isArray(value)
  if (!isArray && !isPlainObject(value)) return value
  let copy: PlainObject | undefined
  for (const key of isArray ? value.keys() : Object.keys(value)) {
    const member = (value as PlainObject)[key]
    const inherits = !isArray && isObject(before)
    const wide =
      typeof member === 'number'
        ? widen(member, widthAt(value, key) ?? (inherits ? widthAt(before, key) : undefined))
        : withWidths(member, inherits ? storedAt(before, key) : undefined)
    if (Object.is(wide, member)) continue
    copy ??= (isArray ? [...value] : { ...value }) as PlainObject
    copy[key] = wide
  }
  return copy ?? value
}

/** `modification` of `stored`, all attributes as they are stored, with each number in its width there. */
export function modificationWithWidths(stored: unknown, modification: Modification): Modification {
  const { path } = modification
  switch (modification.op) {
    case 'set':
    case 'max':
    case 'min': {
      const { value } = modification
      const parent = path.slice(0, -1).reduce<unknown>(storedAt, stored)
      const before = path.length === 0 ? stored : storedAt(parent, path.at(-1) as Key)
      const wide =
        typeof value === 'number'
          ? widen(value, widthAt(parent, path.at(-1) as Key))
          : withWidths(value, before)
      return { ...modification, value: wide } as Modification
    }
    case 'append':
      return { ...modification, values: modification.values.map(each => withWidths(each)) }
    default:
      return modification
  }
}
