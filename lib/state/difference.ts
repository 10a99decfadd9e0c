/**
 * Where client state departs from the benchmark, before anything is copied.
 *
 * @module
 */

import type { Path } from '../path.js'
import type { Item } from './node.js'

/** One place where client state departs from the benchmark, with what it holds there, not copied. */
export type Difference =
  | {
      readonly op: 'set'
      readonly path: Path
      readonly item: Item
      /**
       * What the decision to write was based on: nothing but the value (`'value'`), the elements of
       * an array that was edited (`'elements'`), or that there was nothing yet (`'container'`).
       */
      readonly basis: 'value' | 'elements' | 'container'
      /** What the benchmark has there; undefined if nothing. */
      readonly before: unknown
      /** Of an array whose elements kept their places: what changed in them, beside what follows. */
      readonly inside?: readonly Difference[]
    }
  | { readonly op: 'unset'; readonly path: Path; readonly before: unknown }
  | {
      /** `'union'`: only those that others have not added. */
      readonly op: 'append' | 'union'
      readonly path: Path
      readonly items: readonly Item[]
      /** How many elements the benchmark has there. */
      readonly from: number
      /** Where `items` stand in client state, if not at its end: members of a Set, a union. */
      readonly indexes?: readonly number[]
    }
  | {
      readonly op: 'increment'
      readonly path: Path
      readonly item: number
      readonly by: number
      readonly before: number | undefined
    }
  | {
      readonly op: 'max' | 'min'
      readonly path: Path
      readonly item: Item
      readonly before: unknown
    }
