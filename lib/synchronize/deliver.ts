/**
 * Bringing one statement to the store, so that it is applied once or not at all, and known which.
 *
 * @module
 */

import { setTimeout as wait } from 'node:timers/promises'
import { StoreError, UncertainCommitError } from '../errors.js'
import type { NewDocument, Statement, Store } from '../store/store.js'
import type { Deadline } from './deadline.js'
import { PAUSE } from './deadline.js'

/** A document, as far as a delivery looks at it. */
interface Tokens {
  readonly tokens: readonly bigint[]
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
      else if (lost === undefined) throw error
      failure = error
    }
    if (failure === undefined) {
      try {
        const document = await load(lost !== undefined)
        const applied = document?.tokens.includes(statement.token) === true
        return applied ? { applied } : { applied: false, document }
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
      else if (lost === undefined) throw error
      if (deadline.left <= PAUSE * failures) throw new UncertainCommitError(lost)
    }
    await wait(PAUSE * failures * Math.random())
  }
}
