/**
 * What tracking costs: dotset beside immer, mutative and a proxy that does nothing.
 *
 * `npm run bench:track` measures and writes docs/benchmarks.md; with `-- --quick` it measures shortly
 * and only prints; with `-- --check` it fails if a ratio is above its limit.
 */

import { parseArgs } from 'node:util'
import type { Samples } from './support/interleave.js'
import { addSamples } from './support/interleave.js'
import { runInFreshProcess } from './support/processes.js'
import { writeBlock } from './support/report.js'
import { missedLimits } from './support/targets.js'
import { arrayWorks } from './track/arrays.js'
import type { Work } from './track/measure.js'
import { measure } from './track/measure.js'
import { nestedWrites } from './track/nested.js'
import { firstTouches, nestedReads } from './track/reads.js'
import type { Results } from './track/report.js'
import { figuresOf, printResults } from './track/report.js'
import { season } from './track/season.js'

const QUESTIONS: Record<keyof Results, () => Work[]> = {
  nested: nestedWrites,
  reads: nestedReads,
  touch: firstTouches,
  arrays: arrayWorks,
}

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    question: { type: 'string' },
  },
})
const { rounds, passes } = flags.quick ? { rounds: 15, passes: 1 } : { rounds: 45, passes: 5 }

if (flags.question === undefined) await compare()
else await answer(flags.question as keyof Results)

/** Asks each question in several fresh processes: how code is compiled differs from one to the next. */
async function compare(): Promise<void> {
  const results: Record<keyof Results, Samples> = { nested: {}, reads: {}, touch: {}, arrays: {} }
  for (let pass = 0; pass < passes; pass++) {
    for (const question of Object.keys(QUESTIONS) as (keyof Results)[]) {
      const parameters = [`--question=${question}`, ...(flags.quick ? ['--quick'] : [])]
      const samples = await runInFreshProcess(import.meta.filename, parameters)
      addSamples(results[question], samples as Samples)
    }
  }
  const text = printResults(results)
  console.log(text)
  if (!flags.quick)
    await writeBlock(new URL('../docs/benchmarks.md', import.meta.url), 'track', text)
  if (!flags.check) return
  const missed = missedLimits(figuresOf(results))
  for (const line of missed) console.error(`missed: ${line}`)
  if (missed.length > 0) process.exitCode = 1
}

/** Answers one question, in this process. */
async function answer(question: keyof Results): Promise<void> {
  season()
  process.send?.(await measure(QUESTIONS[question](), rounds))
}
