/**
 * Differences as plain data: modifications, and patches in immer's format.
 *
 * @module
 */

import type { Patch } from 'immer'
import type { Modification } from '../modification.js'
import type { Path } from '../path.js'
import type { Copying } from '../state/copy.js'
import { materialize, materializeLater, withCopy, withCopyOf } from '../state/copy.js'
import type { Difference } from '../state/difference.js'
import type { Leaves } from '../state/equal.js'
import type { Item, Tree } from '../state/node.js'

/** The modifications that `differences` stand for, with the values of this moment. */
export function toModifications(tree: Tree, differences: readonly Difference[]): Modification[] {
  return differences.map((difference): Modification => {
    const { op, path } = difference
    const copying: Copying = { leaves: undefined, shares: false }
    switch (op) {
      case 'unset':
        return { op, path }
      case 'set':
      case 'max':
      case 'min': {
        const value = materializeLater(difference.item, copying)
        return handOut(tree, copying, { op, path, value: undefined }, 'value', value)
      }
      case 'append':
      case 'union': {
        const values = difference.items.map(item => materialize(item, copying))
        return handOut(tree, copying, { op, path, values }, 'values', () => values)
      }
      case 'increment':
        return { op, path, by: difference.by }
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
      case 'append':
      case 'union':
        return difference.items.map((item, offset) => {
          const place = [...path, difference.from + offset]
          return valuePatch(tree, { op: 'add', path: place }, item)
        })
      default: {
        const { before } = difference
        if (difference.op === 'set' && difference.basis === 'elements' && Array.isArray(before)) {
          const patches = elementPatches(tree, path, before, difference.item)
          if (patches !== undefined) return patches
        }
        const op = before === undefined ? 'add' : 'replace'
        return [valuePatch(tree, { op, path }, difference.item)]
      }
    }
  })
}

function valuePatch(tree: Tree, patch: Patch, item: Item): Patch {
  const copying: Copying = { leaves: undefined, shares: false }
  const value = materializeLater(item, copying)
  return handOut(tree, copying, { ...patch, value: undefined }, 'value', value)
}

/** Adds the leaves in `differences`, as they are now. */
export function takeLeaves(differences: readonly Difference[], leaves: Leaves): void {
  const copying: Copying = { leaves, shares: false }
  for (const difference of differences) {
    if ('item' in difference) materialize(difference.item, copying)
    if ('items' in difference) for (const item of difference.items) materialize(item, copying)
  }
}

/** Patches of single elements; undefined if the array as a whole is shorter to tell. */
function elementPatches(
  tree: Tree,
  path: Path,
  before: readonly unknown[],
  item: Item,
): Patch[] | undefined {
  const copying: Copying = { leaves: undefined, shares: false }
  const after = materialize(item, copying) as unknown[]
  if (copying.shares) tree.generation++
  const patches: Patch[] = []
  for (let index = 0; index < after.length; index++) {
    const value = after[index]
    if (index < before.length && Object.is(value, before[index])) continue
    if (patches.length * 2 > after.length) return undefined
    const op = index < before.length ? 'replace' : 'add'
    patches.push(withCopy({ op, path: [...path, index], value }, 'value'))
  }
  for (let index = before.length - 1; index >= after.length; index--) {
    if (patches.length > after.length) return undefined
    patches.push({ op: 'remove', path: [...path, index] })
  }
  return patches
}

/** Lets `target` be handed out with what `value` gives at `key`: nobody reaches a benchmark by it. */
function handOut<T extends object>(
  tree: Tree,
  { shares }: Copying,
  target: T,
  key: keyof T & ('value' | 'values'),
  value: () => unknown,
): T {
  if (!shares) {
    target[key] = value() as T[typeof key]
    return target
  }
  // The benchmark's containers in it must stay as they are, whatever is committed meanwhile.
  tree.generation++
  return withCopyOf(target, key, value)
}
