/**
 * The stores that a suite runs over: the embedded one, and MongoDB where there is one.
 */

import { randomUUID } from 'node:crypto'
import type { Collection, Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import type { Test } from 'uvu'
import { suite } from 'uvu'
import type { Store } from '../../lib/index.js'
import { memoryStore } from '../../lib/index.js'
import type { MongoStoreOptions } from '../../lib/mongodb.js'
import { mongoStore } from '../../lib/mongodb.js'

/** The address of the MongoDB of this run; empty if there is none. */
export const mongoUri: string =
  process.env['DOTSET_MONGODB_URI'] ?? process.env['MONGODB_URI'] ?? ''

let client: MongoClient | undefined

/** The client of this process. */
export function mongoClient(): MongoClient {
  client ??= new MongoClient(mongoUri, { monitorCommands: true })
  return client
}

/** A collection of its own for one suite. */
export function freshCollection(): Collection<Document> {
  return mongoClient()
    .db(`dotset_${process.pid}`)
    .collection(`sessions_${randomUUID().slice(0, 8)}`)
}

/** A MongoDB store over a collection of its own. */
export function freshMongoStore(options?: MongoStoreOptions): Store {
  return mongoStore(freshCollection(), options)
}

/** A store that suites run over. */
export interface StoreKind {
  readonly name: 'embedded' | 'MongoDB'
  /** Creates an empty store of this kind. */
  create(options?: MongoStoreOptions): Store
}

/** The kinds of store that there are on this machine. */
export const storeKinds: readonly StoreKind[] = [
  { name: 'embedded', create: () => memoryStore() },
  ...(mongoUri === '' ? [] : [{ name: 'MongoDB', create: freshMongoStore } as const]),
]

/** Defines and runs a suite for each kind of store. It must be the last of its file. */
export function forEachStore(title: string, define: (test: Test, kind: StoreKind) => void): void {
  storeKinds.forEach((kind, index) => {
    const test = suite(`${title}: ${kind.name}`)
    define(test, kind)
    if (index === storeKinds.length - 1) test.after(closeMongo)
    test.run()
  })
}

/** Drops what this process created, and closes its client. Call it after the last suite of a file. */
export async function closeMongo(): Promise<void> {
  if (client === undefined) return
  await client.db(`dotset_${process.pid}`).dropDatabase()
  await client.close()
  client = undefined
}
