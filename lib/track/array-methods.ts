/**
 * The array methods that differ from those of plain arrays. All others are the language's own, working
 * on the handle.
 *
 * @module
 */

import type { Item, Node } from '../state/node.js'
import { link } from '../state/place.js'
import { lengthOf } from '../state/read.js'
import { append, cut, restructure } from '../state/write.js'
import { arrayNode, callbackMethods, read } from './array-callbacks.js'
import { copyingMethods } from './array-copies.js'
import { relativeIndex, toInteger } from './array-indexes.js'
import { iterateElements } from './array-iterator.js'
import { searchMethods } from './array-search.js'
import { importValue, isElsewhere, placeElement } from './assign.js'

/** The methods by name, to be called on a handle. */
export const arrayMethods: Record<string, unknown> = {
  ...callbackMethods,
  ...copyingMethods,
  ...searchMethods,

  values(this: unknown): IterableIterator<unknown> {
    return iterateElements(arrayNode(this), element => element)
  },

  entries(this: unknown): IterableIterator<unknown> {
    return iterateElements(arrayNode(this), (element, index) => [index, element])
  },

  push(this: unknown, ...values: unknown[]): number {
    const node = arrayNode(this)
    const length = lengthOf(node)
    append(
      node,
      values.map((value, offset) => importValue(node, length + offset, value)),
    )
    return lengthOf(node)
  },

  pop(this: unknown): unknown {
    const node = arrayNode(this)
    const last = lengthOf(node) - 1
    if (last < 0) return undefined
    const value = read(node, last)
    cut(node, last)
    return value
  },

  shift(this: unknown): unknown {
    const node = arrayNode(this)
    return lengthOf(node) === 0 ? undefined : splice(node, 0, 1, [])[0]
  },

  unshift(this: unknown, ...values: unknown[]): number {
    const node = arrayNode(this)
    if (values.length > 0) splice(node, 0, 0, values)
    return lengthOf(node)
  },

  splice(this: unknown, ...args: [start?: number, deleteCount?: number, ...unknown[]]): unknown[] {
    const node = arrayNode(this)
    const length = lengthOf(node)
    const start = relativeIndex(args[0], length, 0)
    const count = args.length === 0 ? 0 : args.length === 1 ? length : toInteger(args[1])
    return splice(node, start, Math.min(Math.max(count, 0), length - start), args.slice(2))
  },

  sort(this: unknown, compare?: (a: unknown, b: unknown) => number): unknown {
    if (compare !== undefined && typeof compare !== 'function') return [].sort(compare)
    const node = arrayNode(this)
    // The comparator gets handles, for it may write to them.
    const pairs = Array.from({ length: lengthOf(node) }, (_, index) => {
      return { value: read(node, index), index }
    })
    pairs.sort((a, b) => (compare ?? compareAsText)(a.value, b.value))
    if (pairs.every(({ index }, position) => index === position)) return this
    const items = restructure(node)
    const before = [...items]
    pairs.forEach(({ index }, position) => {
      items[position] = before[index] as Item
    })
    return this
  },

  reverse(this: unknown): unknown {
    const node = arrayNode(this)
    if (lengthOf(node) > 1) restructure(node).reverse()
    return this
  },

  fill(this: unknown, value: unknown, start?: number, end?: number): unknown {
    const node = arrayNode(this)
    const length = lengthOf(node)
    const from = relativeIndex(start, length, 0)
    const to = relativeIndex(end, length, length)
    if (from >= to) return this
    const moved = isElsewhere(node, from, value)
    const item = importValue(node, from, value)
    // No element is left: that is another array, and not many elements that changed.
    if (to - from === length) restructure(node)
    for (let index = from; index < to; index++) placeElement(node, index, item, moved)
    return this
  },

  copyWithin(this: unknown, target: number, start: number, end?: number): unknown {
    const node = arrayNode(this)
    // One element at two places is one node, so each must be a node before it is copied.
    for (let index = 0; index < lengthOf(node); index++) read(node, index)
    restructure(node).copyWithin(target, start, end)
    return this
  },
}

/** Removes and inserts; gives the handles of what was removed. */
function splice(node: Node, start: number, count: number, values: unknown[]): unknown[] {
  const inserted = values.map((value, offset) => importValue(node, start + offset, value))
  const removed = Array.from({ length: count }, (_, offset) => read(node, start + offset))
  if (start + count === lengthOf(node)) {
    if (count > 0) cut(node, start)
    if (inserted.length > 0) append(node, inserted)
  } else if (count > 0 || inserted.length > 0) {
    restructure(node).splice(start, count, ...inserted)
    inserted.forEach((item, offset) => {
      link(node, start + offset, item)
    })
  }
  return removed
}

/** The order that `sort` has without a comparator. */
function compareAsText(a: unknown, b: unknown): number {
  const [left, right] = [String(a), String(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
