/**
 * Everything this library throws on purpose.
 *
 * Messages have the form `Cannot <action> <what>: <why, what to do>` and never hold an id, a token,
 * a secret or the value of an attribute.
 *
 * @module
 */

import type { Path } from './path.js'
import { printPath } from './path.js'

/** Stable names of the errors. Match on these: messages may be reworded in any release. */
export type SessionErrorCode =
  | 'ERR_UNSUPPORTED_VALUE'
  | 'ERR_VALIDATION'
  | 'ERR_CONFLICT'
  | 'ERR_SESSION_GONE'
  | 'ERR_SESSION_TOO_LARGE'
  | 'ERR_UNCERTAIN_COMMIT'
  | 'ERR_STORE'
  | 'ERR_INVALID_OPTION'
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_INVALID_DOCUMENT'
  | 'ERR_HEADERS_SENT'
  | 'ERR_NO_SESSION'
  | 'ERR_CLOSED'

/** Parent of every error that this library throws. */
export class SessionError extends Error {
  /** The name of the class, whatever a minifier makes of it. */
  override readonly name: string = 'SessionError'
  /** Stable name of this kind of error. */
  readonly code: SessionErrorCode
  /** The HTTP status that fits: frameworks answer with it. */
  readonly status: number = 500
  /** Always false: the message is for the developer, not for the response. */
  readonly expose: boolean = false

  /**
   * @param code Stable name of this kind of error.
   * @param message What cannot be done, why, and what to do.
   * @param options `cause`: the error that led to this one.
   */
  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A value that BSON would damage silently, or that dotset cannot keep, was put into a session. */
export class UnsupportedValueError extends SessionError {
  override readonly name = 'UnsupportedValueError'
  /** Where the value was put. */
  readonly path: Path

  /**
   * @param path Where the value was put.
   * @param why What the value is, and what to do instead.
   */
  constructor(path: Path, why: string) {
    super('ERR_UNSUPPORTED_VALUE', `Cannot keep ${printPath(path)}: ${why}`)
    this.path = path
  }
}

/** One reason why data does not fit the schema, as zod reports it, without the value. */
export interface ValidationIssue {
  /** zod's name of the rule that was broken. */
  readonly code: string
  /** Where, from the session's root. */
  readonly path: Path
  /** zod's message. */
  readonly message: string
}

/** Session data does not fit the schema: `issues` are zod's. */
export class ValidationError extends SessionError {
  override readonly name = 'ValidationError'
  /** Every rule that was broken, and where. */
  readonly issues: readonly ValidationIssue[]

  /**
   * @param action What was tried: `'read'` or `'write'`, for example.
   * @param issues Every rule that was broken, and where.
   */
  constructor(action: string, issues: readonly ValidationIssue[]) {
    const places = [...new Set(issues.map(issue => printPath(issue.path)))].join(', ')
    super(
      'ERR_VALIDATION',
      `Cannot ${action} ${places}: it does not fit the schema, see the error's issues`,
    )
    this.issues = issues
  }
}

/** What the store holds is not what a session can be. Nothing was written. */
export class InvalidDocumentError extends SessionError {
  override readonly name = 'InvalidDocumentError'
  /** Where, from the session's root. */
  readonly path: Path

  /**
   * @param path Where, from the session's root.
   * @param what What is wrong there.
   */
  constructor(path: Path, what: string) {
    super(
      'ERR_INVALID_DOCUMENT',
      `Cannot read ${printPath(path)}: the stored document ${what}; repair or delete it`,
    )
    this.path = path
  }
}

/** Other servers changed what this commit was decided on. Nothing was written. */
export class ConflictError extends SessionError {
  override readonly name = 'ConflictError'
  override readonly status = 409
  /** The places where both wrote. */
  readonly paths: readonly Path[]
  /** How often the commit was tried. */
  readonly attempts: number

  /**
   * @param paths The places where both wrote.
   * @param attempts How often the commit was tried.
   */
  constructor(paths: readonly Path[], attempts: number) {
    const places = paths.map(printPath).join(', ') || 'the session'
    super(
      'ERR_CONFLICT',
      `Cannot commit ${places}: another server changed it meanwhile; nothing was written and the changes are kept, reload the session and try again`,
    )
    this.paths = paths
    this.attempts = attempts
  }
}

/** The session was destroyed, rotated or has expired, so its changes have nowhere to go. */
export class SessionGoneError extends SessionError {
  override readonly name = 'SessionGoneError'
  override readonly status = 401

  /** @param action What was tried. */
  constructor(action = 'commit the session') {
    super(
      'ERR_SESSION_GONE',
      `Cannot ${action}: it was destroyed, rotated or has expired; start a new one`,
    )
  }
}

/** The session would grow beyond `maxBytes`. Nothing was written. */
export class SessionTooLargeError extends SessionError {
  override readonly name = 'SessionTooLargeError'
  override readonly status = 413
  /** The size that the session would have, in bytes of BSON. */
  readonly bytes: number
  /** The limit, in bytes of BSON. */
  readonly limit: number

  /**
   * @param bytes The size that the session would have, in bytes of BSON.
   * @param limit The limit, in bytes of BSON.
   */
  constructor(bytes: number, limit: number) {
    super(
      'ERR_SESSION_TOO_LARGE',
      `Cannot commit the session: it would take ${bytes} bytes, maxBytes is ${limit}; keep large data elsewhere`,
    )
    this.bytes = bytes
    this.limit = limit
  }
}

/** Whether the commit was applied cannot be told: the store did not answer in time. */
export class UncertainCommitError extends SessionError {
  override readonly name = 'UncertainCommitError'
  override readonly status = 503

  /** @param cause The store's last error. */
  constructor(cause: unknown) {
    super(
      'ERR_UNCERTAIN_COMMIT',
      'Cannot tell whether the commit was applied: the store did not answer in time; commit the same session again, or reload it, to find out',
      { cause },
    )
  }
}

/** The store failed or could not be reached. */
export class StoreError extends SessionError {
  override readonly name = 'StoreError'
  override readonly status = 503
  /** Whether what was asked for may have happened all the same: the answer is what was lost. */
  readonly uncertain: boolean
  /** Whether the same may go well if it is asked for again. What is uncertain may. */
  readonly transient: boolean

  /**
   * @param action What was tried: `'commit the session'`, for example.
   * @param why What happened, and what to do.
   * @param options `cause`: the store's own error, without values of the session; `uncertain` and
   *   `transient`: see {@link StoreError.uncertain} and {@link StoreError.transient}.
   */
  constructor(
    action: string,
    why: string,
    options?: ErrorOptions & { uncertain?: boolean; transient?: boolean },
  ) {
    super('ERR_STORE', `Cannot ${action}: ${why}`, options)
    this.uncertain = options?.uncertain === true
    this.transient = this.uncertain || options?.transient === true
  }
}

/** An option that does not fit. Thrown where the option is given, not where it would be used. */
export function invalidOption(option: string, why: string): SessionError {
  return new SessionError('ERR_INVALID_OPTION', `Cannot use ${option}: ${why}`)
}
