/**
 * Noticing writes that miss the session: to an object that was assigned to it and committed since.
 *
 * @module
 */

import type { Path } from '../path.js'
import { printPath } from '../path.js'
import { copyValue } from '../state/copy.js'
import { equalsItem } from '../state/equal.js'
import type { Tree } from '../state/node.js'

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
export function remember(imported: Imported[], path: Path, value: object, tree: Tree): void {
  if (isDevelopment()) imported.push({ path, value, copy: copyValue(value, tree) })
}

/** Warns of each imported object that was changed since by its owner, once. */
export function warnOfStrays(tree: Tree, imported: Imported[]): void {
  for (const { path, value, copy } of imported.splice(0)) {
    const place = printPath(path)
    if (warned.has(place) || equalsItem(tree, copy, copyValue(value))) continue
    warned.add(place)
    process.emitWarning(`An object was changed after it had been committed at ${place}`, {
      code: 'DOTSET_STRAY_WRITE',
      detail: 'The session has a copy of it since then. Change it through session.data instead.',
    })
  }
}
