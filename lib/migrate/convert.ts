/**
 * Converting the sessions that connect-mongo left in a collection, while servers go on using them.
 *
 * Each document is replaced by itself, and only if it is what was read: whatever a server writes
 * meanwhile stays. What was converted is not selected again, so a run that was interrupted is resumed
 * by another one.
 *
 * @module
 */

import type { Collection, Document } from 'mongodb'
import { SessionError } from '../errors.js'
import { readDocument } from '../open/document.js'
import type { Documents } from '../store/calls.js'
import { READ, sendRead, sendWrite } from '../store/calls.js'
import { unchangedSince } from '../store/connect-mongo.js'
import { beginBooks } from '../store/connect-mongo-books.js'
import type { ForeignDocument } from '../store/connect-mongo-document.js'
import { decodeForeign, present, takeOver, toOwn } from '../store/connect-mongo-document.js'

/** What became of the sessions, in numbers. */
export interface Counts {
  /** Converted; in a dry run, those that would be. */
  converted: number
  /** Ended or converted by a server meanwhile, or expired. */
  left: number
  /** Encrypted, or damaged. */
  refused: number
}

/** How to convert. */
export interface Conversion {
  /** Whether anything is written. */
  readonly write: boolean
  /** Is told from time to time how far it is. */
  readonly onProgress: (counts: Readonly<Counts>, total: number) => void
}

/** How many documents are read and converted at a time. */
const PAGE = 200

/** How often a document is read again because a server has just written to it. */
const ATTEMPTS = 100

const FIELDS = { session: 1, expires: 1, createdAt: 1, now: '$$NOW' }

/** Selects what connect-mongo left. */
const FOREIGN: Document = { session: { $exists: true }, _id: { $type: 'string' } }

/** Selects what has the form of it and cannot be a session. */
const STRANGE: Document = { session: { $exists: true }, _id: { $not: { $type: 'string' } } }

/**
 * Converts all sessions of connect-mongo's in a collection.
 *
 * @throws {@link StoreError} if the store failed; what was converted by then is converted.
 */
export async function convertAll(
  collection: Collection<Document>,
  { write, onProgress }: Conversion,
): Promise<Counts> {
  const documents = collection as unknown as Documents
  const counts: Counts = { converted: 0, left: 0, refused: 0 }
  const count = (filter: Document): Promise<number> =>
    sendRead('count the sessions', () => documents.countDocuments(filter))
  counts.refused = await count(STRANGE)
  const total = counts.refused + (await count(FOREIGN))
  onProgress(counts, total)
  for (let last = ''; ; ) {
    const page = await readPage(documents, { ...FOREIGN, _id: { $type: 'string', $gt: last } })
    const latest = page.at(-1)
    if (latest === undefined) return counts
    const outcomes = await Promise.all(page.map(each => convert(documents, each, write)))
    for (const outcome of outcomes) counts[outcome]++
    last = latest._id
    onProgress(counts, total)
  }
}

async function readPage(documents: Documents, filter: Document): Promise<ForeignDocument[]> {
  return sendRead('read the sessions', async () => {
    const cursor = documents.find<Uint8Array>(filter, {
      ...READ,
      projection: FIELDS,
      sort: { _id: 1 },
      limit: PAGE,
    })
    return (await cursor.toArray()).map(decodeForeign)
  })
}

/** Converts one session, as it is or as servers make it meanwhile. */
async function convert(
  documents: Documents,
  document: ForeignDocument,
  write: boolean,
): Promise<keyof Counts> {
  let latest: ForeignDocument | undefined = document
  for (let attempt = 0; latest !== undefined; attempt++) {
    const outcome = await convertOnce(documents, latest, write)
    if (outcome !== undefined) return outcome
    if (attempt === ATTEMPTS) {
      throw new SessionError(
        'ERR_CONFLICT',
        'Cannot convert a session: servers go on writing to it; run the command again',
      )
    }
    ;[latest] = await readPage(documents, { ...FOREIGN, _id: document._id })
  }
  return 'left'
}

/** Converts what was read; undefined if it is not there any more. */
async function convertOnce(
  documents: Documents,
  document: ForeignDocument,
  write: boolean,
): Promise<keyof Counts | undefined> {
  const { expires, now } = document
  if (expires && now && expires <= now) return 'left'
  const unchanged = unchangedSince(document)
  let replacement: Document
  try {
    replacement = replacementOf(document)
  } catch (error) {
    if (error instanceof SessionError) return 'refused'
    throw error
  }
  if (!write) return 'converted'
  const { matchedCount } = await sendWrite(
    'convert a session',
    { timeout: 0 },
    unchanged,
    (each, sending) => documents.replaceOne(each, replacement, sending),
  )
  return matchedCount === 1 ? 'converted' : undefined
}

/**
 * What stands in a document's place.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_DOCUMENT` if no session could read it.
 */
function replacementOf(document: ForeignDocument): Document {
  const taken = takeOver(document)
  const { reader, attributes } = readDocument({ bytes: present(document, taken) })
  for (const [name, element] of attributes) reader.decode(element, {}, name)
  beginBooks(taken)
  return toOwn(taken)
}
