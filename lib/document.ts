/**
 * The document that a store keeps for a session.
 *
 * @module
 */

/** What was replaced or moved by one commit, so that a rebase knows what a counter does not tell. */
export interface Mark {
  /**
   * The token of the commit; or, in a mark without paths, the `rev` under which the document was known
   * before counting began.
   */
  readonly by: bigint
  /**
   * Printed paths: `r` and a path for a container that was written whole or removed, `m` and a path
   * for an array whose elements moved or left, `d` and a path for a default that was stored.
   */
  readonly at: readonly string[]
}

/** What a session's document holds besides its data. Times are milliseconds since 1970. */
export interface Bookkeeping {
  /** How many data commits there were. */
  readonly rev: number
  /** How often the containers of each attribute were replaced or moved; absent is 0. */
  readonly layout: ReadonlyMap<string, number>
  /** The tokens of the latest commits, oldest first. */
  readonly tokens: readonly bigint[]
  /** The marks of the latest commits that raised `layout`, oldest first. */
  readonly marks: readonly Mark[]
  /** When the session was created. */
  readonly createdAt: number
  /** When it expires if nobody uses it. */
  readonly expiresAt: number
  /** When it ends for good; `Infinity` if never. */
  readonly endsAt: number
  /** Its own idle timeout, in milliseconds; undefined if it has none. */
  readonly idle: number | undefined
}

/** The counter of `layout` for attributes that have none of their own. */
export const SHARED_LAYOUT = '*'

/** How many attributes have a counter of their own in `layout`. */
export const MAX_LAYOUT = 64

/** How many tokens and marks a document keeps at least. */
export const KEPT = 16

/** From how many tokens or marks on a commit trims their list. */
export const TRIM_FROM = 32

/**
 * Where `rev` begins in a document whose key another may have had before: above all that was counted
 * there. `now` is in milliseconds since 1970.
 */
export const epochOf = (now: number): number => now * 1000

/** Which commits a document knows of. */
export type Tokens = Pick<Bookkeeping, 'rev' | 'tokens'>

/**
 * Whether a document has the tokens of all commits since its `rev` was `since`, so that a token that it
 * has not got was never there.
 */
export function showsAllSince({ rev, tokens }: Tokens, since: number): boolean {
  return rev - tokens.length <= since
}

/** What `rev` was, at least, when a commit was decided on that requires this of it. */
export function sinceOf(rev: { readonly exactly: number } | { readonly below: number }): number {
  return 'exactly' in rev ? rev.exactly : rev.below - KEPT
}
