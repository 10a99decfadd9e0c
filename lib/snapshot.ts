/**
 * Taking session data out of its session.
 *
 * @module
 */

import { copyValue } from './state/copy.js'

/**
 * Gives a plain, deep, detached copy of session data: for `structuredClone`, which cannot take
 * proxies, for workers, caches and tests.
 *
 * @param handle `session.data`, or any object in it. What is no handle is copied all the same.
 */
export function snapshot<T>(handle: T): T {
  return copyValue(handle) as T
}
