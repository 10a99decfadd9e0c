/**
 * The kinds of value that a session holds, and how to tell them apart.
 *
 * @module
 */

import { Binary, BSONValue, Decimal128, ObjectId, Timestamp, UUID } from 'bson'

/** A plain object of data: its prototype is `Object.prototype` (of any realm) or null. */
export type PlainObject = Record<string, unknown>

/** A value that holds others, each at a key. */
export type Container = PlainObject | unknown[] | Map<string, unknown> | Set<unknown>

/** How a container finds its members: by name, by position, by a Map's key, or as a Set. */
export type ContainerKind = 'object' | 'array' | 'map' | 'set'

/** Whether `value` is an object made by a literal, `JSON.parse`, or `Object.create(null)`. */
export function isPlainObject(value: object): value is PlainObject {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  // The Object.prototype of another realm (a vm context, for example) ends its chain too.
  return (
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
  )
}

/** The kind of container that `value` is, or undefined if it is none. */
export function containerKind(value: object): ContainerKind | undefined {
  if (Array.isArray(value)) return 'array'
  if (isPlainObject(value)) return 'object'
  if (value instanceof Map) return 'map'
  if (value instanceof Set) return 'set'
  return undefined
}

/**
 * The name of a BSON type (`'ObjectId'`, `'Decimal128'`, …), or undefined for all other values.
 *
 * Data that merely has such a key (a JSON body, for example) is none: the types say it by their
 * prototype.
 */
export function bsonTypeOf(value: object): string | undefined {
  const type: unknown = (value as { _bsontype?: unknown })._bsontype
  return typeof type === 'string' && !Object.hasOwn(value, '_bsontype') ? type : undefined
}

/** Whether `value` can change without anybody writing to the object that holds it. */
export function isMutableLeaf(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof Uint8Array ||
    value instanceof Binary ||
    value instanceof Decimal128
  )
}

/** A detached copy of a Date, of bytes, or of a BSON value; immutable values are returned. */
export function copyLeaf<T extends object>(value: T): T
export function copyLeaf(value: object): object {
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value instanceof UUID) return new UUID(Buffer.from(value.buffer))
  if (value instanceof Binary) return new Binary(Buffer.from(value.value()), value.sub_type)
  if (value instanceof Decimal128) return new Decimal128(Buffer.from(value.bytes))
  return value
}

/**
 * A BSON value as a session keeps it: numbers as JavaScript's own, and values that were made by
 * another version of the bson package (a mongoose ObjectId, for example) made anew from their bytes.
 *
 * @returns undefined for a type that does not come back from MongoDB as it went.
 */
export function importBson(value: object, type: string): object | number | bigint | undefined {
  switch (type) {
    case 'Int32':
    case 'Double':
      return Number(value)
    case 'Long': {
      const integer = (value as { toBigInt(): bigint }).toBigInt()
      const number = Number(integer)
      return Number.isSafeInteger(number) ? number : integer
    }
    case 'ObjectId':
      return value instanceof ObjectId
        ? value
        : new ObjectId((value as { toHexString(): string }).toHexString())
    case 'Decimal128':
      return new Decimal128(Buffer.from((value as Decimal128).bytes))
    case 'Timestamp': {
      if (value instanceof Timestamp) return value
      const { low, high } = value as Timestamp
      return new Timestamp({ t: high >>> 0, i: low >>> 0 })
    }
    case 'UUID':
    case 'Binary': {
      const { sub_type: subtype, buffer, position } = value as Binary
      const bytes = Buffer.from(buffer.subarray(0, position))
      if (subtype === Binary.SUBTYPE_DEFAULT) return bytes
      return subtype === Binary.SUBTYPE_UUID ? new UUID(bytes) : new Binary(bytes, subtype)
    }
    case 'BSONRegExp':
    case 'Code':
    case 'MaxKey':
    case 'MinKey':
      return value instanceof BSONValue ? value : undefined
    default:
      return undefined
  }
}
