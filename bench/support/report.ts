/**
 * Reports: tables of figures, printed, and written into a document between two marks.
 */

import { readFile, writeFile } from 'node:fs/promises'
import type { Ratio } from './ratio.js'

/** A line of a Markdown table. */
export type Row = readonly string[]

/** A Markdown table; all columns but the first are numbers. */
export function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'))
  return [head, rule, ...rows].map(line).join('\n')
}

/** A ratio with its interval: `1.25 (1.20–1.31)`. */
export function printRatio({ median, low, high }: Ratio): string {
  return `${printFactor(median)} (${printFactor(low)}–${printFactor(high)})`
}

/** `0.043`, `1.25`, `15.6`, `320`. */
export function printFactor(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 0.1 ? value.toPrecision(3) : value.toFixed(3)
}

/** A time given in nanoseconds: `85.1 ns`, `1.53 µs`, `2.40 ms`. */
export function printTime(nanoseconds: number): string {
  const units = ['ns', 'µs', 'ms', 's']
  const unit = Math.min(Math.max(Math.floor(Math.log10(nanoseconds) / 3), 0), 3)
  return `${printFactor(nanoseconds / 1000 ** unit)} ${units[unit]}`
}

/** A count: `1,250`. */
export const printCount = (count: number): string => Math.round(count).toLocaleString('en-US')

/** A number of bytes: `1,250 B`. */
export const printBytes = (bytes: number): string => `${printCount(bytes)} B`

/** Writes `text` between the marks of `block` in a document; what is around it stays. */
export async function writeBlock(file: URL, block: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${block}: begin -->`, `<!-- ${block}: end -->`]
  const document = await readFile(file, 'utf8')
  const [start, stop] = [document.indexOf(begin), document.indexOf(end)]
  if (start < 0 || stop < start) throw new Error(`${file.pathname} has no block ${block}`)
  const before = document.slice(0, start + begin.length)
  await writeFile(file, `${before}\n${text}\n${document.slice(stop)}`)
}
