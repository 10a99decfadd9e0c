/**
 * The contenders: ways to load a session from MongoDB, change a number in it, and save it.
 */

import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import MongoStore from 'connect-mongo'
import type { Store as ExpressStore } from 'express-session'
import type { Document, MongoClientOptions } from 'mongodb'
import { MongoClient } from 'mongodb'
import mongoose from 'mongoose'
import { createSessions, mongoStore } from '../support/built.js'
import type { Place, SessionData } from './sessions.js'

/** One contender, connected by a client of its own. */
export interface Contender {
  readonly name: string
  /** The collection that it keeps sessions in. */
  readonly collection: string
  /** Stores a new session, and gives the id to load it by. */
  create(data: SessionData): Promise<string>
  /** Loads a session and adds 1 to the number at `place`. The result saves it. */
  load(id: string, place: Place): Promise<() => Promise<unknown>>
  /** The session in a document of its collection. */
  dataOf(document: Document): SessionData
  close(): Promise<unknown>
}

/** Where the contenders are connected to. */
export interface Connection {
  readonly uri: string
  readonly database: string
  readonly options?: Pick<MongoClientOptions, 'serverMonitoringMode' | 'heartbeatFrequencyMS'>
}

type Connect = (connection: Connection) => Promise<Contender>

const MAJORITY = { writeConcern: { w: 'majority' } } as const

const connectDotset: Connect = async ({ uri, database, options }) => {
  const client = await MongoClient.connect(uri, options)
  const collection = 'dotset'
  const store = mongoStore(client.db(database).collection(collection))
  const sessions = createSessions<SessionData>({ store })
  return {
    name: 'dotset',
    collection,
    async create(data) {
      const session = sessions.create(data)
      await session.commit()
      return session.id
    },
    async load(id, place) {
      const session = await sessions.open(id)
      if (session === null) throw new Error('the session is gone')
      place.increase(session.data)
      return () => session.commit()
    },
    dataOf: document => document.data as SessionData,
    close: () => client.close(),
  }
}

/** `findOne` and `$set` on one path, as somebody writes them who knows what changes. */
const connectByHand: Connect = async ({ uri, database, options }) => {
  const client = await MongoClient.connect(uri, options)
  const collection = 'by_hand'
  const documents = client.db(database).collection<{ _id: string; data: SessionData }>(collection)
  return {
    name: 'by hand',
    collection,
    async create(data) {
      const _id = randomUUID()
      await documents.insertOne({ _id, data }, MAJORITY)
      return _id
    },
    async load(_id, place) {
      const document = await documents.findOne({ _id })
      if (document === null) throw new Error('the session is gone')
      place.increase(document.data)
      const change = { [`data.${place.path}`]: place.read(document.data) }
      return () => documents.updateOne({ _id }, { $set: change }, MAJORITY)
    },
    dataOf: document => document.data as SessionData,
    close: () => client.close(),
  }
}

/** express-session's calls of its store. Its own work (hashing, the cookie) is left out. */
const connectExpressSession: Connect = async ({ uri, database, options }) => {
  const client = await MongoClient.connect(uri, options)
  const collection = 'connect_mongo'
  const store = MongoStore.create({ client, dbName: database, collectionName: collection })
  await store.collectionP
  // Sessions are typed by declaration merging there, which would hold for the whole program.
  const calls = store as ExpressStore as unknown as {
    load: (id: string, done: (error: unknown, session?: SessionData & Touchable) => void) => void
    set: (id: string, session: object, done: (error: unknown) => void) => void
  }
  const [get, set] = [promisify(calls.load.bind(store)), promisify(calls.set.bind(store))]
  return {
    name: 'connect-mongo',
    collection,
    async create(data) {
      const id = randomUUID()
      await set(id, { ...data, cookie: { originalMaxAge: null, path: '/', httpOnly: true } })
      return id
    },
    async load(id, place) {
      const session = await get(id)
      if (session === undefined) throw new Error('the session is gone')
      place.increase(session)
      return () => set(id, session.touch())
    },
    dataOf(document) {
      const { cookie: _, ...data } = JSON.parse(document.session as string)
      for (const visit of data.history) visit.at = new Date(visit.at)
      return data
    },
    close: () => client.close(),
  }
}

interface Touchable {
  touch(): object
}

const connectMongoose: Connect = async ({ uri, database, options }) => {
  const connection = await mongoose
    .createConnection(uri, { ...options, dbName: database })
    .asPromise()
  const collection = 'mongoose'
  const Model = connection.model('Session', mongooseSchema, collection)
  await Model.init()
  return {
    name: 'Mongoose',
    collection,
    async create(data) {
      const _id = randomUUID()
      await Model.create({ _id, data })
      return _id
    },
    async load(_id, place) {
      const document = await Model.findOne({ _id })
      if (document === null) throw new Error('the session is gone')
      place.increase(document.data as unknown as SessionData)
      return () => document.save()
    },
    dataOf: document => document.data as SessionData,
    close: () => connection.close(),
  }
}

const plain = { _id: false } as const
const mongooseSchema = new mongoose.Schema(
  {
    _id: String,
    data: {
      user: { id: Number, name: String, email: String },
      cart: [{ ...plain, sku: String, title: String, quantity: Number, price: Number }],
      history: [{ ...plain, id: Number, title: String, url: String, rating: Number, at: Date }],
    },
  },
  { writeConcern: { w: 'majority' } },
)

/** Connects all contenders to one database. */
export function connectAll(connection: Connection): Promise<Contender[]> {
  const connects = [connectDotset, connectByHand, connectExpressSession, connectMongoose]
  return Promise.all(connects.map(connect => connect(connection)))
}
