/**
 * What a failure of MongoDB means: nothing happened, something may have, or a fence was missed.
 *
 * @module
 */

import { MongoServerError } from 'mongodb'
import { StoreError } from '../errors.js'

/**
 * Errors of a server that found something of another type than the update needs: BadValue (2),
 * TypeMismatch (14), PathNotViable (28), and an update pipeline's own (40400).
 */
const FENCE_MISSES = new Set<unknown>([2, 14, 28, 40400])

/**
 * Errors after which a write may have happened: a primary that steps down or shuts down, a time limit,
 * an interruption, a server that lost another one.
 */
const UNCERTAIN = new Set<unknown>([
  6, 7, 50, 64, 79, 89, 91, 100, 134, 189, 202, 262, 290, 317, 358, 9001, 10058, 10107, 11600,
  11601, 11602, 13435, 13436,
])

/** Errors of a server that did nothing, and may do it next time: a lock timeout, a write conflict. */
const TRANSIENT = new Set<unknown>([24, 112])

const DUPLICATE_KEY = 11000

/** Unauthorized, and AuthenticationFailed. */
const DENIED = new Set<unknown>([13, 18])

/** Whether another server changed the type of a parent of what was written. */
export function isFenceMiss(error: unknown): boolean {
  return error instanceof StoreError && FENCE_MISSES.has((error.cause as { code?: unknown })?.code)
}

/** Whether there is a document with the key of the one that was to be inserted. */
export function isKeyTaken(error: unknown): boolean {
  if (!(error instanceof StoreError)) return false
  const { code, keyPattern } = error.cause as { code?: unknown; keyPattern?: object }
  return code === DUPLICATE_KEY && keyPattern !== undefined && '_id' in keyPattern
}

/**
 * The driver's error as one of ours.
 *
 * @param sent Whether the request may have been sent, and so have been executed.
 */
export function toStoreError(action: string, cause: unknown, sent = true): StoreError {
  if (cause instanceof StoreError) return cause
  if (isA(cause, 'MongoServerError')) return toRefusal(action, cause as MongoServerError, sent)
  // Whatever else the driver says, it does not say that the server refused.
  const uncertain = sent && isA(cause, 'MongoError')
  if (isA(cause, 'MongoServerSelectionError')) {
    return new StoreError(
      action,
      'no MongoDB server could be reached; check that it runs and its address',
      { cause, uncertain },
    )
  }
  if (isA(cause, 'MongoNetworkError')) {
    return new StoreError(action, 'the connection to MongoDB failed', {
      cause,
      uncertain,
      transient: true,
    })
  }
  return new StoreError(action, 'the MongoDB driver failed', { cause, uncertain })
}

function toRefusal(action: string, error: MongoServerError, sent: boolean): StoreError {
  const code = Number(error.code)
  const cause = withoutValues(error, code)
  if (DENIED.has(code)) {
    const why = 'MongoDB denied access; give the user readWrite on the collection'
    return new StoreError(action, why, { cause })
  }
  const lost =
    UNCERTAIN.has(code) ||
    isA(error, 'MongoWriteConcernError') ||
    error.hasErrorLabel('RetryableWriteError')
  return new StoreError(action, `MongoDB refused it (code ${code})`, {
    cause,
    uncertain: lost && sent && !error.hasErrorLabel('NoWritesPerformed'),
    transient: lost || TRANSIENT.has(code),
  })
}

/** The error of a server without its message and details, which hold values of the document. */
function withoutValues(
  { codeName, keyPattern, errorLabels }: MongoServerError,
  code: number,
): MongoServerError {
  return new MongoServerError({
    message: `MongoDB error ${code}${codeName === undefined ? '' : ` (${codeName})`}`,
    code,
    errorLabels,
    ...(codeName !== undefined && { codeName }),
    ...(keyPattern !== undefined && { keyPattern }),
  })
}

/** Whether `error` is of this class of the driver, or one below: by name, for there may be copies. */
function isA(error: unknown, name: string): boolean {
  for (let type = error; type instanceof Error; type = Object.getPrototypeOf(type)) {
    const getter = Object.getOwnPropertyDescriptor(type, 'name')?.get
    if (getter?.call(error) === name) return true
  }
  return false
}
