/**
 * Tracking any object: the tracker by itself, without a store.
 *
 * @module
 */

import type { Patch } from 'immer'
import { binaryDifferencing } from './difference/binary.js'
import { findDifferences } from './difference/candidates.js'
import { graphDifferencing } from './difference/graph.js'
import { takeLeaves, toModifications, toPatches } from './difference/modifications.js'
import { SessionError } from './errors.js'
import type { Modification } from './modification.js'
import { snapshot } from './snapshot.js'
import type { Differencing, DifferencingName } from './state/differencing.js'
import type { Leaves } from './state/equal.js'
import type { Node, Tree } from './state/node.js'
import { nodeOf } from './state/node.js'
import { reset } from './state/reset.js'
import { settle } from './state/settle.js'
import type { Container } from './state/value.js'
import { containerKind } from './state/value.js'
import { importAdopted } from './track/import.js'
import { createTracking } from './track/strategies.js'
import type { Tracking, TrackingName } from './track/tracking.js'
import { createTree } from './track/tree.js'

/** An object whose changes are tracked, by {@link track}. */
export interface Tracked<T extends object> {
  /** The object, to be read and changed like a plain one. */
  readonly data: T
  /** What `data` is compared with: the state as it was given, or as it was last accepted. */
  readonly benchmark: T
  /** Lists where `data` departs from `benchmark`. The values are copies. */
  changes(): Modification[]
  /** The same as patches in immer's format. */
  patches(): Patch[]
  /** Makes `data` the new benchmark. The object that was given to {@link track} stays as it is. */
  accept(): void
  /** Makes `data` what `benchmark` is. */
  discard(): void
}

/** Options of {@link track}. */
export interface TrackOptions {
  /** Which accesses are tracked, as {@link BaseOptions.tracking} says. Default: `'writes'`. */
  tracking?: TrackingName
  /** How they are compared, as {@link BaseOptions.differencing} says. Default: `'graph'`. */
  differencing?: DifferencingName
}

class TrackedState implements Tracked<object> {
  readonly #root: Node
  readonly #tracking: Tracking

  constructor(state: object, { tracking = 'writes', differencing = 'graph' }: TrackOptions) {
    const create = differencing === 'graph' ? graphDifferencing : encodedDifferencing
    this.#root = createTree(benchmarkOf(state), { differencing: create })
    if (tracking !== 'writes' && this.#root.kind !== 'object') {
      throw new SessionError(
        'ERR_INVALID_ARGUMENT',
        "Cannot track the state: one that is no object can be tracked by 'writes' only",
      )
    }
    this.#tracking = createTracking[tracking](this.#root)
  }

  get data(): object {
    return this.#tracking.data
  }

  get benchmark(): object {
    // Whoever holds it must not see it change, so the next one is a copy again.
    this.#root.tree.generation++
    return this.#root.benchmark as object
  }

  changes(): Modification[] {
    this.#tracking.collect()
    return toModifications(this.#root.tree, findDifferences(this.#root, true))
  }

  patches(): Patch[] {
    this.#tracking.collect()
    return toPatches(this.#root.tree, findDifferences(this.#root, false))
  }

  accept(): void {
    this.#tracking.collect()
    importAdopted(this.#root)
    const leaves: Leaves = new Map()
    takeLeaves(findDifferences(this.#root, false, leaves), leaves)
    settle(this.#root, { leaves, exact: true })
    this.#root.tree.adopted = undefined
    this.#tracking.settled()
  }

  discard(): void {
    reset(this.#root)
    this.#root.tree.adopted = undefined
    this.#tracking.project()
  }
}

/** The state as a benchmark; what a handle shows may change, so that is copied. */
function benchmarkOf(state: object): Container {
  const kind = typeof state === 'object' && state !== null ? containerKind(state) : undefined
  if (kind === 'object' || kind === 'array') {
    return nodeOf(state) === undefined ? (state as Container) : (snapshot(state) as Container)
  }
  throw new SessionError(
    'ERR_INVALID_ARGUMENT',
    'Cannot track the state: it must be a plain object or an array',
  )
}

/** Nothing was loaded that could be compared with: the benchmark is encoded, too. */
const encodedDifferencing = (tree: Tree): Differencing => binaryDifferencing(tree, () => undefined)

/**
 * Tracks an object: reads and writes go through recursive proxies that record write accesses only.
 *
 * @param state A plain object or array. It becomes the benchmark, and is never changed.
 * @param options How it is tracked.
 * @throws {@link SessionError} with code `ERR_INVALID_ARGUMENT` for what is neither. An assignment of
 *   something that BSON would damage throws an {@link UnsupportedValueError}.
 * @example
 * ```ts
 * const tracked = track({ user: { name: 'Ada', visits: 0 } })
 * tracked.data.user.visits++
 * tracked.changes() // [{ op: 'set', path: ['user', 'visits'], value: 1 }]
 * ```
 */
export function track<T extends object>(state: T, options: TrackOptions = {}): Tracked<T> {
  return new TrackedState(state, options) as Tracked<object> as Tracked<T>
}
