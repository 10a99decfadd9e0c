/**
 * The tracking strategies by name.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import { trackAccesses } from './accesses.js'
import { trackMutableAttributes } from './mutable-attributes.js'
import { trackNone } from './none.js'
import type { Tracking, TrackingName } from './tracking.js'
import { trackWrites } from './writes.js'

/** Creates the tracking of a session's state. */
export const createTracking: Record<TrackingName, (root: Node) => Tracking> = {
  none: trackNone,
  accesses: trackAccesses,
  'mutable-attributes': trackMutableAttributes,
  writes: trackWrites,
}
