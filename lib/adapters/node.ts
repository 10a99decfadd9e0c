/**
 * What the policy of a request needs to know of a Node request.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'
import type { RequestHead } from './request.js'

/** A request of Node, or of the web, or nothing but its `Cookie` header. */
export type RequestLike = IncomingMessage | Request | string

/** What `request` says about its session and its connection. */
export function headOf(request: RequestLike): RequestHead {
  if (typeof request === 'string') {
    return { cookie: request, host: undefined, encrypted: false, forwarded: false }
  }
  if (request instanceof Request) return webHead(request)
  const { headers, socket } = request
  return {
    cookie: headers.cookie,
    host: headers.host ?? headers[':authority']?.toString(),
    encrypted: (socket as { encrypted?: boolean }).encrypted === true,
    forwarded: Object.keys(headers).some(isForwarding),
  }
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

const isForwarding = (name: string): boolean =>
  name === 'forwarded' || name.startsWith('x-forwarded-')
