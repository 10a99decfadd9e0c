/**
 * What the samples say: a table for each number of changes, and the targets.
 */

import type { Size } from '../save/sessions.js'
import { SIZES } from '../save/sessions.js'
import type { Samples } from '../support/interleave.js'
import { describeMachine } from '../support/machine.js'
import { medianOf, ratioOf } from '../support/ratio.js'
import type { Row } from '../support/report.js'
import { printRatio, printTime, table } from '../support/report.js'
import type { Figure } from '../support/targets.js'
import { printFigures } from '../support/targets.js'
import { CHANGES, combination, INCUMBENT } from './contenders.js'

/** The samples for one size and one number of changes. */
export interface Result {
  readonly size: Size
  readonly changes: number
  readonly samples: Samples
}

/** All of them. */
export type Results = Result[]

/** Finds the samples for one size and one number of changes. */
export function samplesFor(results: Results, size: Size, changes: number): Samples {
  const found = results.find(each => each.size === size && each.changes === changes)
  if (found === undefined) throw new Error(`there are no samples for ${size}`)
  return found.samples
}

/** The report as Markdown. */
export function printResults(results: Results): string {
  const rounds = ratioOf(samplesFor(results, '1 KB', 0), INCUMBENT, INCUMBENT).pairs
  return [
    `${describeMachine()}; medians of ${rounds} rounds, in brackets the 10th and the 90th percentile of the ratios.`,
    '### Targets of the comparison',
    printFigures(figuresOf(results)),
    ...CHANGES.flatMap(changes => [
      `### Open, change ${changes} numbers, make what is sent`,
      printTimes(results, changes),
    ]),
  ].join('\n\n')
}

/** The figures that have targets. */
export function figuresOf(results: Results): Figure[] {
  const samples = samplesFor(results, '100 KB', 1)
  return [
    {
      what: 'none × binary ÷ express-session, 100 KB, one change',
      measured: ratioOf(samples, combination('none', 'binary'), INCUMBENT),
      goal: 1,
    },
    {
      what: 'express-session ÷ writes × graph, 100 KB, one change',
      measured: ratioOf(samples, INCUMBENT, combination('writes', 'graph')),
      goal: 20,
      atLeast: true,
    },
  ]
}

function printTimes(results: Results, changes: number): string {
  const sizes = Object.keys(SIZES) as Size[]
  const names = Object.keys(samplesFor(results, '1 KB', changes))
  const rows = names.map((name): Row => {
    const times = sizes.map(size => printTime(medianOf(samplesFor(results, size, changes), name)))
    const ratio = ratioOf(samplesFor(results, '100 KB', changes), name, INCUMBENT)
    return [name, ...times, printRatio(ratio)]
  })
  return table(['', ...sizes, '÷ express-session at 100 KB'], rows)
}
