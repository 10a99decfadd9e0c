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

/** A difference that is added to a number, whatever that has become: merge intent `'increment'`. */
export interface IncrementModification {
  /** Tells this kind from the others. */
  readonly op: 'increment'
  /** The number; an absent one counts as 0. */
  readonly path: Path
  /** What is added to it. */
  readonly by: number
}

/** A value that stays if it is the greatest, or the least: merge intents `'max'` and `'min'`. */
export interface ExtremeModification {
  /** Tells this kind from the others, and which of both it is. */
  readonly op: 'max' | 'min'
  /** The place to write. */
  readonly path: Path
  /** A number or a Date. */
  readonly value: unknown
}

/** Elements that are appended unless the array has their equals: merge intent `'union'`. */
export interface UnionModification {
  /** Tells this kind from the others. */
  readonly op: 'union'
  /** The array; it is created if the store has none. */
  readonly path: Path
  /** The elements, in order: plain data. */
  readonly values: readonly unknown[]
}

/** One place where client state departs from the benchmark. */
export type Modification =
  | SetModification
  | UnsetModification
  | AppendModification
  | IncrementModification
  | ExtremeModification
  | UnionModification

/** Under which name each kind of modification holds what it writes. */
const CONTENTS = {
  set: 'value',
  unset: undefined,
  append: 'values',
  union: 'values',
  increment: 'by',
  max: 'value',
  min: 'value',
} as const

/** Under which name `modification` holds what it writes; undefined if it writes nothing. */
export function contentKey({ op }: Modification): 'value' | 'values' | 'by' | undefined {
  return CONTENTS[op]
}
