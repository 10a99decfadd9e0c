/**
 * Responses of the web: given a cookie, and held back until late changes are committed.
 *
 * @module
 */

import { SessionError } from '../errors.js'

/**
 * Gives `response` the session's cookie, and lets its end wait for `beforeLastByte`, which is called
 * also when the client goes in the middle.
 */
export async function finishResponse(
  response: Response,
  cookie: string | undefined,
  beforeLastByte: () => Promise<void>,
): Promise<Response> {
  // No response, but a connection that becomes something else; or one that nobody can send any more.
  if (response.status < 200 || response.bodyUsed) return response
  const body = response.body && (await holdBody(response.body, beforeLastByte))
  if (body === response.body && cookie === undefined) return response
  // Its own headers stay as they are: the application may give one response to everybody.
  const copy = new Response(body, response)
  if (cookie !== undefined) copy.headers.append('Set-Cookie', cookie)
  return copy
}

/** What answers an error that nobody else answers. */
export function answerError(error: unknown): Response {
  const status = error instanceof SessionError ? error.status : 500
  return new Response(`Error ${status}`, { status })
}

/** Lets the end of a body wait. One that is complete already stays so, and keeps its length. */
async function holdBody(
  body: ReadableStream<Uint8Array>,
  beforeLastByte: () => Promise<void>,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
  const reader = body.getReader()
  const ahead = [reader.read(), reader.read()]
  const [first, second] = await ended(ahead)
  if (first?.done || second?.done) {
    await beforeLastByte()
    return (first?.value ?? new Uint8Array()) as Uint8Array<ArrayBuffer>
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await (ahead.shift() ?? reader.read())
          if (!done) return controller.enqueue(value)
        } catch (error) {
          await beforeLastByte()
          throw error
        }
        await beforeLastByte()
        controller.close()
      },
      async cancel(reason) {
        // It may never notice. What it has changed until now counts.
        const cancelled = reader.cancel(reason)
        cancelled.catch(() => undefined)
        await beforeLastByte()
        await cancelled
      },
    },
    { highWaterMark: 0 },
  )
}

/** What `reads` gave, if they have ended by the next turn of the event loop. */
async function ended<Result>(reads: readonly Promise<Result>[]): Promise<Result[]> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const turn = new Promise<Result[]>(resolve => {
    timer = setTimeout(resolve, 0, [])
  })
  try {
    // A body that fails tells so to whoever reads it.
    return await Promise.race([Promise.all(reads).catch(() => []), turn])
  } finally {
    clearTimeout(timer)
  }
}
