/**
 * Comparing samples: a ratio for each round, the median of them, and their spread.
 */

import type { Samples } from './interleave.js'

/** How many times one contender's figure is another's. */
export interface Ratio {
  readonly median: number
  /** The 10th percentile of the ratios of the rounds. */
  readonly low: number
  /** The 90th percentile. */
  readonly high: number
  /** How many rounds there were. */
  readonly pairs: number
}

/** The ratio of `name` to `reference`, round by round. */
export function ratioOf(samples: Samples, name: string, reference: string): Ratio {
  const references = samplesOf(samples, reference)
  const ratios = samplesOf(samples, name).map((sample, round) => {
    return sample / (references[round] as number)
  })
  const [median, low, high] = [0.5, 0.1, 0.9].map(share => quantile(ratios, share))
  return { median, low, high, pairs: ratios.length } as Ratio
}

/** The median of what was measured for `name`. */
export function medianOf(samples: Samples, name: string): number {
  return quantile(samplesOf(samples, name), 0.5)
}

/** Interpolates between the two values that are nearest to `share` of them all. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const [below, above] = [Math.floor(position), Math.ceil(position)].map(at => sorted[at] as number)
  return (below as number) + ((above as number) - (below as number)) * (position % 1)
}

function samplesOf(samples: Samples, name: string): number[] {
  const found = samples[name]
  if (found === undefined) throw new Error(`there are no samples of ${name}`)
  return found
}
