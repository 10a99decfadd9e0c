/**
 * The shop on two kinds of session, over the same kind of store.
 */

import { randomUUID } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import MongoConnectStore from 'connect-mongo'
import type { CommitMessage } from 'dotset'
import { createSessions, memoryStore, merge } from 'dotset'
import { session } from 'dotset/express'
import { mongoStore } from 'dotset/mongodb'
import type { Express, Request, RequestHandler } from 'express'
import express from 'express'
import expressSession, { MemoryStore } from 'express-session'
import type { Collection } from 'mongodb'
import { BSON, MongoClient } from 'mongodb'
import { z } from 'zod'
import type { ShopSession } from './shop.js'
import { openShop } from './shop.js'
import { openSite } from './site.js'

/** A shop that is open. */
export interface RunningShop {
  readonly name: string
  readonly url: string
  /** What went to the store so far. */
  readonly traffic: Traffic
  close(): Promise<void>
}

/** What went to a store. */
export interface Traffic {
  writes: number
  bytes: number
}

/** What dotset's sessions hold: `web.of(request).data` has this type. */
export const shopSchema = z.object({
  cart: z.array(z.object({ item: z.string(), price: z.number(), quantity: z.int() })).optional(),
  views: z.record(z.string(), z.int()).optional(),
  user: z.object({ name: z.string() }).optional(),
  device: z.string().optional(),
  lastUsed: z.date().register(merge, 'max').optional(),
  csrfToken: z.string().optional(),
})

/** What a session of the shop on dotset holds. */
export type ShopData = z.output<typeof shopSchema>

/**
 * Opens the shop on dotset.
 *
 * @param options `site`: whether it has pages, a login, and forms that only its own pages can submit.
 */
export async function openWithDotset(
  mongo: string | undefined,
  { site = false } = {},
): Promise<RunningShop> {
  const traffic: Traffic = { writes: 0, bytes: 0 }
  const database = mongo === undefined ? undefined : await connect(mongo, traffic)
  const store =
    database === undefined
      ? memoryStore()
      : mongoStore(database.collection, { indexes: { paths: ['user.name'] } })
  if (database === undefined) {
    subscribe('dotset:commit', message => {
      const { attempts, bytes } = message as CommitMessage
      traffic.writes += attempts
      traffic.bytes += bytes
    })
  }
  const sessions = createSessions({ store, schema: shopSchema })
  const web = session(sessions)
  const app = createApp(web)
  if (site) openSite(app, sessions, web)
  else openShop(app, request => web.of(request).data)
  return listen('dotset', app, traffic, async () => {
    await sessions.close()
    await database?.close()
  })
}

/** Opens the same shop on express-session. */
export async function openWithExpressSession(mongo: string | undefined): Promise<RunningShop> {
  const traffic: Traffic = { writes: 0, bytes: 0 }
  const database = mongo === undefined ? undefined : await connect(mongo, traffic)
  const store =
    database === undefined
      ? countWrites(new MemoryStore(), traffic)
      : MongoConnectStore.create({
          client: database.client,
          dbName: database.collection.dbName,
          collectionName: database.collection.collectionName,
        })
  const app = createApp(
    expressSession({ store, secret: randomUUID(), resave: false, saveUninitialized: false }),
  )
  openShop(app, request => (request as Request & { session: ShopSession }).session)
  const name = database === undefined ? 'express-session' : 'express-session + connect-mongo'
  return listen(name, app, traffic, async () => database?.close())
}

function createApp(session: RequestHandler): Express {
  return express().use(session, express.urlencoded({ extended: false }))
}

interface CountedDatabase {
  readonly client: MongoClient
  readonly collection: Collection
  close(): Promise<void>
}

/**
 * Connects to a collection of its own, of which every write is counted.
 *
 * @throws An error that says in one sentence why that cannot be done.
 */
async function connect(uri: string, traffic: Traffic): Promise<CountedDatabase> {
  try {
    return await connectTo(uri, traffic)
  } catch (error) {
    const [reason] = error instanceof Error ? error.message.split('\n') : []
    throw new Error(`Cannot use the MongoDB at MONGODB_URI: ${reason}`)
  }
}

async function connectTo(uri: string, traffic: Traffic): Promise<CountedDatabase> {
  const client = new MongoClient(uri, { monitorCommands: true, serverSelectionTimeoutMS: 5000 })
  client.on('commandStarted', ({ commandName, command }) => {
    if (!['insert', 'update', 'delete'].includes(commandName)) return
    traffic.writes++
    traffic.bytes += BSON.calculateObjectSize(command)
  })
  // Now rather than at the first write, so that missing rights are told here.
  const collection = await client.db('dotset_example').createCollection(`sessions_${randomUUID()}`)
  const close = async (): Promise<void> => {
    await collection.drop()
    await client.close()
  }
  return { client, collection, close }
}

function countWrites(store: MemoryStore, traffic: Traffic): MemoryStore {
  const set = store.set.bind(store)
  store.set = (id, data, callback) => {
    traffic.writes++
    traffic.bytes += Buffer.byteLength(JSON.stringify(data))
    set(id, data, callback)
  }
  return store
}

async function listen(
  name: string,
  app: Express,
  traffic: Traffic,
  closeStore: () => Promise<void>,
): Promise<RunningShop> {
  const server: Server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    name,
    url: `http://localhost:${port}`,
    traffic,
    async close() {
      server.close()
      server.closeAllConnections()
      await closeStore()
    },
  }
}
