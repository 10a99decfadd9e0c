/**
 * Sessions for handlers that take a Request and give a Response: of Bun, Deno and workers, of Next.js,
 * React Router and SvelteKit.
 *
 * @module
 */

import { invalidOption, SessionError } from '../errors.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../sessions.js'
import type { RequestLike } from './node.js'
import { headOf } from './node.js'
import type { AdapterOptions, RequestSession } from './request.js'
import { createPolicy } from './request.js'
import { answerError, finishResponse } from './web.js'

export type { CookieOptions } from './cookie.js'
export type { RequestLike } from './node.js'
export type { AdapterOptions } from './request.js'

/** Options of {@link session}. */
export interface FetchOptions extends AdapterOptions {
  /**
   * Answers what a handler has thrown, and a commit that failed. The answer gets the session's cookie;
   * if this throws, so does the handler. Default: the error's status, or 500, with the error printed
   * if it is 500 or above.
   */
  answerError?: (error: unknown, request: Request) => Response | Promise<Response>
}

/** Answers a request, with whatever else its framework gives to handlers. */
export type FetchHandler<T extends object, R extends Request, Rest extends unknown[]> = (
  request: R,
  session: Session<T>,
  ...rest: Rest
) => Response | Promise<Response>

/** Sessions for handlers of requests. */
export interface FetchSession<T extends object> {
  /**
   * Gives a handler the session of each request.
   *
   * The session is committed when the handler has given its response, also one that it throws. What is
   * changed later, while a body is streamed, is committed before its end.
   *
   * @typeParam R What the framework gives as a request.
   * @typeParam Rest What it gives after that.
   */
  handle<R extends Request = Request, Rest extends unknown[] = []>(
    handler: FetchHandler<T, R, Rest>,
  ): (request: R, ...rest: Rest) => Promise<Response>
  /**
   * The session of a request that is being handled.
   *
   * @throws `SessionError` with code `ERR_NO_SESSION` if it is not.
   */
  of(request: Request): Session<T>
  /**
   * Opens the session of a request that no handler of {@link FetchSession.handle} gets. It is not
   * committed by itself.
   *
   * @param request A request, or its `Cookie` header. A header alone does not tell of plain http to
   *   localhost, so the cookie is expected under its name for https there.
   * @returns null if there is no session.
   */
  open(request: RequestLike): Promise<Session<T> | null>
  /**
   * The `Set-Cookie` header for a session that was opened or created, and committed, without
   * {@link FetchSession.handle}.
   *
   * @param request The request that the response is for; it tells of plain http to localhost.
   * @returns A header that removes the cookie if the session was destroyed; undefined if it is not
   *   stored.
   */
  cookie(session: Session<T>, request?: RequestLike): string | undefined
}

/**
 * Creates sessions for handlers that take a Request and give a Response.
 *
 * @throws `SessionError` with code `ERR_INVALID_OPTION` for options that do not fit.
 * @example
 * ```ts
 * const web = session(sessions)
 * export const GET = web.handle((_request, session) => {
 *   return new Response(`visit ${++session.data.views}`)
 * })
 * ```
 */
export function session<T extends object>(
  sessions: Sessions<T>,
  options: FetchOptions = {},
): FetchSession<T> {
  const policy = createPolicy(sessions, options, ['answerError'])
  const { answerError = answerAndPrint } = options
  if (typeof answerError !== 'function') {
    throw invalidOption('answerError', 'it must be a function, which is given the error')
  }

  /** Answers within the session of a request. */
  async function respond(
    request: Request,
    opened: RequestSession<T>,
    handle: () => Response | Promise<Response>,
  ): Promise<Response> {
    let response: Response
    let thrown = false
    try {
      response = await handle()
    } catch (error) {
      thrown = error instanceof Response
      opened.failed = !thrown
      response = error instanceof Response ? error : await answerError(error, request)
    }
    let { cookie, error } = await opened.finish(response.status)
    if (error !== undefined) {
      thrown = false
      response = await answerError(error, request)
      cookie = (await opened.finish(response.status)).cookie
    }
    response = await finishResponse(response, cookie, () => opened.finishLate())
    if (thrown) throw response
    return response
  }

  return {
    handle<R extends Request, Rest extends unknown[]>(handler: FetchHandler<T, R, Rest>) {
      return async (request: R, ...rest: Rest): Promise<Response> => {
        const outer = policy.find(request)
        if (outer !== undefined) return handler(request, outer.session, ...rest)
        let opened: RequestSession<T>
        try {
          opened = await policy.begin(request, headOf(request))
        } catch (error) {
          return answerError(error, request)
        }
        return respond(request, opened, () => handler(request, opened.session, ...rest))
      }
    },
    of: request => policy.of(request),
    open: request => policy.open(headOf(request)),
    cookie: (session, request = '') => policy.print(session, headOf(request)),
  }
}

function answerAndPrint(error: unknown): Response {
  if (!(error instanceof SessionError) || error.status >= 500) console.error(error)
  return answerError(error)
}
