/**
 * What the samples say: tables, and the targets that they are held against.
 */

import type { Samples } from '../support/interleave.js'
import { describeMachine } from '../support/machine.js'
import { medianOf, quantile, ratioOf } from '../support/ratio.js'
import type { Row } from '../support/report.js'
import { printBytes, printCount, printFactor, printRatio, table } from '../support/report.js'
import type { Figure } from '../support/targets.js'
import { printFigures } from '../support/targets.js'
import type { SaveBytes } from './bytes.js'
import type { Size } from './sessions.js'
import { IN_CART } from './sessions.js'
import type { Throughput } from './throughput.js'

/** All that was measured. */
export interface Results {
  readonly server: string
  readonly bytes: readonly SaveBytes[]
  readonly throughput: readonly Throughput[]
}

const [OWN, BY_HAND, INCUMBENT] = ['dotset', 'by hand', 'connect-mongo'] as const

/** The report as Markdown. */
export function printResults(results: Results): string {
  const { server, bytes, throughput } = results
  const rounds = throughput[0]?.elapsed[OWN]?.length
  return [
    `${describeMachine()}, MongoDB ${server} on the same machine; medians and ratios of ${rounds} rounds, in brackets the 10th and the 90th percentile of the ratios.`,
    '### Targets',
    printFigures(figuresOf(results)),
    '### Bytes of one save: sent, and written to the oplog',
    printBytesOf(bytes),
    '### Requests a second: load, change one number, save',
    printRequests(throughput),
    '### CPU of the application server for one request, in milliseconds',
    printCpu(throughput),
  ].join('\n\n')
}

/** The figures that have targets. */
export function figuresOf({ bytes, throughput }: Results): Figure[] {
  const most = (figure: 'sent' | 'oplog', share: number): number =>
    Math.max(...bytes.map(each => quantile(each[figure][OWN] ?? [], share)))
  const count = { print: printBytes }
  return [
    { what: 'sent by a save, median', measured: most('sent', 0.5), goal: 650, ...count },
    { what: 'sent by a save, at most', measured: most('sent', 1), goal: 650, ...count },
    { what: 'in the oplog, median', measured: most('oplog', 0.5), goal: 560, ...count },
    { what: 'in the oplog, at most', measured: most('oplog', 1), goal: 560, ...count },
    ...TARGETS.flatMap(([size, concurrency, reference, goal]): Figure[] => {
      const found = throughput.find(each => {
        return each.size === size && each.concurrency === concurrency && each.place === IN_CART
      })
      if (found === undefined) return []
      const what = `requests a second, ${size}, ${concurrency} at a time, ÷ ${reference}`
      return [{ what, measured: speedUp(found.elapsed, reference), goal, ...TIMED }]
    }),
  ]
}

const TIMED = { atLeast: true, absolute: true }

const TARGETS: readonly [Size, number, string, goal: number][] = [
  ['1 KB', 1, BY_HAND, 1],
  ['100 KB', 1, BY_HAND, 1.3],
  ['10 KB', 32, BY_HAND, 2],
  ['10 KB', 256, BY_HAND, 3],
  ['10 KB', 32, INCUMBENT, 2.5],
  ['10 KB', 256, INCUMBENT, 2.5],
  ['100 KB', 32, INCUMBENT, 5],
  ['100 KB', 256, INCUMBENT, 5],
]

/** How many times as many requests dotset finishes as another. */
const speedUp = (elapsed: Samples, reference: string) => ratioOf(elapsed, reference, OWN)

function printBytesOf(bytes: readonly SaveBytes[]): string {
  const names = Object.keys(bytes[0]?.sent ?? {})
  const rows = bytes.map(({ size, sent, oplog }): Row => {
    const cells = names.map(name => {
      return `${printCount(medianOf(sent, name))} / ${printCount(medianOf(oplog, name))}`
    })
    return [size, ...cells]
  })
  return table(['session', ...names], rows)
}

function printRequests(throughput: readonly Throughput[]): string {
  const names = Object.keys(throughput[0]?.elapsed ?? {})
  const rows = throughput.map((each): Row => {
    const counts = names.map(name => printCount(1000 / medianOf(each.elapsed, name)))
    const ratios = [BY_HAND, INCUMBENT].map(name => printRatio(speedUp(each.elapsed, name)))
    return [...placeOf(each), ...counts, ...ratios]
  })
  const ratios = [BY_HAND, INCUMBENT].map(name => `dotset ÷ ${name}`)
  return table(['session', 'at a time', ...names, ...ratios], rows)
}

function printCpu(throughput: readonly Throughput[]): string {
  const names = Object.keys(throughput[0]?.cpu ?? {})
  const rows = throughput.map((each): Row => {
    const times = names.map(name => printFactor(medianOf(each.cpu, name)))
    const ratios = [BY_HAND, INCUMBENT].map(name => printRatio(ratioOf(each.cpu, OWN, name)))
    return [...placeOf(each), ...times, ...ratios]
  })
  const ratios = [BY_HAND, INCUMBENT].map(name => `dotset ÷ ${name}`)
  return table(['session', 'at a time', ...names, ...ratios], rows)
}

const placeOf = ({ size, concurrency, place }: Throughput): [string, string] => [
  place === IN_CART ? size : `${size}, in its large attribute`,
  String(concurrency),
]
