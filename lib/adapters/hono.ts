/**
 * Sessions in Hono.
 *
 * @module
 */

import { SessionError } from '../errors.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../sessions.js'
import type { RequestLike } from './node.js'
import { headOf } from './node.js'
import type { AdapterOptions } from './request.js'
import { createPolicy } from './request.js'
import { answerError, finishResponse } from './web.js'

export type { CookieOptions } from './cookie.js'
export type { RequestLike } from './node.js'
export type { AdapterOptions } from './request.js'

/** What of Hono's context the middleware needs. */
export interface HonoContext {
  /** The request. */
  readonly req: {
    /** The request as the platform gives it. */
    readonly raw: Request
  }
  /** The error that a handler has thrown. */
  readonly error: Error | undefined
  /** Creates a response, with the headers that were set until now. */
  newResponse(body: null): Response
  /** The response. */
  get res(): Response
  /** Exchanges the response. */
  set res(response: Response | undefined)
}

/** The middleware that gives each request its session. */
export interface HonoSession<T extends object> {
  (context: HonoContext, next: () => Promise<void>): Promise<void>
  /**
   * The session of a request.
   *
   * @throws `SessionError` with code `ERR_NO_SESSION` if the middleware has not seen the request.
   */
  of(context: HonoContext): Session<T>
  /**
   * Opens the session of a request outside of the middleware. It is not committed by itself.
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
 * The session is committed when the handler has given its response. If that fails, `app.onError`
 * answers, and the response has only the headers that were set before this middleware; without it the
 * error's status does. What is changed later, while a body is streamed, is committed before its end.
 *
 * @throws `SessionError` with code `ERR_INVALID_OPTION` for options that do not fit.
 * @example
 * ```ts
 * const web = session(sessions)
 * app.use(web)
 * app.get('/', context => context.text(`visit ${++web.of(context).data.views}`))
 * ```
 */
export function session<T extends object>(
  sessions: Sessions<T>,
  options: AdapterOptions = {},
): HonoSession<T> {
  const policy = createPolicy(sessions, options)

  async function sessionMiddleware(context: HonoContext, next: () => Promise<void>): Promise<void> {
    if (policy.find(context) !== undefined) return next()
    const opened = await policy.begin(context, headOf(context.req.raw)).catch(refuse)
    // Asked for a response that is not there yet, Hono puts its headers over those of the handler.
    const headers = new Headers(context.newResponse(null).headers)
    await next()
    if (context.error !== undefined) opened.failed = true
    const { cookie, error } = await opened.finish(context.res.status)
    if (error !== undefined) {
      const { cookie } = await opened.finish(500)
      if (cookie !== undefined) headers.append('Set-Cookie', cookie)
      replaceResponse(context, new Response(null, { headers }))
      refuse(error)
    }
    const response = await finishResponse(context.res, cookie, () => opened.finishLate())
    replaceResponse(context, response)
  }

  return Object.assign(sessionMiddleware, {
    of: (context: HonoContext) => policy.of(context),
    open: (request: RequestLike) => policy.open(headOf(request)),
  })
}

/** Assigned over another, a response would get the headers of both. */
function replaceResponse(context: HonoContext, response: Response): void {
  context.res = undefined
  context.res = response
}

/** Throws an error that Hono answers with the error's status, if the application does not answer it. */
function refuse(error: unknown): never {
  if (error instanceof SessionError) {
    Object.defineProperty(error, 'getResponse', {
      configurable: true,
      value: () => answerError(error),
    })
  }
  throw error
}
