/**
 * Taking session data out of its session.
 *
 * @module
 */

import { copyValue } from './state/copy.js'
import { nodeOf } from './state/node.js'
import { noteReadAll } from './state/reads.js'

/**
 * Gives a plain, deep, detached copy of session data: for `structuredClone`, which cannot take
 * proxies, for workers, caches and tests.
 *
 * @param handle `session.data`, or any object in it. What is no handle is copied all the same.
 */
export function snapshot<T>(handle: T): T {
  const node = typeof handle === 'object' && handle !== null ? nodeOf(handle) : undefined
  if (node !== undefined) noteReadAll(node)
  return copyValue(handle) as T
}
