/**
 * Sessions in Express 5, and in whatever else takes its kind of middleware.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { invalidOption } from '../errors.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../sessions.js'
import type { RequestLike } from './node.js'
import { headOf, holdUntilCommitted } from './node.js'
import type { AdapterOptions } from './request.js'
import { createPolicy } from './request.js'
import { defineSession } from './session-object.js'

export type { CookieOptions } from './cookie.js'
export type { RequestLike } from './node.js'
export type { AdapterOptions } from './request.js'

/** Options of {@link session}. */
export interface ExpressOptions extends AdapterOptions {
  /**
   * The property of the request under which middleware finds the session that was made for
   * express-session (Passport, connect-flash): `'session'`. Default: none.
   */
  requestProperty?: string
}

/** Calls what comes after a middleware; with an error, what handles errors. */
export type Next = (error?: unknown) => void

/** The middleware that gives each request its session. */
export interface ExpressSession<T extends object> {
  (request: IncomingMessage, response: ServerResponse, next: Next): void
  /**
   * The session of a request.
   *
   * @throws `SessionError` with code `ERR_NO_SESSION` if the middleware has not seen the request.
   */
  of(request: IncomingMessage): Session<T>
  /**
   * Opens the session of a request outside of the middleware, for a WebSocket upgrade for example. It
   * is not committed by itself.
   *
   * @param request A request, or its `Cookie` header. A header alone does not tell of plain http to
   *   localhost, so the cookie is expected under its name for https there.
   * @returns null if there is no session.
   */
  open(request: RequestLike): Promise<Session<T> | null>
  /**
   * Middleware for errors, to be mounted before one that turns errors into a status below 500: it
   * tells that the handler failed, so that changes are discarded.
   */
  errors(error: unknown, request: IncomingMessage, response: ServerResponse, next: Next): void
}

/**
 * Creates the middleware that gives each request its session.
 *
 * The session is committed before the first byte of the response leaves; if that fails, the error is
 * the response, and it has only the headers that were set before this middleware: mount what every
 * response needs (CORS, security headers) earlier. What is changed later, while a response is streamed,
 * is committed before its last byte.
 *
 * @throws `SessionError` with code `ERR_INVALID_OPTION` for options that do not fit.
 * @example
 * ```ts
 * const web = session(sessions)
 * app.use(web)
 * app.get('/', (request, response) => {
 *   response.send(`visit ${++web.of(request).data.views}`)
 * })
 * ```
 */
export function session<T extends object>(
  sessions: Sessions<T>,
  options: ExpressOptions = {},
): ExpressSession<T> {
  const policy = createPolicy(sessions, options, ['requestProperty'])
  const { requestProperty } = options
  if (requestProperty !== undefined && (typeof requestProperty !== 'string' || !requestProperty)) {
    throw invalidOption('requestProperty', "it must be the name of a property, 'session'")
  }

  async function begin(
    request: IncomingMessage,
    response: ServerResponse,
    next: Next,
  ): Promise<void> {
    try {
      const opened = await policy.begin(request, headOf(request))
      if (requestProperty !== undefined) defineSession(request, requestProperty, opened)
      holdUntilCommitted(response, opened, next)
    } catch (error) {
      return next(error)
    }
    next()
  }

  function sessionMiddleware(request: IncomingMessage, response: ServerResponse, next: Next): void {
    if (policy.find(request) !== undefined) next()
    else void begin(request, response, next)
  }

  return Object.assign(sessionMiddleware, {
    of: (request: IncomingMessage) => policy.of(request),
    open: (request: RequestLike) => policy.open(headOf(request)),
    errors(error: unknown, request: IncomingMessage, _response: ServerResponse, next: Next): void {
      const opened = policy.find(request)
      if (opened !== undefined) opened.failed = true
      next(error)
    },
  })
}
