/**
 * Telling whether a collection is one of the driver that dotset was made for.
 *
 * @module
 */

import type { Document } from 'mongodb'
import { Collection } from 'mongodb'
import { invalidOption } from '../errors.js'

/** The major version of the driver that dotset was made for. */
const MAJOR = 7

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
}

/** What the client of `collection` tells the server of itself; newer versions keep it to themselves. */
function versionOf(collection: Collection): string | undefined {
  const { client } = collection as unknown as { client?: { options?: { metadata?: Document } } }
  const version: unknown = client?.options?.metadata?.driver?.version
  return typeof version === 'string' ? version : undefined
}
