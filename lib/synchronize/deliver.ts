/**
 * Bringing one statement to the store, so that it is applied once or not at all, and known which.
 *
 * @module
 */

import { setTimeout as wait } from 'node:timers/promises'
import { KEPT } from '../document.js'
import { StoreError, UncertainCommitError } from '../errors.js'
import type { NewDocument, Statement, Store } from '../store/store.js'
import type { Deadline } from './deadline.js'
import { PAUSE } from './deadline.js'

/** A document, as far as a delivery looks at it. */
interface Tokens {
  readonly rev: number
  readonly tokens: readonly bigint[]
  /** The token of the rotation, if the document only marks an id that was rotated. */
  readonly retiredBy?: bigint | undefined
}

/** What became of a statement: it was applied, or it did not fit what `document` holds. */
export type Delivery<D> =
  | { readonly applied: true }
  | { readonly applied: false; readonly document: D | null }

/**
 * Sends a statement until it is known what became of it.
 *
 * A statement whose answer was lost is sent again, unchanged: its token makes that harmless. If it
 * does not fit then, the tokens of the document tell whether it had been applied. What does not fit
 * once never will, for everything that a statement requires only ever moves on.
 *
 * @param load Loads the document: linearizable, if something was lost before.
 * @param attempts Counts what was sent.
 * @throws {@link StoreError} if nothing was written, {@link UncertainCommitError} if that is not sure.
 */
export async function deliver<D extends Tokens>(
  store: Store,
  statement: Statement,
  load: (linearizable: boolean) => Promise<D | null>,
  deadline: Deadline,
  attempts: { count: number },
): Promise<Delivery<D>> {
  let lost: StoreError | undefined
  for (let failures = 1; ; failures++) {
    let failure: unknown
    try {
      attempts.count++
      if (await deadline.call('commit the session', options => store.write(statement, options))) {
        return { applied: true }
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.uncertain) lost = error
      else if (lost === undefined && !error.transient) throw error
      failure = error
    }
    if (failure === undefined) {
      try {
        const document = await load(lost !== undefined)
        if (document?.tokens.includes(statement.token) === true) return { applied: true }
        if (lost === undefined || showsAllSince(document, statement)) {
          return { applied: false, document }
        }
        throw new UncertainCommitError(lost)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        failure = error
      }
    }
    if (deadline.left <= PAUSE * failures) {
      throw lost === undefined ? failure : new UncertainCommitError(lost)
    }
    await wait(PAUSE * failures * Math.random())
  }
}

/**
 * Whether the tokens of `document` are those of all commits since what `statement` was decided on, so
 * that a token that is not among them was never there.
 */
function showsAllSince(document: Tokens | null, { rev }: Statement): boolean {
  // What is gone has no need of an answer.
  if (document === null) return true
  if (document.retiredBy !== undefined) return false
  const since = 'exactly' in rev ? rev.exactly : rev.below - KEPT
  return document.rev - document.tokens.length <= since
}

/**
 * Inserts a document, once.
 *
 * @throws {@link StoreError} if it was not inserted, {@link UncertainCommitError} if that is not sure.
 */
export async function deliverNew<D extends Tokens>(
  store: Store,
  document: NewDocument,
  load: (linearizable: boolean) => Promise<D | null>,
  deadline: Deadline,
  attempts: { count: number },
): Promise<void> {
  let lost: StoreError | undefined
  for (let failures = 1; ; failures++) {
    try {
      if (lost !== undefined && (await load(true)) !== null) return
      attempts.count++
      return await deadline.call('store the session', options => store.insert(document, options))
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      // Nobody else knows the key: if it is taken, the answer of an earlier attempt was lost.
      if (error.uncertain) lost = error
      else if (lost === undefined && !error.transient) throw error
      if (deadline.left <= PAUSE * failures) {
        throw lost === undefined ? error : new UncertainCommitError(lost)
      }
    }
    await wait(PAUSE * failures * Math.random())
  }
}
