/**
 * Tracking any object: the tracker by itself, without a store.
 *
 * @module
 */

import type { Patch } from 'immer'
import { differenceGraph } from './difference/graph.js'
import { takeLeaves, toModifications, toPatches } from './difference/modifications.js'
import type { Modification } from './modification.js'
import type { Node } from './state/node.js'
import { reset } from './state/reset.js'
import { settle } from './state/settle.js'
import type { Container } from './state/value.js'
import { importAdopted } from './track/import.js'
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

class TrackedState implements Tracked<object> {
  readonly data: object
  readonly #root: Node

  constructor(state: Container) {
    this.#root = createTree(state)
    this.data = this.#root.handle
  }

  get benchmark(): object {
    // Whoever holds it must not see it change, so the next one is a copy again.
    this.#root.tree.generation++
    return this.#root.benchmark as object
  }

  changes(): Modification[] {
    return toModifications(this.#root.tree, differenceGraph(this.#root, true))
  }

  patches(): Patch[] {
    return toPatches(this.#root.tree, differenceGraph(this.#root, false))
  }

  accept(): void {
    importAdopted(this.#root)
    const leaves = takeLeaves(differenceGraph(this.#root, false))
    settle(this.#root, { leaves, exact: true })
    this.#root.tree.adopted = undefined
  }

  discard(): void {
    reset(this.#root)
    this.#root.tree.adopted = undefined
  }
}

/**
 * Tracks an object: reads and writes go through recursive proxies that record write accesses only.
 *
 * @param state A plain object or array. It becomes the benchmark, and is never changed.
 * @throws {@link UnsupportedValueError} at an assignment of something that BSON would damage.
 * @example
 * ```ts
 * const tracked = track({ user: { name: 'Ada', visits: 0 } })
 * tracked.data.user.visits++
 * tracked.changes() // [{ op: 'set', path: ['user', 'visits'], value: 1 }]
 * ```
 */
export function track<T extends object>(state: T): Tracked<T> {
  return new TrackedState(state as Container) as Tracked<object> as Tracked<T>
}
