/**
 * Differences as plain data: modifications, and patches in immer's format.
 *
 * @module
 */

import type { Patch } from 'immer'
import type { Modification } from '../modification.js'
import type { Path } from '../path.js'
import type { Copying } from '../state/copy.js'
import { materialize, withCopy } from '../state/copy.js'
import type { Difference } from '../state/difference.js'
import type { Item, Leaf, Tree } from '../state/node.js'

/** The modifications that `differences` stand for, with the values of this moment. */
export function toModifications(tree: Tree, differences: readonly Difference[]): Modification[] {
  return differences.map((difference): Modification => {
    const { path } = difference
    switch (difference.op) {
      case 'unset':
        return { op: 'unset', path }
      case 'set':
        return withCopy({ op: 'set', path, value: take(tree, difference.item) }, 'value')
      case 'append': {
        const values = difference.items.map(item => take(tree, item))
        return withCopy({ op: 'append', path, values }, 'values')
      }
    }
  })
}

/** The patches that `differences` stand for, with the values of this moment. */
export function toPatches(tree: Tree, differences: readonly Difference[]): Patch[] {
  return differences.flatMap((difference): Patch[] => {
    const path = [...difference.path]
    switch (difference.op) {
      case 'unset':
        return [{ op: 'remove', path }]
      case 'set': {
        const taken = take(tree, difference.item)
        if (difference.basis === 'elements' && Array.isArray(difference.before)) {
          const patches = elementPatches(path, difference.before, taken as unknown[])
          if (patches !== undefined) return patches
        }
        const op = difference.before === undefined ? 'add' : 'replace'
        return [withCopy({ op, path, value: taken }, 'value')]
      }
      case 'append':
        return difference.items.map((item, offset) => {
          const place = [...path, difference.from + offset]
          return withCopy({ op: 'add', path: place, value: take(tree, item) }, 'value')
        })
    }
  })
}

/** The leaves in `differences`, as they are now. */
export function takeLeaves(differences: readonly Difference[]): Map<Leaf, object> {
  const copying: Copying = { leaves: new Map(), shares: false }
  for (const difference of differences) {
    if (difference.op === 'set') materialize(difference.item, copying)
    if (difference.op === 'append') {
      for (const item of difference.items) materialize(item, copying)
    }
  }
  return copying.leaves
}

/** Patches of single elements; undefined if the array as a whole is shorter to tell. */
function elementPatches(
  path: Path,
  before: readonly unknown[],
  after: readonly unknown[],
): Patch[] | undefined {
  const patches: Patch[] = []
  for (let index = 0; index < after.length; index++) {
    if (index < before.length && after[index] === before[index]) continue
    if (patches.length * 2 > after.length) return undefined
    const op = index < before.length ? 'replace' : 'add'
    patches.push(withCopy({ op, path: [...path, index], value: after[index] }, 'value'))
  }
  for (let index = before.length - 1; index >= after.length; index--) {
    if (patches.length > after.length) return undefined
    patches.push({ op: 'remove', path: [...path, index] })
  }
  return patches
}

function take(tree: Tree, item: Item): unknown {
  if (typeof item !== 'object' || item === null) return item
  const copying: Copying = { leaves: new Map(), shares: false }
  const taken = materialize(item, copying)
  // The benchmark's containers in it must stay as they are, whatever is committed meanwhile.
  if (copying.shares) tree.generation++
  return taken
}
