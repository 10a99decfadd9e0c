/**
 * What the samples say: a table, and the targets.
 */

import type { Size } from '../save/sessions.js'
import type { Samples } from '../support/interleave.js'
import { describeMachine } from '../support/machine.js'
import { medianOf, ratioOf } from '../support/ratio.js'
import type { Row } from '../support/report.js'
import { printFactor, printRatio, printTime, table } from '../support/report.js'
import type { Figure } from '../support/targets.js'
import { printFigures } from '../support/targets.js'
import { ALL, DRIVER, ONE } from './contenders.js'

/** What was measured for one size. */
export interface Result {
  readonly size: Size
  readonly samples: Samples
  /** What an open session holds, as a multiple of its raw bytes. */
  readonly memory: number
}

/** All of it. */
export type Results = Result[]

/** The report as Markdown. */
export function printResults(results: Results): string {
  const [first] = results as [Result]
  const { pairs } = ratioOf(first.samples, ONE, DRIVER)
  const rows = results.map(({ size, samples, memory }): Row => {
    const times = [ONE, ALL, DRIVER].map(name => printTime(medianOf(samples, name)))
    const ratios = [ONE, ALL].map(name => printRatio(ratioOf(samples, name, DRIVER)))
    return [size, ...times, ...ratios, printFactor(memory)]
  })
  const head = ['', ONE, ALL, DRIVER, 'one ÷ driver', 'all ÷ driver', 'memory ÷ raw bytes']
  return [
    `${describeMachine()}; medians of ${pairs} rounds, in brackets the 10th and the 90th percentile of the ratios.`,
    printFigures(figuresOf(results)),
    table(head, rows),
  ].join('\n\n')
}

/** The figures that have targets. */
export function figuresOf(results: Results): Figure[] {
  const found = results.find(({ size }) => size === '100 KB') as Result
  return [
    {
      what: 'open and read one attribute ÷ driver’s decode, 100 KB',
      measured: ratioOf(found.samples, ONE, DRIVER),
      goal: 0.2,
    },
    { what: 'memory of an open session ÷ raw bytes, 100 KB', measured: found.memory, goal: 1.2 },
  ]
}
