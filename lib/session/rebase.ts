/**
 * Client state on top of what others have stored meanwhile.
 *
 * @module
 */

import { findDifferences } from '../difference/candidates.js'
import { toModifications } from '../difference/modifications.js'
import type { Benchmark } from '../open/benchmark.js'
import type { SessionDocument } from '../open/document.js'
import type { Difference } from '../state/difference.js'
import type { Node } from '../state/node.js'
import { sourceAt } from '../state/read.js'
import { acceptDetached, detachedDifferences } from '../synchronize/detached.js'
import type { ForeignMarks } from '../synchronize/marks.js'
import { readMarks } from '../synchronize/marks.js'
import { rebaseCleared, rebaseRoot } from '../synchronize/rebase.js'
import { knowledgeOf } from '../synchronize/statement.js'
import { importAdopted } from '../track/import.js'
import type { LiveSession } from './live.js'
import { benchmarkOf, rootOf } from './live.js'

/**
 * Puts what was written here on top of `document`, as it is now.
 *
 * What became void, because others replaced or removed what it was written into, waits for the next
 * commit to list it.
 */
export function rebaseOnto(live: LiveSession, document: SessionDocument): void {
  const { root, tracking } = live
  noteDetached(live)
  tracking.collect()
  // What was assigned meanwhile, too: only what is the session's own can be put on top of anything.
  importAdopted(root, live.imported)
  const superseded: Difference[] = []
  const marks = foreignMarks(live, document)
  const theirs = theirTree(live, document)
  // What did not fit and was to be removed may have been mended meanwhile.
  for (const attribute of live.benchmark.invalid) sourceAt(theirs.root, attribute)
  const rebase = { tree: root.tree, marks, differencesBelow, superseded, shared: new Map() }
  if (live.cleared === undefined) rebaseRoot(rebase, root, theirs.root)
  else rebaseCleared(root, theirs.root)
  live.benchmark = theirs.benchmark
  tracking.project()
  live.knowledge = knowledgeOf(document)
  live.superseded.push(...toModifications(root.tree, superseded))
}

/** What others made of the session, as a tree of its own. */
export function theirTree(
  { context }: LiveSession,
  document: SessionDocument,
): { root: Node; benchmark: Benchmark } {
  const benchmark = benchmarkOf(context, document)
  return { root: rootOf(context, () => benchmark), benchmark }
}

/** What others replaced and moved since the last load. */
export function foreignMarks(
  { knowledge, own }: LiveSession,
  { layout, marks, tokens }: SessionDocument,
): ForeignMarks {
  // Where counting began on just what was loaded, and what was committed here since is still there, no
  // later mark is missing.
  const [latest] = [...own].slice(-1)
  const isKept = knowledge.rev === knowledge.loadedRev || tokens.includes(latest as bigint)
  const isBegun = isKept && marks.some(({ by }) => by === BigInt(knowledge.loadedRev))
  return readMarks(marks, knowledge.seen, own, isBegun ? layout : knowledge.layout, layout)
}

/** What was written to what has no place in the session any more. */
export function detachedWrites({ root }: LiveSession): Difference[] {
  return detachedDifferences(root.tree, differencesBelow)
}

/** Has the next commit list that as void. */
export function noteDetached(live: LiveSession): void {
  const { tree } = live.root
  live.superseded.push(...toModifications(tree, detachedWrites(live)))
  acceptDetached(tree)
}

const differencesBelow = (node: Node): Difference[] => findDifferences(node, true)
