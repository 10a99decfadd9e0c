/**
 * After a commit that was applied: what was sent is the new benchmark.
 *
 * @module
 */

import type { LiveSession } from './live.js'
import type { Modification } from './modification.js'
import type { Prepared } from './prepare.js'
import { applyModification } from './state/apply.js'
import { equalsItem } from './state/equal.js'
import type { Journal } from './state/journal.js'
import { memberAt } from './state/read.js'
import { around } from './state/replay.js'
import { settle } from './state/settle.js'
import { bindStored, storedAt } from './state/stored.js'
import type { PlainObject } from './state/value.js'
import { remove } from './state/write.js'
import { rebaseRoot } from './synchronize/rebase.js'
import { createTree } from './track/tree.js'

/** What is kept while a commit is under way. */
export interface Flight {
  /** The nodes that are written meanwhile, as they were when the state was taken. */
  readonly journal: Journal
  /** The objects of callers that the commit imported: they are not read any more. */
  readonly imported: readonly object[]
}

/** Begins to keep what is written from now on. */
export function takeOff({ root }: LiveSession): Flight {
  const { tree } = root
  const journal: Journal = new Map()
  tree.journals = [...tree.journals, journal]
  return { journal, imported: [...(tree.adopted?.keys() ?? [])] }
}

/** Ends that, whatever became of the commit. */
export function land({ root }: LiveSession, { journal }: Flight): void {
  root.tree.journals = root.tree.journals.filter(open => open !== journal)
}

/**
 * Makes what was sent the benchmark. What the application wrote since then stays pending.
 *
 * @param modifications What was sent, as it is stored.
 * @param flight What was written since the state was taken.
 * @param exact Whether it is certain that nobody else committed since the last load.
 */
export function acceptCommit(
  live: LiveSession,
  modifications: readonly Modification[],
  { outgoing, dropped }: Omit<Prepared, 'writes'>,
  flight: Flight,
  exact: boolean,
): void {
  const { root, benchmark } = live
  const { tree } = root
  around(flight.journal, () => {
    for (const name of dropped) remove(root, name)
    for (const { path } of modifications) {
      if (path.length === 0)
        for (const name of Object.keys(root.stored as object)) benchmark.forget(name)
      else if (path.length === 1) benchmark.forget(String(path[0]))
    }
    const stored = root.stored as PlainObject
    if (!tree.tied)
      for (const modification of modifications) applyModification(stored, modification)
    settle(root, { leaves: outgoing.copying.leaves, exact })
    if (!tree.tied) bindStored(root, modifications)
    readBack(live, outgoing.rewritten)
  })
  if (outgoing.copying.shares) tree.generation++
  for (const raw of flight.imported) tree.adopted?.delete(raw)
}

/** Reads attributes as they were stored, where the schema rewrote them on the way. */
function readBack(live: LiveSession, attributes: Iterable<string>): void {
  const { root, context } = live
  const values: PlainObject = { ...(root.benchmark as PlainObject) }
  let changed = false
  for (const name of attributes) {
    const value = context.settings.schema?.decode(name, storedAt(root.stored, name))
    if (equalsItem(root.tree, value, memberAt(root, name))) continue
    values[name] = value
    changed = true
  }
  if (!changed) return
  const theirs = createTree(values, { stored: root.stored as PlainObject, shape: root.shape })
  const marks = { replaced: () => false, moved: () => false }
  const rebase = { tree: root.tree, marks, differencesBelow: () => [], superseded: [] }
  rebaseRoot(rebase, root, theirs)
}
