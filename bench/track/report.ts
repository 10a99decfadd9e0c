/**
 * What the samples say: tables, and the targets that they are held against.
 */

import type { Samples } from '../support/interleave.js'
import { describeMachine } from '../support/machine.js'
import { medianOf, ratioOf } from '../support/ratio.js'
import type { Row } from '../support/report.js'
import { printCount, printRatio, printTime, table } from '../support/report.js'
import type { Figure } from '../support/targets.js'
import { printFigures } from '../support/targets.js'
import { arrayName, OPERATIONS } from './arrays.js'
import { nestedName, SIZES } from './nested.js'
import { BARE } from './reads.js'
import { dotset, mutative, trackers } from './trackers.js'

/** The questions, each with the samples of its contenders. */
export interface Results {
  readonly nested: Samples
  readonly reads: Samples
  readonly touch: Samples
  readonly arrays: Samples
}

/** The report as Markdown. */
export function printResults(results: Results): string {
  return [
    `${describeMachine()}; medians and ratios of ${pairsOf(results)} rounds, in brackets the 10th and the 90th percentile of the ratios.`,
    '### Targets',
    printFigures(figuresOf(results)),
    '### Wrap, write one number two levels down, take the modified subset',
    printNested(results.nested),
    '### Read four levels down, over proxies that exist already',
    printReads(results.reads, BARE),
    '### Wrap an array of 100,000 elements and read one of them',
    printReads(results.touch, mutative.name),
    '### Wrap an array of 1,000 objects, operate on it, take the modified subset',
    printArrays(results.arrays),
  ].join('\n\n')
}

/** The figures that have targets. */
export function figuresOf({ nested, reads, touch, arrays }: Results): Figure[] {
  const [small, middle, large] = SIZES.map(size => nestedName(dotset, size)) as [
    string,
    string,
    string,
  ]
  const flat = { goal: 1.3 }
  const time = { print: printTime, absolute: true }
  return [
    { what: 'nested write, 1,000 ÷ 10 nodes', measured: ratioOf(nested, middle, small), ...flat },
    { what: 'nested write, 100,000 ÷ 10 nodes', measured: ratioOf(nested, large, small), ...flat },
    {
      what: 'nested write, 1,000 nodes',
      measured: medianOf(nested, middle),
      limit: 2250,
      goal: 1500,
      ...time,
    },
    {
      what: 'nested read ÷ bare get trap',
      measured: ratioOf(reads, dotset.name, BARE),
      limit: 2.55,
      goal: 1.7,
    },
    {
      what: 'first touch of 100,000 elements',
      measured: medianOf(touch, dotset.name),
      limit: 15_000,
      goal: 10_000,
      ...time,
    },
    ...Object.keys(OPERATIONS).map(operation => ({
      what: `${operation} ÷ mutative`,
      measured: ratioOf(arrays, arrayName(dotset, operation), arrayName(mutative, operation)),
      goal: 1,
    })),
  ]
}

function printNested(samples: Samples): string {
  const rows = SIZES.map((size): Row => {
    const times = trackers.map(each => printTime(medianOf(samples, nestedName(each, size))))
    const ratio = ratioOf(samples, nestedName(dotset, size), nestedName(mutative, size))
    return [printCount(size), ...times, printRatio(ratio)]
  })
  return table(['nodes', ...trackers.map(each => each.name), 'dotset ÷ mutative'], rows)
}

function printReads(samples: Samples, reference: string): string {
  const rows = Object.keys(samples).map((name): Row => {
    const ratio = name === reference ? '1' : printRatio(ratioOf(samples, name, reference))
    return [name, printTime(medianOf(samples, name)), ratio]
  })
  return table(['', 'time', `÷ ${reference}`], rows)
}

function printArrays(samples: Samples): string {
  const rows = Object.keys(OPERATIONS).map((operation): Row => {
    const [own, theirs] = [arrayName(dotset, operation), arrayName(mutative, operation)]
    const times = trackers.map(each => printTime(medianOf(samples, arrayName(each, operation))))
    return [operation, ...times, printRatio(ratioOf(samples, own, theirs))]
  })
  return table(['operation', ...trackers.map(each => each.name), 'dotset ÷ mutative'], rows)
}

function pairsOf({ reads }: Results): number {
  return ratioOf(reads, dotset.name, BARE).pairs
}
