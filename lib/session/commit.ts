/**
 * A commit: what differs from the benchmark is synchronized, once and as a whole.
 *
 * @module
 */

import { performance } from 'node:perf_hooks'
import { publish } from '../diagnostics.js'
import { TRIM_FROM } from '../document.js'
import { ConflictError, SessionGoneError } from '../errors.js'
import type { Modification } from '../modification.js'
import { contentKey } from '../modification.js'
import type { SessionDocument } from '../open/document.js'
import { createToken } from '../open/identity.js'
import type { Path } from '../path.js'
import { applyModification } from '../state/apply.js'
import { copyValue, withCopy } from '../state/copy.js'
import type { Difference } from '../state/difference.js'
import type { PlainObject } from '../state/value.js'
import { copyStored, modificationWithWidths } from '../state/width.js'
import { remove } from '../state/write.js'
import type { Statement } from '../store/store.js'
import type { Deadline } from '../synchronize/deadline.js'
import { deliver, deliverNew } from '../synchronize/deliver.js'
import type { Write } from '../synchronize/plan.js'
import { noteApplied, toStatement } from '../synchronize/statement.js'
import { acceptCommit, acceptNothing, land, takeOff } from './accept.js'
import { expiryOf } from './expiry.js'
import { refuseDetached, refuseOverlap } from './isolation.js'
import type { LiveSession } from './live.js'
import { differencesOf, noteDetached, rebaseOnto } from './live.js'
import { loadDocument } from './load.js'
import { checkSize, prepareData, prepareWrites, sizeOf, sizeOfWhole } from './prepare.js'
import { touchSession } from './touch.js'

/** How a commit ended. */
export type CommitStatus = 'created' | 'updated' | 'touched' | 'unchanged' | 'gone'

/** What a commit did. */
export interface Commit {
  /**
   * How it ended: the session was stored for the first time (`'created'`), changes were written
   * (`'updated'`), only the expiry moved (`'touched'`), nothing had to be written (`'unchanged'`), or
   * there were no changes and the session is not there any more (`'gone'`).
   */
  readonly status: CommitStatus
  /** What was written, as it is stored. */
  readonly modifications: Modification[]
  /** What was not written, because another server had replaced or removed its parent meanwhile. */
  readonly superseded: Modification[]
  /** How often it was sent. */
  readonly attempts: number
}

/** How a commit is made. */
export interface CommitOptions {
  readonly deadline: Deadline
  /** Whether the commit is void if anybody else committed since the load. */
  readonly exact: boolean
}

/** What a commit that is void tells: load again, and decide anew. */
export class StaleError extends Error {}

/**
 * Commits what was written to a session.
 *
 * @throws {@link StaleError} if the commit is to be exact and somebody else committed.
 */
export async function commitSession(live: LiveSession, options: CommitOptions): Promise<Commit> {
  const start = performance.now()
  const attempts = { count: 0 }
  refuseDetached(live)
  noteDetached(live)
  const { status, modifications, bytes } = await commitLife(live, options, attempts)
  publish('commit', () => {
    const counts = { modifications: modifications.length, bytes, attempts: attempts.count }
    return { status, ...counts, milliseconds: performance.now() - start }
  })
  const superseded = live.superseded.splice(0)
  return { status, modifications, superseded, attempts: attempts.count }
}

interface Result {
  readonly status: CommitStatus
  readonly modifications: Modification[]
  readonly bytes: number
}

const NOTHING = { modifications: [], bytes: 0 }

interface Attempts {
  count: number
}

type Load = (linearizable: boolean) => Promise<SessionDocument | null>

async function commitLife(
  live: LiveSession,
  options: CommitOptions,
  attempts: Attempts,
): Promise<Result> {
  if (live.life === 'new') return createSession(live, options, attempts)
  if (live.life === 'stored') return updateSession(live, options, attempts)
  if (prepareWrites(live).writes.length > 0) throw new SessionGoneError()
  return { status: 'gone', ...NOTHING }
}

async function createSession(
  live: LiveSession,
  { deadline }: CommitOptions,
  attempts: Attempts,
): Promise<Result> {
  const { context, key, knowledge } = live
  const { settings, clock } = context
  const { data, ...prepared } = prepareData(live)
  if (Object.keys(data).length === 0) {
    for (const name of prepared.dropped) remove(live.root, name)
    live.tracking.drop(prepared.dropped)
    return { status: 'unchanged', ...NOTHING }
  }
  live.beforeNewId('commit')
  const bytes = sizeOfWhole(live, data)
  const pending = { timeouts: live.timeouts, cleared: live.cleared }
  const flight = takeOff(live)
  try {
    const now = await clock.now(deadline)
    const fresh = { idle: undefined, endsAt: now + settings.absoluteTimeout }
    const expiry = expiryOf(settings.idleTimeout, now, fresh, pending.timeouts)
    const token = createToken()
    const books = { rev: 1, layout: new Map(), tokens: [token], marks: [], createdAt: now }
    const document = { key, data, ...books, ...expiry }
    const load: Load = linearizable => loadDocument(context, key, deadline, linearizable)
    await deliverNew(settings.store, document, load, deadline, attempts)
    Object.assign(knowledge, { rev: 1, tokens: 1, createdAt: now, ...expiry, bytes })
    live.own.add(token)
    live.life = 'stored'
    noteDone(live, pending)
    const modifications = Object.entries(data).map(
      ([name, value]): Modification => ({ op: 'set', path: [name], value }),
    )
    acceptCommit(live, modifications, prepared, flight, true)
    return { ...NOTHING, status: 'created', modifications: handOut(live, modifications), bytes }
  } finally {
    land(live, flight)
  }
}

async function updateSession(
  live: LiveSession,
  { deadline, exact }: CommitOptions,
  attempts: Attempts,
): Promise<Result> {
  const { context, key } = live
  const { settings } = context
  const token = createToken()
  const load: Load = linearizable => loadDocument(context, key, deadline, linearizable)
  for (;;) {
    const { left } = deadline
    const prepared = prepareWrites(live)
    const { writes } = prepared
    if (writes.length === 0 && live.timeouts === undefined) {
      acceptNothing(live, prepared)
      const status = await touchSession(live, deadline, attempts)
      live.root.tree.reads?.clear()
      return { ...NOTHING, status }
    }
    const sent = writes.map((write): Write => {
      const { stored } = live.root
      return { ...write, modification: modificationWithWidths(stored, write.modification) }
    })
    const bytes = sizeOf(sent)
    const modifications = writes.map(write => write.modification)
    checkSize(live, bytes, () => wholeOf(live, modifications))
    const now = context.clock.estimate()
    const pending = { timeouts: live.timeouts, cleared: live.cleared }
    const expiry = expiryOf(settings.idleTimeout, now, live.knowledge, pending.timeouts)
    const statement = toStatement(sent, live.knowledge, {
      key,
      token,
      expiresAt: expiry.expiresAt,
      timeouts: pending.timeouts && expiry,
      exact: exact || settings.isolation !== 'last-write-wins',
    })
    const flight = takeOff(live)
    let document: SessionDocument | null
    try {
      const delivery = await deliver(settings.store, statement, load, deadline, attempts)
      if (delivery.applied) {
        noteCommit(live, statement, bytes, pending)
        acceptCommit(live, modifications, prepared, flight, 'exactly' in statement.rev)
        const status = writes.length === 0 ? 'touched' : 'updated'
        return { status, modifications: handOut(live, modifications), bytes }
      }
      document = delivery.document
    } finally {
      land(live, flight)
    }
    if (document === null || document.retiredBy !== undefined) {
      live.life = document === null ? 'gone' : 'retired'
      throw new SessionGoneError()
    }
    if (exact) throw new StaleError()
    refuseOverlap(live, document, attempts.count)
    rebase(live, document, attempts)
    const round = left - deadline.left
    await deadline.pause(attempts.count)
    // One more that does not end in time would leave it uncertain whether it was applied.
    if (deadline.left <= round) {
      throw new ConflictError(pathsOf(differencesOf(live)), attempts.count)
    }
  }
}

function rebase(live: LiveSession, document: SessionDocument, attempts: Attempts): void {
  const paths = differencesOf(live).length
  const before = live.superseded.length
  rebaseOnto(live, document)
  const superseded = live.superseded.length - before
  publish('conflict', () => ({ paths, superseded, attempts: attempts.count }))
}

const pathsOf = (differences: readonly Difference[]): Path[] => differences.map(({ path }) => path)

/** Takes note of a commit that was applied; what the application asked for since then stays. */
function noteCommit(
  live: LiveSession,
  statement: Statement,
  bytes: number,
  pending: Pending,
): void {
  noteApplied(live.knowledge, statement, bytes)
  live.own.add(statement.token)
  // Others see no more than the latest marks, so no more of one's own are of interest.
  const [oldest] = live.own
  if (live.own.size > 2 * TRIM_FROM) live.own.delete(oldest as bigint)
  noteDone(live, pending)
}

function noteDone(live: LiveSession, pending: Pending): void {
  if (live.timeouts === pending.timeouts) live.timeouts = undefined
  if (live.cleared === pending.cleared) live.cleared = undefined
  live.touched = false
}

type Pending = Pick<LiveSession, 'timeouts' | 'cleared'>

/** Modifications as the application gets them: detached copies. */
function handOut({ root }: LiveSession, modifications: readonly Modification[]): Modification[] {
  return modifications.map(modification => {
    const key = contentKey(modification) as never
    if (key === undefined) return modification
    const copy = { ...modification }
    // What a schema encoded is changed in place by the next commit; a benchmark never is.
    return root.tree.tied ? withCopy(copy, key) : { ...copy, [key]: copyValue(copy[key]) }
  })
}

/** All attributes as they are stored once `modifications` are. */
function wholeOf(
  { root, benchmark }: LiveSession,
  modifications: readonly Modification[],
): PlainObject {
  const data = copyStored(benchmark.storedAll(root)) as PlainObject
  for (const modification of modifications) applyModification(data, modification)
  return data
}
