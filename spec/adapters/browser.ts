/**
 * A browser, as far as cookies go.
 */

import { request as sendRequest } from 'node:http'

/** A response that was read to its end. */
export interface Page {
  readonly status: number
  readonly headers: Headers
  readonly cookies: readonly string[]
  readonly body: string
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

  /** @param onFirstByte Is called when the first byte of the body has come. */
  async request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    onFirstByte: () => void = () => undefined,
  ): Promise<Page> {
    const { status, head, body } = await this.#send(method, path, headers, onFirstByte)
    const cookies = head.getSetCookie()
    const [first] = cookies
    if (first !== undefined) this.cookie = first.split(';')[0] as string
    return { status, headers: head, cookies, body }
  }

  /** Goes away as soon as the first byte of the body has come. */
  abortAfterFirstByte(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = sendRequest(
        this.url + path,
        { headers: { cookie: this.cookie } },
        response => {
          response.once('data', () => {
            response.destroy()
            resolve()
          })
          response.on('error', () => undefined)
        },
      )
      request.on('error', reject)
      request.end()
    })
  }

  #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    onFirstByte: () => void,
  ): Promise<{ status: number; head: Headers; body: string }> {
    return new Promise((resolve, reject) => {
      // Some of the cookies that are sent are no ASCII text.
      const cookie = Buffer.from(this.cookie).toString('latin1')
      const options = { method, headers: { ...headers, ...(cookie !== '' && { cookie }) } }
      const request = sendRequest(this.url + path, options, async response => {
        const chunks: Buffer[] = []
        response.once('data', onFirstByte)
        try {
          for await (const chunk of response) chunks.push(chunk as Buffer)
        } catch (error) {
          return reject(error)
        }
        const head = new Headers()
        for (const [name, values] of Object.entries(response.headersDistinct)) {
          for (const value of values ?? []) head.append(name, value)
        }
        resolve({
          status: response.statusCode as number,
          head,
          body: Buffer.concat(chunks).toString(),
        })
      })
      request.on('error', reject)
      request.end()
    })
  }
}
