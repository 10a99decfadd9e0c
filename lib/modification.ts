/**
 * The modified subset, as it is shown and sent.
 *
 * @module
 */

import type { Path } from './path.js'

/** A value that the benchmark has not got, or holds otherwise. It is written whole. */
export interface SetModification {
  /** Tells this kind from the others. */
  readonly op: 'set'
  /** The place to write. */
  readonly path: Path
  /** What to write there: plain data. */
  readonly value: unknown
}

/** A value that the benchmark has and client state has no more. */
export interface UnsetModification {
  /** Tells this kind from the others. */
  readonly op: 'unset'
  /** The place to clear. */
  readonly path: Path
}

/** Elements that client state has after all those that the benchmark's array has. */
export interface AppendModification {
  /** Tells this kind from the others. */
  readonly op: 'append'
  /** The array; it is created if the store has none. */
  readonly path: Path
  /** The elements to append, in order: plain data. */
  readonly values: readonly unknown[]
}

/** One place where client state departs from the benchmark. */
export type Modification = SetModification | UnsetModification | AppendModification
