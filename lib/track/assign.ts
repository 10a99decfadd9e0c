/**
 * Assigning values to client state: checked, adopted, and written.
 *
 * @module
 */

import { UnsupportedValueError } from '../errors.js'
import type { Key } from '../path.js'
import { snapshotNode } from '../state/copy.js'
import type { Item, Slot } from '../state/node.js'
import { Node, nodeOf } from '../state/node.js'
import { adopt } from '../state/open.js'
import { link, pathOf } from '../state/place.js'
import { hasMember, lengthOf, sourceHas } from '../state/read.js'
import { containerKind } from '../state/value.js'
import { append, cut, put, remove, restructure } from '../state/write.js'
import { checkKey, checkValue } from './check.js'

/** How far beyond the end of an array an index may be written. */
const MAX_GAP = 1000

/** What stands in `node` at `key` once `value` is assigned there; `undefined` becomes null. */
export function importValue(node: Node, key: Key, value: unknown): Item {
  if (value === undefined) return null
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  checkValue(node, key, value)
  return typeof value === 'object'
    ? adopt(node, key, detached(node, value))
    : (value as string | bigint)
}

/** `value`, or a copy of what it shows now if it is the handle of another session. */
function detached(node: Node, value: object): object {
  const handled = nodeOf(value)
  return handled === undefined || handled.tree === node.tree ? value : snapshotNode(handled)
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
export function isFresh(node: Node, key: Key, value: unknown): boolean {
  if (node.missed?.has(key) !== true || typeof value !== 'object' || value === null) return false
  if (sourceHas(node, key) || hasMember(node, key) || nodeOf(value) !== undefined) return false
  if (value instanceof Map || value instanceof Set) return value.size === 0
  return containerKind(value) !== undefined && Object.keys(value).length === 0
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
  const moved = isElsewhere(node, index, value)
  const item = importValue(node, index, value)
  if (index >= length) append(node, [...new Array<Item>(index - length).fill(null), item])
  else placeElement(node, index, item, moved)
}

/**
 * Puts `item`, already imported, in the place of the element of an array at `index`.
 *
 * @param moved Whether it is an element of the array itself, of another place.
 */
export function placeElement(node: Node, index: number, item: Item, moved: boolean): void {
  if (node.items === undefined && !node.adopted) {
    put(node, index, item as Slot)
    if (!moved) return
    node.moved ??= new Set()
    node.moved.add(index)
  } else {
    const items = restructure(node)
    items[index] = item
    link(node, index, item)
  }
}

/** Whether `value` is the handle of an element of `node`, which has it at another place. */
export function isElsewhere(node: Node, index: number, value: unknown): boolean {
  const element = typeof value === 'object' && value !== null ? nodeOf(value) : undefined
  if (element === undefined) return false
  if (element.parent === node && element.key !== index) return true
  const others = element.elsewhere?.get(node)
  return others !== undefined && [...others].some(key => key !== index)
}

/** Sets the length of an array: what is beyond is removed, what is missing becomes null. */
export function setLength(node: Node, value: unknown): void {
  const length = +(value as number)
  if (!Number.isInteger(length) || length < 0 || length >= 2 ** 32) {
    throw new RangeError('Invalid array length')
  }
  const current = lengthOf(node)
  if (length > current) assignElement(node, length - 1, null)
  else if (length < current) cut(node, length)
}
