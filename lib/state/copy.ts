/**
 * Client state as plain data.
 *
 * @module
 */

import { inspect } from 'node:util'
import type { Key } from '../path.js'
import type { Item, Tree } from './node.js'
import { isOpened, itemOf, Leaf, Node, nodeOf } from './node.js'
import { copySource, elementsOf, keysOf, memberAt } from './read.js'
import type { Shape } from './shape.js'
import type { Container, PlainObject } from './value.js'
import { containerKind, copyLeaf } from './value.js'

/** What copying some client state found out. */
export interface Copying {
  /** Takes the copies that were taken of leaves, for whoever wants to know. */
  readonly leaves: Map<Leaf, object> | undefined
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
    const copy = copyHandle(item)
    copying.leaves?.set(item, copy)
    return copy
  }
  if (!(item instanceof Node)) {
    copying.shares = true
    return item
  }
  if (item.adopted) {
    return copyPlain(item.source, member => materializeAdopted(item.tree, member, copying))
  }
  if (item.benchmark !== undefined && !item.dirty) {
    copying.shares = true
    return item.benchmark
  }
  if (item.kind === 'array') return materializeElements(item, copying)
  return copyNode(item, member => materialize(member, copying))
}

/** As `materialize`. Most elements of most arrays are the benchmark's own, and cost next to nothing. */
function materializeElements(node: Node, copying: Copying): unknown[] {
  if (node.items === undefined) return elementsLater(node, copying)()
  copying.shares = true
  const copies: unknown[] = [...node.items]
  const [from, to] = movedRange(copies, (node.benchmark ?? []) as unknown[])
  for (let index = from; index < to; index++) {
    const element = copies[index]
    if (isOpened(element)) copies[index] = materialize(element, copying)
  }
  return copies
}

/** Gives later what an array without items is now: until then, only what was opened is copied. */
function elementsLater(node: Node, copying: Copying): () => unknown[] {
  const source = node.source as unknown[]
  const { length } = node
  const opened = Array.from(node.elements ?? [], ([index, slot]) => {
    return [index, materialize(slot as Item, copying)] as const
  })
  copying.shares = true
  return () => {
    const copies: unknown[] = copySource(source, length)
    for (const [index, value] of opened) copies[index] = value
    return copies
  }
}

/** Gives later what `materialize` gives now, where that saves copying an array. */
export function materializeLater(item: Item, copying: Copying): () => unknown {
  const isArray = item instanceof Node && item.kind === 'array' && item.items === undefined
  if (isArray && !item.adopted && item.dirty) return elementsLater(item, copying)
  const value = materialize(item, copying)
  return () => value
}

/** The part of `elements` that has neither the start nor the end in common with `benchmark`. */
function movedRange(elements: unknown[], benchmark: unknown[]): [from: number, to: number] {
  const shift = benchmark.length - elements.length
  const common = Math.min(elements.length, benchmark.length)
  let from = 0
  while (from < common && elements[from] === benchmark[from]) from++
  let to = elements.length
  const least = to - common + from
  while (to > least && elements[to - 1] === benchmark[to - 1 + shift]) to--
  return [from, to]
}

/** A member of the caller's own object may change at any time, unless the session wrote to it. */
function materializeAdopted(tree: Tree, member: unknown, copying: Copying): unknown {
  if (typeof member !== 'object' || member === null) return member
  const known = itemOf(tree, member)
  return known === undefined ? copyValue(member, tree) : materialize(known, copying)
}

/** A plain, deep, detached copy of the container that `node` stands for. */
export function snapshotNode(node: Node): Container {
  const { shape, tree } = node
  return copyNode(node, (member, key) => copyValue(member, tree, shape?.at(key)))
}

/** A detached copy of what the application holds of a leaf. */
export const copyHandle = ({ handle, codec }: Leaf): object =>
  codec === undefined ? copyLeaf(handle) : copyDecoded(handle, codec)

/**
 * A detached copy of what a codec decoded, for that may change in place too. What does not fit is left
 * to the commit to refuse.
 */
export function copyDecoded(value: object, codec: Shape): object {
  try {
    const copy = codec.decode(codec.encode(value))
    // Where a codec says that there is nothing, there is nothing to copy either.
    return typeof copy === 'object' && copy !== null ? copy : value
  } catch {
    return value
  }
}

/**
 * A plain, deep, detached copy of anything that a session holds.
 *
 * @param tree The session; in its absence, `value` is data that no session has adopted.
 * @param shape What the schema says about its place, if a codec may have decoded it.
 */
export function copyValue(value: unknown, tree?: Tree, shape?: Shape): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = tree === undefined ? nodeOf(value) : itemOf(tree, value)
  if (known instanceof Leaf) return copyHandle(known)
  if (known !== undefined) return snapshotNode(known)
  if (shape?.codec === true) return copyDecoded(value, shape)
  return copyPlain(value, (member, key) => copyValue(member, tree, shape?.at(key)))
}

function copyPlain(value: object, copyMember: (member: unknown, key: Key) => unknown): object {
  switch (containerKind(value)) {
    case 'object':
      return copyEntries(Object.keys(value), key => copyMember((value as PlainObject)[key], key))
    case 'array':
      return copyArray(value as unknown[], copyMember)
    case 'map':
      return new Map(Array.from(value as Map<string, unknown>, ([k, v]) => [k, copyMember(v, k)]))
    case 'set':
      return new Set(Array.from(value as Set<unknown>, (v, index) => copyMember(v ?? null, index)))
    default:
      return copyLeaf(value)
  }
}

/** A loop, for this is where most of the time goes when an array is filtered and assigned. */
function copyArray(
  elements: readonly unknown[],
  copyMember: (member: unknown, index: number) => unknown,
): unknown[] {
  const copies: unknown[] = []
  for (let index = 0; index < elements.length; index++) {
    copies.push(copyMember(elements[index] ?? null, index))
  }
  return copies
}

function copyNode(
  node: Node,
  copyMember: (member: Item | undefined, key: Key) => unknown,
): Container {
  switch (node.kind) {
    case 'object':
      return copyEntries(keysOf(node), key => copyMember(memberAt(node, key), key))
    case 'map':
      return new Map(keysOf(node).map(key => [key, copyMember(memberAt(node, key), key)]))
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

/** Where an object that is handed out keeps what gives what a property of it is to be a copy of. */
const ORIGINAL: unique symbol = Symbol('original')

type HandedOut = object & { readonly [ORIGINAL]: () => unknown }

/** One accessor serves all, so that the engine knows what is handed out by its shape. */
const copyingAt = (key: string): PropertyDescriptor => ({
  get(this: HandedOut): unknown {
    const copy = copyValue(this[ORIGINAL]())
    Object.defineProperty(this, key, { value: copy, writable: true })
    return copy
  },
  enumerable: true,
  configurable: true,
})

const copying = { value: copyingAt('value'), values: copyingAt('values') }

const shown: PropertyDescriptor = {
  value(this: HandedOut): object {
    return { ...this }
  },
}

/**
 * Makes a property a detached copy of what it is, so that `target` can be handed out.
 *
 * It is copied when it is first read, for most are not: a logger reads the paths.
 */
export function withCopy<T extends object>(target: T, key: keyof T & keyof typeof copying): T {
  const value: unknown = target[key]
  if (typeof value !== 'object' || value === null) return target
  return withCopyOf(target, key, () => value)
}

/** Makes a property a detached copy of what `original` gives. */
export function withCopyOf<T extends object>(
  target: T,
  key: keyof T & keyof typeof copying,
  original: () => unknown,
): T {
  Object.defineProperty(target, key, copying[key])
  Object.defineProperty(target, ORIGINAL, { value: original })
  return Object.defineProperty(target, inspect.custom, shown)
}
