/**
 * Sessions in the memory of this process, with the semantics of MongoDB.
 *
 * @module
 */

import type { DeserializeOptions, Long } from 'bson'
import { DBRef, Double, deserialize, Int32, serialize } from 'bson'
import { KEPT } from '../document.js'
import { applyModification } from '../state/apply.js'
import type { PlainObject } from '../state/value.js'
import { isPlainObject } from '../state/value.js'
import { endOf, toDocument, toLong } from './fields.js'
import { fits } from './filter.js'
import type { Filter, Loaded, Statement, Store, Touch } from './store.js'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Tells the time, in milliseconds since 1970. Default: `Date.now`. */
  now?: () => number
}

/** A document decoded without losing how its numbers are stored. */
interface Exact extends PlainObject {
  data: PlainObject
  /** Absent in the mark that a rotation leaves. */
  rev?: Int32 | Double
  layout: Record<string, Int32>
  tokens: Long[]
  marks?: PlainObject[]
  expiresAt: Date
  endsAt?: Date
  idle?: number
}

/**
 * Creates a store in the memory of this process: for development, tests, and servers that are alone.
 *
 * It keeps BSON, and checks the same fences as MongoDB does. Expired sessions are removed when they
 * are met, and at the latest when another thousand were inserted.
 *
 * @example
 * ```ts
 * const sessions = createSessions({ store: memoryStore() })
 * ```
 */
export function memoryStore({ now = Date.now }: MemoryStoreOptions = {}): Store {
  const documents = new Map<string, Buffer>()

  function read(key: string): Exact | undefined {
    const bytes = documents.get(key)
    if (bytes === undefined) return undefined
    const document = decode(bytes, { promoteValues: false })
    if (document.expiresAt.getTime() > now()) return document
    documents.delete(key)
    return undefined
  }

  function write(key: string, document: PlainObject): void {
    documents.set(key, Buffer.from(serialize(document)))
  }

  async function* list(filter: Filter): AsyncGenerator<Loaded> {
    for (const key of [...documents.keys()]) {
      const bytes = read(key) && documents.get(key)
      if (bytes === undefined) continue
      const document = decode(bytes)
      if (document.retiredBy === undefined && fits(document.data, filter)) {
        yield { bytes, now: now() }
      }
    }
  }
  let inserted = 0

  return {
    async load(key) {
      return read(key) === undefined ? null : { bytes: documents.get(key) as Buffer, now: now() }
    },
    async insert(document) {
      if (read(document.key) !== undefined) return false
      write(document.key, toDocument(document))
      if (++inserted % 1000 === 0) for (const key of documents.keys()) read(key)
      return true
    },
    async write(statement) {
      const document = read(statement.key)
      if (document === undefined || !fitsStatement(document, statement)) return false
      if (!statement.modifications.every(each => applyModification(document.data, each)))
        return false
      keepBooks(document, statement)
      write(statement.key, document)
      return true
    },
    async touch(touch) {
      const document = read(touch.key)
      if (document?.rev === undefined || !fitsTimeouts(document, touch)) return false
      document.expiresAt = new Date(Math.max(document.expiresAt.getTime(), touch.expiresAt))
      write(touch.key, document)
      return true
    },
    async retire({ key, rev, token, expiresAt }) {
      const document = read(key)
      if (document?.rev?.valueOf() !== rev) return false
      const { tokens, rev: lastRev } = document
      const mark = { retiredBy: toLong(token), expiresAt: new Date(expiresAt), lastRev, tokens }
      write(key, { _id: key, ...mark })
      return true
    },
    async remove(key) {
      return read(key)?.rev !== undefined && documents.delete(key)
    },
    async removeWhere(filter, except) {
      let removed = 0
      for (const key of [...documents.keys()]) {
        const document = read(key)
        if (document?.rev === undefined || key === except) continue
        if (fits(decode(documents.get(key) as Buffer).data, filter)) {
          documents.delete(key)
          removed++
        }
      }
      return removed
    },
    list,
    time: async () => now(),
    now,
  }
}

/** Decodes a document, and leaves everything in it what it is. */
function decode(bytes: Buffer, options?: DeserializeOptions): Exact {
  const document = deserialize(bytes, { ...options, bsonRegExp: true })
  if (!bytes.includes('$ref\0')) return document as Exact
  return withoutReferences(document, bytes.includes('$db\0')) as Exact
}

/**
 * The bson package makes a reference of what has `$ref` and `$id`, where it is an object like any other.
 *
 * @param named Whether it is `$db` that tells the database; otherwise the package took it from `$ref`.
 */
function withoutReferences(value: unknown, named: boolean): unknown {
  if (value instanceof DBRef) {
    const { $ref, $db, ...others } = value.toJSON()
    const names =
      named || $db === undefined ? value.toJSON() : { $ref: `${$db}.${$ref}`, ...others }
    return withoutReferences({ ...names }, named)
  }
  if (Array.isArray(value)) return value.map(each => withoutReferences(each, named))
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withoutReferences(each, named)]),
  )
}

function fitsStatement(document: Exact, statement: Statement): boolean {
  const { rev, layout, tokens } = document
  if (rev === undefined) return false
  const { rev: required } = statement
  if ('exactly' in required ? Number(rev) !== required.exactly : Number(rev) >= required.below) {
    return false
  }
  if (tokens.some(token => token.toBigInt() === statement.token)) return false
  return [...statement.layout].every(([name, count]) => counterAt(layout, name) === count)
}

function fitsTimeouts(document: Exact, { idle, endsAt }: Touch): boolean {
  return (
    document.idle?.valueOf() === idle &&
    document.endsAt?.getTime() === endOf(endsAt).endsAt?.getTime()
  )
}

function counterAt(layout: Exact['layout'], name: string): number {
  return Object.hasOwn(layout, name) ? Number(layout[name]) : 0
}

/** A count as MongoDB's `$inc` stores it. */
const toCount = (count: number): Int32 | Double =>
  count > 0x7fffffff ? new Double(count) : new Int32(count)

function keepBooks(document: Exact, statement: Statement): void {
  const { token, mark, trim, raises, timeouts } = statement
  document.rev = toCount(Number(document.rev) + (timeouts === undefined ? 1 : KEPT))
  for (const name of raises) document.layout[name] = new Int32(counterAt(document.layout, name) + 1)
  document.tokens.push(toLong(token))
  if (mark !== undefined) {
    document.marks ??= []
    document.marks.push({ by: toLong(mark.by), at: mark.at })
  }
  if (timeouts === undefined) {
    document.expiresAt = new Date(Math.max(document.expiresAt.getTime(), statement.expiresAt))
  } else {
    delete document.endsAt
    delete document.idle
    Object.assign(document, endOf(timeouts.endsAt), { expiresAt: new Date(statement.expiresAt) })
    if (timeouts.idle !== undefined) document.idle = timeouts.idle
  }
  if (trim !== false) document.tokens = document.tokens.slice(-KEPT)
  if (trim === true && document.marks !== undefined) document.marks = document.marks.slice(-KEPT)
}
