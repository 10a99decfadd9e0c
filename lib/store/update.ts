/**
 * The modified subset as a MongoDB update document.
 *
 * @module
 */

import { SessionError } from '../errors.js'
import type { Modification } from '../modification.js'
import type { Key, Path } from '../path.js'
import { arrayIndex, isSafeKey, printPath } from '../path.js'
import { isPlainObject } from '../state/value.js'

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
  /** Elements appended to the arrays at their paths unless they are there already. */
  $addToSet?: Record<string, Appended>
  /** Differences added to the numbers at their paths. */
  $inc?: Record<string, unknown>
  /** Values that become those at their paths if they are greater. */
  $max?: Record<string, unknown>
  /** Values that become those at their paths if they are less. */
  $min?: Record<string, unknown>
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
 *   take for something else (empty, with a dot or a NUL, with a leading `$`, or a number that is no
 *   index). A commit writes the nearest parent whole then.
 * @example
 * ```ts
 * toUpdate([{ op: 'set', path: ['user', 'name'], value: 'Ada' }])
 * // { update: { $set: { 'data.user.name': 'Ada' } } }
 * ```
 */
export function toUpdate(modifications: readonly Modification[]): Update {
  const update: UpdateDocument = {}
  for (const modification of modifications) {
    const field = fieldOf(modification)
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
      case 'union':
        update.$addToSet ??= {}
        update.$addToSet[field] = { $each: [...modification.values] }
        break
      case 'increment':
        update.$inc ??= {}
        update.$inc[field] = modification.by
        break
      case 'max':
        update.$max ??= {}
        update.$max[field] = modification.value
        break
      case 'min':
        update.$min ??= {}
        update.$min[field] = modification.value
        break
      default:
        refuse(modification, 'there is no such operation')
    }
  }
  return { update }
}

function fieldOf(modification: Modification): string {
  const { op, path } = modification
  if (!path.every(isSegment)) {
    refuse(modification, 'MongoDB would take this key for something else, write its parent whole')
  }
  if (path.length === 0 && (op !== 'set' || !isObject(modification.value))) {
    refuse(modification, 'all attributes are an object, which can only be set as a whole')
  }
  return ['data', ...path].join('.')
}

function isSegment(key: Key): boolean {
  if (typeof key === 'number') return arrayIndex(String(key)) >= 0
  return isSafeKey(key) && !key.includes('\0')
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && isPlainObject(value)

function refuse({ path }: { readonly path: Path }, why: string): never {
  throw new SessionError(
    'ERR_INVALID_ARGUMENT',
    `Cannot make an update of ${printPath(path)}: ${why}`,
  )
}
