/**
 * Time limits: no call of ours outlives its deadline, even where the network never answers.
 *
 * @module
 */

import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { StoreError } from '../errors.js'

/** How long to wait before a call is tried again, in milliseconds, times the number of failures. */
export const PAUSE = 20

type Call<T> = (options: { timeout: number }) => T | Promise<T>

/** The end of one call of the application, and what is left until then. */
export class Deadline {
  readonly #end: number
  readonly #limit: number

  /** @param limit How long the whole call may take, in milliseconds. */
  constructor(limit: number) {
    this.#limit = limit
    this.#end = performance.now() + limit
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
   * @throws {@link StoreError} of the last attempt.
   */
  async persist<T>(action: string, call: Call<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.call(action, call)
      } catch (error) {
        const lost = error instanceof StoreError && error.uncertain
        if (!lost || this.left <= PAUSE * failures) throw error
        await wait(PAUSE * failures * Math.random())
      }
    }
  }

  /**
   * Calls the store for one attempt.
   *
   * @throws {@link StoreError} that is uncertain if there was no answer in time.
   */
  async call<T>(action: string, call: Call<T>): Promise<T> {
    const timeout = this.attempt
    if (timeout === 0) throw new StoreError(action, 'the deadline has passed', { uncertain: false })
    let timer: NodeJS.Timeout | undefined
    const expired = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new StoreError(action, 'the store did not answer in time', { uncertain: true }))
      }, timeout)
    })
    const answer = Promise.resolve(call({ timeout }))
    // An answer that comes too late must not end the process.
    answer.catch(() => undefined)
    try {
      return await Promise.race([answer, expired])
    } finally {
      clearTimeout(timer)
    }
  }
}
