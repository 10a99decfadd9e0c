/**
 * A session over what lives on this server.
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
import { commitSession } from './commit.js'
import type { SessionTimeouts } from './expiry.js'
import { expiryOf, hasMoved, stepOf } from './expiry.js'
import type { LiveSession, NewIdCause } from './live.js'
import { differencesOf, discardChanges } from './live.js'
import type { Commit } from './outcome.js'
import { destroySession, reloadSession } from './reload.js'
import type { Keep } from './rotate.js'
import { rotateSession } from './rotate.js'
import type { Session } from './session.js'
import { Turns } from './turns.js'

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

  /**
   * How long it lives from now on if nobody uses it, in milliseconds, by the store's clock: with the
   * timeouts that it was given, committed or not.
   */
  get lifetime(): number {
    const { knowledge, context, timeouts } = this.#live
    const now = context.clock.estimate()
    const { expiresAt } =
      timeouts === undefined
        ? knowledge
        : expiryOf(context.settings.idleTimeout, now, knowledge, timeouts)
    return Math.max(0, expiresAt - now)
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
