/**
 * MongoDB's operators that merge a value with what is stored, on values of any BSON type.
 *
 * @module
 */

import { BSON, Double, Int32, Long } from 'bson'
import { bsonTypeOf, isPlainObject } from './value.js'

/**
 * `$inc`: the sum of a stored number and `by`, as wide as MongoDB makes it; undefined if `stored` is no
 * number. What is absent counts as 0.
 */
export function increment(stored: unknown, by: number): unknown {
  if (stored === undefined) return by
  if (typeof stored === 'number') return stored + by
  const number = numberOf(stored)
  if (number === undefined) return undefined
  const sum = number + by
  if (stored instanceof Double || !Number.isSafeInteger(sum)) return new Double(sum)
  const fitsInt32 = stored instanceof Int32 && (sum | 0) === sum
  return fitsInt32 ? new Int32(sum) : Long.fromNumber(sum)
}

/** `$max` and `$min`: whichever of two values comes last, or first, in the order of BSON. */
export function extreme(kind: 'max' | 'min', stored: unknown, value: unknown): unknown {
  if (stored === undefined) return value
  const order = compare(value, stored)
  return (kind === 'max' ? order > 0 : order < 0) ? value : stored
}

/** `$addToSet`: appends those of `values` to `elements` that have no equal among them. */
export function addToSet(elements: unknown[], values: readonly unknown[]): void {
  for (const value of values) {
    if (!elements.some(element => areSame(element, value))) elements.push(value)
  }
}

/** Values of different types come in this order. */
const TYPES = ['null', 'number', 'string', 'object', 'array', 'bytes', 'id', 'boolean', 'date']

function compare(a: unknown, b: unknown): number {
  const types = TYPES.indexOf(typeOf(a)) - TYPES.indexOf(typeOf(b))
  if (types !== 0) return types
  return (numberOf(a) ?? Number(a)) - (numberOf(b) ?? Number(b))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return numberOf(value) === undefined ? typeof value : 'number'
  if (numberOf(value) !== undefined) return 'number'
  if (value instanceof Date) return 'date'
  if (value instanceof Uint8Array || bsonTypeOf(value) === 'Binary') return 'bytes'
  if (bsonTypeOf(value) === 'ObjectId') return 'id'
  return Array.isArray(value) ? 'array' : 'object'
}

/** A number of any width as JavaScript's own; undefined for what is none. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Int32 || value instanceof Double) return value.value
  return value instanceof Long ? value.toNumber() : undefined
}

/** Whether MongoDB takes two elements for the same: numbers by value, objects with their order. */
function areSame(a: unknown, b: unknown): boolean {
  const [left, right] = [numberOf(a), numberOf(b)]
  if (left !== undefined || right !== undefined) return left === right
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((element, index) => areSame(element, b[index]))
  }
  if (isObject(a) && isObject(b)) return areSame(Object.entries(a), Object.entries(b))
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  return Buffer.compare(BSON.serialize({ '': a }), BSON.serialize({ '': b })) === 0
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && isPlainObject(value)
