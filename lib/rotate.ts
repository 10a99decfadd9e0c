/**
 * A new id for a session, and the end of the old one.
 *
 * The new document is there before the old one ends, and nobody knows its id until then: a crash in
 * between leaves an orphan that expires, and logs nobody in.
 *
 * @module
 */

import { calculateObjectSize } from 'bson'
import { acceptCommit, land, takeOff } from './accept.js'
import { ConflictError, SessionGoneError } from './errors.js'
import type { LiveSession } from './live.js'
import { differencesOf, loadDocument, newKnowledge, rebaseOnto, startAnew } from './live.js'
import { createId, createToken, keyOf } from './open/identity.js'
import type { Prepared } from './prepare.js'
import { checkSize, prepareWrites } from './prepare.js'
import { applyModification } from './state/apply.js'
import type { PlainObject } from './state/value.js'
import { copyStored, withWidths } from './state/width.js'
import type { NewDocument } from './store/store.js'
import type { Deadline } from './synchronize/deadline.js'
import { deliverNew } from './synchronize/deliver.js'
import { knowledgeOf } from './synchronize/statement.js'

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
  live.beforeNewId()
  if (live.life === 'stored') return rotateStored(live, keep, deadline)
  const id = createId()
  // What was destroyed is not to come back; what was written under a dead id is kept.
  if (live.life === 'gone' || keep !== true) startAnew(live, 'new', {})
  Object.assign(live, { id, key: keyOf(id), life: 'new', knowledge: newKnowledge(live.context) })
}

async function rotateStored(live: LiveSession, keep: Keep, deadline: Deadline): Promise<void> {
  const { context, key } = live
  for (let attempts = 1; ; attempts++) {
    const prepared = prepareWrites(live)
    const rotation = await rotationOf(live, prepared, keep, deadline)
    const flight = takeOff(live)
    try {
      const { document, token } = rotation
      const load = (linearizable: boolean) =>
        loadDocument(context, document.key, deadline, linearizable)
      await deliverNew(context.settings.store, document, load, deadline, { count: 0 })
      if (await retire(live, token, deadline)) {
        adoptIdentity(live, rotation)
        const modifications = prepared.writes.map(write => write.modification)
        if (keep === true) acceptCommit(live, modifications, prepared, flight, true)
        else startAnew(live, 'stored', document.data)
        return
      }
    } finally {
      land(live, flight)
    }
    await discardDocument(live, rotation.document, deadline)
    const document = await loadDocument(context, key, deadline)
    if (document === null || document.retiredBy !== undefined) {
      live.life = document === null ? 'gone' : 'retired'
      throw new SessionGoneError('rotate the session')
    }
    rebaseOnto(live, document)
    await deadline.pause(attempts)
    if (deadline.left === 0) {
      throw new ConflictError(
        differencesOf(live).map(({ path }) => path),
        attempts,
      )
    }
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
  deadline: Deadline,
): Promise<Rotation> {
  const { context, knowledge, timeouts } = live
  const { idleTimeout, absoluteTimeout } = context.settings
  const data = copyStored(live.benchmark.storedAll(live.root)) as PlainObject
  for (const { modification } of writes) applyModification(data, modification)
  if (keep !== true) {
    for (const name of Object.keys(data)) {
      if (keep === false || !keep.includes(name)) delete data[name]
    }
  }
  const bytes = calculateObjectSize(withWidths(data) as PlainObject)
  checkSize(live, bytes, () => bytes)
  const now = await context.clock.now(deadline)
  // A kept session goes on; any other begins now.
  const { idle, endsAt } =
    timeouts ?? (keep === true ? knowledge : { idle: undefined, endsAt: now + absoluteTimeout })
  const expiresAt = Math.min(now + (idle ?? idleTimeout), endsAt)
  const createdAt = keep === true ? knowledge.createdAt : now
  const id = createId()
  const token = createToken()
  const books = { rev: 1, layout: new Map(), tokens: [token], marks: [], createdAt }
  return { id, token, bytes, document: { key: keyOf(id), data, ...books, expiresAt, endsAt, idle } }
}

/** Ends the old id; false if its document is not what it was any more. */
async function retire(live: LiveSession, token: bigint, deadline: Deadline): Promise<boolean> {
  const { context, key, knowledge } = live
  const expiresAt = context.clock.estimate() + RETIREMENT
  const retired = await deadline.persist('rotate the session', each =>
    context.settings.store.retire({ key, rev: knowledge.rev, token, expiresAt }, each),
  )
  if (retired) return true
  const document = await loadDocument(context, key, deadline, true)
  return document?.retiredBy === token
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
  live.knowledge = knowledgeOf({ ...document, bytes: bytes + 256 })
  live.own.clear()
  live.own.add(token)
  live.timeouts = undefined
  live.cleared = undefined
  live.touched = false
}
