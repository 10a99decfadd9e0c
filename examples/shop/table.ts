/**
 * A table for the terminal.
 */

type Cell = string | number

/** Prints rows under a header; numbers stand to the right. */
export function printTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [header, ...rows].map(row => row.map(printCell))
  const widths = header.map((_, column) => Math.max(...lines.map(line => length(line, column))))
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map(width => '─'.repeat(width + 2)).join(middle) + right
  const [head, ...body] = lines.map(line => {
    const cells = line.map((cell, column) => pad(cell, widths[column] ?? 0, column > 0))
    return `│ ${cells.join(' │ ')} │`
  })
  return [rule('┌', '┬', '┐'), head, rule('├', '┼', '┤'), ...body, rule('└', '┴', '┘')].join('\n')
}

const printCell = (cell: Cell): string =>
  typeof cell === 'number' ? cell.toLocaleString('en') : cell

const length = (line: readonly string[], column: number): number => line[column]?.length ?? 0

const pad = (cell: string, width: number, right: boolean): string =>
  right ? cell.padStart(width) : cell.padEnd(width)
