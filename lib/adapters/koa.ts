/**
 * Sessions in Koa.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Session } from '../session/session.js'
import type { Sessions } from '../sessions.js'
import type { RequestLike } from './node.js'
import { headOf, holdUntilCommitted } from './node.js'
import type { AdapterOptions } from './request.js'
import { createPolicy } from './request.js'

export type { CookieOptions } from './cookie.js'
export type { RequestLike } from './node.js'
export type { AdapterOptions } from './request.js'

/** What of Koa's context the middleware needs. */
export interface KoaContext {
  /** The request of Node. */
  readonly req: IncomingMessage
  /** The response of Node. */
  readonly res: ServerResponse
  /** The status of the response. */
  readonly status: number
  /** Answers an error that no middleware has caught. */
  onerror(error: Error): void
}

/** The middleware that gives each request its session. */
export interface KoaSession<T extends object> {
  (context: KoaContext, next: () => Promise<unknown>): Promise<void>
  /**
   * The session of a request.
   *
   * @throws `SessionError` with code `ERR_NO_SESSION` if the middleware has not seen the request.
   */
  of(context: Pick<KoaContext, 'req'>): Session<T>
  /**
   * Opens the session of a request outside of the middleware, for a WebSocket upgrade for example. It
   * is not committed by itself.
   *
   * @param request A request, or its `Cookie` header. A header alone does not tell of plain http to
   *   localhost, so the cookie is expected under its name for https there.
   * @returns null if there is no session.
   */
  open(request: RequestLike): Promise<Session<T> | null>
}

/**
 * Creates the middleware that gives each request its session.
 *
 * The session is committed when the middleware after this one has ended; if that fails, the error is
 * thrown to the middleware before. What is changed later, by middleware before this one or while a
 * response is streamed, is committed before the first byte of the response leaves, or before its last.
 *
 * @throws `SessionError` with code `ERR_INVALID_OPTION` for options that do not fit.
 * @example
 * ```ts
 * const web = session(sessions)
 * app.use(web)
 * app.use(context => {
 *   context.body = `visit ${++web.of(context).data.views}`
 * })
 * ```
 */
export function session<T extends object>(
  sessions: Sessions<T>,
  options: AdapterOptions = {},
): KoaSession<T> {
  const policy = createPolicy(sessions, options)

  async function sessionMiddleware(
    context: KoaContext,
    next: () => Promise<unknown>,
  ): Promise<void> {
    const { req, res } = context
    if (policy.find(req) !== undefined) {
      await next()
      return
    }
    const opened = await policy.begin(req, headOf(req))
    holdUntilCommitted(res, opened, error => context.onerror(error as Error))
    try {
      await next()
    } catch (error) {
      opened.failed = true
      throw error
    }
    // Whoever responds by himself has his commit before his first byte.
    if (!res.headersSent) await opened.settle(context.status)
  }

  return Object.assign(sessionMiddleware, {
    of: ({ req }: Pick<KoaContext, 'req'>) => policy.of(req),
    open: (request: RequestLike) => policy.open(headOf(request)),
  })
}
