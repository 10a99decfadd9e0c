/**
 * Noticing writes that miss the session: to an object that was assigned to it and committed since.
 *
 * @module
 */

import type { Path } from '../path.js'
import { printPath } from '../path.js'
import { equalLeaves } from '../state/equal.js'
import type { Tree } from '../state/node.js'
import { nodeOf } from '../state/node.js'
import type { Container } from '../state/value.js'
import { containerKind, copyLeaf } from '../state/value.js'

/** An object of the caller, as a commit imported it. */
export interface Imported {
  readonly path: Path
  readonly value: object
  readonly copy: unknown
}

/** The places that were warned of, in the whole process: each once. */
const warned = new Set<string>()

/** Whether it is worth the effort: only while somebody develops. */
const isDevelopment = (): boolean => process.env.NODE_ENV !== 'production'

/** Remembers what was imported, while somebody develops. */
export function remember(imported: Imported[], path: Path, value: object): void {
  if (isDevelopment()) imported.push({ path, value, copy: copyOwn(value) })
}

/** Warns of each imported object that was changed since by its owner, once. */
export function warnOfStrays(tree: Tree, imported: Imported[]): void {
  for (const { path, value, copy } of imported.splice(0)) {
    const place = printPath(path)
    // What was assigned once more is read once more.
    if (warned.has(place) || tree.adopted?.has(value) || isAsBefore(copy, value)) continue
    warned.add(place)
    process.emitWarning(`An object was changed after it had been committed at ${place}`, {
      code: 'DOTSET_STRAY_WRITE',
      detail: 'The session has a copy of it since then. Change it through session.data instead.',
    })
  }
}

/** A copy of what its owner sees. Handles in it stand for themselves: the session knows of them. */
function copyOwn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || nodeOf(value) !== undefined) return value
  const kind = containerKind(value)
  if (kind === undefined) return copyLeaf(value)
  const members = membersOf(value as Container).map(([key, member]) => [key, copyOwn(member)])
  if (kind === 'object') return Object.fromEntries(members)
  if (kind === 'map') return new Map(members as [unknown, unknown][])
  const elements = members.map(([, member]) => member)
  return kind === 'set' ? new Set(elements) : elements
}

/** Whether `value` is what it was when it was copied. It goes no deeper than the copy does. */
function isAsBefore(copy: unknown, value: unknown): boolean {
  if (Object.is(copy, value)) return true
  if (typeof copy !== 'object' || copy === null) return false
  if (typeof value !== 'object' || value === null) return false
  const kind = containerKind(value)
  if (kind !== containerKind(copy)) return false
  if (kind === undefined) return equalLeaves(copy, value)
  const [before, now] = [membersOf(copy as Container), membersOf(value as Container)]
  return (
    before.length === now.length &&
    before.every(([key, member], at) => key === now[at]?.[0] && isAsBefore(member, now[at]?.[1]))
  )
}

function membersOf(container: Container): [key: unknown, member: unknown][] {
  if (container instanceof Map) return [...container]
  if (container instanceof Set) return [...[...container].entries()]
  return Array.isArray(container) ? [...container.entries()] : Object.entries(container)
}
