/**
 * What finding the modified subset costs: the eight combinations of tracking and differencing, beside
 * what other libraries do.
 *
 * `npm run bench:difference` measures, writes docs/benchmarks.md and draws docs/choosing.svg; with
 * `-- --quick` it measures shortly and only prints; with `-- --check` it fails if a figure is missed.
 */

import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { drawChart } from './difference/chart.js'
import { CHANGES, contenders } from './difference/contenders.js'
import type { Results } from './difference/report.js'
import { figuresOf, printResults } from './difference/report.js'
import type { Size } from './save/sessions.js'
import { createData, SIZES } from './save/sessions.js'
import { measureAsync } from './support/asynchronous.js'
import { writeBlock } from './support/report.js'
import { missedLimits } from './support/targets.js'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const rounds = flags.quick ? 5 : 15

const results: Results = []
for (const size of Object.keys(SIZES) as Size[]) {
  const data = createData(size)
  for (const changes of CHANGES) {
    const samples = await measureAsync(await contenders(data, changes), rounds)
    results.push({ size, changes, samples })
  }
}
const text = printResults(results)
console.log(text)
if (!flags.quick) {
  await writeBlock(new URL('../docs/benchmarks.md', import.meta.url), 'difference', text)
  await writeFile(new URL('../docs/choosing.svg', import.meta.url), drawChart(results))
}
if (flags.check) {
  const missed = missedLimits(figuresOf(results))
  for (const line of missed) console.error(`missed: ${line}`)
  if (missed.length > 0) process.exitCode = 1
}
