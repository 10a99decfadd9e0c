/**
 * The sessions of an application.
 *
 * @module
 */

import type { ListedSession } from './session/list.js'
import type { Commit } from './session/outcome.js'
import type { Session } from './session/session.js'
import type { Filter } from './store/store.js'

/**
 * The sessions of an application.
 *
 * @typeParam T What `session.data` is.
 */
export interface Sessions<T extends object> {
  /**
   * Creates a session. It is stored by its first commit, if it holds anything then.
   *
   * @param initial Attributes to begin with. Unlike those of the option `initial`, they are changes.
   * @throws {@link UnsupportedValueError} for what a session cannot keep.
   */
  create(initial?: Partial<T>): Session<T>
  /**
   * Opens a session.
   *
   * @param id What the browser sent. It can be anything.
   * @returns null if the id is malformed, unknown, or that of a session that was destroyed or has
   *   expired. The id of a session that was rotated a moment ago opens an empty one.
   * @throws {@link StoreError} if the store could not be reached; {@link ValidationError} with
   *   `validate: 'open'`.
   */
  open(id: unknown): Promise<Session<T> | null>
  /**
   * Opens the session that has a name, or a new one that will have it: where there is no cookie, for a
   * chat or a device. If several servers store it for the first time, each finds what the others
   * wrote. Its id is a keyed hash of the name, and cannot be rotated.
   *
   * @param name Says whose session it is, beginning with where that is from: `'telegram:4711'`.
   * @throws {@link SessionError} with code `ERR_INVALID_OPTION` without the option `nameKey`, or
   *   `ERR_INVALID_ARGUMENT` for an empty name; {@link StoreError} if the store could not be reached.
   * @example
   * ```ts
   * const sessions = createSessions({ store, nameKey: process.env.NAME_KEY })
   * const session = await sessions.at(`telegram:${message.chat.id}`)
   * session.data.orders ??= []
   * session.data.orders.push(message.text)
   * await session.commit()
   * ```
   */
  at(name: string): Promise<Session<T>>
  /**
   * Opens a session, changes it and commits: an atomic read-modify-write. If anybody else committed
   * meanwhile, it is opened again and the recipe runs again.
   *
   * @param recipe Changes the data. It runs at least once, must be synchronous, and should have no
   *   other effect.
   * @param options `attempts`: how often to try at most; default: until the deadline.
   * @throws {@link SessionGoneError} if there is no such session; {@link ConflictError} if all
   *   attempts were in vain; {@link SessionError} with code `ERR_INVALID_ARGUMENT` for a number of
   *   attempts that is none; what `recipe` throws; and whatever {@link Session.commit} throws.
   */
  update(id: string, recipe: (data: T) => void, options?: { attempts?: number }): Promise<Commit>
  /**
   * Ends a session, everywhere.
   *
   * @param session Its id, or its key.
   * @returns Whether it was there; true as well if that cannot be told, because an answer was lost.
   */
  destroy(session: string | { key: string }): Promise<boolean>
  /**
   * Ends all sessions that fit a filter: `{ 'user.id': 7 }` logs a user out everywhere.
   *
   * @param filter Dotted paths to scalars and what they equal; not empty. An array fits by its
   *   elements.
   * @param options `except`: the key of a session that stays.
   * @returns How many there were.
   * @throws {@link SessionError} with code `ERR_INVALID_ARGUMENT` for another filter, and for what
   *   cannot be a key.
   */
  destroyWhere(filter: Filter, options?: { except?: string }): Promise<number>
  /**
   * Lists the sessions that fit a filter, or all, in no particular order.
   *
   * @throws {@link SessionError} with code `ERR_INVALID_ARGUMENT` for what is no filter.
   */
  list(filter?: Filter): AsyncIterable<ListedSession<T>>
  /**
   * Waits for all calls that are under way. Later ones are refused, those of sessions that are open
   * included; the store is not closed.
   */
  close(): Promise<void>
}
