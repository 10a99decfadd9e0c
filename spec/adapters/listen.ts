/**
 * A server on any free port of loopback.
 */

import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Answer, Served } from './framework.js'

/** Serves `listener`, or lets a server that was made for it listen. */
export async function listen(listener: RequestListener | object): Promise<Served> {
  const server =
    typeof listener === 'function'
      ? createServer(listener as RequestListener)
      : (listener as Server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://localhost:${port}`,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** The body of a response of the web. Some statuses have none. */
export function toBody(body: Answer['body'], status: number): string | ReadableStream | null {
  if (status === 204 || status === 304) return null
  if (typeof body !== 'object') return body ?? ''
  const chunks = body[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(new TextEncoder().encode(value))
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}
