/**
 * Making the sessions of an application.
 *
 * @module
 */

import { performance } from 'node:perf_hooks'
import type { z } from 'zod'
import { createClock } from './clock.js'
import { publish } from './diagnostics.js'
import { ConflictError, invalidOption, SessionError, SessionGoneError } from './errors.js'
import { isInvalid } from './open/benchmark.js'
import { createId, idOfName, isId, keyOf } from './open/identity.js'
import type { PlainOptions, SchemaOptions, Settings } from './options.js'
import { settle } from './options.js'
import { StaleError } from './session/commit.js'
import type { ListedSession } from './session/list.js'
import { countSessions, listSessions } from './session/list.js'
import type { Context, LiveSession } from './session/live.js'
import { loadedSession, newSession } from './session/live.js'
import { loadDocument, validateAll } from './session/load.js'
import type { Guard } from './session/open-session.js'
import { OpenSession } from './session/open-session.js'
import type { Commit } from './session/outcome.js'
import type { Session } from './session/session.js'
import type { Sessions } from './sessions.js'
import { checkFilter } from './store/filter.js'
import type { Filter } from './store/store.js'
import { Deadline } from './synchronize/deadline.js'

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
  return new StoredSessions(settle(options))
}

/** Sessions, also by keys that were not made of ids of dotset's own. */
export class StoredSessions implements Sessions<object> {
  readonly #context: Context
  readonly #guard: Guard
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(settings: Settings) {
    this.#context = { settings, clock: createClock(settings.store) }
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

  async #open(
    id: unknown,
    deadline: Deadline,
    guard = this.#guard,
  ): Promise<OpenSession<object> | null> {
    if (!isId(id)) return null
    const live = await openLive(this.#context, id, keyOf(id), deadline)
    return live && new OpenSession(live, guard)
  }

  at(name: string): Promise<Session<object>> {
    return this.#run(async () => {
      const { nameKey, onInvalid } = this.#context.settings
      if (nameKey === undefined) {
        throw invalidOption('at()', 'the option nameKey is missing; give a random secret')
      }
      if (typeof name !== 'string' || name === '') {
        refuseArgument('open the session', 'its name must be a text, and not empty')
      }
      const id = idOfName(name, nameKey)
      const deadline = this.#deadline()
      const live = await openLive(this.#context, id, keyOf(id), deadline)
      // What is not valid would keep its key from the new session.
      if (live === null && onInvalid === 'new') await this.#remove(keyOf(id), deadline)
      const session = live ?? newSession(this.#context, id)
      session.named = true
      return new OpenSession(session, this.#guard)
    })
  }

  /** Opens a session by its key, whoever made its id. */
  openByKey(id: string, key: string): Promise<OpenSession<object> | null> {
    return this.#run(async () => {
      const live = await openLive(this.#context, id, key, this.#deadline())
      return live && new OpenSession(live, this.#guard)
    })
  }

  /** Creates a session whose id somebody else made. */
  createWithKey(id: string, key: string): OpenSession<object> {
    this.#refuseIfClosed()
    return new OpenSession(newSession(this.#context, id, key), this.#guard)
  }

  update(
    id: string,
    recipe: (data: object) => void,
    { attempts = Number.POSITIVE_INFINITY }: { attempts?: number } = {},
  ): Promise<Commit> {
    return this.#run(async () => {
      if (!(attempts >= 1)) {
        refuseArgument('update the session', 'attempts must be 1 or more')
      }
      const deadline = this.#deadline()
      for (let attempt = 1; ; attempt++) {
        const session = await this.#open(id, deadline, PART_OF_ANOTHER_CALL)
        if (session === null) throw new SessionGoneError('update the session')
        session.change(recipe)
        try {
          const commit = await session.commitWith(true, deadline)
          return { ...commit, attempts: attempt }
        } catch (error) {
          if (!(error instanceof StaleError)) throw error
          const paths = session.changes().map(({ path }) => path)
          publish('conflict', () => ({ paths: paths.length, superseded: 0, attempts: attempt }))
          if (attempt >= attempts || deadline.left === 0) throw new ConflictError(paths, attempt)
          await deadline.pause(attempt)
        }
      }
    })
  }

  destroy(session: string | { key: string }): Promise<boolean> {
    const key = typeof session === 'object' ? session?.key : isId(session) && keyOf(session)
    // The form of a key is that of an id.
    return isId(key) ? this.destroyByKey(key) : this.#run(async () => false)
  }

  /** Ends the session that has this key; tells whether it was there. */
  destroyByKey(key: string): Promise<boolean> {
    return this.#run(() => this.#remove(key, this.#deadline()))
  }

  async #remove(key: string, deadline: Deadline): Promise<boolean> {
    const { store } = this.#context.settings
    // An attempt whose answer was lost may have been what removed it.
    return deadline.persist('destroy the session', async (each, lost) => {
      return (await store.remove(key, each)) || lost
    })
  }

  /** Ends all sessions; tells how many there were. */
  clear(): Promise<number> {
    const { store } = this.#context.settings
    return this.#run(() => {
      return this.#deadline().persist('destroy the sessions', each =>
        store.removeWhere({}, undefined, each),
      )
    })
  }

  destroyWhere(filter: Filter, { except }: { except?: string } = {}): Promise<number> {
    return this.#run(async () => {
      checkFilter(filter)
      if (Object.keys(filter).length === 0) {
        refuseArgument('destroy sessions', 'the filter is empty, name at least one path')
      }
      if (except !== undefined && !isId(except)) {
        refuseArgument('destroy sessions', 'except must be the key of a session')
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
    for await (const listed of listSessions(this.#context, filter)) {
      this.#refuseIfClosed()
      yield listed
    }
  }

  /** Counts all sessions, whether they can be read or not. */
  count(): Promise<number> {
    return this.#run(() => countSessions(this.#context))
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
    const start = performance.now()
    const running = call()
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      if (error instanceof SessionError) {
        publish('error', () => ({ code: error.code, milliseconds: performance.now() - start }))
      }
      throw error
    } finally {
      this.#running.delete(running)
    }
  }
}

/** Loads a session; null if there is none. */
async function openLive(
  context: Context,
  id: string,
  key: string,
  deadline: Deadline,
): Promise<LiveSession | null> {
  const { settings } = context
  try {
    const document = await loadDocument(context, key, deadline)
    if (document === null) return null
    const live = loadedSession(context, id, document)
    if (settings.validateOnOpen) validateAll(live)
    return live
  } catch (error) {
    if (settings.onInvalid === 'new' && isInvalid(error)) return null
    throw error
  }
}

/** Of a session that lives in another call: that one is under way already. */
const PART_OF_ANOTHER_CALL: Guard = { run: call => call() }

function refuseArgument(action: string, why: string): never {
  throw new SessionError('ERR_INVALID_ARGUMENT', `Cannot ${action}: ${why}`)
}
