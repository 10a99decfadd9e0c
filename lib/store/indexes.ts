/**
 * The indexes of a collection of sessions.
 *
 * @module
 */

import type { Collection, Document } from 'mongodb'
import { invalidOption } from '../errors.js'
import { isSafeKey } from '../path.js'

/** Which indexes {@link mongoStore} creates beside the one that removes expired sessions. */
export interface IndexOptions {
  /** Paths to scalars that sessions are looked up by: `['user.id']`, for example. */
  paths?: readonly string[]
}

/** Not allowed, and two kinds of being there with another definition. */
const EXPECTED = new Set<unknown>([13, 85, 86])

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
  const paths = indexes.paths ?? []
  for (const path of paths) {
    if (typeof path === 'string' && path.split('.').every(isSafeKey)) continue
    throw invalidOption(
      'indexes.paths',
      'each must be a dotted path to a scalar, "user.id" for example',
    )
  }
  let started = false
  return () => {
    if (started) return
    started = true
    void create(collection, { expiresAt: 1 }, { expireAfterSeconds: 0 })
    for (const path of paths) void create(collection, { [`data.${path}`]: 1 }, {})
  }
}

async function create(
  collection: Collection<Document>,
  keys: Record<string, 1>,
  options: { expireAfterSeconds?: number },
): Promise<void> {
  try {
    await collection.createIndex(keys, options)
  } catch (error) {
    const { code } = error as { code?: unknown }
    // Whoever cannot reach the server hears it from the write that is under way.
    if (!EXPECTED.has(code)) return
    const command = `db.${collection.collectionName}.createIndex(${JSON.stringify(keys)}, ${JSON.stringify(options)})`
    const why =
      code === 13 ? 'the user may not create indexes' : 'one with another definition exists'
    process.emitWarning(`dotset cannot create an index: ${why}; run ${command}`, {
      code: 'DOTSET_INDEX',
    })
  }
}
