/**
 * Sessions that write only what changed.
 *
 * @module
 */

export type { Commit, CommitStatus } from './commit.js'
export type { CommitMessage, ConflictMessage, ErrorMessage } from './diagnostics.js'
export * from './errors.js'
export type {
  AppendModification,
  Modification,
  SetModification,
  UnsetModification,
} from './modification.js'
export type { BaseOptions, PlainOptions, SchemaOptions } from './options.js'
export type { Key, Path } from './path.js'
export type { Session, SessionTimeouts } from './session.js'
export type { ListedSession, Sessions } from './sessions.js'
export { createSessions } from './sessions.js'
export { snapshot } from './snapshot.js'
export type { MemoryStoreOptions } from './store/memory.js'
export { memoryStore } from './store/memory.js'
export type { Store } from './store/store.js'
export type { Tracked } from './tracked.js'
export { track } from './tracked.js'
