/**
 * What a schema says about the places of a session, as far as tracking and differencing care.
 *
 * @module
 */

import type { Key } from '../path.js'

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
  /** Encodes a value of this place to what is stored; throws if it does not fit. */
  encode(value: unknown): unknown
  /** Decodes what is stored to a value of this place; throws if it does not fit. */
  decode(stored: unknown): unknown
  /** What may stand at `key` below this place; undefined if the schema does not say. */
  at(key: Key): Shape | undefined
}
