/**
 * After a commit that was applied: what was sent is the new benchmark.
 *
 * @module
 */

import { graphDifferencing } from '../difference/graph.js'
import type { Modification } from '../modification.js'
import { applyModification } from '../state/apply.js'
import { copyHandle } from '../state/copy.js'
import { equalsItem } from '../state/equal.js'
import { Leaf } from '../state/node.js'
import { memberAt } from '../state/read.js'
import { around } from '../state/replay.js'
import { settle } from '../state/settle.js'
import { bindNode, storedAt } from '../state/stored.js'
import type { PlainObject } from '../state/value.js'
import { copyStored } from '../state/width.js'
import { remove } from '../state/write.js'
import type { Outgoing } from '../synchronize/outgoing.js'
import { rebaseRoot } from '../synchronize/rebase.js'
import { createTree } from '../track/tree.js'
import type { Flight } from './flight.js'
import { land, takeOff } from './flight.js'
import type { LiveSession } from './live.js'
import type { Prepared } from './prepare.js'

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
  flight.reads.clear()
  around(flight.journal, () => {
    for (const name of dropped) remove(root, name)
    for (const { path } of modifications) {
      if (path.length === 0)
        for (const name of Object.keys(root.stored as object)) benchmark.forget(name)
      else benchmark.forget(String(path[0]))
    }
    const stored = root.stored as PlainObject
    if (!tree.tied) for (const each of modifications) applyModification(stored, ownValues(each))
    settle(root, { leaves: outgoing.copying.leaves, exact })
    // What was assigned equal was not sent, but it is stored, too.
    if (!tree.tied) bindNode(root, stored)
    live.tracking.settled()
    live.tracking.drop(dropped)
    readBack(live, outgoing)
  })
  if (outgoing.copying.shares) tree.generation++
  for (const raw of flight.imported) {
    const item = tree.adopted?.get(raw)
    if (item instanceof Leaf && item.handle === raw) item.handle = copyHandle(item)
    tree.adopted?.delete(raw)
  }
}

/** With values of its own: what is stored for one place is changed in place, and no other with it. */
function ownValues(modification: Modification): Modification {
  switch (modification.op) {
    case 'set':
      return { ...modification, value: copyStored(modification.value) }
    case 'append':
      return { ...modification, values: modification.values.map(copyStored) }
    default:
      return modification
  }
}

/**
 * Where nothing had to be written, makes client state what is stored: a schema made it that, or does
 * not know what was written here.
 */
export function acceptNothing(live: LiveSession, prepared: Prepared): void {
  if (prepared.dropped.length === 0 && prepared.outgoing.rewritten.size === 0) return
  const flight = takeOff(live)
  acceptCommit(live, [], prepared, flight, false)
  land(live, flight)
}

/** Makes client state what was stored, where the schema rewrote it on the way. */
function readBack({ root, tracking, context }: LiveSession, { rewritten, merged }: Outgoing): void {
  const { schema } = context.settings
  const values: PlainObject = { ...(root.benchmark as PlainObject) }
  let changed = false
  const read = Array.from(merged, (name): [string, unknown] => {
    return [name, schema?.decode(name, storedAt(root.stored, name))]
  })
  for (const [name, value] of [...rewritten, ...read]) {
    if (equalsItem(root.tree, value, memberAt(root, name))) continue
    if (value === undefined) delete values[name]
    else values[name] = value
    changed = true
  }
  if (!changed) return
  const theirs = createTree(values, {
    differencing: graphDifferencing,
    stored: root.stored as PlainObject,
    shape: root.shape,
  })
  const marks = { replaced: () => false, moved: () => false }
  const found = { differencesBelow: () => [], superseded: [], shared: new Map() }
  // What was done to copies since the state was taken comes on top.
  tracking.collect()
  rebaseRoot({ tree: root.tree, marks, ...found }, root, theirs)
  tracking.project()
}
