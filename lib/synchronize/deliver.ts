/**
 * Bringing one statement to the store, so that it is applied once or not at all, and known which.
 *
 * @module
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Tokens } from '../document.js'
import { showsAllSince, sinceOf } from '../document.js'
import { StoreError, UncertainCommitError } from '../errors.js'
import type { CallOptions, NewDocument, Statement, Store } from '../store/store.js'
import type { Deadline } from './deadline.js'
import { PAUSE } from './deadline.js'

/** One call of the application: how long it may take, and how often it has sent something. */
export interface Call {
  readonly deadline: Deadline
  readonly attempts: { count: number }
}

type Load<D> = (deadline: Deadline, linearizable: boolean) => Promise<D | null>

/** What became of a statement: it was applied, or it did not fit what `document` holds. */
export type Delivery<D> =
  | { readonly applied: true }
  | { readonly applied: false; readonly document: D | null }

/** What is brought to the store. */
interface Cargo {
  readonly action: string
  readonly token: bigint
  /** What `rev` was, at least, when it was decided on. */
  readonly since: number
  /** Sends it; false if it does not fit what is there. */
  readonly send: (options: CallOptions) => Promise<boolean>
}

/**
 * Sends a statement until it is known what became of it.
 *
 * A statement whose answer was lost is sent again, unchanged: its token makes that harmless. If it
 * does not fit then, the tokens of the document tell whether it had been applied. What does not fit
 * once never will, for everything that a statement requires only ever moves on.
 *
 * @param load Loads the document: linearizable, if something was lost before.
 * @param lost Why an earlier attempt has no answer, if there was one.
 * @throws {@link StoreError} if nothing was written, {@link UncertainCommitError} if that is not sure.
 */
export function deliver<D extends Tokens>(
  store: Store,
  statement: Statement,
  load: Load<D>,
  call: Call,
  lost?: StoreError,
): Promise<Delivery<D>> {
  const { rev, token } = statement
  const send = (options: CallOptions) => store.write(statement, options)
  const cargo = { action: 'commit the session', token, since: sinceOf(rev), send }
  return bring(cargo, load, call, lost)
}

/**
 * Inserts a document, once; it does not fit if there is another with its key.
 *
 * @param lost Why an earlier attempt has no answer, if there was one.
 * @throws {@link StoreError} if it was not inserted, {@link UncertainCommitError} if that is not sure.
 */
export async function deliverNew<D extends Tokens>(
  store: Store,
  document: NewDocument,
  load: Load<D>,
  call: Call,
  lost?: StoreError,
): Promise<Delivery<D>> {
  const [token] = document.tokens as [bigint]
  const send = (options: CallOptions) => store.insert(document, options)
  const cargo: Cargo = { action: 'store the session', token, since: document.rev - 1, send }
  let delivery = await bring(cargo, load, call, lost)
  while (!delivery.applied && delivery.document === null) {
    // What had its key is gone.
    await call.deadline.pause(call.attempts.count)
    delivery = await bring(cargo, load, call)
  }
  return delivery
}

async function bring<D extends Tokens>(
  { action, token, since, send }: Cargo,
  load: Load<D>,
  { deadline, attempts }: Call,
  lost?: StoreError,
): Promise<Delivery<D>> {
  for (let failures = 1; ; failures++) {
    let failure: unknown
    try {
      attempts.count++
      if (await deadline.call(action, send)) return { applied: true }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.uncertain) lost = error
      else if (lost === undefined && !error.transient) throw error
      failure = error
    }
    if (failure === undefined) {
      try {
        const document = await load(deadline, lost !== undefined)
        if (document?.tokens.includes(token) === true) return { applied: true }
        // What is gone has no need of an answer.
        if (lost === undefined || document === null || showsAllSince(document, since)) {
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
