/**
 * Where nodes stand: each knows its places, so that a write finds the way up to the root.
 *
 * @module
 */

import type { Key, Path } from '../path.js'
import type { Item } from './node.js'
import { itemOf, Node, slotAt, slotsOf } from './node.js'
import type { PlainObject } from './value.js'

/** Whether `parent` holds `child` at `key`. */
export function holds(parent: Node, key: Key, child: Node): boolean {
  const { items } = parent
  if (parent.adopted) return hasAdopted(parent, key, child)
  if (items === undefined) return slotAt(parent, key) === child
  return Array.isArray(items) ? hasItem(items, key as number, child) : items.has(child)
}

/** Elements seldom move far from where they were, so `child` is looked for around `index`. */
const hasItem = (items: readonly Item[], index: number, child: Node): boolean =>
  items.lastIndexOf(child, index) >= 0 || items.includes(child, index)

/** Whether the object of the caller that `parent` stands for holds the one of `child`, wherever. */
function hasAdopted({ source, tree }: Node, key: Key, child: Node): boolean {
  const isChild = (member: unknown): boolean =>
    typeof member === 'object' && member !== null && itemOf(tree, member) === child
  if (isChild((source as PlainObject)[key])) return true
  if (source instanceof Map) return [...source.values()].some(isChild)
  return (source instanceof Set ? [...source] : Object.values(source)).some(isChild)
}

/** The keys at which `parent`, an object or an array without items, holds `child`. */
export function keysWithin(parent: Node, child: Node): Key[] {
  const keys = [...(child.elsewhere?.get(parent) ?? [])]
  if (child.parent === parent) keys.push(child.key)
  return keys.filter(key => slotAt(parent, key) === child)
}

/** The path of the first place of `node`, from the root; of a detached node, where it was. */
export function pathOf(node: Node): Path {
  const path: Key[] = []
  for (let at = node; at.parent !== undefined; at = at.parent) {
    const index = Array.isArray(at.parent.items) ? at.parent.items.indexOf(at) : -1
    path.push(index < 0 ? at.key : index)
  }
  return path.reverse()
}

/**
 * Notes that `parent` now holds `child` at `key`. Among items any key will do: they move without notice.
 */
export function link(parent: Node, key: Key, child: unknown): void {
  if (!(child instanceof Node)) return
  const home = child.parent
  if (home === parent && (child.key === key || parent.items !== undefined)) return
  if (home === undefined || !holds(home, child.key, child)) {
    child.parent = parent
    child.key = key
  } else {
    child.elsewhere ??= new Map()
    const keys = child.elsewhere.get(parent)
    if (keys === undefined) child.elsewhere.set(parent, new Set([key]))
    else keys.add(key)
  }
}

/** Forgets all places of `child` in `parent`: they are about to be noted anew. */
export function unlink(parent: Node, child: Node): void {
  if (child.parent === parent) child.parent = undefined
  child.elsewhere?.delete(parent)
}

/** Notes the places of all nodes that `node` holds anew. */
export function relink(node: Node): void {
  const places: Iterable<[Key, unknown]> =
    node.items === undefined ? slotsOf(node) : [...node.items].entries()
  for (const [, child] of places) if (child instanceof Node) unlink(node, child)
  for (const [key, child] of places) link(node, key, child)
}
