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
import { Node } from './state/node.js'
import { memberAt } from './state/read.js'
import { around } from './state/replay.js'
import { settle } from './state/settle.js'
import { bindStored, storedAt } from './state/stored.js'
import type { PlainObject } from './state/value.js'
import { remove } from './state/write.js'
import { rebaseRoot } from './synchronize/rebase.js'
import { createTree } from './track/tree.js'

/**
 * Makes what was sent the benchmark. What the application wrote since then stays pending.
 *
 * @param modifications What was sent, as it is stored.
 * @param journal What was written since the state was taken.
 * @param exact Whether it is certain that nobody else committed since the last load.
 */
export function acceptCommit(
  live: LiveSession,
  modifications: readonly Modification[],
  { outgoing, dropped }: Omit<Prepared, 'writes'>,
  journal: Journal,
  exact: boolean,
): void {
  const { root, benchmark } = live
  const { tree } = root
  around(journal, () => {
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
  for (const [raw, item] of tree.adopted ?? []) {
    if (!(item instanceof Node && item.adopted)) tree.adopted?.delete(raw)
  }
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
