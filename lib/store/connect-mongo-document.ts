/**
 * Documents of connect-mongo: what they hold, as a document of dotset's, and back.
 *
 * While servers with connect-mongo still write to them, they keep their shape. dotset's bookkeeping
 * hides in the session's cookie then, where express-session drops what it does not know: so a server
 * that writes the session whole removes it, and nobody takes the session for what it was before.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { deserialize, Long, serialize } from 'bson'
import type { Mark } from '../document.js'
import { epochOf } from '../document.js'
import { SessionError } from '../errors.js'
import { isSafeKey } from '../path.js'
import type { PlainObject } from '../state/value.js'
import { endOf, toLong } from './fields.js'

/** A document of connect-mongo's, decoded such that it is the same when it is encoded. */
export interface ForeignDocument {
  readonly _id: string
  /** The attributes: printed as JSON, or an object. */
  readonly session: string | PlainObject
  readonly expires?: Date | null
  readonly createdAt?: Date
  /** The time at the server when it was read. */
  readonly now?: Date
}

/** A document of connect-mongo's as dotset sees it. It can be changed, and encoded again. */
export interface TakenOver {
  readonly data: PlainObject & { cookie?: unknown }
  /** Whether dotset has written to it, and connect-mongo has not since. */
  readonly kept: boolean
  rev: number
  layout: Map<string, number>
  tokens: bigint[]
  marks: Mark[]
  expiresAt: number
  readonly createdAt: number
  readonly idle: number | undefined
  readonly now: number
}

/** Where the bookkeeping is: an attribute of the cookie. */
export const BOOKS = 'dotset'

/**
 * From here on `rev` tells what a document without bookkeeping holds, by its hash. All others are
 * below.
 */
const UNKEPT = 2 ** 52

/** How long connect-mongo keeps a session whose document does not tell, in milliseconds. */
const TTL = 14 * 24 * 60 * 60_000

/** Counters of `layout` that are presented for a document without bookkeeping, at most. */
const COUNTERS = 64

/** Whether a commit was decided on a document without bookkeeping. */
export const isUnkept = (rev: number): boolean => rev >= UNKEPT

/** Decodes a document of connect-mongo's. */
export function decodeForeign(bytes: Uint8Array): ForeignDocument {
  return deserialize(bytes, { promoteValues: false }) as ForeignDocument
}

/**
 * What a document of connect-mongo's holds.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_DOCUMENT` if it is encrypted, or damaged.
 */
export function takeOver(document: ForeignDocument): TakenOver {
  return refusingDamage(() => readForeign(document))
}

/** The bytes of a document of connect-mongo's, as a session is to load them. */
export function present(document: ForeignDocument, taken = takeOver(document)): Uint8Array {
  const presented = { _id: document._id, ...toOwn(taken), now: new Date(taken.now) }
  return refusingDamage(() => serialize(presented))
}

/** Somebody else wrote it, so whatever fails is the document's fault. */
function refusingDamage<R>(read: () => R): R {
  try {
    return read()
  } catch {
    // The errors of BSON and JSON quote what they read.
    throw new SessionError(
      'ERR_INVALID_DOCUMENT',
      'Cannot take over a session of connect-mongo: it is encrypted, or damaged; decrypt it with connect-mongo, or let it expire',
    )
  }
}

function readForeign(document: ForeignDocument): TakenOver {
  const now = document.now?.getTime() ?? Date.now()
  const { cookie, ...attributes } = attributesOf(document)
  // When the cookie expires is what the session's expiry tells.
  const { [BOOKS]: books, expires, ...printed } = cookie as PlainObject
  const maxAge = Number(printed.originalMaxAge ?? Number.NaN)
  return {
    data: { ...attributes, cookie: printed },
    ...(isObject(books) ? readBooks(books) : withoutBooks(document, attributes, now)),
    expiresAt: document.expires?.getTime() ?? now + TTL,
    createdAt: document.createdAt instanceof Date ? document.createdAt.getTime() : now,
    idle: maxAge > 0 && (expires ?? null) !== null ? maxAge : undefined,
    now,
  }
}

function attributesOf({ session }: ForeignDocument): PlainObject & { cookie: unknown } {
  const attributes: unknown = typeof session === 'string' ? JSON.parse(session) : session
  if (isObject(attributes) && isObject(attributes.cookie)) return attributes as never
  throw new TypeError('there is no cookie')
}

type Books = Pick<TakenOver, 'kept' | 'rev' | 'layout' | 'tokens' | 'marks'>

function readBooks({ rev, layout, tokens, marks }: PlainObject): Books {
  const all = (list: unknown): unknown[] => (Array.isArray(list) ? list : [])
  return {
    kept: true,
    rev: Number(rev),
    layout: new Map(
      Object.entries(layout as PlainObject).map(([name, count]) => [name, Number(count)]),
    ),
    tokens: all(tokens).map(token => BigInt(String(token))),
    marks: all(marks).map(mark => {
      const { by, at } = mark as { by: unknown; at: string[] }
      return { by: BigInt(String(by)), at }
    }),
  }
}

/**
 * The bookkeeping of a document that has none. What `layout` counts is such that whoever read the
 * session before, in whatever shape, finds that everything may have been replaced.
 */
function withoutBooks({ session }: ForeignDocument, attributes: PlainObject, now: number): Books {
  const content = typeof session === 'string' ? session : serialize(session)
  const hash = createHash('sha256').update(content).digest()
  const names = Object.keys(attributes).filter(isCounted).slice(0, COUNTERS)
  return {
    kept: false,
    rev: UNKEPT + hash.readUIntBE(0, 6),
    layout: new Map(names.map(name => [name, epochOf(now)])),
    tokens: [],
    marks: [],
  }
}

/** A document as dotset keeps it. */
export function toOwn({ data, rev, layout, tokens, marks, ...times }: Own): PlainObject {
  return {
    data,
    rev,
    layout: Object.fromEntries(layout),
    tokens: tokens.map(toLong),
    marks: marks.map(({ by, at }) => ({ by: toLong(by), at })),
    createdAt: new Date(times.createdAt),
    expiresAt: new Date(times.expiresAt),
    ...(times.endsAt !== undefined && endOf(times.endsAt)),
    ...(times.idle !== undefined && { idle: times.idle }),
  }
}

type Own = Omit<TakenOver, 'kept' | 'now'> & { readonly endsAt?: number }

/** The attributes and the bookkeeping as connect-mongo keeps them: as JSON, or as an object. */
export function toForeign(
  { data, rev, layout, tokens, marks, expiresAt }: Foreign,
  asText: boolean,
): string | PlainObject {
  const { cookie, ...attributes } = data
  const printed = cookie as PlainObject | undefined
  const endsWithBrowser = (printed?.originalMaxAge ?? null) === null
  const integer = (each: bigint): unknown => (asText ? String(each) : toLong(each))
  const books = {
    rev,
    layout: Object.fromEntries(layout),
    tokens: tokens.map(integer),
    marks: marks.map(({ by, at }) => ({ by: integer(by), at })),
  }
  const expires = endsWithBrowser ? null : new Date(expiresAt)
  const session = { cookie: { ...printed, expires, [BOOKS]: books }, ...attributes }
  if (!asText) return session
  const plain: unknown = deserialize(serialize(session), { promoteBuffers: true })
  // What JSON has no number for is an int64 that JavaScript has none for either.
  return JSON.stringify(plain, (_key, value: unknown) =>
    value instanceof Long ? String(value) : value,
  )
}

type Foreign = Pick<TakenOver, 'data' | 'rev' | 'layout' | 'tokens' | 'marks' | 'expiresAt'>

const isCounted = (name: string): boolean => isSafeKey(name) && name !== '__proto__'

const isObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
