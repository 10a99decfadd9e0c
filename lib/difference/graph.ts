/**
 * Object-graph differencing: compares values type by type.
 *
 * @module
 */

import type { Differencing } from '../state/differencing.js'
import { equalsItem } from '../state/equal.js'
import type { Tree } from '../state/node.js'

/** Creates object-graph differencing for a session. */
export function graphDifferencing(tree: Tree): Differencing {
  return {
    equal: (before, item) => equalsItem(tree, before, item),
    compare: (_attribute, before, copy) =>
      equalsItem(tree, before, copy) ? undefined : 'anywhere',
  }
}
