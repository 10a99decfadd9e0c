/**
 * Holding a Node response back, so that something can be finished before its first byte leaves, and
 * something else before its last.
 *
 * @module
 */

import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'

/** What is done while a response is held back. No function may throw or reject. */
export interface Holder {
  /**
   * Is called when the first byte is about to leave; once more for the response to its own error.
   *
   * @returns A cookie to set; or an error: then what was held back is dropped, and `fail` is called.
   */
  beforeFirstByte(): Promise<{ cookie?: string | undefined; error?: unknown }>
  /** Is called when what the handler responded cannot be sent, so that somebody else responds. */
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
  const held: (() => unknown)[] = []
  let stage: 'waiting' | 'held' | 'open' = 'waiting'
  let ended = false
  let gone = false
  const sources = new Set<Readable>()

  /** Makes a call, at once or when it may be made; `last` if it ends the response. */
  function make(call: () => unknown, last = false): unknown {
    if (stage === 'open' && (ended || !last)) return call()
    held.push(call)
    ended ||= last
    if (stage !== 'held') void letGo(stage === 'waiting')
    // A stream waits for 'drain' then.
    return false
  }

  async function letGo(first: boolean): Promise<void> {
    stage = 'held'
    const thaw = freezeHead(response, () => ended)
    const { cookie, error } = first ? await holder.beforeFirstByte() : {}
    if (error === undefined && ended) await holder.beforeLastByte()
    thaw()
    if (error !== undefined) return fail(error)
    if (cookie !== undefined) addCookie(response, cookie)
    stage = 'open'
    try {
      for (const call of held.splice(0)) call()
    } catch (mistake) {
      return fail(mistake)
    }
    if (ended) return
    response.emit('drain')
    if (gone) await holder.beforeLastByte()
  }

  function fail(error: unknown): void {
    held.length = 0
    for (const source of sources) source.unpipe(response)
    if (!response.headersSent) {
      restoreHeaders(response, headers)
      stage = 'waiting'
      ended = false
    }
    holder.fail(error)
  }

  Object.assign(response, {
    writeHead(status: number, ...args: unknown[]) {
      if (stage === 'held') throw headersSent('write the head')
      if (stage === 'open') return original.writeHead(status, ...(args as []))
      response.statusCode = status
      if (typeof args[0] === 'string') response.statusMessage = args.shift() as string
      // Given to Node's own, a Set-Cookie would take the place of ours.
      setHeaders(response, (args[0] ?? args[1]) as Headers | null | undefined)
      make(() => original.writeHead(response.statusCode))
      return response
    },
    flushHeaders() {
      make(() => original.flushHeaders())
    },
    write(...args: unknown[]) {
      return make(() => original.write(...args))
    },
    end(...args: unknown[]) {
      make(() => original.end(...args), true)
      return response
    },
  })
  response.on('pipe', (source: Readable) => sources.add(source))
  response.on('unpipe', (source: Readable) => sources.delete(source))
  response.once('close', () => {
    gone = true
    if (stage === 'open' && !ended) void holder.beforeLastByte()
  })
}

/** Makes a response look as if it had left already: its head cannot change any more. */
function freezeHead(response: ServerResponse, isEnded: () => boolean): () => void {
  const { statusCode, statusMessage } = response
  const names = [...HEAD_METHODS, '_header', 'headersSent', 'writableEnded']
  const own = names.map(name => Object.getOwnPropertyDescriptor(response, name))
  for (const name of HEAD_METHODS) {
    response[name] = () => {
      throw headersSent('set headers')
    }
  }
  // Much middleware looks at what `headersSent` looks at.
  Object.defineProperty(response, '_header', { configurable: true, get: () => 'held back' })
  Object.defineProperty(response, 'headersSent', { configurable: true, get: () => true })
  Object.defineProperty(response, 'writableEnded', { configurable: true, get: isEnded })
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
function setHeaders(response: ServerResponse, headers: Headers | null | undefined): void {
  if (headers === undefined || headers === null) return
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) {
      response.setHeader(name, value as OutgoingHttpHeader)
    }
    return
  }
  const pairs = Array.isArray(headers[0])
    ? (headers as [string, string][])
    : headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : []))
  // A name that is there several times is sent several times, and replaces what was set before.
  for (const [name] of pairs) response.removeHeader(name as string)
  for (const [name, value] of pairs) {
    // Node adds to an array that it was given.
    response.appendHeader(name as string, (Array.isArray(value) ? [...value] : value) as string)
  }
}

/** Adds a cookie to those that are set. */
function addCookie(response: ServerResponse, cookie: string): void {
  const others = response.getHeader('Set-Cookie') ?? []
  // Not into the array that is there: it can be one that the application gives to every response.
  response.setHeader('Set-Cookie', [others, cookie].flat().map(String))
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
