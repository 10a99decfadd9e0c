/**
 * What a session needs of a store. Every store passes one contract suite.
 *
 * @module
 */

import type { Bookkeeping, Mark } from '../document.js'
import type { Modification } from '../modification.js'

/** A document as it was loaded. */
export interface Loaded {
  /** The whole document, in BSON. It must not change afterwards. */
  readonly bytes: Uint8Array
  /** The time at the store when it was read, in ms since 1970, unless the field `now` tells it. */
  readonly now?: number
}

/** A document to be inserted. */
export interface NewDocument extends Bookkeeping {
  /** What the store is to know the session by. */
  readonly key: string
  /** The attributes, as they are to be stored. */
  readonly data: Record<string, unknown>
}

/** `rev` has to be what it was: nobody else committed. */
export interface RevExactly {
  /** What `rev` was. */
  readonly exactly: number
}

/** `rev` has to be near what it was: no token has left the list since. */
export interface RevBelow {
  /** What `rev` must not have reached. */
  readonly below: number
}

/** One commit: what is written, and what it requires. It is applied as a whole or not at all. */
export interface Statement {
  /** What the store knows the session by. */
  readonly key: string
  /** Required to be absent from the document's tokens, and added to them. */
  readonly token: bigint
  /**
   * Required of `rev`: to be exactly this, or less than this. It is raised by 1; with timeouts by 16,
   * so that no other statement, whose expiry was made from the old ones, fits any more.
   */
  readonly rev: RevExactly | RevBelow
  /** Required of `layout`: these counters have these values, where 0 is absent too. */
  readonly layout: ReadonlyMap<string, number>
  /** The modified subset, as it is to be stored: prefix-free, all keys safe. */
  readonly modifications: readonly Modification[]
  /** How large that is, in bytes, about. */
  readonly bytes: number
  /** The counters of `layout` that are raised by 1. */
  readonly raises: readonly string[]
  /** What the commit replaced and moved, if anything. */
  readonly mark: Mark | undefined
  /** Whether tokens and marks are trimmed to the latest, or only tokens: there may be no marks. */
  readonly trim: boolean | 'tokens'
  /** What the expiry becomes at least, in milliseconds since 1970. */
  readonly expiresAt: number
  /** Timeouts that changed, to be set. `rev` is required exactly then. */
  readonly timeouts: Timeouts | undefined
}

/** The timeouts of one session. Times are milliseconds since 1970. */
export interface Timeouts {
  /** Its own idle timeout, in milliseconds; undefined if it has none. */
  readonly idle: number | undefined
  /** When it ends for good; `Infinity` if never. */
  readonly endsAt: number
}

/** A touch: nothing but the expiry is written. */
export interface Touch {
  /** What the store knows the session by. */
  readonly key: string
  /** What the expiry becomes at least, in milliseconds since 1970. */
  readonly expiresAt: number
  /** Required of the session's own idle timeout: that is what `expiresAt` was made from. */
  readonly idle: number | undefined
  /** Required of the session's end: `expiresAt` is not beyond it. */
  readonly endsAt: number
}

/**
 * The end of an old id: the document stays for a while, with no data, and fits no statement. It keeps its
 * tokens, for those who still ask whether they were in time.
 */
export interface Retirement {
  /** What the store knows the session by. */
  readonly key: string
  /** Required of `rev`, exactly. */
  readonly rev: number
  /** The token of the rotation, which tells who retired the document. */
  readonly token: bigint
  /** When the mark goes, in milliseconds since 1970. */
  readonly expiresAt: number
}

/** Which sessions: paths to scalars, and what they equal. An array matches by its elements. */
export type Filter = Readonly<Record<string, unknown>>

/** How far a request has got, as its caller and the store tell each other. */
export interface Attempt {
  /**
   * `'unknown'`, unless the store keeps account: `'waiting'` until the request is sent, then `'sent'`.
   * The caller makes it `'withdrawn'` when the time is up. What was not sent by then never is.
   */
  stage: 'unknown' | 'waiting' | 'sent' | 'withdrawn'
}

/** How to call a store. */
export interface CallOptions {
  /** How long the caller will wait, in milliseconds. */
  readonly timeout: number
  /**
   * When nobody has a use for the answer any more, in milliseconds from now. A server that is only slow
   * may answer after `timeout`; but one that never does must not hold a connection for ever.
   */
  readonly deadline?: number
  /** Whether the answer must hold what a majority has acknowledged by now. */
  readonly linearizable?: boolean
  /** Where a store keeps account of a request that may have to wait. */
  readonly attempt?: Attempt
}

/** How a store treats documents of connect-mongo's. */
export interface ConnectMongoOptions {
  /** Whether the first write of one makes it a document of dotset's. */
  readonly convert: boolean
  /** Whether a new session is stored as JSON, if it is not stored as a document of dotset's. */
  readonly stringify: boolean
  /** How long a converted session lives from then on, in milliseconds, however much it is used. */
  readonly absoluteTimeout: number
}

/**
 * Keeps sessions. A session that has expired is not there, whether it was removed or not; the
 * store's own clock decides.
 *
 * A method that fails throws a {@link StoreError}, whose `uncertain` says whether what was asked for
 * may have happened all the same.
 */
export interface Store {
  /** Loads a document; null if it is not there. */
  load(key: string, options: CallOptions): Promise<Loaded | null>
  /** Inserts a document; false if there is one with its key, and nothing was written. */
  insert(document: NewDocument, options: CallOptions): Promise<boolean>
  /** Applies a commit; false if the document is not there or does not fit, and nothing was written. */
  write(statement: Statement, options: CallOptions): Promise<boolean>
  /** Moves the expiry; false if the document is not there or does not fit. */
  touch(touch: Touch, options: CallOptions): Promise<boolean>
  /** Ends an old id; false if the document is not there or does not fit. */
  retire(retirement: Retirement, options: CallOptions): Promise<boolean>
  /** Removes a document; false if it was not there. */
  remove(key: string, options: CallOptions): Promise<boolean>
  /** Removes all documents that fit the filter, but the one with key `except`; tells how many. */
  removeWhere(filter: Filter, except: string | undefined, options: CallOptions): Promise<number>
  /** Reads all documents that fit the filter, in no particular order. */
  list(filter: Filter, options?: Pick<CallOptions, 'deadline'>): AsyncIterable<Loaded>
  /** Asks for the time at the store, in milliseconds since 1970. */
  time(options: CallOptions): Promise<number>
  /** Tells that time at once, if the store runs on this machine's clock. */
  readonly now?: (() => number) | undefined
  /** The same store, for a collection in which there are documents of connect-mongo's too. */
  readonly withConnectMongo?: ((options: ConnectMongoOptions) => Store) | undefined
}
