/**
 * The array methods that look for an element: what is assigned and its handle are one.
 *
 * @module
 */

import { isOpened, Leaf, Node, nodeOf } from '../state/node.js'
import { keysWithin } from '../state/place.js'
import { elementsOf, isAsRead } from '../state/read.js'
import { arrayNode } from './array-callbacks.js'

type Start = [start?: number]

/** The methods by name, to be called on a handle. */
export const searchMethods: Record<string, unknown> = {
  includes(this: unknown, value: unknown, ...start: Start): boolean {
    const node = arrayNode(this)
    const item = identityOf(node, value)
    const indexes = start.length === 0 ? knownIndexes(node, item) : undefined
    return indexes ? indexes.length > 0 : identities(node, item).includes(item, ...start)
  },

  indexOf(this: unknown, value: unknown, ...start: Start): number {
    const node = arrayNode(this)
    const item = identityOf(node, value)
    const indexes = start.length === 0 ? knownIndexes(node, item) : undefined
    if (indexes === undefined) return identities(node, item).indexOf(item, ...start)
    return indexes.toSorted((a, b) => a - b)[0] ?? -1
  },

  lastIndexOf(this: unknown, value: unknown, ...start: Start): number {
    const node = arrayNode(this)
    const item = identityOf(node, value)
    const indexes = start.length === 0 ? knownIndexes(node, item) : undefined
    if (indexes !== undefined) return indexes.toSorted((a, b) => b - a)[0] ?? -1
    // Given as undefined, the start is 0; left out, it is the end.
    return identities(node, item).lastIndexOf(item, ...(start as []))
  },
}

/** What `value` is found by: its node, its leaf, or itself. */
function identityOf(node: Node, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = nodeOf(value) ?? node.tree.adopted?.get(value)
  if (known !== undefined || node.adopted) return known ?? value
  const opened = Array.isArray(node.items) ? node.items : (node.elements?.values() ?? [])
  for (const item of opened) if (item instanceof Leaf && item.handle === value) return item
  return value
}

/** Where `item` is, if that is known without looking at each element. */
function knownIndexes(node: Node, item: unknown): number[] | undefined {
  if (node.items !== undefined || node.adopted) return undefined
  if (item instanceof Node) return keysWithin(node, item) as number[]
  const isForeign = typeof item === 'object' && item !== null && !isOpened(item)
  return isForeign && !(node.source as unknown[]).includes(item) ? [] : undefined
}

/** The elements as what they are found by. */
function identities(node: Node, item: unknown): readonly unknown[] {
  // Holes read as null.
  if (isAsRead(node) && item !== undefined && item !== null) return node.source as unknown[]
  return node.adopted ? elementsOf(node).map(each => identityOf(node, each)) : elementsOf(node)
}
