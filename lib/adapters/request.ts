/**
 * The life of a session within one request: opened by its cookie, committed before the first byte of
 * the response leaves, and once more for what was changed after that. All adapters share it.
 *
 * @module
 */

import { SessionError } from '../errors.js'
import type { OpenSession, Session } from '../session.js'

import type { Sessions } from '../sessions.js'
import type { Connection, CookieOptions, SessionCookie } from './cookie.js'
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

/** What all requests of one adapter share. */
export interface RequestPolicy<T extends object> {
  /** Opens the session of a request, or begins a new one. */
  begin(head: RequestHead): Promise<RequestSession<T>>
  /** Opens the session of a request, outside of any response; null if there is none. */
  open(head: RequestHead): Promise<Session<T> | null>
}

/** Creates the policy of an adapter. */
export function createPolicy<T extends object>(
  sessions: Sessions<T>,
  options: AdapterOptions = {},
): RequestPolicy<T> {
  const cookie = createCookie(options.cookie)
  const open = (head: RequestHead): Promise<Session<T> | null> =>
    sessions.open(cookie.read(head.cookie, head))
  return {
    open,
    async begin(head) {
      const opened = await open(head)
      // What an adapter is given was made by createSessions, so all its sessions are of this class.
      const session = (opened ?? sessions.create()) as OpenSession<T>
      return new RequestSession(session, opened !== null, head, cookie, options)
    },
  }
}

/** The session of one request. Everybody in the request shares it. */
export class RequestSession<T extends object> {
  readonly session: OpenSession<T>
  /** Whether the handler failed, although the status may not say so. */
  failed = false
  /** Whether the cookie is to end with the browser's session, whatever the options say. */
  browserSession = false
  #destroyed: Promise<void> | undefined
  /** Whether the browser sent the session's id. */
  readonly #opened: boolean
  readonly #head: RequestHead
  readonly #cookie: SessionCookie
  readonly #options: AdapterOptions
  readonly #id: string
  readonly #expiresAt: number
  #headersSent = false

  constructor(
    session: OpenSession<T>,
    opened: boolean,
    head: RequestHead,
    cookie: SessionCookie,
    options: AdapterOptions,
  ) {
    this.session = session
    this.#opened = opened
    this.#head = head
    this.#cookie = cookie
    this.#options = options
    this.#id = session.id
    this.#expiresAt = session.expiresAt.getTime()
    session.beforeNewId(() => this.#refuseLateId())
  }

  /**
   * Ends the part of the request that can still set a cookie: commits, or discards if the handler
   * failed. Call it before the first byte leaves.
   *
   * @param status The status of the response.
   * @returns What {@link Session.commit} throws; undefined if all went well.
   */
  async finish(status: number): Promise<unknown> {
    try {
      await this.#destroyed
      if ((this.failed || status >= 500) && this.#options.commitOnError !== true) {
        this.session.discard()
      } else {
        await this.session.commit()
      }
      return undefined
    } catch (error) {
      this.failed = true
      return error
    }
  }

  /** Destroys the session. If that fails, so does the request. */
  destroy(): void {
    this.#destroyed = this.session.destroy()
    this.#destroyed.catch(() => undefined)
  }

  /** The `Set-Cookie` header that the response needs now, if any. No id can be given afterwards. */
  takeCookie(): string | undefined {
    this.#headersSent = true
    const { session } = this
    if (session.isDestroyed) return this.#opened ? this.#cookie.expire(this.#head) : undefined
    if (session.isNew) return undefined
    const persistent = this.#cookie.persistent && !this.browserSession
    const moved = session.hasMovedSince(this.#expiresAt)
    if (this.#opened && session.id === this.#id && !(moved && persistent)) return undefined
    return this.#cookie.write(session.id, persistent ? session.lifetime : undefined, this.#head)
  }

  /** Commits what was changed after the first byte. It cannot fail: `onError` is told. */
  async finishLate(): Promise<void> {
    try {
      if (this.failed && this.#options.commitOnError !== true) this.session.discard()
      else await this.session.commit()
    } catch (error) {
      const { onError = warn } = this.#options
      onError(error)
    }
  }

  #refuseLateId(): void {
    if (!this.#headersSent) return
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
