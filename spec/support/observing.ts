/**
 * Clients of MongoDB whose commands are observed, and networks before the server that fail.
 */

import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type {
  Collection,
  CollectionOptions,
  CommandStartedEvent,
  Document,
  MongoClientOptions,
} from 'mongodb'
import { MongoClient } from 'mongodb'
import type { Callback, Test } from 'uvu'
import { freshCollection, mongoClient, mongoUri } from './stores.js'

/** Defines the tests of a suite that need a MongoDB: without one they are skipped. */
export function needingMongo(test: Test): (name: string, run: Callback) => void {
  return (name, run) => {
    if (mongoUri === '') test.skip(name, run)
    else test(name, run)
  }
}

/** A collection of its own, and what was asked of the server for it. */
export interface Observed {
  readonly client: MongoClient
  readonly collection: Collection<Document>
  /** The commands on the collection, in order. */
  readonly commands: Document[]
}

/** The name of a command. */
export const nameOf = (command: Document): string => Object.keys(command)[0] as string

/** Runs `work` with a client of its own, whose commands are observed. */
export async function observing(
  options: MongoClientOptions,
  work: (observed: Observed) => Promise<void>,
  uri: string = mongoUri,
  collectionOptions: CollectionOptions = {},
): Promise<void> {
  const client = new MongoClient(uri, { ...options, monitorCommands: true })
  const commands: Document[] = []
  const { collectionName, dbName } = freshCollection()
  client.on('commandStarted', ({ command, commandName }: CommandStartedEvent) => {
    if (command[commandName] === collectionName) commands.push(command)
  })
  const collection = client.db(dbName).collection(collectionName, collectionOptions)
  try {
    await work({ client, collection, commands })
  } finally {
    await client.close()
  }
}

/** The same collection, over a client that has nothing to do with what is tested. */
export function unobserved({ dbName, collectionName }: Collection<Document>): Collection<Document> {
  return mongoClient().db(dbName).collection(collectionName)
}

/** A network between a client and the server. */
export interface Proxy {
  /** Where the client finds it. */
  readonly uri: string
  /** From now on, no answer comes through. */
  silence(): void
  /** Loses all connections, and takes no more. */
  close(): void
  /** Loses all connections; what comes after that comes through again. */
  reopen(): Promise<void>
}

/** Runs `work` with a TCP proxy before the server. */
export async function proxied(work: (proxy: Proxy) => Promise<void>): Promise<void> {
  const { me, primary } = await mongoClient().db('admin').command({ hello: 1 })
  const [host, port] = String(me ?? primary).split(':')
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer(socket => {
    const upstream = connect(Number(port), host as string)
    sockets.add(socket).add(upstream)
    socket.on('data', chunk => void upstream.write(chunk)).on('error', () => undefined)
    upstream.on('data', chunk => silent || socket.write(chunk)).on('error', () => undefined)
    socket.on('close', () => upstream.destroy())
    upstream.on('close', () => socket.destroy())
  })
  const listen = async (at: number): Promise<number> => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const close = (): void => {
    if (server.listening) server.close()
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  const own = await listen(0)
  const uri = mongoUri.replace(
    /^(mongodb:\/\/(?:[^@/]*@)?)[^/?]+/,
    (_all, begin) => `${begin}127.0.0.1:${own}`,
  )
  try {
    await work({
      uri: uri.replace(/replicaSet=\w+/, 'directConnection=true'),
      silence: () => {
        silent = true
      },
      close,
      reopen: async () => {
        close()
        silent = false
        await listen(own)
      },
    })
  } finally {
    close()
  }
}

/** An address where nobody listens. */
export async function deadAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `mongodb://127.0.0.1:${port}/?directConnection=true`
}
