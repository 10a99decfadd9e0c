/**
 * What the policy of a request needs to know of a request of Node or of the web, and what it does to a
 * response of Node.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { holdResponse } from './hold.js'
import type { RequestHead, RequestSession } from './request.js'

/** A request of Node, or of the web, or nothing but its `Cookie` header. */
export type RequestLike = IncomingMessage | Request | string

/** What `request` says about its session and its connection. */
export function headOf(request: RequestLike): RequestHead {
  if (typeof request === 'string') {
    return { cookie: request, host: undefined, encrypted: false, forwarded: false }
  }
  if (isWeb(request)) return webHead(request)
  const { headers, socket } = request
  return {
    cookie: headers.cookie,
    host: headers.host ?? headers[':authority']?.toString(),
    encrypted: (socket as { encrypted?: boolean }).encrypted === true,
    forwarded: Object.keys(headers).some(isForwarding),
  }
}

/** Frameworks have classes of their own for it, from other realms too. */
function isWeb(request: IncomingMessage | Request): request is Request {
  return typeof request.headers.get === 'function'
}

function webHead({ headers, url }: Request): RequestHead {
  const { host, protocol } = new URL(url)
  return {
    cookie: headers.get('cookie') ?? undefined,
    host: headers.get('host') ?? host,
    encrypted: protocol === 'https:',
    forwarded: [...headers.keys()].some(isForwarding),
  }
}

/**
 * Holds `response` back until what its request changed is committed.
 *
 * @param fail Answers a commit that failed.
 */
export function holdUntilCommitted<T extends object>(
  response: ServerResponse,
  opened: RequestSession<T>,
  fail: (error: unknown) => void,
): void {
  holdResponse(response, {
    beforeFirstByte: () => opened.finish(response.statusCode),
    fail,
    beforeLastByte: () => opened.finishLate(),
  })
}

const isForwarding = (name: string): boolean =>
  name === 'forwarded' || name.startsWith('x-forwarded-')
