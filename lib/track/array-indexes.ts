/**
 * Indexes as the methods of arrays take them.
 *
 * @module
 */

/** The index that `value` means in an array: counted from the end if negative. */
export function relativeIndex(value: unknown, length: number, fallback: number): number {
  if (value === undefined) return fallback
  const integer = toInteger(value)
  return integer < 0 ? Math.max(length + integer, 0) : Math.min(integer, length)
}

/** `value` without its fraction; 0 if it is no number. */
export function toInteger(value: unknown): number {
  // Unlike `Number`, the operator refuses a bigint, as the methods of plain arrays do.
  const number = Math.trunc(+(value as number))
  return Number.isNaN(number) ? 0 : number
}
