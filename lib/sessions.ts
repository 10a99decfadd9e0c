/**
 * The sessions of an application.
 *
 * @module
 */

import type { z } from 'zod'
import { createClock } from './clock.js'
import type { Commit } from './commit.js'
import { StaleError } from './commit.js'
import { ConflictError, SessionError, SessionGoneError } from './errors.js'
import type { Context } from './live.js'
import { loadDocument, loadedSession, newSession, validateAll } from './live.js'
import { isInvalid } from './open/benchmark.js'
import { readDocument } from './open/document.js'
import { createId, isId, keyOf } from './open/identity.js'
import type { PlainOptions, SchemaOptions } from './options.js'
import { settle } from './options.js'
import type { Guard, Session } from './session.js'
import { OpenSession } from './session.js'
import { snapshotNode } from './state/copy.js'
import { checkFilter } from './store/filter.js'
import type { Filter } from './store/store.js'
import { Deadline } from './synchronize/deadline.js'

/** One of the sessions that {@link Sessions.list} gives. */
export interface ListedSession<T extends object> {
  /** What the store knows the session by. It opens nothing, and can be given to `destroy`. */
  readonly key: string
  /** When it was created. */
  readonly createdAt: Date
  /** When it expires if nobody uses it. */
  readonly expiresAt: Date
  /** A copy of its attributes. */
  readonly data: T
}

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
   * Opens a session, changes it and commits: an atomic read-modify-write. If anybody else committed
   * meanwhile, it is opened again and the recipe runs again.
   *
   * @param recipe Changes the data. It runs at least once, must be synchronous, and should have no
   *   other effect.
   * @param options `attempts`: how often to try at most; default: until the deadline.
   * @throws {@link SessionGoneError} if there is no such session; {@link ConflictError} if all
   *   attempts were in vain; what `recipe` throws; and whatever {@link Session.commit} throws.
   */
  update(id: string, recipe: (data: T) => void, options?: { attempts?: number }): Promise<Commit>
  /**
   * Ends a session, everywhere.
   *
   * @param session Its id, or its key.
   * @returns Whether it was there.
   */
  destroy(session: string | { key: string }): Promise<boolean>
  /**
   * Ends all sessions that fit a filter: `{ 'user.id': 7 }` logs a user out everywhere.
   *
   * @param filter Dotted paths to scalars and what they equal; not empty. An array fits by its
   *   elements.
   * @param options `except`: the key of a session that stays.
   * @returns How many there were.
   * @throws {@link SessionError} with code `ERR_INVALID_ARGUMENT` for another filter.
   */
  destroyWhere(filter: Filter, options?: { except?: string }): Promise<number>
  /**
   * Lists the sessions that fit a filter, or all, in no particular order.
   *
   * @throws {@link SessionError} with code `ERR_INVALID_ARGUMENT` for what is no filter.
   */
  list(filter?: Filter): AsyncIterable<ListedSession<T>>
  /** Waits for all calls that are under way. Later calls are refused; the store is not closed. */
  close(): Promise<void>
}

/**
 * Creates the sessions of an application, with a schema that gives `session.data` its type.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` that says which option, and what to do.
 * @example
 * ```ts
 * const sessions = createSessions({
 *   store: memoryStore(),
 *   schema: z.object({ views: z.number().default(0) }),
 * })
 * const session = sessions.create()
 * session.data.views++
 * await session.commit()
 * ```
 */
export function createSessions<S extends z.ZodObject>(
  options: SchemaOptions<S>,
): Sessions<z.output<S>>
/** Creates the sessions of an application without a schema: the type of `session.data` is claimed. */
export function createSessions<T extends object = Record<string, unknown>>(
  options: PlainOptions<T>,
): Sessions<T>
export function createSessions(
  options: SchemaOptions<z.ZodObject> | PlainOptions<object>,
): Sessions<object> {
  const settings = settle(options)
  return new StoredSessions({ settings, clock: createClock(settings.store) })
}

class StoredSessions implements Sessions<object> {
  readonly #context: Context
  readonly #guard: Guard
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(context: Context) {
    this.#context = context
    this.#guard = { run: call => this.#run(call) }
  }

  create(initial?: object): Session<object> {
    this.#refuseIfClosed()
    const session = new OpenSession(newSession(this.#context, createId()), this.#guard)
    if (initial !== undefined) Object.assign(session.data, initial)
    return session
  }

  open(id: unknown): Promise<Session<object> | null> {
    return this.#run(() => this.#open(id, this.#deadline()))
  }

  async #open(id: unknown, deadline: Deadline): Promise<OpenSession<object> | null> {
    if (!isId(id)) return null
    const { settings } = this.#context
    try {
      const document = await loadDocument(this.#context, keyOf(id), deadline)
      if (document === null) return null
      const live = loadedSession(this.#context, id, document)
      if (settings.validateOnOpen) validateAll(live)
      return new OpenSession(live, this.#guard)
    } catch (error) {
      if (settings.onInvalid === 'new' && isInvalid(error)) return null
      throw error
    }
  }

  update(
    id: string,
    recipe: (data: object) => void,
    { attempts = Number.POSITIVE_INFINITY }: { attempts?: number } = {},
  ): Promise<Commit> {
    return this.#run(async () => {
      const deadline = this.#deadline()
      for (let attempt = 1; ; attempt++) {
        const session = await this.#open(id, deadline)
        if (session === null) throw new SessionGoneError('update the session')
        session.change(recipe)
        const paths = session.changes().map(({ path }) => path)
        try {
          const commit = await session.commitWith(true, deadline)
          return { ...commit, attempts: attempt }
        } catch (error) {
          if (!(error instanceof StaleError)) throw error
          if (attempt >= attempts || deadline.left === 0) throw new ConflictError(paths, attempt)
          await deadline.pause(attempt)
        }
      }
    })
  }

  destroy(session: string | { key: string }): Promise<boolean> {
    return this.#run(async () => {
      const key = typeof session === 'object' ? session?.key : isId(session) && keyOf(session)
      // The form of a key is that of an id.
      if (!isId(key)) return false
      const { store } = this.#context.settings
      return this.#deadline().persist('destroy the session', each => store.remove(key, each))
    })
  }

  destroyWhere(filter: Filter, { except }: { except?: string } = {}): Promise<number> {
    return this.#run(async () => {
      checkFilter(filter)
      if (Object.keys(filter).length === 0) {
        throw new SessionError(
          'ERR_INVALID_ARGUMENT',
          'Cannot destroy sessions: the filter is empty, name at least one path',
        )
      }
      const { store } = this.#context.settings
      return this.#deadline().persist('destroy the sessions', each =>
        store.removeWhere(filter, except, each),
      )
    })
  }

  async *list(filter: Filter = {}): AsyncGenerator<ListedSession<object>> {
    this.#refuseIfClosed()
    checkFilter(filter)
    for await (const loaded of this.#context.settings.store.list(filter)) {
      const document = readDocument(loaded)
      const { root, key, knowledge } = loadedSession(this.#context, '', document)
      const [createdAt, expiresAt] = [new Date(knowledge.createdAt), new Date(knowledge.expiresAt)]
      yield { key, createdAt, expiresAt, data: snapshotNode(root) }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  #deadline(): Deadline {
    return new Deadline(this.#context.settings.deadline)
  }

  #refuseIfClosed(): void {
    if (!this.#closed) return
    throw new SessionError(
      'ERR_CLOSED',
      'Cannot use the sessions: they were closed; create them anew',
    )
  }

  async #run<R>(call: () => Promise<R>): Promise<R> {
    this.#refuseIfClosed()
    const running = call()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }
}
