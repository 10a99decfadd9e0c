/**
 * A browser, as far as cookies go.
 */

import type { IncomingMessage } from 'node:http'
import { request as sendRequest } from 'node:http'

/** A response that was read to its end. */
export interface Page {
  readonly status: number
  readonly headers: Headers
  readonly cookies: readonly string[]
  readonly body: string
}

/** What is told while a response arrives. */
export interface Arrival {
  /** The head has come. */
  head?(): void
  /** The first byte of the body has come. */
  firstByte?(): void
}

/** Sends requests, and keeps the one cookie that they are about. */
export class Browser {
  readonly url: string
  /** The `Cookie` header. */
  cookie: string

  constructor(url: string, cookie = '') {
    this.url = url
    this.cookie = cookie
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.request('GET', path, headers)
  }

  /** Submits a form. */
  post(
    path: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Page> {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(fields).toString()
    return this.request('POST', path, { ...form, ...headers }, {}, body)
  }

  async request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    arrival: Arrival = {},
    body?: string,
  ): Promise<Page> {
    const response = await this.#send(method, path, headers, undefined, body)
    arrival.head?.()
    response.once('data', () => arrival.firstByte?.())
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const head = new Headers()
    for (const [name, values] of Object.entries(response.headersDistinct)) {
      for (const value of values ?? []) head.append(name, value)
    }
    const cookies = head.getSetCookie()
    const [first] = cookies
    if (first !== undefined) this.cookie = first.split(';')[0] as string
    const status = response.statusCode as number
    return { status, headers: head, cookies, body: Buffer.concat(chunks).toString() }
  }

  /** Goes away as soon as the first byte of the body has come. */
  async abortAfterFirstByte(path: string): Promise<void> {
    const response = await this.#send('GET', path)
    response.on('error', () => undefined)
    await new Promise<void>(resolve => {
      response.once('data', () => {
        response.destroy()
        resolve()
      })
    })
  }

  /** Goes away before anything has come, once `leave` is resolved. */
  async abort(path: string, leave: Promise<void>): Promise<void> {
    const aborted = new AbortController()
    const pending = this.#send('GET', path, {}, aborted.signal).catch(() => undefined)
    await leave
    aborted.abort()
    await pending
  }

  #send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
    body?: string,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      // Some of the cookies that are sent are no ASCII text.
      const cookie = Buffer.from(this.cookie).toString('latin1')
      const all = { ...headers, ...(cookie !== '' && { cookie }) }
      const options = { method, headers: all, ...(signal !== undefined && { signal }) }
      const request = sendRequest(this.url + path, options, resolve)
      request.on('error', reject)
      request.end(body)
    })
  }
}
