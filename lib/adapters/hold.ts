/**
 * Holding a Node response back, so that something can be finished before its first byte leaves.
 *
 * @module
 */

import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** What is done while a response is held back. Neither function may reject. */
export interface Holder {
  /**
   * Is called once, when the first byte is about to leave.
   *
   * @returns A cookie to set, and an error: then what was held back is dropped, and `fail` is called.
   */
  beforeFirstByte(): Promise<{ cookie: string | undefined; error: unknown }>
  /** Is called when nothing of the handler's response has left and somebody else has to respond. */
  fail(error: unknown): void
  /** Is called before the last byte leaves, or when the client has gone in the middle. */
  beforeLastByte(): Promise<void>
}

/** The methods that change the head of a response. */
const HEAD_METHODS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const

/** Holds `response` back, from now on. */
export function holdResponse(response: ServerResponse, holder: Holder): void {
  const original = {
    writeHead: response.writeHead.bind(response),
    flushHeaders: response.flushHeaders.bind(response),
    write: response.write.bind(response) as (...args: unknown[]) => boolean,
    end: response.end.bind(response) as (...args: unknown[]) => unknown,
  }
  const headers = response.getHeaders()
  const held: (() => void)[] = []
  let stage: 'waiting' | 'held' | 'begun' | 'ended' = 'waiting'

  async function hold(call: () => void): Promise<void> {
    held.push(call)
    if (stage === 'held') return
    stage = 'held'
    const thaw = freezeHead(response)
    const { cookie, error } = await holder.beforeFirstByte()
    thaw()
    stage = 'begun'
    if (error !== undefined) restoreHeaders(response, headers)
    if (cookie !== undefined) response.appendHeader('Set-Cookie', cookie)
    if (error !== undefined) return holder.fail(error)
    for (const each of held.splice(0)) each()
    if (!response.writableEnded) response.emit('drain')
  }

  async function end(args: unknown[]): Promise<void> {
    stage = 'ended'
    await holder.beforeLastByte()
    original.end(...args)
  }

  Object.assign(response, {
    writeHead(status: number, ...args: unknown[]) {
      if (stage === 'held') throw headersSent('write the head')
      if (stage !== 'waiting') return original.writeHead(status, ...(args as []))
      response.statusCode = status
      if (typeof args[0] === 'string') response.statusMessage = args.shift() as string
      // Given here, a Set-Cookie would take the place of ours.
      setHeaders(response, args[0] as Headers | undefined)
      void hold(() => original.writeHead(response.statusCode))
      return response
    },
    flushHeaders() {
      if (stage === 'waiting' || stage === 'held') void hold(() => original.flushHeaders())
      else original.flushHeaders()
    },
    write(...args: unknown[]) {
      if (stage !== 'waiting' && stage !== 'held') return original.write(...args)
      void hold(() => original.write(...args))
      // A stream waits for 'drain' then.
      return false
    },
    end(...args: unknown[]) {
      if (stage === 'waiting' || stage === 'held') void hold(() => void end(args))
      else if (stage === 'begun') void end(args)
      else original.end(...args)
      return response
    },
  })
  response.once('close', () => {
    if (stage === 'begun') void holder.beforeLastByte()
  })
}

/** Makes the head of a response what it is once it was sent: it cannot change. */
function freezeHead(response: ServerResponse): () => void {
  const { statusCode, statusMessage } = response
  const names = [...HEAD_METHODS, 'headersSent']
  const own = names.map(name => Object.getOwnPropertyDescriptor(response, name))
  for (const name of HEAD_METHODS) {
    response[name] = () => {
      throw headersSent('set headers')
    }
  }
  Object.defineProperty(response, 'headersSent', { configurable: true, get: () => true })
  return () => {
    names.forEach((name, index) => {
      const descriptor = own[index]
      if (descriptor === undefined) Reflect.deleteProperty(response, name)
      else Object.defineProperty(response, name, descriptor)
    })
    Object.assign(response, { statusCode, statusMessage })
  }
}

/** The error that Node throws then. */
function headersSent(action: string): Error {
  const error = new Error(`Cannot ${action} after they are sent to the client`)
  return Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' })
}

type Headers = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | readonly [string, string][]

/** Sets headers in all the forms in which `writeHead` takes them. */
function setHeaders(response: ServerResponse, headers: Headers | undefined): void {
  if (headers === undefined) return
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value as OutgoingHttpHeader)
    }
    return
  }
  const pairs = Array.isArray(headers[0])
    ? (headers as [string, string][])
    : headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : []))
  // A name that is there several times is sent several times, and replaces what was set before.
  for (const [name] of pairs) response.removeHeader(name as string)
  for (const [name, value] of pairs) response.appendHeader(name as string, String(value))
}

/** Makes the headers those of `headers`: what the handler set belongs to a response that never was. */
function restoreHeaders(response: ServerResponse, headers: OutgoingHttpHeaders): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value)
  }
  response.statusCode = 200
  response.statusMessage = ''
}
