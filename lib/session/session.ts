/**
 * A session as the application holds it.
 *
 * @module
 */

import { inspect } from 'node:util'
import type { Patch } from 'immer'
import { findDifferences } from '../difference/candidates.js'
import { coarsen } from '../difference/granularity.js'
import { toModifications, toPatches } from '../difference/modifications.js'
import { SessionError } from '../errors.js'
import type { Modification } from '../modification.js'
import { duration, durationOrNone } from '../options.js'
import { Deadline } from '../synchronize/deadline.js'
import { changeAll } from '../track/tree.js'
import type { Commit } from './commit.js'
import { commitSession } from './commit.js'
import type { SessionTimeouts } from './expiry.js'
import { hasMoved, stepOf } from './expiry.js'
import type { LiveSession, NewIdCause } from './live.js'
import { differencesOf, discardChanges } from './live.js'
import { destroySession, reloadSession } from './reload.js'
import type { Keep } from './rotate.js'
import { rotateSession } from './rotate.js'
import { Turns } from './turns.js'

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
   *   that is not sure. The changes are kept in each case.
   */
  commit(): Promise<Commit>
  /** Makes `data` what it was when it was last loaded or committed. */
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
   * @throws {@link SessionGoneError} if the session is gone.
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
   * @throws {@link SessionGoneError} if the session is gone, or somebody else rotated it.
   */
  rotateId(options?: { keep?: boolean | readonly (keyof T)[] }): Promise<void>
}

/** What the sessions of one `createSessions` tell each session. */
export interface Guard {
  /** Runs a call that must be finished before the sessions are closed. */
  run<R>(call: () => Promise<R>): Promise<R>
}

/** A session over what lives on this server. */
export class OpenSession<T extends object> implements Session<T> {
  readonly #live: LiveSession
  readonly #guard: Guard
  readonly #turns = new Turns()
  #destroyed = false

  constructor(live: LiveSession, guard: Guard) {
    this.#live = live
    this.#guard = guard
  }

  get id(): string {
    return this.#live.id
  }

  get key(): string {
    return this.#live.key
  }

  get data(): T {
    return this.#live.tracking.data as T
  }

  get isNew(): boolean {
    return this.#live.life === 'new'
  }

  get expiresAt(): Date {
    return new Date(this.#live.knowledge.expiresAt)
  }

  /** How long it lives from now on if nobody uses it, in milliseconds, by the store's clock. */
  get lifetime(): number {
    const { knowledge, context } = this.#live
    return Math.max(0, knowledge.expiresAt - context.clock.estimate())
  }

  /** Whether the expiry has moved since it was `before` by so much that the browser is to know. */
  hasMovedSince(before: number): boolean {
    const { knowledge, context } = this.#live
    const step = stepOf(context.settings.touchAfter, knowledge.idle)
    return hasMoved(before, knowledge.expiresAt, step)
  }

  /** Whether it was destroyed here, and nothing was stored since then. */
  get isDestroyed(): boolean {
    return this.#destroyed && this.#live.life !== 'stored'
  }

  /** Whether the next commit has more to do than to move the expiry as time goes by. */
  get isPending(): boolean {
    const { timeouts, touched, cleared, tracking } = this.#live
    if (timeouts !== undefined || touched || cleared !== undefined) return true
    tracking.collect()
    return differencesOf(this.#live).length > 0
  }

  /** Has `check` called before the session gets an id that the browser does not know. */
  beforeNewId(check: (cause: NewIdCause) => void): void {
    this.#live.beforeNewId = check
  }

  changes(): Modification[] {
    this.#live.tracking.collect()
    const { root, context } = this.#live
    const { granularity } = context.settings
    return toModifications(root.tree, coarsen(root, differencesOf(this.#live), granularity))
  }

  patches(): Patch[] {
    const { root, tracking } = this.#live
    tracking.collect()
    return toPatches(root.tree, findDifferences(root, false))
  }

  change(recipe: (data: T) => void): void {
    const { root, tracking } = this.#live
    tracking.collect()
    try {
      changeAll(root, tracking.data, recipe as (data: unknown) => unknown)
    } catch (error) {
      tracking.project()
      throw error
    }
  }

  commit(): Promise<Commit> {
    return this.commitWith(false)
  }

  /** Commits; `exact` if that is void once anybody else committed since the load. */
  commitWith(exact: boolean, deadline: Deadline = this.#deadline()): Promise<Commit> {
    return this.#inTurn(() => commitSession(this.#live, { deadline, exact }))
  }

  discard(): void {
    discardChanges(this.#live)
  }

  touch(): void {
    this.#live.touched = true
  }

  destroy(): Promise<void> {
    return this.#inTurn(async () => {
      await destroySession(this.#live, this.#deadline())
      this.#destroyed = true
      // What was written before has nowhere to go, and is no mistake: only what comes later is.
      this.discard()
    })
  }

  clear(): void {
    const { data } = this.#live.tracking
    for (const name of Object.keys(data)) Reflect.deleteProperty(data, name)
    this.#live.cleared = {}
  }

  reload({ keepChanges = false }: { keepChanges?: boolean } = {}): Promise<void> {
    return this.#inTurn(() => reloadSession(this.#live, keepChanges, this.#deadline()))
  }

  timeouts({ idle, absolute }: SessionTimeouts): void {
    if (idle !== undefined) duration('idle', idle)
    if (absolute !== undefined) durationOrNone('absolute', absolute)
    this.#live.timeouts = {
      ...this.#live.timeouts,
      ...(idle !== undefined && { idle }),
      ...(absolute !== undefined && { absolute }),
    }
  }

  async rotateId({ keep = true }: { keep?: boolean | readonly (keyof T)[] } = {}): Promise<void> {
    if (typeof keep !== 'boolean' && !Array.isArray(keep)) {
      throw new SessionError(
        'ERR_INVALID_ARGUMENT',
        'Cannot rotate the session: keep must be true, false, or a list of attributes',
      )
    }
    this.#live.beforeNewId('rotation')
    await this.#inTurn(() => rotateSession(this.#live, keep as Keep, this.#deadline()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turns.last
    this.discard()
  }

  /** What `JSON.stringify` shows: neither the id nor any data. */
  toJSON(): object {
    return { key: this.key, isNew: this.isNew, expiresAt: this.expiresAt }
  }

  /** What `console.log` shows. */
  [inspect.custom](): string {
    return `Session ${inspect(this.toJSON())}`
  }

  #deadline(): Deadline {
    return new Deadline(this.#live.context.settings.deadline)
  }

  /** Runs `call` once all earlier ones have ended. It is under way from now on. */
  #inTurn<R>(call: () => Promise<R>): Promise<R> {
    const live = this.#live
    const attempt = async (): Promise<R> => {
      try {
        return await call()
      } catch (error) {
        if (live.discarded) this.discard()
        throw error
      } finally {
        live.discarded = false
      }
    }
    return this.#guard.run(() => this.#turns.run(attempt))
  }
}
