/**
 * Properties: checked often where one asks for it (`RUNS=10000`), and reported with their cause.
 */

import fc from 'fast-check'

/**
 * Checks a property.
 *
 * @param runs How many examples are tried; the environment variable `RUNS` overrides it, and `SEED`
 *   repeats a run.
 */
export async function holds(
  property: fc.IRawProperty<unknown, boolean>,
  runs: number,
): Promise<void> {
  const { RUNS, SEED } = process.env
  const seed = SEED === undefined ? {} : { seed: Number(SEED) }
  try {
    await fc.assert(property, { numRuns: Number(RUNS ?? runs), ...seed })
  } catch (error) {
    const { message, cause } = error as Error
    throw new Error(`${message}\n\n${(cause as Error | undefined)?.stack ?? ''}`)
  }
}
