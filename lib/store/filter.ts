/**
 * Filters over sessions: paths to scalars, and what they equal.
 *
 * @module
 */

import { ObjectId } from 'bson'
import { SessionError } from '../errors.js'
import { isSafeKey } from '../path.js'
import type { Filter } from './store.js'

/**
 * Checks a filter that came from the application.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_ARGUMENT` if a path cannot be one, or a value is
 *   no scalar: an object could hold operators.
 */
export function checkFilter(filter: Filter): void {
  for (const [path, value] of Object.entries(filter)) {
    if (
      !path.split('.').every(key => isSafeKey(key) && key !== '__proto__' && !key.includes('\0'))
    ) {
      fail('a path of the filter has an empty key, a leading "$" or "__proto__"')
    }
    if (!isScalar(value)) {
      fail('its values must be strings, numbers, booleans, Dates or ObjectIds')
    }
  }
}

function fail(why: string): never {
  throw new SessionError('ERR_INVALID_ARGUMENT', `Cannot filter sessions: ${why}`)
}

function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return true
  if (typeof value === 'string' || typeof value === 'boolean') return true
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  return value instanceof ObjectId
}

/** Whether `data` fits `filter`, as MongoDB sees it: an array fits by its elements too. */
export function fits(data: unknown, filter: Filter): boolean {
  return Object.entries(filter).every(([path, value]) => {
    return valuesAt(data, path.split('.')).some(found => equalScalars(found, value))
  })
}

function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  const [key, ...rest] = path
  if (key === undefined) return Array.isArray(value) ? [value, ...value] : [value]
  if (typeof value !== 'object' || value === null) return []
  const own = Object.hasOwn(value, key)
    ? valuesAt((value as Record<string, unknown>)[key], rest)
    : []
  if (!Array.isArray(value)) return own
  return [
    ...own,
    ...value.filter(each => !Array.isArray(each)).flatMap(each => valuesAt(each, path)),
  ]
}

function equalScalars(found: unknown, value: unknown): boolean {
  if (value instanceof Date) return found instanceof Date && found.getTime() === value.getTime()
  if (value instanceof ObjectId) return found instanceof ObjectId && found.equals(value)
  // As MongoDB has it, all NaN are equal, and so are 0 and -0.
  return found === value || (Number.isNaN(found) && Number.isNaN(value))
}
