/**
 * Client state as plain data.
 *
 * @module
 */

import { inspect } from 'node:util'
import type { Item, Tree } from './node.js'
import { itemOf, Leaf, Node, nodeOf } from './node.js'
import { elementsOf, keysOf, memberAt } from './read.js'
import type { Container, PlainObject } from './value.js'
import { containerKind, copyLeaf } from './value.js'

/** What copying some client state found out. */
export interface Copying {
  /** The copies that were taken of leaves. */
  readonly leaves: Map<Leaf, object>
  /** Whether a copy holds containers of the benchmark, which must not be changed then. */
  shares: boolean
}

/**
 * Plain data equal to what `item` is now.
 *
 * What nobody wrote to is not copied: the result holds the benchmark's own containers. So the cost is
 * that of what changed, and the result is not to be handed out.
 */
export function materialize(item: Item | undefined, copying: Copying): unknown {
  if (typeof item !== 'object' || item === null) return item
  if (item instanceof Leaf) {
    const copy = copyLeaf(item.handle)
    copying.leaves.set(item, copy)
    return copy
  }
  if (!(item instanceof Node)) {
    copying.shares = true
    return item
  }
  if (item.adopted) return copyNode(item, member => materializeAdopted(item.tree, member, copying))
  if (item.benchmark !== undefined && !item.dirty) {
    copying.shares = true
    return item.benchmark
  }
  if (item.kind === 'array') return materializeElements(elementsOf(item), copying)
  return copyNode(item, member => materialize(member, copying))
}

/** As `materialize`; most elements of most arrays are the benchmark's own, and cost one look. */
function materializeElements(elements: readonly Item[], copying: Copying): unknown[] {
  const copies: unknown[] = elements.slice()
  for (let index = 0; index < copies.length; index++) {
    const element = copies[index] as Item
    if (element instanceof Node || element instanceof Leaf) {
      copies[index] = materialize(element, copying)
    }
  }
  copying.shares = true
  return copies
}

/** A member of the caller's own object may change at any time, unless the session wrote to it. */
function materializeAdopted(tree: Tree, member: Item | undefined, copying: Copying): unknown {
  if (typeof member !== 'object' || member === null) return member
  const known = itemOf(tree, member)
  return known === undefined ? copyValue(member, tree) : materialize(known, copying)
}

/** A plain, deep, detached copy of the container that `node` stands for. */
export function snapshotNode(node: Node): Container {
  return copyNode(node, member => copyValue(member, node.tree))
}

/**
 * A plain, deep, detached copy of anything that a session holds.
 *
 * @param tree The session; in its absence, `value` is data that no session has adopted.
 */
export function copyValue(value: unknown, tree?: Tree): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = tree === undefined ? nodeOf(value) : itemOf(tree, value)
  if (known instanceof Leaf) return copyLeaf(known.handle)
  if (known !== undefined) return snapshotNode(known)
  switch (containerKind(value)) {
    case 'object':
      return copyEntries(Object.keys(value), key => copyValue((value as PlainObject)[key], tree))
    case 'array':
      return Array.from(value as unknown[], element => copyValue(element ?? null, tree))
    case 'map':
      return new Map(Array.from(value as Map<string, unknown>, ([k, v]) => [k, copyValue(v, tree)]))
    case 'set':
      return new Set(Array.from(value as Set<unknown>, member => copyValue(member, tree)))
    default:
      return copyLeaf(value)
  }
}

function copyNode(node: Node, copyMember: (member: Item | undefined) => unknown): Container {
  switch (node.kind) {
    case 'object':
      return copyEntries(keysOf(node), key => copyMember(memberAt(node, key)))
    case 'map':
      return new Map(keysOf(node).map(key => [key, copyMember(memberAt(node, key))]))
    case 'array':
      return elementsOf(node).map(copyMember)
    case 'set':
      return new Set(elementsOf(node).map(copyMember))
  }
}

function copyEntries(keys: readonly string[], copyAt: (key: string) => unknown): PlainObject {
  const copy: PlainObject = {}
  for (const key of keys) {
    // Assigning to this key would set a prototype. It is refused wherever data comes in.
    if (key === '__proto__') continue
    const member = copyAt(key)
    if (member !== undefined) copy[key] = member
  }
  return copy
}

/**
 * Makes a property a detached copy of what it is, so that `target` can be handed out.
 *
 * It is copied when it is first read, for most are not: a logger reads the paths.
 */
export function withCopy<T extends object>(target: T, key: keyof T & string): T {
  const value: unknown = target[key]
  if (typeof value !== 'object' || value === null) return target
  const get = (): unknown => {
    const copy = copyValue(value)
    Object.defineProperty(target, key, { value: copy, writable: true })
    return copy
  }
  Object.defineProperty(target, inspect.custom, { value: () => ({ ...target }) })
  return Object.defineProperty(target, key, { get, enumerable: true, configurable: true })
}
