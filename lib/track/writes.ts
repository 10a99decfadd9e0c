/**
 * Tracking `'writes'`: recursive proxies record which paths were written.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import type { Tracking } from './tracking.js'

const done = (): void => undefined

/** The handles of `root` record everything by themselves. */
export function trackWrites(root: Node): Tracking {
  return { data: root.handle, collect: done, settled: done, drop: done, project: done }
}
