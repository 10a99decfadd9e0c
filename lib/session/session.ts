/**
 * A session as the application holds it.
 *
 * @module
 */

import type { Patch } from 'immer'
import type { Modification } from '../modification.js'
import type { SessionTimeouts } from './expiry.js'
import type { Commit } from './outcome.js'

/**
 * One session, open on this server.
 *
 * Read and change {@link Session.data} like a plain object, then {@link Session.commit}. Whatever
 * other servers commit meanwhile to other places of the same session stays.
 *
 * @typeParam T What `data` is.
 */
export interface Session<T extends object> extends AsyncDisposable {
  /** The secret that the browser holds. Who knows it has the session. Not enumerable. */
  readonly id: string
  /** What the store knows the session by: the hash of its id. It opens nothing. */
  readonly key: string
  /** Client state: the session's attributes. Write accesses to it are tracked. */
  readonly data: T
  /** Whether the session is not stored yet. */
  readonly isNew: boolean
  /** When the session expires if nobody uses it, by the store's clock. */
  readonly expiresAt: Date
  /** Lists where `data` departs from the benchmark, compared now. Nothing is sent. */
  changes(): Modification[]
  /** The same as patches in immer's format. */
  patches(): Patch[]
  /**
   * Runs `recipe` on `data` so that it changes everything or nothing: if it throws, nothing has
   * changed.
   *
   * @throws What `recipe` throws, and a `TypeError` if it returns a promise.
   */
  change(recipe: (data: T) => void): void
  /**
   * Writes the modified subset, if there is one, and moves the expiry.
   *
   * Commits of one session run one after another. What is written while one is under way stays
   * pending for the next.
   *
   * @throws {@link ValidationError}, {@link UnsupportedValueError}, {@link SessionTooLargeError} if
   *   the changes cannot be stored; {@link SessionGoneError} if there are changes and the session is
   *   gone; {@link ConflictError} if others go on changing the same places until the deadline;
   *   {@link StoreError} if the store failed and nothing was written; {@link UncertainCommitError} if
   *   that is not sure. The changes are kept in each case. What is not sure stays in flight: the next
   *   commit, reload or rotation sends it again first, so that it is applied once.
   */
  commit(): Promise<Commit>
  /**
   * Makes `data` what it was when it was last loaded or committed. A commit that is not known to be
   * applied is left to its fate.
   */
  discard(): void
  /** Lets the next commit move the expiry, however little it moves. */
  touch(): void
  /**
   * Ends the session, everywhere. What any server still writes to it is refused.
   *
   * @throws {@link StoreError} if the store could not be reached.
   */
  destroy(): Promise<void>
  /**
   * Removes all attributes. The commit leaves nothing of what is stored, what other servers wrote
   * meanwhile included.
   */
  clear(): void
  /**
   * Loads the session again. Handles live on, and follow their elements.
   *
   * @param options `keepChanges`: whether what was not committed is put on top of what was loaded;
   *   default false, it is lost. The next commit lists what has no place there as superseded.
   * @throws {@link SessionGoneError} if the session is gone; {@link StoreError} if the store could not
   *   be reached; {@link UncertainCommitError} if an earlier commit still has no answer.
   */
  reload(options?: { keepChanges?: boolean }): Promise<void>
  /**
   * Gives this session timeouts of its own, remembered in its document by the next commit: for
   * "remember me".
   *
   * @throws {@link SessionError} with code `ERR_INVALID_OPTION` for what is no duration.
   */
  timeouts(timeouts: SessionTimeouts): void
  /**
   * Gives the session a new id, now; the old one is dead. Call it at every login.
   *
   * @param options `keep`: whether the attributes stay, or which of them do; default true. What is
   *   not committed yet stays with them. If not all are kept, `data` is a new object.
   * @throws {@link SessionGoneError} if the session is gone, or somebody else rotated it;
   *   {@link SessionError} with code `ERR_INVALID_ARGUMENT` for a session that has a name; and whatever
   *   {@link Session.commit} throws.
   */
  rotateId(options?: { keep?: boolean | readonly (keyof T)[] }): Promise<void>
}
