/**
 * Calls of one session that run one after another.
 *
 * @module
 */

/** Lets calls take turns. */
export class Turns {
  /** The end of the last call, however it ends. */
  last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** Runs `call` once all earlier ones have ended; at once, if there is none. */
  run<R>(call: () => Promise<R>): Promise<R> {
    const turn = async (): Promise<R> => {
      try {
        return await call()
      } finally {
        this.#waiting--
      }
    }
    const result = this.#waiting++ === 0 ? turn() : this.last.then(turn)
    this.last = result.catch(() => undefined)
    return result
  }
}
