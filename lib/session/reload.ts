/**
 * Loading a session again, and ending it.
 *
 * @module
 */

import { SessionGoneError } from '../errors.js'
import type { Deadline } from '../synchronize/deadline.js'
import { finishEarlier } from './flight.js'
import type { LiveSession } from './live.js'
import { discardChanges } from './live.js'
import { loadDocument, stillThere } from './load.js'
import { rebaseOnto } from './rebase.js'

/**
 * Makes client state what is stored, with what was not committed on top of it if that is kept.
 *
 * @throws {@link SessionGoneError} if the session is gone.
 */
export async function reloadSession(
  live: LiveSession,
  keepChanges: boolean,
  deadline: Deadline,
): Promise<void> {
  await finishEarlier(live, { deadline, attempts: { count: 0 } })
  // Nobody else can have stored a new session, unless it has a name.
  const isUnknown = live.life === 'new' && !live.named
  const loaded = isUnknown ? null : await loadDocument(live.context, live.key, deadline)
  if (loaded === null && live.life === 'new') {
    if (!keepChanges) discardChanges(live)
    return
  }
  const document = stillThere(live, loaded)
  if (document === undefined) throw new SessionGoneError('reload the session')
  if (!keepChanges) discardChanges(live)
  live.life = 'stored'
  live.root.tree.reads?.clear()
  rebaseOnto(live, document)
}

/** Removes a session from its store; what is written to it from now on has nowhere to go. */
export async function destroySession(live: LiveSession, deadline: Deadline): Promise<void> {
  const { key, life, context, unfinished } = live
  const { store } = context.settings
  live.life = 'gone'
  try {
    if (unfinished === undefined && (life === 'new' || life === 'gone')) return
    await deadline.persist('destroy the session', each => store.remove(key, each))
    if (unfinished?.newKey !== undefined) {
      const { newKey } = unfinished
      await deadline.persist('destroy the session', each => store.remove(newKey, each))
    }
  } catch (error) {
    live.life = life
    throw error
  }
}
