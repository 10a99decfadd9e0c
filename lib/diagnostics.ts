/**
 * What happens to sessions, told on `node:diagnostics_channel`: never an id, and never a value.
 *
 * @module
 */

import { channel } from 'node:diagnostics_channel'

/** A message on `dotset:commit`: a commit that came to an end. */
export interface CommitMessage {
  /** How it ended. */
  readonly status: 'created' | 'updated' | 'touched' | 'unchanged' | 'gone'
  /** How many modifications were written. */
  readonly modifications: number
  /** What they take in BSON, in bytes. */
  readonly bytes: number
  /** How often the commit was sent. */
  readonly attempts: number
  /** How long it took, in milliseconds. */
  readonly milliseconds: number
}

/** A message on `dotset:conflict`: a commit met what others had written to the same places. */
export interface ConflictMessage {
  /** How many places that were. */
  readonly paths: number
  /** How many modifications became void. */
  readonly superseded: number
  /** How often the commit was sent. */
  readonly attempts: number
}

/** A message on `dotset:error`: a call that failed. */
export interface ErrorMessage {
  /** The error's code. */
  readonly code: string
  /** How long the call took, in milliseconds. */
  readonly milliseconds: number
}

const channels = {
  commit: channel('dotset:commit'),
  conflict: channel('dotset:conflict'),
  error: channel('dotset:error'),
}

/** Publishes a message; it is made only if somebody listens. */
export function publish(
  ...[name, message]:
    | [name: 'commit', message: () => CommitMessage]
    | [name: 'conflict', message: () => ConflictMessage]
    | [name: 'error', message: () => ErrorMessage]
): void {
  if (channels[name].hasSubscribers) channels[name].publish(message())
}
