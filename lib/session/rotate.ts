/**
 * A new id for a session, and the end of the old one.
 *
 * The new document is there before the old one ends, and nobody knows its id until then: a crash in
 * between leaves an orphan that expires, and logs nobody in.
 *
 * @module
 */

import { SessionError, SessionGoneError, StoreError, UncertainCommitError } from '../errors.js'
import { createId, createToken, keyOf } from '../open/identity.js'
import { snapshotNode } from '../state/copy.js'
import type { PlainObject } from '../state/value.js'
import type { NewDocument } from '../store/store.js'
import type { Deadline } from '../synchronize/deadline.js'
import type { Call } from '../synchronize/deliver.js'
import { deliverNew } from '../synchronize/deliver.js'
import { knowledgeOf } from '../synchronize/statement.js'
import { acceptCommit } from './accept.js'
import { expiryOf } from './expiry.js'
import type { Send } from './flight.js'
import { finishEarlier, fly } from './flight.js'
import { storedInitial } from './initial.js'
import { pauseBeforeNext, refuseOverlap } from './isolation.js'
import type { LiveSession } from './live.js'
import { newKnowledge, startAnew } from './live.js'
import { loadBy, loadDocument, stillThere } from './load.js'
import type { Landing } from './outcome.js'
import type { Prepared } from './prepare.js'
import { prepareWrites, sizeOfWhole, wholeOf } from './prepare.js'
import { rebaseOnto } from './rebase.js'

/** How long the mark of an old id stays, in milliseconds: requests with it are still under way. */
const RETIREMENT = 60_000

/** Which attributes the session keeps: all, none, or those named. */
export type Keep = boolean | readonly string[]

/**
 * Gives a session a new id. What was written to it and not committed is stored with the new id.
 *
 * @throws {@link SessionGoneError} if it was destroyed or rotated meanwhile, {@link ConflictError} if
 *   others go on changing it until the deadline.
 */
export async function rotateSession(
  live: LiveSession,
  keep: Keep,
  deadline: Deadline,
): Promise<void> {
  if (live.named) {
    const why = 'its id is made of its name; destroy it, and begin anew'
    throw new SessionError('ERR_INVALID_ARGUMENT', `Cannot rotate the session: ${why}`)
  }
  const call = { deadline, attempts: { count: 0 } }
  await finishEarlier(live, call)
  if (live.life === 'stored') return rotateStored(live, keep, call)
  const id = createId()
  // What was destroyed is not to come back; what was written under a dead id is kept.
  if (live.life === 'gone' || keep !== true) {
    live.tracking.collect()
    const kept = live.life === 'gone' ? {} : pick(snapshotNode(live.root) as PlainObject, keep)
    startAnew(live, 'new', {})
    Object.assign(live.tracking.data, kept)
  }
  Object.assign(live, { id, key: keyOf(id), life: 'new', knowledge: newKnowledge(live.context) })
}

/** What is kept of attributes. */
function pick(attributes: PlainObject, keep: Keep): PlainObject {
  if (typeof keep === 'boolean') return keep ? attributes : {}
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => keep.includes(name)))
}

async function rotateStored(live: LiveSession, keep: Keep, call: Call): Promise<void> {
  const { context, key } = live
  const { deadline } = call
  for (let attempts = 1; ; attempts++) {
    const { left } = deadline
    const { result } = await rotateOnce(live, keep, call)
    if (result !== undefined) return
    const document = stillThere(live, await loadDocument(context, key, deadline))
    if (document === undefined) throw new SessionGoneError('rotate the session')
    refuseOverlap(live, document, attempts)
    rebaseOnto(live, document)
    await pauseBeforeNext(live, deadline, left, attempts)
  }
}

/** Rotates, unless the session has changed since it was read. */
async function rotateOnce(live: LiveSession, keep: Keep, call: Call): Promise<Landing> {
  const prepared = prepareWrites(live)
  const id = createId()
  const key = keyOf(id)
  let rotation: Rotation | undefined
  const rotate: Send = async (each, flight, lost) => {
    // Whoever sends it again does so to end the old id: what the new one holds is there.
    if (rotation === undefined) {
      const made = await rotationOf(live, prepared, keep, id, each.deadline)
      await insert(live, made.document, each)
      rotation = made
    }
    if (!(await retire(live, rotation, each.deadline, lost))) {
      await discardDocument(live, rotation.document, each.deadline)
      return { result: undefined, document: null }
    }
    adoptIdentity(live, rotation)
    const modifications = prepared.writes.map(({ modification }) => modification)
    if (keep === true) acceptCommit(live, modifications, prepared, flight, true)
    else startAnew(live, 'stored', rotation.document.data)
    return { result: { status: 'updated', modifications, bytes: rotation.bytes } }
  }
  return fly(live, call, rotate, key)
}

/** Stores the document of the new id. As long as nobody knows that, nothing has happened. */
async function insert({ context }: LiveSession, document: NewDocument, call: Call): Promise<void> {
  const load = loadBy(context, document.key)
  try {
    await deliverNew(context.settings.store, document, load, call)
  } catch (error) {
    throw error instanceof UncertainCommitError ? error.cause : error
  }
}

/** A rotation that was prepared. */
interface Rotation {
  readonly id: string
  readonly token: bigint
  readonly document: NewDocument
  readonly bytes: number
}

async function rotationOf(
  live: LiveSession,
  { writes }: Prepared,
  keep: Keep,
  id: string,
  deadline: Deadline,
): Promise<Rotation> {
  const { context, knowledge, timeouts } = live
  const { idleTimeout, absoluteTimeout } = context.settings
  const all = wholeOf(
    live,
    writes.map(({ modification }) => modification),
  )
  const data =
    keep === true ? all : { ...storedInitial(context.settings, live.root), ...pick(all, keep) }
  const bytes = sizeOfWhole(live, data)
  const now = await context.clock.now(deadline)
  // A kept session goes on; any other begins now.
  const before = keep === true ? knowledge : { idle: undefined, endsAt: now + absoluteTimeout }
  const expiry = expiryOf(idleTimeout, now, before, timeouts)
  const createdAt = keep === true ? knowledge.createdAt : now
  const token = createToken()
  const books = { rev: 1, layout: new Map(), tokens: [token], marks: [], createdAt }
  return { id, token, bytes, document: { key: keyOf(id), data, ...books, ...expiry } }
}

/** Ends the old id; false if its document is not what it was any more. */
async function retire(
  live: LiveSession,
  { token }: Rotation,
  deadline: Deadline,
  lost: StoreError | undefined,
): Promise<boolean> {
  const { context, key, knowledge } = live
  const expiresAt = context.clock.estimate() + RETIREMENT
  let uncertain = lost !== undefined
  try {
    const retired = await deadline.persist('rotate the session', each =>
      context.settings.store.retire({ key, rev: knowledge.rev, token, expiresAt }, each),
    )
    if (retired) return true
    // It may have been an earlier attempt, whose answer was lost, that ended it.
    uncertain = true
    const document = await loadDocument(context, key, deadline, true)
    return document?.retiredBy === token
  } catch (error) {
    if (error instanceof StoreError && (uncertain || error.uncertain)) {
      throw new UncertainCommitError(error)
    }
    throw error
  }
}

async function discardDocument(
  { context }: LiveSession,
  { key }: NewDocument,
  deadline: Deadline,
): Promise<void> {
  await deadline.persist('rotate the session', each => context.settings.store.remove(key, each))
}

function adoptIdentity(live: LiveSession, { id, token, document, bytes }: Rotation): void {
  live.id = id
  live.key = document.key
  live.knowledge = knowledgeOf({ ...document, bytes })
  live.own.clear()
  live.own.add(token)
  live.timeouts = undefined
  live.cleared = undefined
  live.touched = false
}
