/**
 * Sessions in the memory of this process, with the semantics of MongoDB.
 *
 * @module
 */

import type { Long } from 'bson'
import { deserialize, Int32, serialize } from 'bson'
import { KEPT } from '../document.js'
import { StoreError } from '../errors.js'
import { applyModification } from '../state/apply.js'
import type { PlainObject } from '../state/value.js'
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
  rev?: Int32
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
    const document = deserialize(bytes, { promoteValues: false }) as Exact
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
      const document = deserialize(bytes)
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
      if (read(document.key) !== undefined) {
        throw new StoreError('store the session', 'its key is taken')
      }
      write(document.key, toDocument(document))
      if (++inserted % 1000 === 0) for (const key of documents.keys()) read(key)
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
      write(key, { _id: key, retiredBy: toLong(token), expiresAt: new Date(expiresAt) })
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
        if (fits(deserialize(documents.get(key) as Buffer).data, filter)) {
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

function keepBooks(document: Exact, statement: Statement): void {
  const { token, mark, trim, raises, timeouts } = statement
  document.rev = new Int32(Number(document.rev) + (timeouts === undefined ? 1 : KEPT))
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
