/**
 * The counters that tell whether others replaced or moved containers of an attribute.
 *
 * @module
 */

import { MAX_LAYOUT, SHARED_LAYOUT } from '../document.js'
import { isSafeKey } from '../path.js'

/** The counters of a document, by attribute; absent is 0. */
export type Layout = ReadonlyMap<string, number>

/** Whether `attribute` may have a counter of its own. */
export const hasOwnCounter = (attribute: string): boolean =>
  isSafeKey(attribute) && attribute !== SHARED_LAYOUT

/** Whether whoever knows `layout` counts an attribute that is not in it with the others. */
export const isFull = (layout: Layout): boolean => layout.size >= MAX_LAYOUT

/** The counters to raise for `attributes`. */
export function countersOf(attributes: Iterable<string>, layout: Layout): string[] {
  const counters = new Set<string>()
  const all = new Map(layout)
  for (const attribute of attributes) {
    const own = hasOwnCounter(attribute) && (all.has(attribute) || !isFull(all))
    counters.add(own ? attribute : SHARED_LAYOUT)
    if (own) all.set(attribute, 0)
  }
  return [...counters]
}
