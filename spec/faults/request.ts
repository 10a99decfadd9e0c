/**
 * What application servers are asked for under faults: changes of sessions that several of them share.
 */

import type { Sessions } from '../../lib/index.js'
import { StoreError } from '../../lib/index.js'
import type { History, Ledger } from './history.js'
import { enter, shuffle } from './history.js'
import type { Trial } from './trial.js'
import { attempt } from './trial.js'

/** A request for one session, which is written down in `history` as `tag`. */
export interface Request {
  readonly sessions: Sessions<Ledger>
  readonly history: History
  readonly id: string
  readonly tag: string
  readonly deadline: number
}

/** Changes a session that is read first: appends, sets, and in some cases moves elements. */
async function change({ sessions, history, id, tag, deadline }: Request): Promise<Trial[]> {
  let session: Awaited<ReturnType<typeof sessions.open>> = null
  const opening = await attempt(deadline, async () => {
    session = await sessions.open(id)
  })
  const opened = session as Awaited<ReturnType<typeof sessions.open>>
  if (opened === null) {
    if (opening.error instanceof StoreError) return [opening]
    throw new Error(`a session is not there: ${opening.error}`)
  }
  if (tag.endsWith('7')) shuffle(opened.data, tag)
  else enter(opened.data, tag)
  history.invoke(tag, id)
  const commit = await attempt(deadline, () => opened.commit())
  history.end(tag, commit.outcome)
  return [opening, commit]
}

/** Raises the counter of a session from what it is. */
async function count({ sessions, history, id, tag, deadline }: Request): Promise<Trial[]> {
  history.invoke(tag, id, { counted: true })
  const update = await attempt(deadline, () =>
    sessions.update(id, data => enter(data, tag, { counted: true })),
  )
  history.end(tag, update.outcome)
  return [update]
}

/** Serves a request, in one way or the other. Gives the calls that it made. */
export const serve = (request: Request): Promise<Trial[]> =>
  request.tag.endsWith('3') ? count(request) : change(request)
