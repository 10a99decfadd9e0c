/**
 * Reading client state without opening anything: what stands where, as slots and plain values.
 *
 * @module
 */

import type { Key } from '../path.js'
import type { Item, Node, Slot } from './node.js'
import { ABSENT, PENDING, slotAt } from './node.js'
import type { PlainObject } from './value.js'

/** Whether what `node` reads from has `key` itself. */
export function sourceHas(node: Node, key: Key): boolean {
  return node.kind === 'map'
    ? (node.source as Map<Key, unknown>).has(key)
    : Object.hasOwn(node.source, key)
}

/** What `node` reads from at `key`, decoded; undefined if there is nothing. */
export function sourceAt(node: Node, key: Key): unknown {
  if (!sourceHas(node, key)) return undefined
  const value: unknown =
    node.kind === 'map'
      ? (node.source as Map<Key, unknown>).get(key)
      : (node.source as PlainObject)[key]
  return value === PENDING ? node.tree.resolve(node, key) : value
}

/** Whether an object or a Map has `key`. */
export function hasMember(node: Node, key: Key): boolean {
  const slot = slotAt(node, key)
  if (slot !== undefined) return slot !== ABSENT
  if (!sourceHas(node, key)) return false
  return node.adopted ? sourceAt(node, key) !== undefined : true
}

/** The same, for an attribute that was not looked at yet, too: what does not fit may count as absent. */
export function hasDecoded(node: Node, key: Key): boolean {
  if (!hasMember(node, key)) return false
  return (node.source as PlainObject)[key] !== PENDING || memberAt(node, key) !== undefined
}

/** What an object or a Map holds at `key`; undefined if nothing. */
export function memberAt(node: Node, key: Key): Item | undefined {
  const slot = slotAt(node, key)
  if (slot === undefined) return sourceAt(node, key) as Item | undefined
  return slot === ABSENT ? undefined : slot
}

/** The keys of an object or a Map, in the order of a plain one. */
export function keysOf(node: Node): string[] {
  const { kind, source, tracked, slots, moved } = node
  const base = kind === 'map' ? [...(source as Map<string, unknown>).keys()] : Object.keys(source)
  if (node.adopted) return base.filter(key => sourceAt(node, key) !== undefined)
  if (tracked === undefined) return base
  const keys = base.filter(key => slots[key] !== ABSENT && moved?.has(key) !== true)
  let anyIndex = false
  for (const key of tracked as Set<string>) {
    if (slots[key] === ABSENT || (sourceHas(node, key) && moved?.has(key) !== true)) continue
    keys.push(key)
    const first = key.charCodeAt(0)
    if (first >= 48 && first <= 57) anyIndex = true
  }
  // A plain object lists its integer keys first, in ascending order; let one do that.
  if (anyIndex && kind === 'object') {
    return Object.keys(Object.fromEntries(keys.map(key => [key, null])))
  }
  return keys
}

/** The length of an array, or the size of a Set. */
export function lengthOf(node: Node): number {
  const { items } = node
  if (items !== undefined) return Array.isArray(items) ? items.length : items.size
  if (node.kind === 'set') return (node.source as Set<unknown>).size
  return node.adopted ? (node.source as unknown[]).length : node.length
}

/** The element of an array at `index`; undefined beyond its end. */
export function elementAt(node: Node, index: number): Item | undefined {
  if (node.items !== undefined) return (node.items as Item[])[index]
  if (index >= lengthOf(node)) return undefined
  const slot = node.elements?.get(index) as Item | undefined
  if (slot !== undefined) return slot
  return ((node.source as unknown[])[index] ?? null) as Item
}

/** All elements of an array or a Set. The result may be the node's own: it is not to be changed. */
export function elementsOf(node: Node): readonly Item[] {
  const { items, kind } = node
  if (items !== undefined) return Array.isArray(items) ? items : [...items]
  if (kind === 'set') {
    return Array.from(node.source as Set<unknown>, (member, index) => {
      return (node.elements?.get(index) ?? member) as Item
    })
  }
  return copyElements(node)
}

/** All elements of an array, in an array of their own. */
export function copyElements(node: Node): Item[] {
  const elements = copySource(node.source as Item[], lengthOf(node))
  if (node.elements !== undefined) {
    for (const [index, slot] of node.elements) elements[index] = slot as Item
  }
  return elements
}

/** The first `length` elements of an array of any realm. Holes, and undefined, are null in a session. */
export function copySource<T>(source: readonly T[], length: number): (T | null)[] {
  // Another realm's array would give another one of that realm.
  const isUsual = source.constructor === (Array as unknown) && !source.includes(undefined as never)
  return isUsual
    ? source.slice(0, length)
    : Array.from({ length }, (_, index) => source[index] ?? null)
}

/** Whether an array reads as the benchmark has it, for nobody opened, wrote or removed an element. */
export function isAsRead({ items, elements, adopted, length, source }: Node): boolean {
  const isBare = items === undefined && elements === undefined && !adopted
  return isBare && length === (source as unknown[]).length
}

/** Whether elements of an array that the benchmark has may have left, or changed their places. */
export function isRearranged({ items, moved, length, benchmark }: Node): boolean {
  return items !== undefined || moved !== undefined || length < (benchmark as unknown[]).length
}

/** What was written to `node` or below, or opened since its elements were moved. */
export function writtenMembers(node: Node): Iterable<[Key, Slot | Item | undefined]> {
  if (node.items !== undefined) return [...node.items].entries()
  return Array.from(node.tracked ?? [], key => [key, slotAt(node, key)])
}
