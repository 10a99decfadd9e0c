/**
 * What a differencing strategy is: how a candidate is compared with the benchmark.
 *
 * @module
 */

import type { Path } from '../path.js'
import type { Guide } from './guide.js'

/** How candidates are compared with the benchmark. */
export type DifferencingName = 'graph' | 'binary'

/** A differencing strategy at work on the state of one session. */
export interface Differencing {
  /** Whether `item`, a part of client state at `path`, equals the benchmark's value `before`. */
  equal(before: unknown, item: unknown, path: Path): boolean
  /** Where a plain copy of an attribute differs from the benchmark; undefined if nowhere. */
  compare(attribute: string, before: unknown, copy: unknown): Guide | undefined
}
