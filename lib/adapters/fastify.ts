/**
 * Sessions in Fastify 5.
 *
 * @module
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Session } from '../session/session.js'
import type { Sessions } from '../sessions.js'
import type { RequestLike } from './node.js'
import { headOf, holdUntilCommitted } from './node.js'
import type { AdapterOptions } from './request.js'
import { createPolicy } from './request.js'

export type { CookieOptions } from './cookie.js'
export type { RequestLike } from './node.js'
export type { AdapterOptions } from './request.js'

/** Headers as a reply takes them. */
type Headers = Parameters<FastifyReply['headers']>[0]

/** The plugin that gives each request its session. */
export interface FastifySession<T extends object> {
  (app: FastifyInstance): Promise<void>
  /**
   * The session of a request.
   *
   * @throws `SessionError` with code `ERR_NO_SESSION` if the plugin has not seen the request.
   */
  of(request: Pick<FastifyRequest, 'raw'>): Session<T>
  /**
   * Opens the session of a request that the plugin does not see. It is not committed by itself.
   *
   * @param request A request of Node or of the web, or its `Cookie` header. A header alone does not
   *   tell of plain http to localhost, so the cookie is expected under its name for https there.
   * @returns null if there is no session.
   */
  open(request: RequestLike): Promise<Session<T> | null>
}

/**
 * Creates the plugin that gives each request its session: those of the instance that registers it, and
 * of all within.
 *
 * The session is committed in an `onSend` hook; if that fails, error handlers are called, and the
 * response has only the headers that were set before. What is changed later, while a response is
 * streamed, and by handlers that respond through `reply.raw`, is committed before the first byte of the
 * response leaves, or before its last.
 *
 * @throws `SessionError` with code `ERR_INVALID_OPTION` for options that do not fit.
 * @example
 * ```ts
 * const web = session(sessions)
 * app.register(web)
 * app.get('/', async request => `visit ${++web.of(request).data.views}`)
 * ```
 */
export function session<T extends object>(
  sessions: Sessions<T>,
  options: AdapterOptions = {},
): FastifySession<T> {
  const policy = createPolicy(sessions, options)
  /** What the headers were before any handler. */
  const headers = new WeakMap<object, Headers>()

  async function begin({ raw }: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (policy.find(raw) !== undefined) return
    const opened = await policy.begin(raw, headOf(raw))
    headers.set(raw, reply.getHeaders())
    holdUntilCommitted(reply.raw, opened, error => fail(reply, error))
  }

  async function notice({ raw }: FastifyRequest): Promise<void> {
    const opened = policy.find(raw)
    if (opened !== undefined) opened.failed = true
  }

  async function settle({ raw }: FastifyRequest, reply: FastifyReply, payload: unknown) {
    try {
      await policy.find(raw)?.settle(statusOf(reply, payload))
    } catch (error) {
      restore(reply, headers.get(raw))
      throw error
    }
  }

  async function sessionPlugin(app: FastifyInstance): Promise<void> {
    app.addHook('onRequest', begin)
    app.addHook('onError', notice)
    app.addHook('onSend', settle)
  }

  return Object.assign(sessionPlugin, {
    // The hooks are those of the instance that registers the plugin, rather than of one of its own.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'dotset',
    [Symbol.for('plugin-meta')]: { name: 'dotset', fastify: '5.x' },
    of: ({ raw }: Pick<FastifyRequest, 'raw'>) => policy.of(raw),
    open: (request: RequestLike) => policy.open(headOf(request)),
  })
}

/** The status of a response: a Response of the web has its own. */
function statusOf(reply: FastifyReply, payload: unknown): number {
  return payload instanceof Response ? payload.status : reply.statusCode
}

/** Gives a reply back to Fastify, or ends one that Fastify has been told to leave alone. */
function fail(reply: FastifyReply, error: unknown): void {
  if (!reply.sent) {
    reply.send(error)
    return
  }
  const { status = 500 } = error as { status?: number }
  reply.raw.statusCode = status
  reply.raw.end()
}

/** Makes a reply what it was: what the handler set belongs to a response that never was. */
function restore(reply: FastifyReply, headers: Headers = {}): void {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
  reply.headers(headers).code(200)
}
