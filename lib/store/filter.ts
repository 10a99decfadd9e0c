/**
 * Filters over sessions: paths to scalars, and what they equal.
 *
 * @module
 */

import { Decimal128, Long, ObjectId } from 'bson'
import { SessionError } from '../errors.js'
import { arrayIndex, isSafeKey } from '../path.js'
import { bsonTypeOf, importBson, isPlainObject } from '../state/value.js'
import type { Filter } from './store.js'

/**
 * Checks a filter that came from the application.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_ARGUMENT` if it is no plain object, a path cannot
 *   be one, or a value is no scalar: an object could hold operators.
 */
export function checkFilter(filter: Filter): void {
  if (typeof filter !== 'object' || filter === null || !isPlainObject(filter)) {
    fail('the filter must be an object of paths and values')
  }
  for (const [path, value] of Object.entries(filter)) {
    if (!isFilterPath(path)) {
      fail('a path of the filter has an empty key, a leading "$" or "__proto__"')
    }
    if (!isScalar(value)) {
      fail('its values must be strings, numbers, booleans, Dates or ObjectIds')
    }
  }
}

/** Whether a filter may have this path, as a dotted text. */
export function isFilterPath(path: string): boolean {
  return path.split('.').every(key => isSafeKey(key) && key !== '__proto__' && !key.includes('\0'))
}

function fail(why: string): never {
  throw new SessionError('ERR_INVALID_ARGUMENT', `Cannot filter sessions: ${why}`)
}

function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return true
  if (typeof value === 'string' || typeof value === 'boolean') return true
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  return isObjectId(value)
}

/** An ObjectId may be one of another copy of the bson package: that of mongoose, for example. */
function isObjectId(value: unknown): value is ObjectId {
  return typeof value === 'object' && value !== null && bsonTypeOf(value) === 'ObjectId'
}

/** A scalar of a checked filter as this copy of the bson package knows it. */
export function importScalar(value: unknown): unknown {
  return isObjectId(value) ? importBson(value, 'ObjectId') : value
}

/** Whether `data` fits `filter`, as MongoDB sees it: an array fits by its elements too. */
export function fits(data: unknown, filter: Filter): boolean {
  return Object.entries(filter).every(([path, value]) => {
    const scalar = importScalar(value)
    return valuesAt(data, path.split('.')).some(found => equalScalars(found, scalar))
  })
}

function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  const [key, ...rest] = path
  if (key === undefined) return Array.isArray(value) ? [value, ...value] : [value]
  if (typeof value !== 'object' || value === null) return []
  if (!Array.isArray(value)) {
    return Object.hasOwn(value, key) ? valuesAt((value as Record<string, unknown>)[key], rest) : []
  }
  const objects = value.filter(each => !Array.isArray(each))
  return [...valuesAtIndex(value, key, rest), ...objects.flatMap(each => valuesAt(each, path))]
}

/** An array has its elements, and no length. One that is named is itself, even if it is an array. */
function valuesAtIndex(array: unknown[], key: string, rest: readonly string[]): unknown[] {
  if (arrayIndex(key) < 0 || !Object.hasOwn(array, key)) return []
  const element = array[Number(key)]
  return rest.length === 0 ? [element] : valuesAt(element, rest)
}

function equalScalars(found: unknown, value: unknown): boolean {
  if (value instanceof Date) return found instanceof Date && found.getTime() === value.getTime()
  if (value instanceof ObjectId) return found instanceof ObjectId && found.equals(value)
  if (typeof value === 'number' && (found instanceof Long || found instanceof Decimal128)) {
    return digitsOf(String(found)) === digitsOf(value.toPrecision(MAX_DIGITS))
  }
  // As MongoDB has it, all NaN are equal, and so are 0 and -0.
  return found === value || (Number.isNaN(found) && Number.isNaN(value))
}

/** As many digits as JavaScript prints, exactly; a Decimal128 has no more than 34. */
const MAX_DIGITS = 100

/**
 * What a number is exactly, in a form that each number has but once, whatever its type.
 *
 * MongoDB compares the values themselves: the double 0.1 is not the decimal 0.1, which no double is.
 */
function digitsOf(number: string): string {
  const parts = /^(-?)(\d+)\.?(\d*)(?:e(.+))?$/i.exec(number)
  if (parts === null) return number
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const scale = Number(exponent) - fraction.length + digits.length - significant.length
  return `${sign}${significant}e${scale}`
}
