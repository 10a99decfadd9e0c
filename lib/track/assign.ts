/**
 * Assigning values to client state: checked, adopted, and written.
 *
 * @module
 */

import { UnsupportedValueError } from '../errors.js'
import type { Key } from '../path.js'
import type { Item, Slot } from '../state/node.js'
import { link, Node, nodeOf, pathOf } from '../state/node.js'
import { adopt } from '../state/open.js'
import { hasMember, lengthOf, sourceHas } from '../state/read.js'
import { containerKind } from '../state/value.js'
import { append, put, remove, restructure } from '../state/write.js'
import { checkKey, checkValue } from './check.js'

/** How far beyond the end of an array an index may be written. */
const MAX_GAP = 1000

/** What stands in `node` at `key` once `value` is assigned there; `undefined` becomes null. */
export function importValue(node: Node, key: Key, value: unknown): Item {
  if (value === undefined) return null
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  checkValue(node, key, value)
  return typeof value === 'object' ? adopt(node, key, value) : (value as string | bigint)
}

/** Assigns `value` at `key` of an object or a Map; `undefined` removes the key. */
export function assign(node: Node, key: string, value: unknown): void {
  checkKey(node, key)
  if (value === undefined) {
    remove(node, key)
    return
  }
  const fresh = isFresh(node, key, value)
  const item = importValue(node, key, value) as Slot
  if (item instanceof Node && fresh) item.fresh = true
  put(node, key, item)
}

/**
 * Whether `value` opens a container rather than being one (R18): it is empty, the benchmark has
 * nothing here, and the session looked before it assigned, as `??=` does.
 */
function isFresh(node: Node, key: Key, value: unknown): boolean {
  if (node.missed?.has(key) !== true || typeof value !== 'object' || value === null) return false
  if (sourceHas(node, key) || hasMember(node, key) || nodeOf(value) !== undefined) return false
  const kind = containerKind(value)
  return (kind === 'object' || kind === 'array') && Object.keys(value).length === 0
}

/** Assigns `value` to an element of an array; beyond the end, the gap is filled with null. */
export function assignElement(node: Node, index: number, value: unknown): void {
  const length = lengthOf(node)
  if (index - length > MAX_GAP) {
    throw new UnsupportedValueError(
      [...pathOf(node), index],
      `it is more than ${MAX_GAP} beyond the end of the array, use an object with keys instead`,
    )
  }
  const item = importValue(node, index, value)
  if (index >= length) {
    append(node, [...new Array<Item>(index - length).fill(null), item])
  } else if (node.items === undefined && !node.adopted && !moves(node, index, item)) {
    put(node, index, item as Slot)
  } else {
    const items = restructure(node)
    items[index] = item
    link(node, index, item)
  }
}

/** Whether `item` stands elsewhere in the same array, so that elements change places. */
function moves(node: Node, index: number, item: Item): boolean {
  return item instanceof Node && item.parent === node && item.key !== index
}

/** Sets the length of an array: what is beyond is removed, what is missing becomes null. */
export function setLength(node: Node, length: number): void {
  if (!Number.isInteger(length) || length < 0 || length >= 2 ** 32) {
    throw new RangeError('Invalid array length')
  }
  const current = lengthOf(node)
  if (length > current) assignElement(node, length - 1, null)
  else if (length < current) restructure(node).length = length
}
