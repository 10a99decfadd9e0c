/**
 * Whether what a commit tells is true.
 */

import assert from 'node:assert/strict'
import type { Commit, Modification } from '../../lib/index.js'
import type { Path } from '../../lib/path.js'
import { canonical } from './canonical.js'
import type { Data } from './operations.js'

/**
 * Checks what a commit told, right after it: what it lists as modifications is stored, what it lists as
 * superseded is not, and no change is neither.
 *
 * @param changes What was changed, as the session listed it before the commit.
 */
export function assertTold(commit: Commit, changes: readonly Modification[], stored: Data): void {
  for (const modification of commit.modifications) {
    assert.ok(isStored(stored, modification), `not stored: ${JSON.stringify(modification)}`)
  }
  for (const modification of commit.superseded) {
    assert.ok(!isStored(stored, modification), `stored: ${JSON.stringify(modification)}`)
  }
  assertNoneSilent([commit], changes, stored)
}

/** Checks that no change was lost in silence: it is stored, or one of the commits tells of it. */
export function assertNoneSilent(
  commits: readonly Commit[],
  changes: readonly Modification[],
  stored: Data,
): void {
  const told = commits.flatMap(({ modifications, superseded }) => [...modifications, ...superseded])
  for (const change of changes) {
    const isTold = told.some(({ path }) => overlap(path, change.path))
    // What somebody else did too need not be told: wrote the same, removed the same elements.
    const isThere = isStored(stored, change) || isEdit(change) || isShared(stored, change)
    assert.ok(isTold || isThere, `neither stored nor told: ${JSON.stringify(change)}`)
  }
}

/** Whether `stored` holds what a modification wrote. */
export function isStored(stored: Data, modification: Modification): boolean {
  const value = valueAt(stored, modification.path)
  switch (modification.op) {
    case 'set':
      return canonical(value) === canonical(modification.value)
    case 'unset':
      return value === undefined
    case 'append': {
      if (!Array.isArray(value)) return false
      return canonical(value.slice(-modification.values.length)) === canonical(modification.values)
    }
    default:
      throw new Error(`${modification.op} is for schemas`)
  }
}

/** Whether a change may be the removal of elements, or an empty container. */
const isEdit = (change: Modification): boolean => change.op === 'set' && Array.isArray(change.value)

/**
 * Whether a change put an element at a second place where others have put it too: it is one node, so that
 * what others wrote to the element since is at both places.
 */
const isShared = (stored: Data, change: Modification): boolean =>
  change.op === 'set' &&
  change.path[0] === 'last' &&
  (change.value as Data)?.owner !== undefined &&
  stored.last?.owner === (change.value as Data).owner

function valueAt(data: Data, path: Path): Data {
  return path.reduce((value: Data, key) => value?.[key], data)
}

/** Whether one place is at or below the other, wherever elements are now. */
function overlap(a: Path, b: Path): boolean {
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a]
  return shorter.every((key, depth) => {
    return key === longer[depth] || (typeof key === 'number' && typeof longer[depth] === 'number')
  })
}
