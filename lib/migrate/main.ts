#!/usr/bin/env node
/**
 * The command `dotset`.
 *
 * @module
 */

import type { Collection, Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import { SessionError } from '../errors.js'
import { toStoreError } from '../store/failure.js'
import { createIndexes } from '../store/indexes.js'
import type { Arguments } from './arguments.js'
import { readArguments, USAGE } from './arguments.js'
import type { Counts } from './convert.js'
import { convertAll } from './convert.js'

/** How long to look for a server, if the address does not tell. */
const PATIENCE = { serverSelectionTimeoutMS: 10_000 }

/** How often the progress is told where it cannot be told in place, in milliseconds. */
const INTERVAL = 2000

try {
  const settings = readArguments(process.argv.slice(2))
  if (settings === undefined) console.log(USAGE)
  else await migrate(settings)
} catch (error) {
  if (!(error instanceof SessionError)) throw error
  console.error(error.message)
  process.exitCode = 1
}

async function migrate({ uri, collection: name, db, write }: Arguments): Promise<void> {
  const client = connect(uri)
  try {
    const collection = collectionOf(client, db, name)
    if (write) createIndexes(collection, {})()
    const counts = await convertAll(collection, { write, onProgress: createProgress() })
    if (process.stderr.isTTY) process.stderr.write('\n')
    console.error(`collection: ${collection.namespace}`)
    tell(counts, write)
  } finally {
    await client.close()
  }
}

function connect(uri: string): MongoClient {
  try {
    const patience = uri.includes('serverSelectionTimeoutMS') ? {} : PATIENCE
    return new MongoClient(uri, patience)
  } catch (error) {
    throw new SessionError(
      'ERR_INVALID_ARGUMENT',
      'Cannot run dotset: --uri is no address of MongoDB, it is like mongodb://127.0.0.1:27017/shop',
      { cause: toStoreError('connect', error, false) },
    )
  }
}

function collectionOf(
  client: MongoClient,
  db: string | undefined,
  name: string,
): Collection<Document> {
  try {
    return client.db(db).collection(name)
  } catch {
    throw new SessionError(
      'ERR_INVALID_ARGUMENT',
      'Cannot run dotset: --db or --collection is no name that MongoDB allows',
    )
  }
}

/** Tells how far it is: in one line that changes, or now and then in a new one. */
function createProgress(): (counts: Readonly<Counts>, total: number) => void {
  let told = performance.now()
  return ({ converted, left, refused }, total) => {
    const line = `${converted + left + refused} of ${total} sessions`
    if (process.stderr.isTTY) {
      process.stderr.write(`\r${line}`)
    } else if (performance.now() - told > INTERVAL) {
      told = performance.now()
      console.error(line)
    }
  }
}

function tell({ converted, left, refused }: Counts, write: boolean): void {
  console.log(`${write ? 'converted' : 'to convert'}: ${converted}`)
  console.log(`expired, ended or converted by a server: ${left}`)
  console.log(`encrypted or damaged, left as they are: ${refused}`)
  if (!write) console.log('Nothing was written; run it again with --write.')
}
