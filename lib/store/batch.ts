/**
 * Loads and commits of many sessions, each as one command.
 *
 * The server tells how many commits of a command fitted their documents, and not which. So those that do
 * not fit fail, which it does tell one by one. What is left then are sessions that are gone.
 *
 * @module
 */

import type { Document } from 'mongodb'
import { MongoServerError } from 'mongodb'
import { BsonReader } from '../bson.js'
import { StoreError } from '../errors.js'
import { accompany } from './attempt.js'
import type { Documents } from './calls.js'
import { readMany, WRITE } from './calls.js'
import { updateOf } from './commands.js'
import { givingUp } from './driver.js'
import { isFenceMiss, toStoreError } from './failure.js'
import { toLong } from './fields.js'
import type { CallOptions, Statement } from './store.js'

/** A session that is to be loaded. */
export interface LoadRequest {
  readonly key: string
  readonly options: CallOptions
}

/** A commit that is to be applied. */
export interface WriteRequest {
  readonly key: string
  readonly statement: Statement
  readonly options: CallOptions
}

/** What is known of the outcome of a commit. */
type Outcome = boolean | StoreError

const COMMIT = 'commit the session'

/** A filter that no document fits. */
const NOTHING = { _id: { $in: [] } }

/** The error of the server where a text is made a number that is none. */
const DOES_NOT_FIT = 241

/** Loads documents; null for those that are not there. */
export async function loadMany(
  documents: Documents,
  requests: readonly LoadRequest[],
  live: Document,
  projection: Document,
): Promise<(Uint8Array | null)[]> {
  const keys = new Set(requests.map(({ key }) => key))
  const filter = { _id: { $in: [...keys] }, ...live }
  const found = new Map<unknown, Uint8Array>()
  for (const bytes of await readMany(documents, filter, projection, longestOf(requests))) {
    // One that is kept open does not keep the others' bytes.
    found.set(fieldOf(bytes, '_id'), bytes.slice())
  }
  return requests.map(({ key }) => found.get(key) ?? null)
}

/**
 * Applies commits, each of another session.
 *
 * @param live The expression that is true of what has not expired.
 * @throws {@link StoreError} of all of them.
 */
export async function writeMany(
  documents: Documents,
  requests: readonly WriteRequest[],
  live: Document,
): Promise<Outcome[]> {
  const updates = requests.map(({ statement, options: { attempt = { stage: 'unknown' } } }) => {
    return { q: accompany(filterOf(statement, live), attempt, NOTHING), u: updateOf(statement) }
  })
  const { db, collectionName } = documents
  const { writeConcern, ...encoding } = WRITE
  const command = { update: collectionName, updates, ordered: false, writeConcern }
  const options = { ...encoding, readPreference: 'primary' } as const
  let reply: Document
  try {
    reply = await db.command(command, givingUp(options, longestOf(requests).deadline))
  } catch (error) {
    throw toStoreError(COMMIT, error, wasSent(requests))
  }
  return outcomesOf(documents, requests, reply)
}

/** What a commit requires, so that it is an error of a document not to have it. */
function filterOf({ key, rev, token, layout }: Statement, live: Document): Document {
  const required = [
    live,
    ...('exactly' in rev
      ? [{ $eq: ['$rev', rev.exactly] }]
      : [{ $gte: ['$rev', 0] }, { $lt: ['$rev', rev.below] }]),
    { $not: [{ $in: [toLong(token), '$tokens'] }] },
    ...Array.from(layout, ([name, count]) => ({
      $eq: [{ $ifNull: [`$layout.${name}`, 0] }, count],
    })),
  ]
  const failure = { $toInt: { $concat: ['it does not fit ', '$_id'] } }
  return { _id: key, $expr: { $cond: [{ $and: required }, true, failure] } }
}

const wasSent = (requests: readonly WriteRequest[]): boolean =>
  requests.some(({ options }) => options.attempt?.stage !== 'waiting')

async function outcomesOf(
  documents: Documents,
  requests: readonly WriteRequest[],
  { n, writeErrors = [], writeConcernError }: Document,
): Promise<Outcome[]> {
  if (writeConcernError !== undefined) throw unknown(new MongoServerError(writeConcernError))
  const failures = new Map<number, Outcome>()
  for (const { index, ...error } of writeErrors) {
    const failure = toStoreError(COMMIT, new MongoServerError(error))
    failures.set(index, error.code === DOES_NOT_FIT || isFenceMiss(failure) ? false : failure)
  }
  if (n === requests.length - failures.size) {
    return requests.map((_, index) => failures.get(index) ?? true)
  }
  const stored = await tokensOf(documents, requests)
  return requests.map((request, index) => failures.get(index) ?? outcomeBy(stored, request))
}

/** The error of commits that may have been applied. */
function unknown(cause?: unknown): StoreError {
  const { cause: harmless } = toStoreError(COMMIT, cause)
  const why = 'it is not known whether it was applied'
  return new StoreError(COMMIT, why, { cause: harmless, uncertain: true })
}

/** The tokens of the documents that are there. */
async function tokensOf(
  documents: Documents,
  requests: readonly WriteRequest[],
): Promise<Map<unknown, unknown>> {
  const filter = { _id: { $in: requests.map(({ key }) => key) } }
  const projection = { _id: 1, tokens: 1 }
  try {
    const found = await readMany(documents, filter, projection, longestOf(requests))
    return new Map(found.map(bytes => [fieldOf(bytes, '_id'), fieldOf(bytes, 'tokens')]))
  } catch (error) {
    throw unknown(error)
  }
}

/** The outcome of a commit that did not fail: it was applied if its document was there. */
function outcomeBy(
  stored: ReadonlyMap<unknown, unknown>,
  { key, statement }: WriteRequest,
): Outcome {
  const tokens = stored.get(key) as (number | bigint)[] | undefined
  if (tokens === undefined) return false
  return tokens.some(token => BigInt(token) === statement.token) || unknown()
}

/** How long those who asked will wait, at most. */
function longestOf(requests: readonly { readonly options: CallOptions }[]): CallOptions {
  const timeout = Math.max(...requests.map(({ options }) => options.timeout))
  const deadline = Math.max(...requests.map(({ options }) => options.deadline ?? options.timeout))
  return { timeout, deadline }
}

function fieldOf(bytes: Uint8Array, name: string): unknown {
  const reader = new BsonReader(bytes)
  const element = reader.scan().get(name)
  return element === undefined ? undefined : reader.decode(element, {}, name)
}
