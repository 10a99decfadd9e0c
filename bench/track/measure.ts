/**
 * Timing short synchronous work by what it costs the processor: each sample is as many calls as cost a
 * millisecond, so that the first of them, after other work, weighs little.
 */

import { interleave, type Samples } from '../support/interleave.js'

/** Work to be timed. */
export interface Work {
  readonly name: string
  /** Does it once. What it returns is kept, so that no compiler drops the work. */
  run(): unknown
  /** How many times `run` does what is reported; default 1. */
  readonly times?: number
}

/** How long one sample takes, about, in nanoseconds. */
const SAMPLE = 1e6

/** How long work runs before it is timed, in nanoseconds. */
const WARM_UP = 50e6

/** What was computed last. */
export let kept: unknown

/** Samples of each work in nanoseconds a time. */
export async function measure(works: readonly Work[], rounds: number): Promise<Samples> {
  const counts = new Map(works.map(work => [work, calibrate(work)]))
  return interleave(works, { rounds, warmUp: 3 }, work => {
    const count = counts.get(work) as number
    return time(work, count) / (count * (work.times ?? 1))
  })
}

/** How many calls make a sample: found by doubling, which warms them up, too. */
function calibrate(work: Work): number {
  let [count, elapsed] = [1, 0]
  for (let warmed = 0; warmed < WARM_UP; warmed += elapsed) {
    elapsed = time(work, count)
    if (elapsed < SAMPLE) count *= 2
  }
  return Math.max(1, Math.round((count * SAMPLE) / elapsed))
}

/** What `count` calls cost the processor, in nanoseconds: nothing else that runs is in it. */
function time(work: Work, count: number): number {
  const start = process.cpuUsage()
  for (let call = 0; call < count; call++) kept = work.run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) * 1e3
}
