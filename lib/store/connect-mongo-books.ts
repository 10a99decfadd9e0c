/**
 * The bookkeeping of a document of connect-mongo's: what a commit requires of it, and does to it.
 *
 * @module
 */

import { epochOf, KEPT, SHARED_LAYOUT } from '../document.js'
import type { TakenOver } from './connect-mongo-document.js'
import { isUnkept } from './connect-mongo-document.js'
import type { Statement } from './store.js'

/** What `rev` was when a commit was decided on, or more. */
export const revOf = ({ rev }: Statement): number =>
  'exactly' in rev ? rev.exactly : rev.below - KEPT

/** Whether a document is what a commit was decided on. */
export function fitsStatement(
  { kept, rev, layout, tokens }: TakenOver,
  statement: Statement,
): boolean {
  const { rev: required, token } = statement
  const since = revOf(statement)
  if (!kept) return since === rev
  if (isUnkept(since) || tokens.includes(token)) return false
  if ('exactly' in required ? rev !== required.exactly : rev >= required.below) return false
  return [...statement.layout].every(([name, count]) => (layout.get(name) ?? 0) === count)
}

/**
 * Begins to keep books, if nobody does: all counting is above what was counted before. A mark without
 * paths holds the `rev` of what was read, so that who has loaded just that knows that no later mark is
 * missing.
 */
export function beginBooks(taken: TakenOver): void {
  if (taken.kept) return
  taken.marks = [{ by: BigInt(taken.rev), at: [] }]
  taken.rev = epochOf(taken.now)
  taken.layout = new Map([[SHARED_LAYOUT, taken.rev]])
}

/**
 * Takes note of a commit.
 *
 * @param counterOf Tells the counter of `layout` that is raised for another.
 */
export function keepBooks(
  taken: TakenOver,
  { timeouts, token, raises, mark, trim, expiresAt }: Statement,
  counterOf: (name: string) => string,
): void {
  beginBooks(taken)
  taken.rev += timeouts === undefined ? 1 : KEPT
  for (const name of new Set(raises.map(counterOf))) {
    taken.layout.set(name, (taken.layout.get(name) ?? 0) + 1)
  }
  taken.tokens.push(token)
  if (mark !== undefined) taken.marks.push(mark)
  if (trim !== false) taken.tokens = taken.tokens.slice(-KEPT)
  if (trim === true) taken.marks = taken.marks.slice(-KEPT)
  taken.expiresAt = timeouts === undefined ? Math.max(taken.expiresAt, expiresAt) : expiresAt
}
