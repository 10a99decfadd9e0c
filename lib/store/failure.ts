/**
 * What a failure of MongoDB means: nothing happened, something may have, or a fence was missed.
 *
 * @module
 */

import {
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
} from 'mongodb'
import { StoreError } from '../errors.js'

/**
 * Errors of a server that found a parent of another type than the path needs: TypeMismatch (2),
 * PathNotViable (28), and an update pipeline's own (40400).
 */
const FENCE_MISSES = new Set<unknown>([2, 28, 40400])

/**
 * Errors after which a write may have happened (a primary that steps down or shuts down, a time limit,
 * an interruption), and those that are worth trying again (a write conflict, 112).
 */
const UNCERTAIN = new Set<unknown>([
  6, 7, 50, 64, 79, 89, 91, 100, 112, 134, 189, 262, 290, 317, 358, 9001, 10058, 10107, 11600,
  11601, 11602, 13435, 13436,
])

/** Whether another server changed the type of a parent of what was written. */
export function isFenceMiss(error: unknown): boolean {
  return error instanceof StoreError && FENCE_MISSES.has((error.cause as { code?: unknown })?.code)
}

/** The driver's error as one of ours. */
export function toStoreError(action: string, cause: unknown): StoreError {
  if (cause instanceof MongoServerSelectionError) {
    return new StoreError(
      action,
      'no MongoDB server could be reached; check that it runs and its address',
      { cause },
    )
  }
  if (cause instanceof MongoNetworkError || cause instanceof MongoWriteConcernError) {
    return new StoreError(action, 'the answer of MongoDB was lost', { cause, uncertain: true })
  }
  if (cause instanceof MongoServerError) {
    const { code } = cause
    const uncertain = UNCERTAIN.has(code)
    if (code === 13 || code === 18) {
      return new StoreError(
        action,
        'MongoDB denied access; give the user readWrite on the collection',
        { cause },
      )
    }
    return new StoreError(action, `MongoDB refused it (code ${String(code)})`, { cause, uncertain })
  }
  return new StoreError(action, 'the MongoDB driver failed', { cause })
}
