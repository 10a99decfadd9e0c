/**
 * What others replaced and moved since the last load, as their marks tell.
 *
 * @module
 */

import type { Mark } from '../document.js'
import type { Path } from '../path.js'

/** In a path to look up: any index, because elements changed their places since it was marked. */
export const ANY_INDEX = -1

/** What became of containers of the benchmark. */
export interface ForeignMarks {
  /** Whether the container at `path` was replaced or removed, and not only written into. */
  replaced(path: Path, before: object, now: object): boolean
  /** Whether elements of the array at `path` changed places or left. */
  moved(path: Path): boolean
}

/** Prints a mark of what happened at `path`: `r` for replaced or removed, `m` for moved elements. */
export function printMark(kind: 'r' | 'm', path: Path): string {
  return kind + path.map(key => String(key).replaceAll('~', '~0').replaceAll('.', '~1')).join('.')
}

/**
 * Reads the marks that others left.
 *
 * @param marks All marks of the document, oldest first.
 * @param seen Whose marks are known already: those of the last load, and one's own.
 * @param own One's own: what they replaced is not what others made of it before.
 * @param raised How often others raised the layout of an attribute.
 */
export function readMarks(
  marks: readonly Mark[],
  seen: ReadonlySet<bigint>,
  own: ReadonlySet<bigint>,
  raised: (attribute: string) => number,
): ForeignMarks {
  let foreign: string[] = []
  const told = new Map<string, number>()
  for (const { by, at } of marks) {
    if (own.has(by)) {
      const replaced = at.filter(mark => mark.startsWith('r')).map(mark => mark.slice(1))
      foreign = foreign.filter(mark => !replaced.some(path => isBelow(mark.slice(1), path)))
    } else if (!seen.has(by)) {
      foreign.push(...at)
      for (const name of new Set(at.map(attributeOf))) told.set(name, (told.get(name) ?? 0) + 1)
    }
  }
  const known = new Set(foreign)
  // Only the latest marks are kept. Where some are missing, the values have to tell.
  const incomplete = (path: Path): boolean => {
    const attribute = printMark('r', path.slice(0, 1)).slice(1)
    return raised(String(path[0])) > (told.get(attribute) ?? 0)
  }
  const names = (kind: 'r' | 'm', path: Path): boolean => {
    if (!path.includes(ANY_INDEX)) return known.has(printMark(kind, path))
    const pattern = printMark(kind, path).split('.')
    return foreign.some(mark => fitsPattern(mark.split('.'), pattern))
  }
  return {
    replaced(path, before, now) {
      const named = names('r', path)
      // A mark that may mean another element, or marks that are not all there: the values tell.
      if (path.includes(ANY_INDEX) || (!named && incomplete(path))) {
        return (named || incomplete(path)) && !haveMemberInCommon(before, now)
      }
      return named
    },
    moved: path => names('m', path) || incomplete(path),
  }
}

const fitsPattern = (mark: readonly string[], pattern: readonly string[]): boolean =>
  mark.length === pattern.length &&
  pattern.every((part, depth) => part === String(ANY_INDEX) || part === mark[depth])

const isBelow = (path: string, parent: string): boolean =>
  path === parent || path.startsWith(`${parent}.`)

const attributeOf = (mark: string): string => mark.slice(1).split('.')[0] as string

/** Whether a member shows that `now` was made of `before`; an id alone does not. */
function haveMemberInCommon(before: object, now: object): boolean {
  const members = new Map(Object.entries(now))
  return Object.entries(before).some(([key, value]) => {
    if (key === 'id' || key === '_id' || typeof value === 'object') return false
    return Object.is(members.get(key), value)
  })
}
