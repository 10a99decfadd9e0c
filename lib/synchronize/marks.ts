/**
 * What others replaced and moved since the last load, as their marks tell.
 *
 * @module
 */

import type { Mark } from '../document.js'
import { SHARED_LAYOUT } from '../document.js'
import type { Path } from '../path.js'
import { haveMemberInCommon, mayBeTheSame } from './kinship.js'
import type { Layout } from './layout.js'
import { hasOwnCounter, isFull } from './layout.js'

/** In a path to look up: any index, because elements changed their places since it was marked. */
export const ANY_INDEX = -1

/** What became of containers of the benchmark. */
export interface ForeignMarks {
  /** Whether the container at `path` was replaced or removed, and not only written into. */
  replaced(path: Path, before: object, now: object): boolean
  /** Whether elements of the array at `path` changed places or left. */
  moved(path: Path): boolean
}

/**
 * Prints a mark of what happened at `path`: `r` for replaced or removed, `m` for moved elements, `d` for
 * a default that was stored, with what was written below it.
 */
export function printMark(kind: 'r' | 'm' | 'd', path: Path): string {
  return kind + path.map(key => String(key).replaceAll('~', '~0').replaceAll('.', '~1')).join('.')
}

/**
 * Reads the marks that others left.
 *
 * @param marks All marks of the document, oldest first.
 * @param seen Whose marks are known already: those of the last load, and one's own.
 * @param own One's own: what they replaced is not what others made of it before.
 * @param before The counters as they were at the last load, one's own commits included.
 * @param now The counters of the document.
 */
export function readMarks(
  marks: readonly Mark[],
  seen: ReadonlySet<bigint>,
  own: ReadonlySet<bigint>,
  before: Layout,
  now: Layout,
): ForeignMarks {
  let foreign: string[] = []
  /** By counter, how many of the commits that raised it left a mark that is still there. */
  const told = new Map<string, number>()
  for (const { by, at } of marks) {
    if (own.has(by)) {
      const replaced = at.filter(mark => mark.startsWith('r')).map(mark => mark.slice(1))
      foreign = foreign.filter(mark => !replaced.some(path => isBelow(mark.slice(1), path)))
    } else if (!seen.has(by)) {
      foreign.push(...at)
      const counters = at.map(mark => counterOf(attributeOf(mark), now))
      for (const counter of new Set(counters)) told.set(counter, (told.get(counter) ?? 0) + 1)
    }
  }
  const known = new Set(foreign)
  const untold = (counter: string): boolean => {
    const raised = (now.get(counter) ?? 0) - (before.get(counter) ?? 0)
    return raised > (told.get(counter) ?? 0)
  }
  // Only the latest marks are kept. Where some are missing, the values have to tell.
  const incomplete = ([attribute]: Path): boolean => {
    const name = String(attribute)
    const shares = counterOf(name, now) === SHARED_LAYOUT || isFull(now)
    return (hasOwnCounter(name) && untold(name)) || (shares && untold(SHARED_LAYOUT))
  }
  const names = (kind: 'r' | 'm', path: Path): boolean => {
    if (!path.includes(ANY_INDEX)) return known.has(printMark(kind, path))
    const pattern = printMark(kind, path).split('.')
    return foreign.some(mark => fitsPattern(mark.split('.'), pattern))
  }
  return {
    replaced(path, before, now) {
      if (names('r', path)) {
        // Such a mark may mean another element.
        return !path.includes(ANY_INDEX) || !haveMemberInCommon(before, now)
      }
      return incomplete(path) && !mayBeTheSame(before, now)
    },
    moved: path => names('m', path) || incomplete(path),
  }
}

/** The counter that tells how often `attribute` was raised, for all that `layout` shows. */
const counterOf = (attribute: string, layout: Layout): string =>
  hasOwnCounter(attribute) && layout.has(attribute) ? attribute : SHARED_LAYOUT

const fitsPattern = (mark: readonly string[], pattern: readonly string[]): boolean =>
  mark.length === pattern.length &&
  pattern.every((part, depth) => part === String(ANY_INDEX) || part === mark[depth])

const isBelow = (path: string, parent: string): boolean =>
  path === parent || path.startsWith(`${parent}.`)

const attributeOf = (mark: string): string => {
  const [attribute] = mark.slice(1).split('.') as [string]
  return attribute.replaceAll('~1', '.').replaceAll('~0', '~')
}
