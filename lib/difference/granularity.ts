/**
 * Differences as coarse as the granularity has them.
 *
 * @module
 */

import type { Difference } from '../state/difference.js'
import type { Item, Node } from '../state/node.js'
import { memberAt, sourceAt } from '../state/read.js'

/** The same differences, with whole attributes or the whole session in the place of what is finer. */
export function coarsen(
  root: Node,
  differences: readonly Difference[],
  granularity: 'path' | 'attribute' | 'session',
): readonly Difference[] {
  if (granularity === 'path' || differences.length === 0) return differences
  const basis = 'value'
  if (granularity === 'session') {
    return [{ op: 'set', path: [], item: root, basis, before: root.benchmark }]
  }
  const fine = (difference: Difference): boolean =>
    difference.path.length > 1 || difference.op === 'append' || difference.op === 'union'
  const attributes = new Set(differences.filter(fine).map(({ path }) => String(path[0])))
  const coarse = Array.from(attributes, (name): Difference => {
    const item = memberAt(root, name) as Item
    return { op: 'set', path: [name], item, basis, before: sourceAt(root, name) }
  })
  return [...differences.filter(({ path }) => !attributes.has(String(path[0]))), ...coarse]
}
