/**
 * Differences as the schema's merge intents want them sent: a counter as what was added to it, an
 * array that only grows as what was added.
 *
 * @module
 */

import type { Difference } from '../state/difference.js'
import { equalsItem } from '../state/equal.js'
import type { Item, Tree } from '../state/node.js'
import { Leaf, Node } from '../state/node.js'
import { elementsOf } from '../state/read.js'
import type { Shape } from '../state/shape.js'
import { shapeAt } from '../state/shape.js'

/** The same differences, each as the intent of its place wants it. */
export function withIntents(root: Node, differences: readonly Difference[]): Difference[] {
  return differences.map(difference => withIntent(root.tree, root.shape, difference))
}

function withIntent(tree: Tree, root: Shape | undefined, difference: Difference): Difference {
  const { path } = difference
  const intent = shapeAt(root, path)?.merge
  if (difference.op === 'append' && intent === 'union') return { ...difference, op: 'union' }
  if (difference.op !== 'set') return difference
  const { item, before } = difference
  switch (intent) {
    case 'increment':
      if (typeof item !== 'number' || (before !== undefined && typeof before !== 'number')) break
      return { op: 'increment', path, item, by: item - (before ?? 0), before }
    case 'max':
    case 'min':
      if (isOrdered(item) && (before === undefined || isOrdered(before))) {
        return { op: intent, path, item, before }
      }
      break
    case 'append':
    case 'union': {
      const added = addedItems(tree, before, item, intent)
      if (added === undefined) break
      return { op: intent, path, ...added, from: sizeOf(before) }
    }
  }
  return difference
}

const isOrdered = (value: unknown): boolean =>
  typeof value === 'number' || (value instanceof Leaf ? value.handle : value) instanceof Date

const sizeOf = (before: unknown): number =>
  before === undefined ? 0 : elementsBefore(before).length

const elementsBefore = (before: unknown): readonly unknown[] =>
  before instanceof Set ? [...before] : (before as unknown[])

/** What was added, if nothing else was done; undefined otherwise. */
function addedItems(
  tree: Tree,
  before: unknown,
  item: Item,
  intent: 'append' | 'union',
): { items: readonly Item[]; indexes?: readonly number[] } | undefined {
  if (!(item instanceof Node) || (item.kind !== 'array' && item.kind !== 'set')) return undefined
  const items = elementsOf(item)
  if (before === undefined) return items.length === 0 ? undefined : { items }
  if (!Array.isArray(before) && !(before instanceof Set)) return undefined
  const known = elementsBefore(before)
  const isKnown = (each: Item): boolean => known.some(element => equalsItem(tree, element, each))
  if (intent === 'union') {
    const indexes = [...items.keys()].filter(index => !isKnown(items[index] as Item))
    if (items.length - indexes.length !== known.length) return undefined
    return { items: indexes.map(index => items[index] as Item), indexes }
  }
  const grown = known.every((element, index) =>
    equalsItem(tree, element ?? null, items[index] ?? null),
  )
  return grown && items.length > known.length ? { items: items.slice(known.length) } : undefined
}
