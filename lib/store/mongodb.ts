/**
 * Sessions in MongoDB, in a collection of the application's own client.
 *
 * @module
 */

import type { Collection, Document } from 'mongodb'
import type { LoadRequest, WriteRequest } from './batch.js'
import { loadMany, writeMany } from './batch.js'
import type { Documents, WRITE } from './calls.js'
import { readAll, readOne, sendRead, sendWrite } from './calls.js'
import { conditionsOf, fencesOf, updateOf } from './commands.js'
import { connectMongoStore } from './connect-mongo.js'
import { checkCollection, warnIfStandalone } from './driver.js'
import { isFenceMiss, isKeyTaken } from './failure.js'
import { endOf, toDocument, toLong } from './fields.js'
import { gather } from './gather.js'
import type { IndexOptions } from './indexes.js'
import { createIndexes } from './indexes.js'
import type { CallOptions, Store } from './store.js'

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
    'lastRev',
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
  const documents = collection as unknown as Documents
  const ensureIndexes = createIndexes(collection, indexes)
  const notExpired = { $gt: ['$expiresAt', '$$NOW'] }
  const live = (): Document =>
    clock === 'server' ? { $expr: notExpired } : { expiresAt: { $gt: new Date() } }
  const projection = clock === 'server' ? { ...FIELDS, now: '$$NOW' } : FIELDS

  function write<T, P extends Document>(
    action: string,
    options: CallOptions,
    part: P,
    send: (part: P, options: typeof WRITE) => Promise<T>,
  ): Promise<T> {
    ensureIndexes()
    return sendWrite(action, options, part, send)
  }

  async function update(
    action: string,
    options: CallOptions,
    filter: Document,
    change: Document | Document[],
  ): Promise<boolean> {
    const { matchedCount } = await write(action, options, filter, (each, sending) =>
      documents.updateOne(each, change, sending),
    )
    return matchedCount === 1
  }

  const load = gather<LoadRequest, Uint8Array | null>({
    one: ({ key, options }) => readOne(documents, { _id: key, ...live() }, projection, options),
    many: requests => loadMany(documents, requests, live(), projection),
    sameKey: true,
    bytes: () => 0,
  })

  async function writeOne({ statement, options }: WriteRequest): Promise<boolean> {
    try {
      const filter = { _id: statement.key, ...live(), ...fencesOf(statement) }
      return await update('commit the session', options, filter, updateOf(statement))
    } catch (error) {
      // Another server changed the type of a parent: a fence would have said the same.
      if (isFenceMiss(error)) return false
      throw error
    }
  }

  const apply = gather<WriteRequest, boolean>({
    one: writeOne,
    many: requests => writeMany(documents, requests, notExpired),
    sameKey: false,
    bytes: ({ statement }) => statement.bytes,
  })

  const store: Store = {
    async load(key, options) {
      const bytes = options.linearizable
        ? await readOne(documents, { _id: key, ...live() }, projection, options)
        : await load({ key, options })
      return bytes && { bytes }
    },

    async insert(document, options) {
      const action = 'store the session'
      const whole = toDocument(document)
      try {
        await write(action, options, whole, (each, sending) => documents.insertOne(each, sending))
        return true
      } catch (error) {
        if (!isKeyTaken(error)) throw error
      }
      // What has expired is not there, although it may not have been removed yet.
      const expired = { _id: document.key, $nor: [live()] }
      const { matchedCount } = await write(action, options, expired, (each, sending) =>
        documents.replaceOne(each, whole, sending),
      )
      return matchedCount === 1
    },

    write(statement, options) {
      ensureIndexes()
      const request = { key: statement.key, statement, options }
      // Without expressions, the outcome of one among many could not be told.
      return clock === 'server' ? apply(request) : writeOne(request)
    },

    touch: ({ key, idle, endsAt, expiresAt }, options) =>
      update(
        'touch the session',
        options,
        {
          _id: key,
          ...live(),
          rev: { $gte: 0 },
          idle: idle ?? null,
          endsAt: endOf(endsAt).endsAt ?? null,
        },
        { $max: { expiresAt: new Date(expiresAt) } },
      ),

    retire({ key, rev, token, expiresAt }, options) {
      const filter = { _id: key, ...live(), rev }
      const mark = { _id: key, retiredBy: toLong(token), expiresAt: new Date(expiresAt) }
      const kept = { lastRev: '$rev', tokens: '$tokens' }
      return update('rotate the session', options, filter, [{ $replaceWith: { ...mark, ...kept } }])
    },

    async remove(key, options) {
      const filter = { _id: key, ...live(), rev: { $gte: 0 } }
      const { deletedCount } = await write(
        'destroy the session',
        options,
        filter,
        (each, sending) => documents.deleteOne(each, sending),
      )
      return deletedCount === 1
    },

    async removeWhere(filter, except, options) {
      const others = except === undefined ? {} : { _id: { $ne: except } }
      const which = { ...others, ...live(), rev: { $gte: 0 }, ...conditionsOf(filter) }
      const { deletedCount } = await write(
        'destroy the sessions',
        options,
        which,
        (each, sending) => documents.deleteMany(each, sending),
      )
      return deletedCount
    },

    async *list(filter, { deadline } = {}) {
      const which = { ...live(), rev: { $gte: 0 }, ...conditionsOf(filter) }
      for await (const bytes of readAll(documents, which, projection, deadline)) yield { bytes }
    },

    ...(clock === 'app'
      ? { now: Date.now, time: async () => Date.now() }
      : {
          time: ({ timeout, deadline = timeout }) =>
            sendRead('ask for the time', async () => {
              const signal = AbortSignal.timeout(Math.ceil(deadline))
              const hello = await collection.db.command({ hello: 1 }, { signal })
              warnIfStandalone(hello)
              return (hello.localTime as Date).getTime()
            }),
        }),

    withConnectMongo: options =>
      connectMongoStore(documents, store, { projection, serverClock: clock === 'server' }, options),
  }
  return store
}
