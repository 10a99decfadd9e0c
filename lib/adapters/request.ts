/**
 * The life of a session within one request: opened by its cookie, committed before the first byte of
 * the response leaves, and once more for what was changed after that. All adapters share it.
 *
 * @module
 */

import { invalidOption, SessionError } from '../errors.js'
import type { NewIdCause } from '../session/live.js'
import type { OpenSession } from '../session/open-session.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../sessions.js'
import type { Connection, CookieOptions, SentCookie, SessionCookie } from './cookie.js'
import { createCookie } from './cookie.js'

/** Options that all adapters share. */
export interface AdapterOptions {
  /** The session's cookie. */
  cookie?: CookieOptions
  /**
   * Whether changes are committed although the handler threw, or answered with a status of 500 or
   * above. Default: false, they are discarded.
   */
  commitOnError?: boolean
  /**
   * Is told of a commit that failed after the response had begun, when nobody can be told by the
   * response any more. Default: `process.emitWarning` with the error's code.
   */
  onError?: (error: unknown) => void
}

/** What of a request the policy looks at. */
export interface RequestHead extends Connection {
  /** The `Cookie` header. */
  readonly cookie: string | undefined
}

/** What all requests of one adapter share. A request is known by an object of its framework. */
export interface RequestPolicy<T extends object> {
  /** Opens the session of a request, or begins a new one. */
  begin(request: object, head: RequestHead): Promise<RequestSession<T>>
  /** What {@link RequestPolicy.begin} gave; undefined if it was not asked. */
  find(request: object): RequestSession<T> | undefined
  /**
   * The session of a request.
   *
   * @throws {@link SessionError} with code `ERR_NO_SESSION` if it has not begun.
   */
  of(request: object): Session<T>
  /** Opens the session of a request, outside of any response; null if there is none. */
  open(head: RequestHead): Promise<Session<T> | null>
  /** The `Set-Cookie` header for a session that has no response to wait for. */
  print(session: Session<T>, head: RequestHead): string | undefined
}

/**
 * Creates the policy of an adapter.
 *
 * @param own Which options the adapter has beside those of all.
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` for options that do not fit.
 */
export function createPolicy<T extends object>(
  sessions: Sessions<T>,
  options: AdapterOptions = {},
  own: readonly string[] = [],
): RequestPolicy<T> {
  checkOptions(sessions, options, own)
  const cookie = createCookie(options.cookie)
  const requests = new WeakMap<object, RequestSession<T>>()
  return {
    async begin(request, head) {
      const sent = cookie.read(head.cookie, head)
      const opened = await sessions.open(sent?.id)
      // What an adapter is given was made by createSessions, so all its sessions are of this class.
      const session = (opened ?? sessions.create()) as OpenSession<T>
      const known = opened === null ? undefined : sent
      const begun = new RequestSession(session, known, head, cookie, options)
      requests.set(request, begun)
      return begun
    },
    find: request => requests.get(request),
    of(request) {
      const begun = requests.get(request)
      if (begun !== undefined) return begun.session
      throw new SessionError(
        'ERR_NO_SESSION',
        'Cannot give the session of this request: the middleware has not seen it, mount it before',
      )
    },
    async open(head) {
      return sessions.open(cookie.read(head.cookie, head)?.id)
    },
    print(session, head) {
      const { isDestroyed, isNew, id, lifetime } = session as OpenSession<T>
      if (isDestroyed) return cookie.expire(head)
      if (isNew) return undefined
      return cookie.write(id, cookie.persistent ? lifetime : undefined, head)
    },
  }
}

function checkOptions(
  sessions: Pick<Sessions<object>, 'open'>,
  options: AdapterOptions,
  own: readonly string[],
): void {
  if (typeof sessions?.open !== 'function') {
    throw invalidOption('sessions', 'it must be what createSessions() gave')
  }
  if (typeof options !== 'object' || options === null) {
    throw invalidOption('options', 'it must be an object, or be left out')
  }
  const { commitOnError, onError } = options
  const known = ['cookie', 'commitOnError', 'onError', ...own]
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue
    throw invalidOption(option, `there is no such option; there are ${known.join(', ')}`)
  }
  if (commitOnError !== undefined && typeof commitOnError !== 'boolean') {
    throw invalidOption('commitOnError', 'it must be true or false')
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw invalidOption('onError', 'it must be a function, which is given the error')
  }
}

/** The session of one request. Everybody in the request shares it. */
export class RequestSession<T extends object> {
  readonly session: OpenSession<T>
  /** Whether the handler failed, although the status may not say so. */
  failed = false
  /** Whether the cookie is to end with the browser's session, whatever the options say. */
  browserSession: boolean
  /** What the browser sent, if it opened the session. */
  readonly #known: SentCookie | undefined
  readonly #head: RequestHead
  readonly #cookie: SessionCookie
  readonly #options: AdapterOptions
  readonly #expiresAt: number
  /** Calls that nobody waits for but the response. */
  #work: Promise<unknown>[] = []
  #broken = false
  #settled = false
  #responding = false
  #headersSent = false

  constructor(
    session: OpenSession<T>,
    known: SentCookie | undefined,
    head: RequestHead,
    cookie: SessionCookie,
    options: AdapterOptions,
  ) {
    this.session = session
    this.browserSession = known?.browserSession === true
    this.#known = known
    this.#head = head
    this.#cookie = cookie
    this.#options = options
    this.#expiresAt = session.expiresAt.getTime()
    session.beforeNewId(cause => this.#refuseLateId(cause))
  }

  /** Whether the cookie outlives the browser's session. */
  get persistent(): boolean {
    return this.#cookie.persistent && !this.browserSession
  }

  /** Lets the response wait for `work`. If that fails, so does the request. */
  waitFor(work: Promise<unknown>): void {
    work.catch(() => undefined)
    this.#work.push(work)
  }

  /**
   * Ends the handler's part: commits, or discards if the handler failed. {@link RequestSession.finish}
   * does it too; frameworks in which errors are thrown need it earlier. Once it has failed, everything
   * is discarded, for that error is the response.
   *
   * @param status The status of the response.
   * @throws What {@link Session.commit} threw.
   */
  async settle(status: number): Promise<void> {
    if (status >= 500) this.failed = true
    await this.#settle()
  }

  /**
   * Ends the part of the request that can still set a cookie: settles what is not settled yet. Call it
   * before the first byte leaves; if there is an error, once more for the response that tells it.
   *
   * @param status The status of the response.
   * @returns The `Set-Cookie` header that the response needs, if any; or what {@link Session.commit}
   *   threw.
   */
  async finish(status: number): Promise<{ cookie?: string | undefined; error?: unknown }> {
    this.#responding = true
    if (status >= 500) this.failed = true
    try {
      await this.#settle(() => {
        this.#headersSent = true
      })
      return { cookie: this.#printCookie() }
    } catch (error) {
      this.#responding = false
      return { error }
    }
  }

  /** Commits what was changed after the first byte. It cannot fail: `onError` is told. */
  async finishLate(): Promise<void> {
    try {
      await this.#settle()
    } catch (error) {
      const { onError = warn } = this.#options
      // The response goes on, whatever happens there.
      process.nextTick(onError, error)
    }
  }

  /** @param then Is called at once: in between, the session's next call could give it an id. */
  async #settle(then?: () => void): Promise<void> {
    try {
      await Promise.all(this.#work.splice(0))
      if (this.#discards) this.session.discard()
      else if (!this.#settled || this.session.isPending) await this.session.commit()
      this.#settled = true
      then?.()
    } catch (error) {
      this.#broken = true
      throw error
    }
  }

  /** Whether changes are given up. What could not be committed is not tried again behind its error. */
  get #discards(): boolean {
    return this.#broken || (this.failed && this.#options.commitOnError !== true)
  }

  #printCookie(): string | undefined {
    const { session, persistent } = this
    const known = this.#known
    if (session.isDestroyed) {
      return known === undefined ? undefined : this.#cookie.expire(this.#head)
    }
    if (session.isNew) return undefined
    const isKnown = known?.id === session.id && known.browserSession === this.browserSession
    if (isKnown && !(persistent && session.hasMovedSince(this.#expiresAt))) return undefined
    return this.#cookie.write(session.id, persistent ? session.lifetime : undefined, this.#head)
  }

  #refuseLateId(cause: NewIdCause): void {
    // The commit that ends the handler's part may still store a new session.
    if (cause === 'commit' ? !this.#headersSent : !this.#responding) return
    throw new SessionError(
      'ERR_HEADERS_SENT',
      'Cannot give the session an id: the response has begun and can set no cookie; do it before the first byte',
    )
  }
}

function warn(error: unknown): void {
  const code = error instanceof SessionError ? error.code : 'DOTSET_LATE_COMMIT'
  process.emitWarning('Changes made after the response had begun were not committed', { code })
}
