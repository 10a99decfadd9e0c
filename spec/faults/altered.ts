/**
 * Collections that do not do what dotset asks them for: the checks must see what comes of it.
 */

import type { Collection, Document, UpdateFilter, UpdateOptions, UpdateResult } from 'mongodb'

/** What an altered collection does instead of an `updateOne`. */
export type UpdateOne = (
  filter: Document,
  change: UpdateFilter<Document>,
  options: UpdateOptions,
) => Promise<UpdateResult>

/** `collection`, with another `updateOne`. */
export function altered(
  collection: Collection<Document>,
  updateOne: UpdateOne,
): Collection<Document> {
  return Object.assign(Object.create(collection) as Collection<Document>, { updateOne })
}
