/**
 * Calls of the MongoDB driver: with the options that each has, and with errors of ours.
 *
 * @module
 */

import type { Collection, Document } from 'mongodb'
import { accompany } from './attempt.js'
import { givingUp, PINNED } from './driver.js'
import { toStoreError } from './failure.js'
import type { CallOptions } from './store.js'

/** Every write holds on a majority. */
export const WRITE = { ...PINNED, writeConcern: { w: 'majority' } } as const

/** Every read asks the primary, and takes the bytes as they come. */
export const READ = {
  ...PINNED,
  raw: true,
  readPreference: 'primary',
  readConcern: { level: 'local' },
} as const

/** A server that is alone knows no linearizable reads, and needs none. */
const NOT_A_REPLICA_SET = 123

/** Documents whose `_id` is a text. */
export type Documents = Collection<Document & { _id: string }>

/** Sends a write that `part` (its filter, or the document to insert) is a part of. */
export async function sendWrite<T, P extends Document>(
  action: string,
  { attempt = { stage: 'unknown' }, deadline }: CallOptions,
  part: P,
  send: (part: P, options: typeof WRITE) => Promise<T>,
): Promise<T> {
  try {
    return await send(accompany(part, attempt), givingUp(WRITE, deadline))
  } catch (error) {
    throw toStoreError(action, error, attempt.stage !== 'waiting')
  }
}

/** Sends a read. */
export async function sendRead<T>(action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw toStoreError(action, error, false)
  }
}

/** Reads the bytes of the one document that fits `filter`; null if there is none. */
export function readOne(
  documents: Documents,
  filter: Document,
  projection: Document,
  { timeout, deadline, linearizable = false }: CallOptions,
): Promise<Uint8Array | null> {
  const find = (level: 'local' | 'linearizable'): Promise<Uint8Array | null> =>
    documents.findOne<Uint8Array>(filter, {
      ...givingUp(READ, deadline),
      projection,
      readConcern: { level },
      maxTimeMS: Math.ceil(timeout),
    })
  return sendRead('load the session', async () => {
    try {
      return await find(linearizable ? 'linearizable' : 'local')
    } catch (error) {
      if (!linearizable || (error as { code?: unknown }).code !== NOT_A_REPLICA_SET) throw error
      return find('local')
    }
  })
}

/** Reads the bytes of the documents that fit `filter`, all at once. */
export function readMany(
  documents: Documents,
  filter: Document,
  projection: Document,
  { timeout, deadline }: CallOptions,
): Promise<Uint8Array[]> {
  const options = { ...givingUp(READ, deadline), projection, maxTimeMS: Math.ceil(timeout) }
  return sendRead('load the session', () => {
    return documents.find<Uint8Array>(filter, options).toArray()
  })
}

/** Reads the bytes of all documents that fit `filter`, one by one. */
export async function* readAll(
  documents: Documents,
  filter: Document,
  projection: Document,
  deadline: number | undefined,
): AsyncGenerator<Uint8Array> {
  const cursor = documents.find<Uint8Array>(filter, { ...givingUp(READ, deadline), projection })
  try {
    for await (const bytes of cursor) yield bytes
  } catch (error) {
    throw toStoreError('list the sessions', error, false)
  }
}
