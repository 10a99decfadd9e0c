/**
 * Loading the document of a session, and looking at all of it.
 *
 * @module
 */

import type { SessionDocument } from '../open/document.js'
import { readDocument } from '../open/document.js'
import { snapshotNode } from '../state/copy.js'
import { keysOf, sourceAt } from '../state/read.js'
import type { PlainObject } from '../state/value.js'
import type { Deadline } from '../synchronize/deadline.js'
import type { Context, LiveSession } from './live.js'

/** Loads a document; null if there is none. */
export async function loadDocument(
  { settings, clock }: Context,
  key: string,
  deadline: Deadline,
  linearizable = false,
): Promise<SessionDocument | null> {
  const loaded = await deadline.persist('load the session', each =>
    settings.store.load(key, { ...each, linearizable }),
  )
  if (loaded === null) return null
  const document = readDocument(loaded)
  clock.note(document.now)
  return document
}

/** Loads the document with this key, as a delivery asks for it. */
export function loadBy(context: Context, key: string) {
  return (deadline: Deadline, linearizable: boolean): Promise<SessionDocument | null> =>
    loadDocument(context, key, deadline, linearizable)
}

/** The document of a session; undefined if it is not there any more, which is noted. */
export function stillThere(
  live: LiveSession,
  document: SessionDocument | null,
): SessionDocument | undefined {
  if (document !== null && document.retiredBy === undefined) return document
  live.life = document === null ? 'gone' : 'retired'
  return undefined
}

/** Decodes and validates all attributes, as `validate: 'open'` asks for. */
export function validateAll({ root, context }: LiveSession): void {
  const { schema, onInvalid } = context.settings
  for (const key of keysOf(root)) sourceAt(root, key)
  // Where they do not fit together, nobody can tell which one to remove.
  if (schema?.crossChecks !== true || onInvalid === 'unset') return
  schema.check(snapshotNode(root) as PlainObject, 'read')
}
