/**
 * What opening a session costs, beside the driver's own decoding of the same document.
 *
 * `npm run bench:open` measures and writes docs/benchmarks.md; with `-- --quick` it measures shortly
 * and only prints; with `-- --check` it fails if a figure is missed.
 */

import { parseArgs } from 'node:util'
import { contenders } from './open/contenders.js'
import { measureMemory } from './open/memory.js'
import type { Results } from './open/report.js'
import { figuresOf, printResults } from './open/report.js'
import type { Size } from './save/sessions.js'
import { createData, SIZES } from './save/sessions.js'
import { measureAsync } from './support/asynchronous.js'
import { runInFreshProcess } from './support/processes.js'
import { writeBlock } from './support/report.js'
import { missedLimits } from './support/targets.js'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    memory: { type: 'string' },
  },
})

if (flags.memory !== undefined) process.send?.(await measureMemory(flags.memory as Size))
else await compare()

async function compare(): Promise<void> {
  const results: Results = []
  for (const size of Object.keys(SIZES) as Size[]) {
    const samples = await measureAsync(await contenders(createData(size)), flags.quick ? 5 : 25)
    const memory = await runInFreshProcess(import.meta.filename, [`--memory=${size}`])
    results.push({ size, samples, memory: memory as number })
  }
  const text = printResults(results)
  console.log(text)
  if (!flags.quick)
    await writeBlock(new URL('../docs/benchmarks.md', import.meta.url), 'open', text)
  if (!flags.check) return
  const missed = missedLimits(figuresOf(results))
  for (const line of missed) console.error(`missed: ${line}`)
  if (missed.length > 0) process.exitCode = 1
}
