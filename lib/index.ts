/**
 * Sessions that write only what changed.
 *
 * @module
 */

export { createSessions } from './create-sessions.js'
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
  ExtremeModification,
  IncrementModification,
  Modification,
  SetModification,
  UnionModification,
  UnsetModification,
} from './modification.js'
export type { InvalidPolicy } from './open/benchmark.js'
export type { MergeIntentText } from './open/merge.js'
export { merge } from './open/merge.js'
export type { BaseOptions, Granularity, Isolation, PlainOptions, SchemaOptions } from './options.js'
export type { Key, Path } from './path.js'
export type { SessionTimeouts } from './session/expiry.js'
export type { ListedSession } from './session/list.js'
export type { Commit, CommitStatus } from './session/outcome.js'
export type { Session } from './session/session.js'
export type { Sessions } from './sessions.js'
export { snapshot } from './snapshot.js'
export type { DifferencingName } from './state/differencing.js'
export type { MergeIntent } from './state/shape.js'
export type { MemoryStoreOptions } from './store/memory.js'
export { memoryStore } from './store/memory.js'
export type {
  Attempt,
  CallOptions,
  ConnectMongoOptions,
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
export type { TrackingName } from './track/tracking.js'
export type { Tracked, TrackOptions } from './tracked.js'
export { track } from './tracked.js'
