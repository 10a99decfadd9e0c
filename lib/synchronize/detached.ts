/**
 * Handles whose place others replaced or removed: they work on, but what is written to them is void.
 *
 * @module
 */

import type { Path } from '../path.js'
import { materialize } from '../state/copy.js'
import type { Difference } from '../state/difference.js'
import type { Leaves } from '../state/equal.js'
import type { Node, Tree } from '../state/node.js'
import { holds } from '../state/place.js'
import { settle } from '../state/settle.js'
import { bindNode } from '../state/stored.js'

/** Notes that `node` has lost its place at `path`. What was written to it so far is accounted for. */
export function detach(node: Node, path: Path): void {
  // It may have another place, where it lives on.
  if ((node.elsewhere?.size ?? 0) > 0) return
  node.tree.detached ??= new WeakMap()
  node.tree.detached.set(node, path)
  makeClean(node)
}

/** What was written to nodes without a place, and was not accounted for. */
export function detachedDifferences(
  tree: Tree,
  differencesBelow: (node: Node) => readonly Difference[],
): Difference[] {
  return tree.writtenDetached.flatMap(node => {
    const path = tree.detached?.get(node)
    if (path === undefined || isHeld(node)) return []
    return differencesBelow(node).map(difference => {
      return { ...difference, path: [...path, ...difference.path] }
    })
  })
}

/** Accounts for all that was written to nodes without a place. */
export function acceptDetached(tree: Tree): void {
  for (const node of tree.writtenDetached.splice(0)) if (!isHeld(node)) makeClean(node)
}

/** Whether anything holds `node`: the application may have given it another place. */
function isHeld(node: Node): boolean {
  const { parent, key, elsewhere } = node
  if (parent !== undefined && holds(parent, key, node)) return true
  return [...(elsewhere ?? [])].some(([other, keys]) => {
    return [...keys].some(each => holds(other, each, node))
  })
}

/** Makes the state of `node` what later writes are compared with. */
function makeClean(node: Node): void {
  // Whatever else has the same container in the benchmark must not see it change.
  if (node.dirty) node.tree.generation++
  const leaves: Leaves = new Map()
  materialize(node, { leaves, shares: false })
  settle(node, { leaves, exact: false })
  // Nothing is stored for it any more.
  if (!node.tree.tied) bindNode(node, undefined)
}
