/**
 * The indexes of a collection of sessions.
 *
 * @module
 */

import type { Collection, Document } from 'mongodb'
import { invalidOption } from '../errors.js'
import { PINNED } from './driver.js'
import { toStoreError } from './failure.js'
import { isFilterPath } from './filter.js'

/** Which indexes {@link mongoStore} creates beside the one that removes expired sessions. */
export interface IndexOptions {
  /** Paths to scalars that sessions are looked up by: `['user.id']`, for example. */
  paths?: readonly string[]
}

/**
 * Prepares the indexes. The result creates them, in the background, when it is first called.
 *
 * The expiry index only cleans up: what has expired is gone, whether it is still there or not. So
 * where it cannot be created, one warning with the command to run is all.
 */
export function createIndexes(
  collection: Collection<Document>,
  indexes: false | IndexOptions,
): () => void {
  if (indexes === false) return () => undefined
  const paths = [...new Set(indexes.paths ?? [])]
  for (const path of paths) {
    if (typeof path === 'string' && isFilterPath(path)) continue
    throw invalidOption(
      'indexes.paths',
      'each must be a dotted path to a scalar, "user.id" for example',
    )
  }
  const missing = new Set<Index>([
    [{ expiresAt: 1 }, { expireAfterSeconds: 0 }],
    ...paths.map((path): Index => [{ [`data.${path}`]: 1 }, {}]),
  ])
  return () => {
    for (const index of missing) {
      missing.delete(index)
      // Whoever cannot reach the server hears it from the write that is under way.
      create(collection, index).catch(() => missing.add(index))
    }
  }
}

/** The keys of an index, and its options. */
type Index = readonly [keys: Record<string, 1>, options: { expireAfterSeconds?: number }]

/** Creates an index, or warns that the server refuses it; throws if it was not asked. */
async function create(collection: Collection<Document>, [keys, options]: Index): Promise<void> {
  try {
    await collection.createIndex(keys, { ...options, ...PINNED })
  } catch (error) {
    const { cause, transient } = toStoreError('create an index', error, false)
    const { code } = cause as { code?: unknown }
    if (transient || typeof code !== 'number') throw error
    const { collectionName } = collection
    const name = /^[A-Za-z_]\w*$/.test(collectionName)
      ? collectionName
      : `getCollection(${JSON.stringify(collectionName)})`
    const command = `db.${name}.createIndex(${JSON.stringify(keys)}, ${JSON.stringify(options)})`
    const why = REASONS.get(code) ?? `MongoDB refused it (code ${code})`
    process.emitWarning(`dotset cannot create an index: ${why}; run ${command}`, {
      code: 'DOTSET_INDEX',
    })
  }
}

/** Why a server refuses an index: no rights, and two kinds of being there with another definition. */
const REASONS = new Map([
  [13, 'the user may not create indexes'],
  [85, 'one with another definition exists'],
  [86, 'one with another definition exists'],
])
