/**
 * The array methods that differ from those of plain arrays: those that write, those that look for an
 * element by identity, and those that visit all elements, which need no trap for each of them. All
 * others are the language's own, working on the handle.
 *
 * @module
 */

import type { Item, Node } from '../state/node.js'
import { Leaf, link, nodeOf } from '../state/node.js'
import { present } from '../state/open.js'
import { elementAt, elementsOf, lengthOf } from '../state/read.js'
import { append, dropLast, restructure } from '../state/write.js'
import { importValue } from './assign.js'

const arrayNode = (handle: unknown): Node => {
  const node = typeof handle === 'object' && handle !== null ? nodeOf(handle) : undefined
  if (node?.kind === 'array') return node
  throw new TypeError('this method was called on something that is not an array of a session')
}

/** The element at `index` as the application sees it. */
const read = (node: Node, index: number): unknown => present(node, index, elementAt(node, index))

type Callback = (value: unknown, index: number, array: unknown) => unknown

/** Calls `visit` for each element in order, until it returns true. */
function visit(
  handle: unknown,
  callback: Callback,
  self: unknown,
  visitor: (result: unknown, value: unknown, index: number) => unknown,
): void {
  const node = arrayNode(handle)
  if (typeof callback !== 'function') throw new TypeError(`${String(callback)} is not a function`)
  const length = lengthOf(node)
  // As in a plain array: elements that the callback removes are not visited, nor those it appends.
  for (let index = 0; index < length && index < lengthOf(node); index++) {
    const value = read(node, index)
    if (visitor(Reflect.apply(callback, self, [value, index, handle]), value, index) === true)
      return
  }
}

/** The methods by name, to be called on a handle. */
export const arrayMethods: Record<string, unknown> = {
  forEach(this: unknown, callback: Callback, self?: unknown): void {
    visit(this, callback, self, () => false)
  },

  map(this: unknown, callback: Callback, self?: unknown): unknown[] {
    const results = new Array<unknown>(lengthOf(arrayNode(this)))
    visit(this, callback, self, (result, _value, index) => {
      results[index] = result
    })
    return results
  },

  filter(this: unknown, callback: Callback, self?: unknown): unknown[] {
    const kept: unknown[] = []
    visit(this, callback, self, (result, value) => {
      if (result) kept.push(value)
    })
    return kept
  },

  find(this: unknown, callback: Callback, self?: unknown): unknown {
    let found: unknown
    visit(this, callback, self, (result, value) => {
      if (result) found = value
      return Boolean(result)
    })
    return found
  },

  findIndex(this: unknown, callback: Callback, self?: unknown): number {
    let found = -1
    visit(this, callback, self, (result, _value, index) => {
      if (result) found = index
      return Boolean(result)
    })
    return found
  },

  some(this: unknown, callback: Callback, self?: unknown): boolean {
    let some = false
    visit(this, callback, self, result => {
      some = Boolean(result)
      return some
    })
    return some
  },

  every(this: unknown, callback: Callback, self?: unknown): boolean {
    let every = true
    visit(this, callback, self, result => {
      every = Boolean(result)
      return !every
    })
    return every
  },

  *values(this: unknown): Generator<unknown> {
    const node = arrayNode(this)
    for (let index = 0; index < lengthOf(node); index++) yield read(node, index)
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
    const value = (this as unknown[])[last]
    if (!dropLast(node)) restructure(node).pop()
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
    const pairs = Array.from(elementsOf(node), (_, index) => {
      // The comparator gets handles, for it may write to them; reading one may open the element.
      return { value: (this as unknown[])[index], index }
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
    const item = importValue(node, from, value)
    const items = restructure(node)
    for (let index = from; index < to; index++) {
      items[index] = item
      link(node, index, item)
    }
    return this
  },

  copyWithin(this: unknown, target: number, start: number, end?: number): unknown {
    const node = arrayNode(this)
    // One element at two places is one node, so each must be a node before it is copied.
    for (const _ of this as unknown[]);
    restructure(node).copyWithin(target, start, end)
    return this
  },

  includes(this: unknown, value: unknown, start?: number): boolean {
    const node = arrayNode(this)
    return identities(node).includes(identityOf(node, value), start)
  },

  indexOf(this: unknown, value: unknown, start?: number): number {
    const node = arrayNode(this)
    return identities(node).indexOf(identityOf(node, value), start)
  },

  lastIndexOf(this: unknown, value: unknown, ...start: [number?]): number {
    const node = arrayNode(this)
    // Given as undefined, the start is 0; left out, it is the end.
    return identities(node).lastIndexOf(identityOf(node, value), ...(start as []))
  },
}

/** Removes and inserts; gives the handles of what was removed. */
function splice(node: Node, start: number, count: number, values: unknown[]): unknown[] {
  const inserted = values.map((value, offset) => importValue(node, start + offset, value))
  const removed = Array.from({ length: count }, (_, offset) => {
    return (node.handle as unknown[])[start + offset]
  })
  if (count === 0 && start === lengthOf(node)) {
    append(node, inserted)
  } else if (count > 0 || inserted.length > 0) {
    restructure(node).splice(start, count, ...inserted)
    inserted.forEach((item, offset) => {
      link(node, start + offset, item)
    })
  }
  return removed
}

/** The elements as what they are found by: primitives, nodes, and leaves. */
function identities(node: Node): readonly unknown[] {
  const elements = elementsOf(node)
  return node.adopted ? elements.map(element => identityOf(node, element)) : elements
}

/** What `value` is found by: an object that was assigned and its handle are the same. */
function identityOf(node: Node, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = nodeOf(value) ?? node.tree.adopted?.get(value)
  if (known !== undefined || node.adopted) return known ?? value
  return elementsOf(node).find(item => item instanceof Leaf && item.handle === value) ?? value
}

function relativeIndex(value: number | undefined, length: number, fallback: number): number {
  if (value === undefined) return fallback
  const integer = toInteger(value)
  return integer < 0 ? Math.max(length + integer, 0) : Math.min(integer, length)
}

const toInteger = (value: unknown): number => {
  const number = Math.trunc(Number(value))
  return Number.isNaN(number) ? 0 : number
}

/** The order that `sort` has without a comparator. */
function compareAsText(a: unknown, b: unknown): number {
  const [left, right] = [String(a), String(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
