/**
 * A commit: what differs from the benchmark is synchronized, once and as a whole.
 *
 * @module
 */

import { performance } from 'node:perf_hooks'
import { publish } from '../diagnostics.js'
import { epochOf, TRIM_FROM } from '../document.js'
import { SessionGoneError } from '../errors.js'
import type { Modification } from '../modification.js'
import { contentKey } from '../modification.js'
import type { SessionDocument } from '../open/document.js'
import { createToken } from '../open/identity.js'
import { copyValue, withCopy } from '../state/copy.js'
import type { PlainObject } from '../state/value.js'
import { modificationWithWidths } from '../state/width.js'
import { remove } from '../state/write.js'
import type { NewDocument, Statement } from '../store/store.js'
import type { Deadline } from '../synchronize/deadline.js'
import type { Call } from '../synchronize/deliver.js'
import { deliver, deliverNew } from '../synchronize/deliver.js'
import type { Write } from '../synchronize/plan.js'
import { knowledgeOf, noteApplied, toStatement } from '../synchronize/statement.js'
import { acceptCommit, acceptNothing } from './accept.js'
import type { SessionTimeouts } from './expiry.js'
import { expiryOf } from './expiry.js'
import { finishEarlier, fly } from './flight.js'
import { pauseBeforeNext, refuseDetached, refuseOverlap } from './isolation.js'
import type { LiveSession } from './live.js'
import { differencesOf } from './live.js'
import { loadBy, stillThere } from './load.js'
import type { Commit, Landing, Result } from './outcome.js'
import { NOTHING, withEarlier } from './outcome.js'
import { checkSize, prepareData, prepareWrites, sizeOf, sizeOfWhole, wholeOf } from './prepare.js'
import { noteDetached, rebaseOnto } from './rebase.js'
import { touchSession } from './touch.js'

/** How a commit is made. */
export interface CommitOptions {
  readonly deadline: Deadline
  /** Whether the commit is void if anybody else committed since the load. */
  readonly exact: boolean
}

/** What a commit that is void tells: load again, and decide anew. */
export class StaleError extends Error {}

/**
 * Commits what was written to a session, after what an earlier commit may have left in flight.
 *
 * @throws {@link StaleError} if the commit is to be exact and somebody else committed.
 */
export async function commitSession(live: LiveSession, options: CommitOptions): Promise<Commit> {
  const start = performance.now()
  const call = { deadline: options.deadline, attempts: { count: 0 } }
  const earlier = live.unfinished && (await finishEarlier(live, call))
  refuseDetached(live)
  noteDetached(live)
  const result = withEarlier(earlier, await commitLife(live, options.exact, call))
  const { status, modifications, bytes } = result
  const attempts = call.attempts.count
  publish('commit', () => {
    const counts = { modifications: modifications.length, bytes, attempts }
    return { status, ...counts, milliseconds: performance.now() - start }
  })
  const superseded = live.superseded.splice(0)
  return { status, modifications, superseded, attempts }
}

async function commitLife(live: LiveSession, exact: boolean, call: Call): Promise<Result> {
  const { deadline, attempts } = call
  const token = createToken()
  while (live.life === 'new' || live.life === 'stored') {
    const { left } = deadline
    const landing =
      live.life === 'new' ? await insertNew(live, call) : await update(live, token, exact, call)
    if (landing.result !== undefined) return landing.result
    const document = stillThere(live, isAnother(live, landing.document) ? null : landing.document)
    if (document === undefined) throw new SessionGoneError()
    if (exact) throw new StaleError()
    live.life = 'stored'
    live.knowledge.createdAt = document.createdAt
    refuseOverlap(live, document, attempts.count)
    rebase(live, document, attempts)
    await pauseBeforeNext(live, deadline, left, attempts.count)
  }
  if (prepareWrites(live).writes.length > 0) throw new SessionGoneError()
  return { status: 'gone', ...NOTHING }
}

/** Whether the name has another session by now. */
function isAnother(
  { named, life, knowledge }: LiveSession,
  document: SessionDocument | null,
): boolean {
  return named && life === 'stored' && document?.createdAt !== knowledge.createdAt
}

/** Stores a session for the first time, unless another has its key. */
async function insertNew(live: LiveSession, call: Call): Promise<Landing> {
  const { context, key } = live
  const { data, ...prepared } = prepareData(live)
  if (Object.keys(data).length === 0) {
    for (const name of prepared.dropped) remove(live.root, name)
    live.tracking.drop(prepared.dropped)
    return { result: { status: 'unchanged', ...NOTHING } }
  }
  live.beforeNewId('commit')
  const bytes = sizeOfWhole(live, data)
  const pending = { timeouts: live.timeouts, cleared: live.cleared }
  const modifications = Object.entries(data).map(
    ([name, value]): Modification => ({ op: 'set', path: [name], value }),
  )
  let made: NewDocument | undefined
  return fly(live, call, async (each, flight, lost) => {
    made ??= await newDocument(live, data, pending.timeouts, each.deadline)
    const { store } = context.settings
    const delivery = await deliverNew(store, made, loadBy(context, key), each, lost)
    if (!delivery.applied) return { result: undefined, document: delivery.document }
    live.knowledge = knowledgeOf({ ...made, bytes })
    live.own.add(made.tokens[0] as bigint)
    live.life = 'stored'
    noteDone(live, pending)
    acceptCommit(live, modifications, prepared, flight, true)
    const written = handOut(live, modifications)
    return { result: { status: 'created', modifications: written, bytes } }
  })
}

async function newDocument(
  { context, key, named }: LiveSession,
  data: PlainObject,
  timeouts: SessionTimeouts | undefined,
  deadline: Deadline,
): Promise<NewDocument> {
  const { idleTimeout, absoluteTimeout } = context.settings
  const now = await context.clock.now(deadline)
  const fresh = { idle: undefined, endsAt: now + absoluteTimeout }
  const expiry = expiryOf(idleTimeout, now, fresh, timeouts)
  // What was decided on another session of the same name fits this one never.
  const rev = named ? epochOf(now) : 1
  const books = { rev, layout: new Map(), tokens: [createToken()], marks: [], createdAt: now }
  return { key, data, ...books, ...expiry }
}

/** Writes the modified subset, if it fits what is stored. */
async function update(
  live: LiveSession,
  token: bigint,
  exact: boolean,
  call: Call,
): Promise<Landing> {
  const { context, key } = live
  const { settings } = context
  const prepared = prepareWrites(live)
  const { writes } = prepared
  if (writes.length === 0 && live.timeouts === undefined) {
    acceptNothing(live, prepared)
    const status = await touchSession(live, call.deadline, call.attempts)
    live.root.tree.reads?.clear()
    return { result: { status, ...NOTHING } }
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
    bytes,
    exact: exact || settings.isolation !== 'last-write-wins',
  })
  return fly(live, call, async (each, flight, lost) => {
    const load = loadBy(context, key)
    const delivery = await deliver(settings.store, statement, load, each, lost)
    if (!delivery.applied) return { result: undefined, document: delivery.document }
    noteCommit(live, statement, bytes, pending)
    acceptCommit(live, modifications, prepared, flight, 'exactly' in statement.rev)
    const status = writes.length === 0 ? 'touched' : 'updated'
    return { result: { status, modifications: handOut(live, modifications), bytes } }
  })
}

function rebase(live: LiveSession, document: SessionDocument, attempts: { count: number }): void {
  const paths = differencesOf(live).length
  const before = live.superseded.length
  rebaseOnto(live, document)
  const superseded = live.superseded.length - before
  publish('conflict', () => ({ paths, superseded, attempts: attempts.count }))
}

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
