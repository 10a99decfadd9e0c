/**
 * Moving the expiry of a session that was used and not changed.
 *
 * @module
 */

import type { Deadline } from '../synchronize/deadline.js'
import { knowledgeOf } from '../synchronize/statement.js'
import { expiryOf, stepOf } from './expiry.js'
import type { LiveSession } from './live.js'
import { loadDocument, stillThere } from './load.js'

/**
 * Moves the expiry, if it moves by enough to be worth a write.
 *
 * @returns `'gone'` if the session is not there any more.
 */
export async function touchSession(
  live: LiveSession,
  deadline: Deadline,
  attempts: { count: number },
): Promise<'touched' | 'unchanged' | 'gone'> {
  const { context, key } = live
  const { store, idleTimeout, touchAfter } = context.settings
  for (let tries = 0; tries < 2; tries++) {
    const { idle, endsAt, expiresAt: before } = live.knowledge
    const { expiresAt } = expiryOf(idleTimeout, context.clock.estimate(), live.knowledge)
    if (expiresAt - before < (live.touched ? 1 : stepOf(touchAfter, idle))) return 'unchanged'
    attempts.count++
    const touched = await deadline.persist('touch the session', each =>
      store.touch({ key, idle, endsAt, expiresAt }, each),
    )
    if (touched) {
      live.knowledge.expiresAt = expiresAt
      live.touched = false
      return 'touched'
    }
    const document = stillThere(live, await loadDocument(context, key, deadline))
    if (document === undefined) return 'gone'
    // Another server gave it another timeout. What it holds is not what was read here, so nothing
    // more than the timeouts may be taken over.
    const { idle: theirs, endsAt: end, expiresAt: now } = knowledgeOf(document)
    Object.assign(live.knowledge, { idle: theirs, endsAt: end, expiresAt: now })
  }
  return 'unchanged'
}
