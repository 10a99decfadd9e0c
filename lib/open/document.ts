/**
 * A loaded document: its bookkeeping, and where its attributes are.
 *
 * @module
 */

import type { Element } from '../bson.js'
import { BsonReader, isDocumentType } from '../bson.js'
import type { Bookkeeping, Mark } from '../document.js'
import { InvalidDocumentError } from '../errors.js'
import type { PlainObject } from '../state/value.js'

/** A session's document as it was loaded. Its data is not decoded yet. */
export interface SessionDocument extends Bookkeeping {
  /** What the store knows the session by. */
  readonly key: string
  /** The token of the rotation, if the document only marks an id that was rotated. */
  readonly retiredBy: bigint | undefined
  /** The time at the store when it was read, in milliseconds since 1970. */
  readonly now: number
  /** Its size, in bytes. */
  readonly bytes: number
  /** Reads the attributes. */
  readonly reader: BsonReader
  /** The attributes, by name. */
  readonly attributes: ReadonlyMap<string, Element>
}

/**
 * Reads a document without decoding its data.
 *
 * @throws {@link InvalidDocumentError} if the bytes are damaged, or a field of dotset's own is not of
 *   its type.
 */
export function readDocument({ bytes, now }: LoadedBytes): SessionDocument {
  const reader = new BsonReader(bytes)
  const fields = reader.scan()
  const field = (name: string): unknown => {
    const element = fields.get(name)
    return element === undefined ? undefined : reader.decode(element, {}, name)
  }
  const retiredBy = optional(field, 'retiredBy', isInteger)
  const data = fields.get('data')
  if (data !== undefined && !isDocumentType(data.type)) fail('data')
  return {
    key: required(field, '_id', isString),
    rev: Number(
      retiredBy === undefined
        ? required(field, 'rev', isInteger)
        : (optional(field, 'lastRev', isInteger) ?? Number.POSITIVE_INFINITY),
    ),
    layout: new Map(Object.entries(optional(field, 'layout', isCounters) ?? {})),
    tokens: (optional(field, 'tokens', isIntegers) ?? []).map(BigInt),
    marks: (optional(field, 'marks', isMarks) ?? []).map(({ by, at }) => ({ by: BigInt(by), at })),
    createdAt: optional(field, 'createdAt', isDate)?.getTime() ?? 0,
    expiresAt: required(field, 'expiresAt', isDate).getTime(),
    endsAt: optional(field, 'endsAt', isDate)?.getTime() ?? Number.POSITIVE_INFINITY,
    idle: optional(field, 'idle', isPositive),
    retiredBy: retiredBy === undefined ? undefined : BigInt(retiredBy),
    now: now ?? optional(field, 'now', isDate)?.getTime() ?? Date.now(),
    bytes: bytes.length,
    reader,
    attributes: data === undefined ? new Map() : reader.scan(data.start),
  }
}

/** A document as a store loads it. */
export interface LoadedBytes {
  /** The whole document, in BSON. */
  readonly bytes: Uint8Array
  /** The time at the store, in ms since 1970, unless the field `now` tells it. */
  readonly now?: number
}

type Field = (name: string) => unknown
type Check<T> = (value: unknown) => value is T
type Integer = number | bigint

function optional<T>(field: Field, name: string, check: Check<T>): T | undefined {
  const value = field(name)
  if (value === undefined || value === null) return undefined
  return check(value) ? value : fail(name)
}

function required<T>(field: Field, name: string, check: Check<T>): T {
  return optional(field, name, check) ?? fail(name)
}

function fail(name: string): never {
  throw new InvalidDocumentError([name], 'has another type there than dotset writes')
}

const isString = (value: unknown): value is string => typeof value === 'string'
const isDate = (value: unknown): value is Date => value instanceof Date
const isInteger = (value: unknown): value is Integer =>
  typeof value === 'bigint' || Number.isSafeInteger(value)
const isPositive = (value: unknown): value is number => Number.isFinite(value) && Number(value) > 0
const isIntegers = (value: unknown): value is Integer[] =>
  Array.isArray(value) && value.every(isInteger)
const isCounters = (value: unknown): value is Record<string, number> =>
  isObject(value) && Object.values(value).every(Number.isSafeInteger)
const isMarks = (value: unknown): value is Mark[] =>
  Array.isArray(value) &&
  value.every(mark => {
    return isObject(mark) && isInteger(mark.by) && Array.isArray(mark.at) && mark.at.every(isString)
  })
const isObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
