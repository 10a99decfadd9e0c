/**
 * What a schema says about the places of a session, as far as tracking and differencing care.
 *
 * @module
 */

import type { Key, Path } from '../path.js'

/** How writes to one place by several servers are merged. */
export type MergeIntent = 'increment' | 'max' | 'min' | 'append' | 'union' | 'atomic'

/** What may stand at one place. */
export interface Shape {
  /** Whether a Map may stand here. It is stored as a document. */
  readonly map: boolean
  /** Whether a Set may stand here. It is stored as an array. */
  readonly set: boolean
  /** Whether a bigint may stand here. It is stored as an int64. */
  readonly bigint: boolean
  /** Whether a codec decodes what stands here: it is written whole, and nothing below has a path. */
  readonly codec: boolean
  /** How writes of several servers are merged here; undefined if the schema does not say. */
  readonly merge: MergeIntent | undefined
  /** Encodes a value of this place to what is stored; throws if it does not fit. */
  encode(value: unknown): unknown
  /** Decodes what is stored to a value of this place; throws if it does not fit. */
  decode(stored: unknown): unknown
  /** What may stand at `key` below this place; undefined if the schema does not say. */
  at(key: Key): Shape | undefined
}

/** What the schema says about the place at `path` below `shape`. */
export function shapeAt(shape: Shape | undefined, path: Path): Shape | undefined {
  return path.reduce<Shape | undefined>((inner, key) => inner?.at(key), shape)
}
