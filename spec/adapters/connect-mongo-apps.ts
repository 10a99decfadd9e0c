/**
 * Apps of express-session over one collection: with connect-mongo, and with dotset in its place.
 */

import { randomBytes } from 'node:crypto'
import MongoConnectStore from 'connect-mongo'
import { sign } from 'cookie-signature'
import type { Request } from 'express'
import express from 'express'
import type { SessionData, Store } from 'express-session'
import session from 'express-session'
import type { Collection, Document } from 'mongodb'
import type { ConnectMongo } from '../../lib/adapters/express-session.js'
import { DotsetStore } from '../../lib/adapters/express-session.js'
import { mongoStore } from '../../lib/mongodb.js'
import type { Data } from '../support/operations.js'
import { mongoClient } from '../support/stores.js'
import { answerErrors } from './express-app.js'
import type { Served } from './framework.js'
import { listen } from './listen.js'

const SECRET = 'of a spec'

/** A form in which connect-mongo keeps sessions. */
export interface Form {
  readonly name: string
  readonly options: {
    readonly stringify?: boolean
    readonly touchAfter?: number
    readonly timestamps?: boolean
    readonly transformId?: (id: string) => string
  }
}

/** Those forms. */
export const forms: readonly Form[] = [
  { name: 'JSON', options: {} },
  { name: 'objects', options: { stringify: false } },
  { name: 'JSON, touchAfter and timestamps', options: { touchAfter: 3600, timestamps: true } },
  { name: 'objects, transformId', options: { stringify: false, transformId: id => `web:${id}` } },
]

/** The store of connect-mongo. */
export function connectMongo(
  { dbName, collectionName }: Collection<Document>,
  { options }: Form,
): MongoConnectStore {
  return MongoConnectStore.create({ client: mongoClient(), dbName, collectionName, ...options })
}

/** dotset's, in its place. */
export function dotsetInPlace(
  collection: Collection<Document>,
  { options: { transformId, stringify } }: Form,
  convert: boolean,
): DotsetStore {
  const from: ConnectMongo = {
    store: 'connect-mongo',
    convert,
    ...(transformId !== undefined && { transformId }),
    ...(stringify !== undefined && !convert && { stringify }),
  }
  return new DotsetStore({ store: mongoStore(collection), from })
}

/** What a handler does with a session. */
export type Routes = Record<string, (data: Data) => unknown>

/** Serves an app. */
export function serveStore(store: Store, routes: Routes): Promise<Served> {
  const app = express()
  app.set('env', 'test')
  app.use(session({ store, secret: SECRET, resave: false, saveUninitialized: false }))
  for (const [path, handle] of Object.entries(routes)) {
    app.get(path, async (request, response) => {
      const { session } = request as Request & { session: Data }
      response.json((await handle(session)) ?? null)
    })
  }
  app.use(answerErrors)
  return listen(app)
}

/** Stores sessions with connect-mongo, and gives the cookies of the browsers that hold them. */
export async function storeSessions(
  store: MongoConnectStore,
  count: number,
  data: (index: number) => Data,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomBytes(24).toString('base64url'))
  const cookie = {
    originalMaxAge: 3_600_000,
    expires: new Date(Date.now() + 3_600_000),
    httpOnly: true,
    path: '/',
  }
  await Promise.all(
    ids.map((id, index) => {
      const stored = { cookie, ...data(index) } as unknown as SessionData
      return new Promise<void>((resolve, reject) => {
        store.set(id, stored, error => (error ? reject(error) : resolve()))
      })
    }),
  )
  return ids.map(id => `connect.sid=${encodeURIComponent(`s:${sign(id, SECRET)}`)}`)
}
