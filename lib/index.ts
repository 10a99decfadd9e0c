/**
 * Sessions that write only what changed.
 *
 * @module
 */

export type { Commit, CommitStatus } from './commit.js'
export type { CommitMessage, ConflictMessage, ErrorMessage } from './diagnostics.js'
export type { Bookkeeping, Mark } from './document.js'
export type { SessionErrorCode, ValidationIssue } from './errors.js'
export {
  ConflictError,
  InvalidDocumentError,
  SessionError,
  SessionGoneError,
  SessionTooLargeError,
  StoreError,
  UncertainCommitError,
  UnsupportedValueError,
  ValidationError,
} from './errors.js'
export type {
  AppendModification,
  Modification,
  SetModification,
  UnsetModification,
} from './modification.js'
export type { InvalidPolicy } from './open/benchmark.js'
export type { BaseOptions, PlainOptions, SchemaOptions } from './options.js'
export type { Key, Path } from './path.js'
export type { Session, SessionTimeouts } from './session.js'
export type { ListedSession, Sessions } from './sessions.js'
export { createSessions } from './sessions.js'
export { snapshot } from './snapshot.js'
export type { MemoryStoreOptions } from './store/memory.js'
export { memoryStore } from './store/memory.js'
export type {
  CallOptions,
  Filter,
  Loaded,
  NewDocument,
  Retirement,
  RevBelow,
  RevExactly,
  Statement,
  Store,
  Timeouts,
  Touch,
} from './store/store.js'
export type { Tracked } from './tracked.js'
export { track } from './tracked.js'
