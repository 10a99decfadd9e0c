/**
 * A chart of what a commit costs over the size of the session, drawn from the results.
 */

import { differencings, trackings } from '../../spec/support/strategies.js'
import type { Size } from '../save/sessions.js'
import { SIZES } from '../save/sessions.js'
import { medianOf } from '../support/ratio.js'
import { printTime } from '../support/report.js'
import { combination, INCUMBENT } from './contenders.js'
import type { Results } from './report.js'
import { samplesFor } from './report.js'

const WIDTH = 760
const HEIGHT = 440
const FRAME = { left: 70, right: 250, top: 50, bottom: 50 }
const COLORS = ['#c2410c', '#b45309', '#0e7490', '#15803d']

interface Line {
  readonly name: string
  readonly color: string
  readonly dash: string
  readonly points: readonly number[]
}

/** Draws the cost of one change, for the eight combinations and the incumbent. */
export function drawChart(results: Results): string {
  const sizes = Object.keys(SIZES) as Size[]
  const costs = (name: string): number[] =>
    sizes.map(size => medianOf(samplesFor(results, size, 1), name))
  const lines: Line[] = [
    { name: 'express-session', color: '#6b7280', dash: '2 4', points: costs(INCUMBENT) },
    ...trackings.flatMap((tracking, index) =>
      differencings.map((differencing, turn): Line => {
        const name = combination(tracking, differencing)
        return {
          name,
          color: COLORS[index] as string,
          dash: turn === 0 ? '' : '7 4',
          points: costs(name),
        }
      }),
    ),
  ]
  const all = lines.flatMap(line => line.points)
  const [low, high] = [
    Math.floor(Math.log10(Math.min(...all))),
    Math.ceil(Math.log10(Math.max(...all))),
  ]
  const x = (index: number): number =>
    FRAME.left + (index * (WIDTH - FRAME.left - FRAME.right)) / (sizes.length - 1)
  const y = (cost: number): number => {
    const share = (Math.log10(cost) - low) / (high - low)
    return HEIGHT - FRAME.bottom - share * (HEIGHT - FRAME.top - FRAME.bottom)
  }
  const ticks = Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>What one changed number costs, over the size of the session</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
<text x="${FRAME.left}" y="26" font-size="15" fill="#111827">CPU time to open a session, change one number and make what is sent</text>
${ticks.map(tick => gridLine(y(tick), printTime(tick))).join('\n')}
${sizes.map((size, index) => `<text x="${x(index)}" y="${HEIGHT - 24}" text-anchor="middle" fill="#374151">${size}</text>`).join('\n')}
${lines.map(line => drawLine(line, x, y)).join('\n')}
${labelPlaces(lines, y)
  .map(({ line, top }) => drawLabel(line, x(sizes.length - 1), top))
  .join('\n')}
</svg>
`
}

function gridLine(top: number, label: string): string {
  return `<line x1="${FRAME.left}" x2="${WIDTH - FRAME.right}" y1="${top}" y2="${top}" stroke="#e5e7eb"/>
<text x="${FRAME.left - 8}" y="${top + 4}" text-anchor="end" fill="#374151">${label}</text>`
}

function drawLine(line: Line, x: (index: number) => number, y: (cost: number) => number): string {
  const points = line.points.map((cost, index) => `${x(index).toFixed(1)},${y(cost).toFixed(1)}`)
  return `<polyline fill="none" stroke="${line.color}" stroke-width="2" stroke-dasharray="${line.dash}" points="${points.join(' ')}"/>`
}

/** Where the labels go, so that none covers another. */
function labelPlaces(
  lines: readonly Line[],
  y: (cost: number) => number,
): { line: Line; top: number }[] {
  const sorted = lines.map(line => ({ line, top: y(line.points.at(-1) as number) }))
  sorted.sort((a, b) => a.top - b.top)
  sorted.forEach((label, index) => {
    const above = sorted[index - 1]
    if (above !== undefined) label.top = Math.max(label.top, above.top + 15)
  })
  return sorted
}

function drawLabel({ name, color }: Line, left: number, top: number): string {
  return `<text x="${left + 10}" y="${(top + 4).toFixed(1)}" fill="${color}">${name}</text>`
}
