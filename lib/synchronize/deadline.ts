/**
 * Time limits: no call of ours outlives its deadline, even where the network never answers.
 *
 * @module
 */

import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { StoreError } from '../errors.js'
import type { Attempt, CallOptions } from '../store/store.js'

/** How long to wait before a call is tried again, in milliseconds, times the number of failures. */
export const PAUSE = 20

/** The longest time that a timer takes, in milliseconds. */
const LONGEST = 2 ** 31 - 1

type Call<T> = (options: CallOptions) => T | Promise<T>

/** The end of one call of the application, and what is left until then. */
export class Deadline {
  readonly #end: number
  readonly #limit: number

  /** @param limit How long the whole call may take, in milliseconds. */
  constructor(limit: number) {
    this.#limit = Math.min(limit, LONGEST)
    this.#end = performance.now() + this.#limit
  }

  /** What is left, in milliseconds; 0 if it has passed. */
  get left(): number {
    return Math.max(0, this.#end - performance.now())
  }

  /** How long one attempt may wait: a third of the whole, so that there is time for another. */
  get attempt(): number {
    return Math.min(this.left, this.#limit / 3)
  }

  /** Waits a random time that grows with the attempts, so that servers do not go on meeting. */
  async pause(attempt: number): Promise<void> {
    await wait(Math.min(Math.random() * Math.min(2 ** attempt, 50), this.left))
  }

  /**
   * Calls the store as often as it takes, for what may happen twice without harm.
   *
   * @param call Gets told whether an earlier attempt may have happened, although it has no answer.
   * @throws {@link StoreError} of the last attempt whose answer was lost, or else of the last one.
   */
  async persist<T>(
    action: string,
    call: (options: CallOptions, lost: boolean) => T | Promise<T>,
  ): Promise<T> {
    let lost: StoreError | undefined
    for (let failures = 1; ; failures++) {
      try {
        const mayHaveHappened = lost !== undefined
        return await this.call(action, options => call(options, mayHaveHappened))
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        if (error.uncertain) lost = error
        if (!error.transient || this.left <= PAUSE * failures) throw lost ?? error
        await wait(PAUSE * failures * Math.random())
      }
    }
  }

  /**
   * Calls the store for one attempt.
   *
   * @param timeout How long it may wait, in milliseconds, if that is not for the deadline to say.
   * @throws {@link StoreError} if there was no answer in time. It is uncertain, unless the store has
   *   not sent the request, which is withdrawn then.
   */
  async call<T>(action: string, call: Call<T>, timeout: number = this.attempt): Promise<T> {
    if (timeout === 0) throw new StoreError(action, 'the deadline has passed')
    const attempt: Attempt = { stage: 'unknown' }
    const answer = (async () =>
      call({ timeout, deadline: Math.max(timeout, this.left), attempt }))()
    // An answer that comes too late must not end the process.
    answer.catch(() => undefined)
    let timer: NodeJS.Timeout | undefined
    const expired = new Promise<never>((_resolve, reject) => {
      const expire = (): void => {
        const uncertain = attempt.stage !== 'waiting'
        attempt.stage = 'withdrawn'
        const why = uncertain
          ? 'the store did not answer in time'
          : 'the store could not be reached in time; nothing was sent'
        reject(new StoreError(action, why, { uncertain, transient: true }))
      }
      // If this process stood still, an answer may have come in time: it is read first.
      timer = setTimeout(() => setImmediate(expire), Math.min(timeout, LONGEST))
    })
    try {
      return await Promise.race([answer, expired])
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * Reads `items`, each of which may keep the reader waiting for `limit` milliseconds.
 *
 * @throws {@link StoreError} if one does not come in time.
 */
export async function* inTime<T>(
  action: string,
  items: AsyncIterable<T>,
  limit: number,
): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]()
  try {
    for (;;) {
      const deadline = new Deadline(limit)
      const next = await deadline.call(action, () => iterator.next(), deadline.left)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // Nobody waits for the store to take leave: it may be what did not answer.
    iterator.return?.().catch(() => undefined)
  }
}
