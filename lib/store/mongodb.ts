/**
 * Sessions in MongoDB, in a collection of the application's own client.
 *
 * @module
 */

import type { Collection, Document } from 'mongodb'
import { KEPT } from '../document.js'
import { checkCollection } from './driver.js'
import { isFenceMiss, toStoreError } from './failure.js'
import { endOf, toDocument, toLong } from './fields.js'
import type { IndexOptions } from './indexes.js'
import { createIndexes } from './indexes.js'
import type { Filter, Statement, Store } from './store.js'
import type { UpdateDocument } from './update.js'
import { toUpdate } from './update.js'

/** Options of {@link mongoStore}. */
export interface MongoStoreOptions {
  /**
   * Which indexes the store creates, in the background at its first write: with `paths`, one for each
   * (`'user.id'`, to log a user out everywhere) beside the one that removes expired sessions; `false`
   * for none at all. Default: the one that removes expired sessions.
   */
  indexes?: false | IndexOptions
  /**
   * Whose clock decides what has expired: `'server'` asks for MongoDB's own, by `$expr` and `$$NOW`;
   * `'app'` is for services that know neither. Default: `'server'`.
   */
  clock?: 'server' | 'app'
}

/** Whatever the caller's client says: nothing of ours is left out, and it holds on a majority. */
const WRITE = {
  writeConcern: { w: 'majority' },
  ignoreUndefined: false,
  serializeFunctions: false,
} as const

/** Whatever the caller's client says: what was last written is read, as bytes. */
const READ = { readPreference: 'primary', ignoreUndefined: false, raw: true } as const

/** The fields of a document that a session needs, and the server's time. */
const FIELDS: Document = Object.fromEntries(
  [
    'data',
    'rev',
    'layout',
    'tokens',
    'marks',
    'createdAt',
    'expiresAt',
    'endsAt',
    'idle',
    'retiredBy',
  ].map(field => [field, 1]),
)

/**
 * Creates a store in a MongoDB collection.
 *
 * Every write waits for a majority, every read asks the primary, whatever the client's own settings
 * are. A session is one document, and each write names one by its `_id`, so the collection may be
 * sharded by hashed `_id`.
 *
 * @param collection A collection of the caller's own client. dotset neither connects nor closes it.
 * @throws `SessionError` with code `ERR_INVALID_OPTION` if the collection is one of another
 *   major version of the driver, or a path to index is none.
 * @example
 * ```ts
 * const client = new MongoClient('mongodb://127.0.0.1:27017')
 * const store = mongoStore(client.db('shop').collection('sessions'))
 * ```
 */
export function mongoStore(
  collection: Collection<Document>,
  { indexes = {}, clock = 'server' }: MongoStoreOptions = {},
): Store {
  checkCollection(collection)
  const documents = collection as unknown as Collection<Document & { _id: string }>
  const ensureIndexes = createIndexes(collection, indexes)
  const live = (): Document =>
    clock === 'server'
      ? { $expr: { $gt: ['$expiresAt', '$$NOW'] } }
      : { expiresAt: { $gt: new Date() } }
  const projection = clock === 'server' ? { ...FIELDS, now: '$$NOW' } : FIELDS
  const NOT_A_REPLICA_SET = 123

  async function attempt<T>(action: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw toStoreError(action, error)
    }
  }

  async function update(action: string, filter: Document, change: Document): Promise<boolean> {
    return attempt(action, async () => {
      const { matchedCount } = await documents.updateOne(filter, change, WRITE)
      return matchedCount === 1
    })
  }

  return {
    load: (key, { timeout, linearizable = false }) =>
      attempt('load the session', async () => {
        const find = (level: 'local' | 'linearizable'): Promise<Uint8Array | null> =>
          documents.findOne<Uint8Array>(
            { _id: key, ...live() },
            { ...READ, projection, readConcern: { level }, maxTimeMS: Math.ceil(timeout) },
          )
        try {
          const bytes = await find(linearizable ? 'linearizable' : 'local')
          return bytes && { bytes }
        } catch (error) {
          // A server that is alone knows no linearizable reads, and needs none.
          if (!linearizable || (error as { code?: unknown }).code !== NOT_A_REPLICA_SET) throw error
          const bytes = await find('local')
          return bytes && { bytes }
        }
      }),

    insert: document =>
      attempt('store the session', async () => {
        ensureIndexes()
        await documents.insertOne(toDocument(document), WRITE)
      }),

    async write(statement) {
      try {
        const filter = { _id: statement.key, ...live(), ...fencesOf(statement) }
        return await update('commit the session', filter, updateOf(statement))
      } catch (error) {
        // Another server changed the type of a parent: a fence would have said the same.
        if (isFenceMiss(error)) return false
        throw error
      }
    },

    touch: ({ key, idle, expiresAt }) =>
      update(
        'touch the session',
        { _id: key, ...live(), rev: { $gte: 0 }, idle: idle ?? null },
        { $max: { expiresAt: new Date(expiresAt) } },
      ),

    retire: ({ key, rev, token, expiresAt }) =>
      attempt('rotate the session', async () => {
        const mark = { retiredBy: toLong(token), expiresAt: new Date(expiresAt) }
        const { matchedCount } = await documents.replaceOne(
          { _id: key, ...live(), rev },
          mark,
          WRITE,
        )
        return matchedCount === 1
      }),

    remove: key =>
      attempt('destroy the session', async () => {
        const { deletedCount } = await documents.deleteOne(
          { _id: key, ...live(), rev: { $gte: 0 } },
          WRITE,
        )
        return deletedCount === 1
      }),

    removeWhere: (filter, except) =>
      attempt('destroy the sessions', async () => {
        const others = except === undefined ? {} : { _id: { $ne: except } }
        const { deletedCount } = await documents.deleteMany(
          { ...others, ...live(), rev: { $gte: 0 }, ...conditionsOf(filter) },
          WRITE,
        )
        return deletedCount
      }),

    async *list(filter) {
      const cursor = documents.find<Uint8Array>(
        { ...live(), rev: { $gte: 0 }, ...conditionsOf(filter) },
        { ...READ, projection },
      )
      try {
        for await (const bytes of cursor) yield { bytes }
      } catch (error) {
        throw toStoreError('list the sessions', error)
      }
    },

    now: clock === 'app' ? Date.now : undefined,
    time: () =>
      attempt('ask for the time', async () => {
        const { localTime } = await collection.db.command({ hello: 1 })
        return (localTime as Date).getTime()
      }),
  }
}

/** What a commit requires of the document, as a filter. */
function fencesOf({ rev, token, layout }: Statement): Document {
  const fences: Document = {
    rev: 'exactly' in rev ? rev.exactly : { $lt: rev.below },
    tokens: { $ne: toLong(token) },
  }
  // In a filter, null is what is absent, too.
  for (const [name, count] of layout) fences[`layout.${name}`] = count === 0 ? null : count
  return fences
}

function updateOf(statement: Statement): UpdateDocument {
  const { token, mark, trim, raises, timeouts } = statement
  const { update } = toUpdate(statement.modifications)
  const appended = (value: unknown): { $each: unknown[]; $slice?: number } =>
    trim ? { $each: [value], $slice: -KEPT } : { $each: [value] }
  const expiresAt = new Date(statement.expiresAt)
  const change: Document = {
    ...update,
    $inc: { rev: 1, ...Object.fromEntries(raises.map(name => [`layout.${name}`, 1])) },
    $push: {
      ...update.$push,
      tokens: trim ? appended(toLong(token)) : toLong(token),
      ...(mark && { marks: appended({ by: toLong(mark.by), at: mark.at }) }),
    },
  }
  if (timeouts === undefined) {
    change.$max = { expiresAt }
  } else {
    const { idle, endsAt } = timeouts
    change.$set = {
      ...update.$set,
      expiresAt,
      ...endOf(endsAt),
      ...(idle !== undefined && { idle }),
    }
    const removed = {
      ...(idle === undefined && { idle: '' }),
      ...(endOf(endsAt).endsAt === undefined && { endsAt: '' }),
    }
    if (Object.keys(removed).length > 0) change.$unset = { ...update.$unset, ...removed }
  }
  return change as UpdateDocument
}

/** The conditions of a filter that came from the application. */
function conditionsOf(filter: Filter): Document {
  return Object.fromEntries(
    Object.entries(filter).map(([path, value]) => [`data.${path}`, { $eq: value }]),
  )
}
