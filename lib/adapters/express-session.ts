/**
 * A store for express-session whose sessions write only what changed.
 *
 * @module
 */

import type { Request } from 'express'
import type { SessionData } from 'express-session'
import session from 'express-session'
import type { z } from 'zod'
import { StoredSessions } from '../create-sessions.js'
import type { PlainOptions, SchemaOptions, Settings } from '../options.js'
import { settle } from '../options.js'
import type { OpenSession } from '../session/open-session.js'
import type { PrintedCookie } from './express-session-cookie.js'
import { COOKIE, readCookie, writeCookie } from './express-session-cookie.js'
import { createView } from './express-session-view.js'
import type { ConnectMongo, IdKeys } from './from-connect-mongo.js'
import { takeOverFrom } from './from-connect-mongo.js'

export type { ConnectMongo } from './from-connect-mongo.js'

/** Options of {@link DotsetStore}: those of `createSessions`, with another default. */
export type DotsetStoreOptions = (SchemaOptions<z.ZodObject> | PlainOptions<object>) & {
  /**
   * How long a session lives after it was last used, in milliseconds, if its cookie ends with the
   * browser's session. One with a `maxAge` lives that long. Default: 30 minutes.
   */
  idleTimeout?: number
  /**
   * How long a session lives after it was created, however much it is used, in milliseconds. Default:
   * `Infinity`, for express-session knows no such end.
   */
  absoluteTimeout?: number
  /** Which other store's sessions are in the collection, to go on with. Default: none. */
  from?: ConnectMongo
}

/** How a store of express-session tells that it is done. */
export type Callback<T = void> = (error?: unknown, value?: T) => void

/** Gives a request a new session, as a middleware of express-session wants it. */
export type Generate = (request: Request) => void

/**
 * A store for express-session.
 *
 * The session that express-session hands to the application is tracked: requests of one session that
 * overlap keep one another's changes, and what is saved is what changed. Ids are stored as their
 * SHA-256.
 *
 * @example
 * ```ts
 * app.use(session({ store: new DotsetStore({ store: memoryStore() }), secret: 'keyboard cat' }))
 * ```
 */
export class DotsetStore extends session.Store {
  readonly #settings: Settings
  readonly #sessions: StoredSessions
  /** The session behind each object that was handed out. */
  readonly #opened = new WeakMap<object, OpenSession<object>>()
  readonly #keysOf: IdKeys
  #generate: Generate | undefined

  /** @throws `SessionError` with code `ERR_INVALID_OPTION` that says which option, and what to do. */
  constructor(options: DotsetStoreOptions) {
    super()
    const { from, ...others } = options ?? {}
    const defaults = { absoluteTimeout: Number.POSITIVE_INFINITY }
    const settings = settle({ ...defaults, ...others }, [COOKIE])
    const { store, keysOf } = takeOverFrom(from, settings)
    this.#settings = { ...settings, store }
    this.#sessions = new StoredSessions(this.#settings)
    this.#keysOf = keysOf
  }

  /** Gives a request a new session. Each middleware assigns how it makes one. */
  get generate(): Generate {
    return request => {
      this.#generate?.(request)
      const { sessionID: id } = request
      const opened = this.#sessions.createWithKey(id, this.#keysOf(id)[0])
      request.session = this.#show(request.session, opened) as Request['session']
    }
  }

  /** Takes how a middleware makes a new session. */
  set generate(generate: Generate) {
    this.#generate = generate
  }

  /** Loads a session; null if there is none. */
  override get(id: string, callback: Callback<SessionData | null>): void {
    const load = async (): Promise<SessionData | null> => {
      const opened = await this.#open(id)
      if (opened === null) return null
      const cookie = readCookie(opened.data, opened.expiresAt)
      return this.#show({ cookie }, opened) as SessionData
    }
    tell(load(), callback)
  }

  /** Makes what {@link DotsetStore.get} gave the session of a request. */
  override createSession(request: Request, loaded: SessionData): session.Session & SessionData {
    const opened = this.#opened.get(loaded)
    if (opened === undefined) return super.createSession(request, loaded)
    const { cookie } = loaded
    const plain = super.createSession(request, { cookie } as SessionData)
    const shown = this.#show(plain, opened) as session.Session & SessionData
    request.session = shown
    return shown
  }

  /** Writes what was changed in a session. One that is not stored yet is stored. */
  override set(id: string, changed: SessionData, callback?: Callback): void {
    const known = this.#known(id, changed)
    tell(
      known === undefined ? this.#replace(id, changed) : this.#commit(known, changed.cookie),
      callback,
    )
  }

  /** Moves the expiry of a session, and remembers its cookie. */
  override touch(id: string, used: SessionData, callback?: Callback): void {
    const touch = async (): Promise<void> => {
      const opened = this.#known(id, used) ?? (await this.#open(id))
      if (opened?.isNew === false) await this.#commit(opened, used.cookie)
    }
    tell(touch(), callback)
  }

  /** Ends a session, everywhere. */
  override destroy(id: string, callback?: Callback): void {
    const destroy = async (): Promise<void> => {
      for (const key of this.#keysOf(id)) await this.#sessions.destroyByKey(key)
    }
    tell(destroy(), callback)
  }

  /** Gives all sessions. Whose they are is not told: their ids are not stored. */
  override all(callback: Callback<SessionData[]>): void {
    const collect = async (): Promise<SessionData[]> => {
      const all: SessionData[] = []
      for await (const { data, expiresAt } of this.#sessions.list()) {
        all.push({ ...data, cookie: readCookie(data, expiresAt) } as unknown as SessionData)
      }
      return all
    }
    tell(collect(), callback)
  }

  /** Counts the sessions that have not expired. */
  override length(callback: Callback<number>): void {
    tell(this.#sessions.count(), callback)
  }

  /** Ends all sessions. */
  override clear(callback?: Callback): void {
    tell(
      this.#sessions.clear().then(() => undefined),
      callback,
    )
  }

  /** Waits for all calls that are under way. Later ones are refused; the client is not closed. */
  close(): Promise<void> {
    return this.#sessions.close()
  }

  async #open(id: string): Promise<OpenSession<object> | null> {
    for (const key of this.#keysOf(id)) {
      const opened = await this.#sessions.openByKey(id, key)
      if (opened !== null) return opened
    }
    return null
  }

  #known(id: string, object: object): OpenSession<object> | undefined {
    const opened = this.#opened.get(object)
    return opened?.id === id ? opened : undefined
  }

  #show(target: object, opened: OpenSession<object>): object {
    const view = createView(target, () => opened.data)
    this.#opened.set(view, opened)
    return view
  }

  async #commit(opened: OpenSession<object>, cookie: object): Promise<void> {
    const { toJSON } = cookie as { toJSON?: () => object }
    const printed = (toJSON?.call(cookie) ?? cookie) as PrintedCookie
    writeCookie(opened, printed, this.#settings.idleTimeout)
    await opened.commit()
  }

  /** Makes the session of `id` what is given: by code of the application's own, not a middleware. */
  async #replace(id: string, { cookie, ...attributes }: SessionData): Promise<void> {
    const opened = (await this.#open(id)) ?? this.#sessions.createWithKey(id, this.#keysOf(id)[0])
    const { data } = opened
    for (const name of Object.keys(data)) {
      if (name !== COOKIE && !Object.hasOwn(attributes, name)) Reflect.deleteProperty(data, name)
    }
    Object.assign(data, attributes)
    await this.#commit(opened, cookie)
  }
}

/** Calls `callback` once `work` is done, outside of any promise: what it throws is not ours. */
function tell<T>(work: Promise<T>, callback: Callback<T> = () => undefined): void {
  work.then(
    value => process.nextTick(callback, null, value),
    error => process.nextTick(callback, error),
  )
}
