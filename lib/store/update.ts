/**
 * The modified subset as a MongoDB update document.
 *
 * @module
 */

import { SessionError } from '../errors.js'
import type { Modification } from '../modification.js'
import type { Path } from '../path.js'
import { isSafeKey, printPath } from '../path.js'

/** Elements that are appended to an array. */
export interface Appended {
  /** The elements, in order. */
  $each: unknown[]
  /** How many elements stay; counted from the end, if it is negative. */
  $slice?: number
}

/** An update document: operators, each with dotted paths. */
export interface UpdateDocument {
  /** Values written at their paths. */
  $set?: Record<string, unknown>
  /** Paths that are removed. */
  $unset?: Record<string, ''>
  /** Elements appended to the arrays at their paths. */
  $push?: Record<string, Appended>
  /** Differences added to the numbers at their paths. */
  $inc?: Record<string, unknown>
  /** Values that become those at their paths if they are greater. */
  $max?: Record<string, unknown>
}

/** What {@link toUpdate} makes of a modified subset. */
export interface Update {
  /** What the server is asked to do. */
  readonly update: UpdateDocument
}

/**
 * Makes a MongoDB update document of a modified subset: what a commit sends of it, without the
 * fences and the bookkeeping.
 *
 * @param modifications As `session.changes()` or a commit lists them: no two overlap.
 * @throws `SessionError` with code `ERR_INVALID_ARGUMENT` if a path has a key that MongoDB would
 *   take for something else (empty, with a dot, or with a leading `$`). A commit writes the nearest
 *   parent whole then.
 * @example
 * ```ts
 * toUpdate([{ op: 'set', path: ['user', 'name'], value: 'Ada' }])
 * // { update: { $set: { 'data.user.name': 'Ada' } } }
 * ```
 */
export function toUpdate(modifications: readonly Modification[]): Update {
  const update: UpdateDocument = {}
  for (const modification of modifications) {
    const field = fieldOf(modification.path)
    switch (modification.op) {
      case 'set':
        update.$set ??= {}
        update.$set[field] = modification.value
        break
      case 'unset':
        update.$unset ??= {}
        update.$unset[field] = ''
        break
      case 'append':
        update.$push ??= {}
        update.$push[field] = { $each: [...modification.values] }
        break
    }
  }
  return { update }
}

function fieldOf(path: Path): string {
  if (path.every(isSafeKey)) return ['data', ...path].join('.')
  throw new SessionError(
    'ERR_INVALID_ARGUMENT',
    `Cannot make an update of ${printPath(path)}: MongoDB would take this key for something else, write its parent whole`,
  )
}
