/**
 * The array methods that only read: they are the language's own, working on a plain array of what the
 * application sees, for on the handle they would go through a trap for each element.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import { copyElements, isAsRead, lengthOf } from '../state/read.js'
import { arrayNode, read } from './array-callbacks.js'
import { relativeIndex } from './array-indexes.js'

const NAMES = [
  'concat',
  'flat',
  'toLocaleString',
  'toReversed',
  'toSorted',
  'toSpliced',
  'with',
] as const

type Name = (typeof NAMES)[number]
type Method = (...values: unknown[]) => unknown

const onCopy = (name: Name): Method =>
  function (this: unknown, ...values: unknown[]): unknown {
    return (presentAll(arrayNode(this))[name] as Method)(...values)
  }

/** The elements as the application sees them, in an array of their own. */
function presentAll(node: Node): unknown[] {
  const elements: unknown[] = Array.isArray(node.items) ? [...node.items] : copyElements(node)
  for (let index = 0; index < elements.length; index++) {
    if (typeof elements[index] === 'object') elements[index] = read(node, index)
  }
  return elements
}

/** The methods by name, to be called on a handle. */
export const copyingMethods: Record<string, unknown> = {
  ...Object.fromEntries(NAMES.map(name => [name, onCopy(name)])),

  join(this: unknown, ...separator: [separator?: string]): string {
    const node = arrayNode(this)
    // The benchmark's own elements print as their handles do.
    return (isAsRead(node) ? (node.source as unknown[]) : presentAll(node)).join(...separator)
  },

  slice(this: unknown, start?: number, end?: number): unknown[] {
    const node = arrayNode(this)
    const length = lengthOf(node)
    const from = relativeIndex(start, length, 0)
    const to = relativeIndex(end, length, length)
    const elements: unknown[] = []
    for (let index = from; index < to; index++) elements.push(read(node, index))
    return elements
  },
}
