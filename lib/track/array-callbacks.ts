/**
 * The array methods that call back for each element: they need no trap for each of them.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import { nodeOf } from '../state/node.js'
import { present } from '../state/open.js'
import { elementAt, lengthOf } from '../state/read.js'

/** The node of the handle that a method was called on. */
export function arrayNode(handle: unknown): Node {
  const node = typeof handle === 'object' && handle !== null ? nodeOf(handle) : undefined
  if (node?.kind === 'array') return node
  throw new TypeError('this method was called on something that is not an array of a session')
}

/** The element at `index` as the application sees it. */
export const read = (node: Node, index: number): unknown =>
  present(node, index, elementAt(node, index))

type Callback = (value: unknown, index: number, array: unknown) => unknown
type Visitor = (result: unknown, value: unknown, index: number) => unknown
type Fold = (folded: unknown, value: unknown, index: number, array: unknown) => unknown

function checkCallback(callback: unknown): void {
  if (typeof callback !== 'function') throw new TypeError(`${String(callback)} is not a function`)
}

/** Calls back for each element in order, until `visitor` returns true. */
function visit(handle: unknown, callback: Callback, self: unknown, visitor: Visitor): void {
  const node = arrayNode(handle)
  checkCallback(callback)
  // As in a plain array: elements that a callback appends or removes are not visited.
  const length = lengthOf(node)
  for (let index = 0; index < length && index < lengthOf(node); index++) {
    const value = read(node, index)
    const result = Reflect.apply(callback, self, [value, index, handle])
    if (visitor(result, value, index) === true) return
  }
}

/** Calls back for each element until it answers yes; gives where, and the element. */
function search(
  handle: unknown,
  callback: Callback,
  self: unknown,
  backwards: boolean,
): [index: number, value: unknown] {
  const node = arrayNode(handle)
  checkCallback(callback)
  // As in a plain array: elements that a callback removed are visited, as undefined.
  const length = lengthOf(node)
  for (let step = 0; step < length; step++) {
    const index = backwards ? length - 1 - step : step
    const value = read(node, index)
    if (Reflect.apply(callback, self, [value, index, handle])) return [index, value]
  }
  return [-1, undefined]
}

/** Folds the elements into one value, which is the first of them if none is given. */
function fold(handle: unknown, callback: Fold, initial: unknown[], backwards: boolean): unknown {
  const node = arrayNode(handle)
  checkCallback(callback)
  const length = lengthOf(node)
  let step = 0
  let folded = initial[0]
  if (initial.length === 0) {
    if (length === 0) throw new TypeError('Reduce of empty array with no initial value')
    folded = read(node, backwards ? length - 1 : 0)
    step = 1
  }
  for (; step < length; step++) {
    const index = backwards ? length - 1 - step : step
    if (index < lengthOf(node)) folded = callback(folded, read(node, index), index, handle)
  }
  return folded
}

/** The methods by name, to be called on a handle. */
export const callbackMethods: Record<string, unknown> = {
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

  flatMap(this: unknown, callback: Callback, self?: unknown): unknown[] {
    const results: unknown[] = []
    visit(this, callback, self, result => {
      if (Array.isArray(result)) result.forEach(each => results.push(each))
      else results.push(result)
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

  find(this: unknown, callback: Callback, self?: unknown): unknown {
    return search(this, callback, self, false)[1]
  },

  findIndex(this: unknown, callback: Callback, self?: unknown): number {
    return search(this, callback, self, false)[0]
  },

  findLast(this: unknown, callback: Callback, self?: unknown): unknown {
    return search(this, callback, self, true)[1]
  },

  findLastIndex(this: unknown, callback: Callback, self?: unknown): number {
    return search(this, callback, self, true)[0]
  },

  reduce(this: unknown, callback: Fold, ...initial: unknown[]): unknown {
    return fold(this, callback, initial, false)
  },

  reduceRight(this: unknown, callback: Fold, ...initial: unknown[]): unknown {
    return fold(this, callback, initial, true)
  },
}
