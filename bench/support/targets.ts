/**
 * Figures and what they have to reach.
 */

import type { Ratio } from './ratio.js'
import { printFactor, printRatio, table } from './report.js'

/** A figure with its target. */
export interface Figure {
  readonly what: string
  readonly measured: Ratio | number
  /** What we want to reach. */
  readonly goal: number
  /** What must be kept already; not given if that is the goal. */
  readonly limit?: number
  /** Whether more is better; otherwise less is. */
  readonly atLeast?: boolean
  /** Prints a figure that is no ratio. */
  readonly print?: (value: number) => string
  /** Whether it depends on the machine, so that no other machine can be held to it. */
  readonly absolute?: boolean
}

const numberOf = ({ measured }: Figure): number =>
  typeof measured === 'number' ? measured : measured.median

const isWithin = (figure: Figure, bound: number): boolean =>
  figure.atLeast === true ? numberOf(figure) >= bound : numberOf(figure) <= bound

const printed = ({ measured, print = printFactor }: Figure): string =>
  typeof measured === 'number' ? print(measured) : printRatio(measured)

/** A table of figures with their targets. */
export function printFigures(figures: readonly Figure[]): string {
  const limited = figures.some(({ limit }) => limit !== undefined)
  const rows = figures.map(figure => {
    const { what, goal, limit = goal, atLeast = false, print = printFactor } = figure
    const bounds = (limited ? [limit, goal] : [goal]).map(bound => {
      return `${atLeast ? '≥' : '≤'} ${print(bound)}`
    })
    const kept = isWithin(figure, limit) ? 'within the limit' : '**missed**'
    const verdict = isWithin(figure, goal) ? 'reached' : kept
    return [what, printed(figure), ...bounds, verdict]
  })
  return table(['figure', 'measured', ...(limited ? ['limit'] : []), 'goal', ''], rows)
}

/** Says which figures miss their limits, of those that any machine can be held to. */
export function missedLimits(figures: readonly Figure[]): string[] {
  return figures.flatMap(figure => {
    const { what, goal, limit = goal, absolute = false, print = printFactor } = figure
    if (absolute || isWithin(figure, limit)) return []
    return [`${what} is ${printed(figure)}, the limit is ${print(limit)}`]
  })
}
