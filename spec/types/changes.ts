/**
 * The types of what a commit tells, and of the tracker by itself.
 */

import type { Commit, CommitStatus, Modification, Path } from 'dotset'
import { createSessions, memoryStore, SessionError, track, ValidationError } from 'dotset'
import { toUpdate } from 'dotset/mongodb'
import { claim, type Same } from './exactly.js'

declare const modification: Modification
declare const commit: Commit

/** The kind of a modification tells what else it has. */
export function modificationsByKind(): void {
  claim<Same<Modification['path'], Path>>()
  // @ts-expect-error not all of them have a value
  modification.value
  switch (modification.op) {
    case 'set':
      claim<Same<typeof modification.value, unknown>>()
      break
    case 'unset':
      // @ts-expect-error nothing is written
      modification.value
      break
    case 'append':
    case 'union':
      claim<Same<typeof modification.values, readonly unknown[]>>()
      break
    case 'increment':
      claim<Same<typeof modification.by, number>>()
      break
    case 'max':
    case 'min':
      claim<Same<typeof modification.value, unknown>>()
      break
    default:
      claim<Same<typeof modification, never>>()
  }
}

/** A path holds names and indexes, and is not changed. */
export function paths(): void {
  claim<Same<Path, readonly (string | number)[]>>()
  // @ts-expect-error it is what was changed, and no list to work on
  modification.path.push('name')
}

/** Every status of a commit is known. */
export function statuses(): void {
  claim<Same<CommitStatus, 'created' | 'updated' | 'touched' | 'unchanged' | 'gone'>>()
  claim<Same<Commit['status'], CommitStatus>>()
  // @ts-expect-error there is no such status
  if (commit.status === 'saved') return
}

/** A commit tells what it wrote, what became void, and how often it was sent. */
export async function commits(): Promise<void> {
  const result = await createSessions({ store: memoryStore() }).create().commit()
  claim<Same<typeof result, Commit>>()
  claim<Same<Commit['modifications'], Modification[]>>()
  claim<Same<Commit['superseded'], Modification[]>>()
  claim<Same<Commit['attempts'], number>>()
}

/** An update document can be made of what a session, a commit or a tracker lists. */
export function updates(): void {
  const session = createSessions({ store: memoryStore() }).create()
  toUpdate(session.changes())
  toUpdate(commit.modifications)
  const { update } = toUpdate(track({ views: 0 }).changes())
  claim<Same<typeof update.$set, Record<string, unknown> | undefined>>()
}

/** A tracker's data has the type of its state, and takes nothing else. */
export function trackers(): void {
  const tracked = track({ user: { name: 'Ada' }, tags: ['a'] })
  claim<Same<typeof tracked.data, { user: { name: string }; tags: string[] }>>()
  claim<Same<typeof tracked.benchmark, typeof tracked.data>>()
  // @ts-expect-error a number is no string
  tracked.data.user.name = 1
  // @ts-expect-error a number is no string
  tracked.data.tags.push(1)
  // @ts-expect-error only objects can be tracked
  track('Ada')
}

/** Arrays can be tracked as well. */
export function trackedArrays(): void {
  const tracked = track([1, 2])
  claim<Same<typeof tracked.data, number[]>>()
}

/** A recipe is synchronous and changes what it is given. */
export function recipes(): void {
  const session = createSessions<{ views: number }>({ store: memoryStore() }).create()
  session.change(data => {
    data.views++
    // @ts-expect-error a string is no number
    data.views = 'one'
  })
}

/** Every error has a code that is known and a status; some have more. */
export function errors(error: unknown): void {
  if (error instanceof ValidationError) {
    claim<Same<typeof error.status, number>>()
    for (const issue of error.issues) claim<Same<typeof issue.message, string>>()
  } else if (error instanceof SessionError) {
    // @ts-expect-error there is no such code
    if (error.code === 'ERR_UNKNOWN') return
    if (error.code === 'ERR_CONFLICT') return
    // @ts-expect-error not all of them have issues
    error.issues
  }
}
