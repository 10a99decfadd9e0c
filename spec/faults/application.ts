/**
 * An application server in a process of its own, which serves requests until it is ended. What it is
 * asked for is on disk before it asks the store.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import type { Ledger } from './history.js'
import { History } from './history.js'
import { serve } from './request.js'

/** What an application server is told. */
export interface Assignment {
  readonly name: string
  readonly uri: string
  readonly database: string
  readonly collection: string
  /** The ids of the sessions that it is asked for. */
  readonly ids: readonly string[]
  /** Where its history is kept. */
  readonly file: string
  readonly deadline: number
  /** How many requests it serves at the same time. */
  readonly requests: number
}

const { name, uri, database, collection, ids, file, deadline, requests } = JSON.parse(
  String(process.argv[2]),
) as Assignment

const client = new MongoClient(uri)
const store = mongoStore(client.db(database).collection(collection), { indexes: false })
const sessions = createSessions<Ledger>({ store, deadline })
const history = new History(file)

let ending = false
let served = 0

async function run(): Promise<void> {
  while (!ending) {
    const number = served++
    const id = ids[number % ids.length] as string
    await serve({ sessions, history, id, tag: `${name}.${number}`, deadline })
    if (number === requests) process.send?.('busy')
    await wait(1)
  }
}

process.once('SIGTERM', async () => {
  ending = true
  const start = performance.now()
  await sessions.close()
  process.send?.({ drained: performance.now() - start }, async () => {
    history.close()
    await client.close()
    process.disconnect?.()
  })
})

await Promise.all(Array.from({ length: requests }, run))
