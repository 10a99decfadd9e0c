/**
 * Isolation that is stricter than the last write wins: a commit that others got in the way of is refused.
 *
 * @module
 */

import { publish } from '../diagnostics.js'
import { ConflictError } from '../errors.js'
import type { SessionDocument } from '../open/document.js'
import type { Path } from '../path.js'
import type { Deadline } from '../synchronize/deadline.js'
import { overlappingReads, overlappingWrites } from '../synchronize/overlap.js'
import type { LiveSession } from './live.js'
import { differencesOf } from './live.js'
import { detachedWrites, foreignMarks, theirTree } from './rebase.js'

/**
 * Refuses what a session is about to commit, if others wrote what it writes, or what it read where its
 * isolation asks for that. Nothing has changed then: whoever conflicts loads the session anew.
 *
 * @throws {@link ConflictError}
 */
export function refuseOverlap(
  live: LiveSession,
  document: SessionDocument,
  attempts: number,
): void {
  if (live.context.settings.isolation === 'last-write-wins') return
  const paths = overlapsWith(live, document)
  if (paths.length === 0) return
  publish('conflict', () => ({ paths: paths.length, superseded: 0, attempts }))
  throw new ConflictError(paths, attempts)
}

/**
 * Refuses a commit as long as something was written to what others have removed or replaced.
 *
 * @throws {@link ConflictError}
 */
export function refuseDetached(live: LiveSession): void {
  if (live.context.settings.isolation === 'last-write-wins') return
  const paths = detachedWrites(live).map(({ path }) => path)
  if (paths.length > 0) throw new ConflictError(paths, 0)
}

/**
 * Waits before a commit that was rebased is made once more.
 *
 * @param left What was left of the deadline when it was made before.
 * @throws {@link ConflictError} if there is no time for it: its outcome would not be known.
 */
export async function pauseBeforeNext(
  live: LiveSession,
  deadline: Deadline,
  left: number,
  attempts: number,
): Promise<void> {
  const round = left - deadline.left
  await deadline.pause(attempts)
  if (deadline.left > round) return
  const paths = differencesOf(live).map(({ path }) => path)
  throw new ConflictError(paths, attempts)
}

function overlapsWith(live: LiveSession, document: SessionDocument): Path[] {
  const { root } = live
  const { root: theirs } = theirTree(live, document)
  const versions = { root, theirs, marks: foreignMarks(live, document) }
  const { reads } = root.tree
  return [
    ...overlappingWrites(versions, differencesOf(live)),
    ...(reads === undefined ? [] : overlappingReads(versions, reads)),
  ]
}
