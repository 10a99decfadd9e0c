/**
 * Taking samples of several contenders in turn, so that whatever else the machine does meets all of
 * them alike.
 */

/** Samples of each contender by its name; those with the same index were taken in one round. */
export type Series<T> = Record<string, T[]>

/** Samples of one figure. */
export type Samples = Series<number>

/**
 * Takes one sample of each contender a round.
 *
 * @param options `warmUp`: how many rounds are run before those that count.
 */
export async function interleave<C extends { readonly name: string }, T>(
  contenders: readonly C[],
  { rounds, warmUp }: { rounds: number; warmUp: number },
  sample: (contender: C) => T | Promise<T>,
): Promise<Series<T>> {
  const series: Series<T> = Object.fromEntries(contenders.map(({ name }) => [name, []]))
  for (let round = -warmUp; round < rounds; round++) {
    for (const contender of shuffled(contenders)) {
      const taken = await sample(contender)
      if (round >= 0) series[contender.name]?.push(taken)
    }
  }
  return series
}

/** Any order: a contender leaves garbage to the next one, and that must not always be the same. */
function shuffled<T>(list: readonly T[]): T[] {
  const ranked = list.map(value => ({ value, rank: Math.random() }))
  return ranked.sort((a, b) => a.rank - b.rank).map(({ value }) => value)
}

/** One figure of samples that have several. */
export function figureOf<K extends string>(series: Series<Record<K, number>>, figure: K): Samples {
  const figures = Object.entries(series).map(([name, samples]) => {
    return [name, samples.map(sample => sample[figure])]
  })
  return Object.fromEntries(figures)
}

/** Adds samples of the same contenders that were taken in another process. */
export function addSamples(samples: Samples, others: Samples): void {
  for (const [name, taken] of Object.entries(others)) {
    const known = samples[name]
    if (known === undefined) samples[name] = [...taken]
    else known.push(...taken)
  }
}
