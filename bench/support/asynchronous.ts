/**
 * Timing work that is awaited, in processor time: each sample is as many calls, one after another, as take some time.
 */

import type { Samples } from './interleave.js'
import { interleave } from './interleave.js'

/** Work to be timed. */
export interface AsyncWork {
  readonly name: string
  /** Does it once. */
  run(): unknown
}

/** How long one sample takes at least, in nanoseconds. */
const SAMPLE = 10e6

/** Samples of each work, in nanoseconds a call. */
export async function measureAsync(works: readonly AsyncWork[], rounds: number): Promise<Samples> {
  const counts = new Map<AsyncWork, number>()
  for (const work of works) counts.set(work, await calibrate(work))
  return interleave(works, { rounds, warmUp: 2 }, async work => {
    const count = counts.get(work) as number
    return (await time(work, count)) / count
  })
}

async function calibrate(work: AsyncWork): Promise<number> {
  let [count, elapsed] = [1, 0]
  for (let warmed = 0; warmed < 5 * SAMPLE; warmed += elapsed) {
    elapsed = await time(work, count)
    if (elapsed < SAMPLE) count *= 2
  }
  return Math.max(1, Math.round((count * SAMPLE) / elapsed))
}

/** The processor time of so many calls, in nanoseconds: what else the machine does is not in it. */
async function time(work: AsyncWork, count: number): Promise<number> {
  const start = process.cpuUsage()
  for (let call = 0; call < count; call++) await work.run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) * 1000
}
