/**
 * Listing and counting the sessions that are stored.
 *
 * @module
 */

import { isInvalid } from '../open/benchmark.js'
import { readDocument } from '../open/document.js'
import { snapshotNode } from '../state/copy.js'
import type { Filter, Loaded } from '../store/store.js'
import { inTime } from '../synchronize/deadline.js'
import type { Context } from './live.js'
import { loadedSession } from './live.js'

/** One of the sessions that `sessions.list()` gives. */
export interface ListedSession<T extends object> {
  /** What the store knows the session by. It opens nothing, and can be given to `destroy`. */
  readonly key: string
  /** When it was created. */
  readonly createdAt: Date
  /** When it expires if nobody uses it. */
  readonly expiresAt: Date
  /** A copy of its attributes. */
  readonly data: T
}

/** Gives a copy of each session that fits `filter`. */
export async function* listSessions(
  context: Context,
  filter: Filter,
): AsyncGenerator<ListedSession<object>> {
  const { store, deadline } = context.settings
  for await (const loaded of inTime(
    'list the sessions',
    store.list(filter, { deadline }),
    deadline,
  )) {
    const listed = toListed(context, loaded)
    if (listed !== undefined) yield listed
  }
}

/** Counts all sessions, whether they can be read or not. */
export async function countSessions({ settings }: Context): Promise<number> {
  const { store, deadline } = settings
  let count = 0
  for await (const _each of inTime('count the sessions', store.list({}, { deadline }), deadline)) {
    count++
  }
  return count
}

function toListed(context: Context, loaded: Loaded): ListedSession<object> | undefined {
  try {
    const document = readDocument(loaded)
    const { root, key, knowledge } = loadedSession(context, '', document)
    const [createdAt, expiresAt] = [new Date(knowledge.createdAt), new Date(knowledge.expiresAt)]
    return { key, createdAt, expiresAt, data: snapshotNode(root) }
  } catch (error) {
    if (context.settings.onInvalid === 'new' && isInvalid(error)) return undefined
    throw error
  }
}
