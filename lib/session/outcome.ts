/**
 * How a commit ends.
 *
 * @module
 */

import type { Modification } from '../modification.js'
import type { SessionDocument } from '../open/document.js'

/** How a commit ended. */
export type CommitStatus = 'created' | 'updated' | 'touched' | 'unchanged' | 'gone'

/** What a commit did. */
export interface Commit {
  /**
   * How it ended: the session was stored for the first time (`'created'`), changes were written
   * (`'updated'`), only the expiry moved (`'touched'`), nothing had to be written (`'unchanged'`), or
   * there were no changes and the session is not there any more (`'gone'`).
   */
  readonly status: CommitStatus
  /** What was written, as it is stored. */
  readonly modifications: Modification[]
  /** What was not written, because another server had replaced or removed its parent meanwhile. */
  readonly superseded: Modification[]
  /** How often it was sent. */
  readonly attempts: number
}

/** What became primary state, or did not have to. */
export interface Result {
  readonly status: CommitStatus
  readonly modifications: Modification[]
  readonly bytes: number
}

/** The result of a commit that had nothing to write. */
export const NOTHING = { modifications: [], bytes: 0 }

/** One result of two: of what an earlier commit had left in flight, and of what came after it. */
export function withEarlier(earlier: Result | undefined, last: Result): Result {
  if (earlier === undefined) return last
  const modifications = [...earlier.modifications, ...last.modifications]
  return { status: earlier.status, modifications, bytes: earlier.bytes + last.bytes }
}

/** What became of something that was sent. */
export type Landing =
  | { readonly result: Result }
  /** It did not fit what is stored, which is nothing if the session is gone. */
  | { readonly result: undefined; readonly document: SessionDocument | null }
