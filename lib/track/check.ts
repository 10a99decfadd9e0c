/**
 * Refusing, at the assignment, what BSON would damage silently.
 *
 * @module
 */

import { UnsupportedValueError } from '../errors.js'
import type { Key } from '../path.js'
import type { Node } from '../state/node.js'
import { holds, nodeOf, pathOf } from '../state/node.js'
import type { Shape } from '../state/shape.js'
import { bsonTypeOf, containerKind, importBson } from '../state/value.js'

/** How deep a session may be nested, in levels. */
export const MAX_DEPTH = 64

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Checks that `node` can keep `value` at `key`, with all that is in it.
 *
 * @throws {@link UnsupportedValueError} with the path of the first part that it cannot keep.
 */
export function checkValue(node: Node, key: Key, value: unknown): void {
  check(node, [key], value, node.shape?.at(key))
}

/**
 * Checks that `node` can have `key`.
 *
 * @throws {@link UnsupportedValueError} for `__proto__`, `_bsontype`, NUL and lone surrogates.
 */
export function checkKey(node: Node, key: string): void {
  const why = refusedKey(key)
  if (why !== undefined) refuse(node, [key], why)
}

function refuse(node: Node, trail: readonly Key[], why: string): never {
  throw new UnsupportedValueError([...pathOf(node), ...trail], why)
}

function refusedKey(key: string): string | undefined {
  if (key === '__proto__') return 'this key would reach a prototype, use another one'
  if (key === '_bsontype') return 'this key is reserved by BSON, use another one'
  if (key.includes('\0') || !key.isWellFormed()) {
    return 'a key cannot hold NUL or a lone surrogate, use another one'
  }
  return undefined
}

/** `trail` leads from `node` to `value`; it is one array for the whole walk. */
function check(node: Node, trail: Key[], value: unknown, shape: Shape | undefined): void {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed())
        refuse(node, trail, 'a lone surrogate is not text, repair it first')
      return
    case 'bigint':
      if (shape?.bigint !== true) {
        refuse(node, trail, 'a bigint needs z.bigint() in the schema, or assign a number')
      }
      if (value < MIN_INT64 || value > MAX_INT64) {
        refuse(node, trail, 'a bigint must fit into 64 bits, assign a string')
      }
      return
    case 'function':
    case 'symbol':
      return refuse(node, trail, `a ${typeof value} is not data, leave it out`)
    case 'object':
      // What a codec decoded is the codec's to judge, when the commit encodes it.
      if (value !== null && shape?.codec !== true) checkObject(node, trail, value, shape)
      return
  }
}

function checkObject(node: Node, trail: Key[], value: object, shape: Shape | undefined): void {
  const handled = nodeOf(value)
  if (handled !== undefined) {
    if (isWithin(node, handled)) refuse(node, trail, 'it would contain itself, keep an id instead')
    return
  }
  const kind = containerKind(value)
  if (kind === undefined) return checkLeaf(node, trail, value)
  // Deeper than that is a cycle, or as good as one.
  if (trail.length > MAX_DEPTH || pathOf(node).length + trail.length > MAX_DEPTH) {
    refuse(node, trail.slice(0, 4), `it contains itself or more than ${MAX_DEPTH} levels`)
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    refuse(node, trail, 'keys that are symbols are not kept, use strings')
  }
  if (kind === 'array') return checkArray(node, trail, value as unknown[], shape)
  if (kind === 'object') return checkMembers(node, trail, Object.entries(value), shape)
  if (kind === 'map' && shape?.map === true) {
    return checkMembers(node, trail, value as Map<unknown, unknown>, shape)
  }
  if (kind === 'set' && shape?.set === true) {
    return checkMembers(node, trail, [...(value as Set<unknown>)].entries(), shape)
  }
  const instead = kind === 'map' ? 'z.map() or assign an object' : 'z.set() or assign an array'
  refuse(node, trail, `a ${kind} would be stored empty, let the schema say ${instead}`)
}

function checkArray(node: Node, trail: Key[], value: unknown[], shape: Shape | undefined): void {
  const keys = Object.keys(value)
  // Names come after indexes, so the last key tells.
  if (keys.length > 0 && !/^\d+$/.test(keys.at(-1) as string)) {
    refuse(node, [...trail, keys.at(-1) as string], 'an array keeps only its elements')
  }
  checkMembers(node, trail, value.entries(), shape)
}

function checkMembers(
  node: Node,
  trail: Key[],
  entries: Iterable<[unknown, unknown]>,
  shape: Shape | undefined,
): void {
  for (const [key, member] of entries) {
    if (typeof key !== 'string' && typeof key !== 'number') {
      refuse(node, trail, 'the keys of a Map must be strings')
    }
    trail.push(key)
    const why = typeof key === 'string' ? refusedKey(key) : undefined
    if (why !== undefined) refuse(node, trail, why)
    check(node, trail, member, shape?.at(key))
    trail.pop()
  }
}

function checkLeaf(node: Node, trail: Key[], value: object): void {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) {
      refuse(node, trail, 'an invalid Date would be stored as 1970, check it first')
    }
    return
  }
  if (value instanceof Uint8Array) return
  const type = bsonTypeOf(value)
  if (type !== undefined && importBson(value, type) !== undefined) return
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
  refuse(
    node,
    trail,
    `${typeof name === 'string' ? `an instance of ${name}` : 'this object'} would not come back as it is, assign plain data or say a codec in the schema`,
  )
}

/** Whether `node` is `ancestor`, or stands in it at any of its places. */
function isWithin(node: Node, ancestor: Node): boolean {
  if (node === ancestor) return true
  if (node.parent === undefined) return false
  if (holds(node.parent, node.key, node) && isWithin(node.parent, ancestor)) return true
  return (
    node.elsewhere?.some(([parent, key]) => {
      return holds(parent, key, node) && isWithin(parent, ancestor)
    }) === true
  )
}
