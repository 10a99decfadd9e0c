/**
 * Importing what was adopted: after this, no object of the caller is read any more.
 *
 * @module
 */

import type { Key } from '../path.js'
import { Node } from '../state/node.js'
import { own } from '../state/open.js'
import { pathOf } from '../state/place.js'
import { writtenMembers } from '../state/read.js'
import { checkWritten } from './check.js'
import type { Imported } from './stray.js'
import { remember, warnOfStrays } from './stray.js'

/**
 * Imports all adopted objects below `root`, as a commit does.
 *
 * @param imported What earlier commits imported, which is looked after once more; and takes what this
 *   one does.
 * @throws {@link UnsupportedValueError} if a caller put something into its object meanwhile that a
 *   session cannot keep. Nothing is imported then.
 */
export function importAdopted(root: Node, imported: Imported[] = []): void {
  const { tree } = root
  warnOfStrays(tree, imported)
  checkWritten(root)
  if (tree.adopted === undefined) return
  eachAdopted(root, (parent, key, node) => {
    remember(imported, [...pathOf(parent), key], node.source)
  })
  eachAdopted(root, (_parent, _key, node) => own(node))
}

type Visit = (parent: Node, key: Key, node: Node) => void

function eachAdopted(node: Node, visit: Visit): void {
  for (const [key, child] of writtenMembers(node)) {
    if (!(child instanceof Node)) continue
    if (child.adopted) visit(node, key, child)
    if (child.dirty || child.benchmark === undefined) eachAdopted(child, visit)
  }
}
