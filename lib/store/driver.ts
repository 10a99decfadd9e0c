/**
 * What dotset asks of the MongoDB driver: to be of its version, and to take values as they are.
 *
 * @module
 */

import type { Document } from 'mongodb'
import { Collection } from 'mongodb'
import { invalidOption } from '../errors.js'

/** The major version of the driver that dotset was made for. */
const MAJOR = 7

/**
 * How each operation encodes and decodes, whatever the caller's client, database or collection is set
 * to: no value is left out or changed, and the driver's own results are plain numbers.
 */
export const PINNED = {
  ignoreUndefined: false,
  serializeFunctions: false,
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  bsonRegExp: false,
  enableUtf8Validation: true,
  fieldsAsRaw: {},
  raw: false,
} as const

/**
 * Options with which the driver gives its connection up if there is no answer until `deadline`, in
 * milliseconds from now.
 *
 * Each command takes that, although its type does not tell. (An AbortSignal, which it does tell of,
 * takes 7 % of the processor time of a load and a save.)
 */
export function givingUp<T extends object>(options: T, deadline: number | undefined): T {
  return deadline === undefined ? options : { ...options, socketTimeoutMS: Math.ceil(deadline) }
}

/**
 * Refuses what is no collection, and one of another major version of the driver: their values are
 * not the same.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION`.
 */
export function checkCollection(collection: unknown): void {
  if (collection instanceof Collection) return
  if (typeof (collection as Collection | undefined)?.updateOne !== 'function') {
    throw invalidOption(
      'collection',
      'it must be a collection of a MongoClient, client.db().collection(…)',
    )
  }
  const version = versionOf(collection as Collection)
  if (version !== undefined && Number.parseInt(version, 10) !== MAJOR) {
    throw invalidOption(
      'collection',
      `it belongs to version ${version} of the mongodb package, dotset works with version ${MAJOR}; make the client with that one`,
    )
  }
  if ((collection as { conn?: unknown }).conn !== undefined) {
    throw invalidOption(
      'collection',
      'it is one of Mongoose; give connection.getClient().db().collection(…)',
    )
  }
}

/** What the client of `collection` tells the server of itself; newer versions keep it to themselves. */
function versionOf(collection: Collection): string | undefined {
  const { client } = collection as unknown as { client?: { options?: { metadata?: Document } } }
  const version: unknown = client?.options?.metadata?.driver?.version
  return typeof version === 'string' ? version : undefined
}

let warned = false

/** Warns, once, if a server that introduces itself so is no replica set, and no router of a cluster. */
export function warnIfStandalone({ setName, msg }: Document): void {
  if (warned || setName !== undefined || msg === 'isdbgrid') return
  warned = true
  process.emitWarning(
    'This MongoDB is a single server and no replica set, so a commit that was acknowledged is lost with its disk',
    {
      code: 'DOTSET_STANDALONE',
      detail: 'In production, run a replica set; for development, this is all right.',
    },
  )
}
