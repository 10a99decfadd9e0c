/**
 * A collection in which some sessions are still documents of connect-mongo's.
 *
 * They are read as what they are, and become documents of dotset's by their first write; or they keep
 * their shape, so that servers with connect-mongo can go on using them. A document never changes its
 * `_id`, and each write of one is void if the session has changed since it was read.
 *
 * @module
 */

import { deserialize } from 'bson'
import type { Document } from 'mongodb'
import { BsonReader } from '../bson.js'
import { epochOf, SHARED_LAYOUT } from '../document.js'
import { applyModification } from '../state/apply.js'
import { withWidths } from '../state/width.js'
import type { Documents } from './calls.js'
import { readAll, readOne, sendWrite } from './calls.js'
import { fencesOf, updateOf } from './commands.js'
import { fitsStatement, keepBooks, revOf } from './connect-mongo-books.js'
import type { ForeignDocument } from './connect-mongo-document.js'
import {
  BOOKS,
  decodeForeign,
  isUnkept,
  present,
  takeOver,
  toForeign,
  toOwn,
} from './connect-mongo-document.js'
import { isFenceMiss, isKeyTaken } from './failure.js'
import { fits } from './filter.js'
import type { CallOptions, ConnectMongoOptions, Filter, Statement, Store } from './store.js'

/** How documents are read. */
export interface Reading {
  /** The fields of a document of dotset's, and the server's time if its clock decides. */
  readonly projection: Document
  /** Whether the server's own clock decides what has expired. */
  readonly serverClock: boolean
}

/** Later than any expiry. */
const NEVER = new Date(8.64e15)

/** Selects documents of connect-mongo's that have not expired. */
export function foreignDocuments(serverClock: boolean): Document {
  return { session: { $exists: true }, ...notExpired(['$expires', NEVER], serverClock) }
}

/** @param expiry What `$ifNull` takes for the expiry. */
function notExpired(expiry: unknown[], serverClock: boolean): Document {
  return { $expr: { $gt: [{ $ifNull: expiry }, serverClock ? '$$NOW' : new Date()] } }
}

/** Requires of a document of connect-mongo's that it holds what was read. */
export function unchangedSince({ _id, session, expires }: ForeignDocument): Document & {
  _id: string
} {
  return { _id, session: { $eq: session }, expires: expires ?? null }
}

/**
 * Creates the store.
 *
 * @param own The store of dotset's documents in the same collection.
 */
export function connectMongoStore(
  documents: Documents,
  own: Store,
  { projection, serverClock }: Reading,
  { convert, stringify, absoluteTimeout }: ConnectMongoOptions,
): Store {
  const fields = { ...projection, session: 1, expires: 1 }
  const foreign = (): Document => foreignDocuments(serverClock)
  const either = (): Document =>
    notExpired(['$expiresAt', { $ifNull: ['$expires', NEVER] }], serverClock)

  async function update(
    action: string,
    options: CallOptions,
    filter: Document,
    change: Document,
  ): Promise<boolean> {
    const { matchedCount } = await sendWrite(action, options, filter, (each, sending) =>
      documents.updateOne(each, change, sending),
    )
    return matchedCount === 1
  }

  async function remove(action: string, options: CallOptions, filter: Document): Promise<number> {
    const { deletedCount } = await sendWrite(action, options, filter, (each, sending) =>
      documents.deleteMany(each, sending),
    )
    return deletedCount
  }

  /** Writes the session whole, if it is still what was read just now, and that fits. */
  async function rewrite(statement: Statement, options: CallOptions): Promise<boolean> {
    const action = 'commit the session'
    const filter = { _id: statement.key, ...foreign() }
    const bytes = await readOne(documents, filter, fields, options)
    if (bytes === null) return false
    const document = decodeForeign(bytes)
    const taken = takeOver(document)
    if (!fitsStatement(taken, statement)) return false
    if (!statement.modifications.every(each => applyModification(taken.data, each))) return false
    // The modifications were applied in place.
    const unchanged = unchangedSince(decodeForeign(bytes))
    if (!convert) {
      keepBooks(taken, statement, () => SHARED_LAYOUT)
      const session = toForeign(taken, typeof document.session === 'string')
      const expires = new Date(taken.expiresAt)
      return update(action, options, unchanged, { $set: { session, expires } })
    }
    keepBooks(taken, statement, name => name)
    const { endsAt = taken.now + absoluteTimeout, idle = taken.idle } = statement.timeouts ?? {}
    const expiresAt = Math.min(taken.expiresAt, endsAt)
    const converted = toOwn({ ...taken, endsAt, idle, expiresAt })
    const { matchedCount } = await sendWrite(action, options, unchanged, (each, sending) =>
      documents.replaceOne(each, converted, sending),
    )
    return matchedCount === 1
  }

  /** Writes parts of a session that is an object; false also if it is none. */
  async function writeParts(statement: Statement, options: CallOptions): Promise<boolean> {
    const raises = statement.raises.length > 0 ? [SHARED_LAYOUT] : []
    const change = Object.entries(updateOf({ ...statement, raises })).map(([operator, paths]) => {
      return [operator, relocate(paths)]
    })
    const filter = { _id: statement.key, ...foreign(), ...relocate(fencesOf(statement)) }
    try {
      return await update('commit the session', options, filter, Object.fromEntries(change))
    } catch (error) {
      if (isFenceMiss(error)) return false
      throw error
    }
  }

  async function writeForeign(statement: Statement, options: CallOptions): Promise<boolean> {
    const inParts = !convert && !touchesCookie(statement)
    return (inParts && (await writeParts(statement, options))) || rewrite(statement, options)
  }

  /** Asks for both kinds of document, the likelier first, until one is there and fits. */
  async function ask(
    inForeign: () => Promise<boolean>,
    inOwn: () => Promise<boolean>,
  ): Promise<boolean> {
    const [first, second] = convert ? [inOwn, inForeign] : [inForeign, inOwn]
    return (await first()) || second()
  }

  async function* list(
    filter: Filter,
    deadline: number | undefined,
  ): AsyncGenerator<{ key: string; bytes: Uint8Array }> {
    const hasConditions = Object.keys(filter).length > 0
    for await (const bytes of readAll(documents, foreign(), fields, deadline)) {
      const document = decodeForeign(bytes)
      const presented = presentIfReadable(document)
      // What cannot be read has nothing to look for; whoever wants all is given it as it is.
      if (presented === undefined ? !hasConditions : fits(deserialize(presented).data, filter)) {
        yield { key: document._id, bytes: presented ?? bytes }
      }
    }
  }

  return {
    ...own,

    async load(key, options) {
      const bytes = await readOne(documents, { _id: key, ...either() }, fields, options)
      if (bytes === null) return null
      const isForeign = new BsonReader(bytes).scan().has('session')
      return { bytes: isForeign ? present(decodeForeign(bytes)) : bytes }
    },

    async insert(document, options) {
      if (convert) return own.insert(document, options)
      const { key, tokens, createdAt, expiresAt } = document
      const rev = epochOf(createdAt)
      const data = withWidths(document.data) as typeof document.data
      const books = { data, rev, layout: new Map([[SHARED_LAYOUT, rev]]), marks: [], expiresAt }
      const session = toForeign({ ...books, tokens: [...tokens] }, stringify)
      const stored = { _id: key, session, expires: new Date(expiresAt) }
      try {
        await sendWrite('store the session', options, stored, (each, sending) =>
          documents.insertOne(each, sending),
        )
        return true
      } catch (error) {
        if (isKeyTaken(error)) return false
        throw error
      }
    },

    write: (statement, options) =>
      // What was decided on a document without bookkeeping fits no other.
      isUnkept(revOf(statement))
        ? rewrite(statement, options)
        : ask(
            () => writeForeign(statement, options),
            () => own.write(statement, options),
          ),

    touch: (touch, options) =>
      ask(
        () => {
          const expires = new Date(touch.expiresAt)
          const filter = { _id: touch.key, ...foreign() }
          return update('touch the session', options, filter, { $max: { expires } })
        },
        () => own.touch(touch, options),
      ),

    async remove(key, options) {
      // A document may become one of dotset's meanwhile, and never one of connect-mongo's again.
      const removed = await remove('destroy the session', options, { _id: key, ...foreign() })
      return removed === 1 || own.remove(key, options)
    },

    async removeWhere(filter, except, options) {
      const action = 'destroy the sessions'
      let removed = 0
      if (Object.keys(filter).length === 0) {
        const others = except === undefined ? {} : { _id: { $ne: except } }
        removed = await remove(action, options, { ...foreign(), ...others })
      } else {
        for await (const { key } of list(filter, options.deadline)) {
          if (key === except) continue
          removed += await remove(action, options, { _id: key, session: { $exists: true } })
        }
      }
      return removed + (await own.removeWhere(filter, except, options))
    },

    async *list(filter, options) {
      for await (const { bytes } of list(filter, options?.deadline)) yield { bytes }
      yield* own.list(filter, options)
    },
  }
}

function presentIfReadable(document: ForeignDocument): Uint8Array | undefined {
  try {
    return present(document)
  } catch {
    return undefined
  }
}

/** Whether a commit writes what the bookkeeping is a part of, or what depends on it. */
const touchesCookie = ({ modifications, timeouts }: Statement): boolean =>
  timeouts !== undefined || modifications.some(({ path }) => (path[0] ?? 'cookie') === 'cookie')

/** Where the fields of a document of dotset's are in one of connect-mongo's. */
const PLACES: Readonly<Record<string, string>> = {
  data: 'session',
  expiresAt: 'expires',
  rev: `session.cookie.${BOOKS}.rev`,
  layout: `session.cookie.${BOOKS}.layout`,
  tokens: `session.cookie.${BOOKS}.tokens`,
  marks: `session.cookie.${BOOKS}.marks`,
}

/** The same paths, in a document of connect-mongo's. */
function relocate(paths: Document): Document {
  return Object.fromEntries(
    Object.entries(paths).map(([path, value]) => {
      const [field = '', ...rest] = path.split('.')
      return [[PLACES[field] ?? field, ...rest].join('.'), value]
    }),
  )
}
