/**
 * Tracking `'accesses'`: each attribute that was read or written is a candidate.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import { createCopies } from './copies.js'
import { createRootHandle } from './root.js'
import type { Tracking } from './tracking.js'

/** Hands out attributes of `root` as plain copies, and looks at all of them again. */
export function trackAccesses(root: Node): Tracking {
  const copies = createCopies(root)
  return { ...copies, data: createRootHandle(root, copies, () => true) }
}
