/**
 * From the tree to plain copies: made once, and kept equal in place.
 *
 * @module
 */

import { BSON } from 'bson'
import { equalsItem } from '../state/equal.js'
import type { Item, Tree } from '../state/node.js'
import { itemOf, Leaf, Node } from '../state/node.js'
import { elementsOf, keysOf, memberAt } from '../state/read.js'
import type { Shape } from '../state/shape.js'
import type { PlainObject } from '../state/value.js'
import { bsonTypeOf, containerKind, copyLeaf } from '../state/value.js'
import type { Copies, InsertedCopies } from './elements.js'
import { keyOf } from './elements.js'

/** Makes plain copies of what a tree holds, and knows which is the copy of what. */
export interface Projection {
  /** The copies of the elements of the benchmark's arrays. */
  readonly copiesOf: Copies
  readonly insertedIn: InsertedCopies
  /** A plain copy of `item`, which may be a node or a value of the benchmark. */
  copy(item: unknown, shape: Shape | undefined): unknown
  /**
   * The same, made of `copy` in place as far as it goes.
   *
   * @param used What has become a copy already. The application may have put one object at two places.
   */
  update(item: unknown, copy: unknown, shape: Shape | undefined, used?: Set<unknown>): unknown
  /** Captures the copy of what was written to; undefined where nothing was, or nothing could be. */
  capture(item: unknown, copy: unknown): Captured | undefined
  /** Takes note that `captured` was the copy of what is the benchmark now. */
  link(item: unknown, captured: Captured | undefined): void
}

/** Which objects a copy was made of at one time: it may change in place while it is committed. */
export interface Captured {
  readonly copy: object
  /** Of an array, what was at which place. */
  readonly elements: readonly unknown[] | undefined
  /** What was written in it. */
  readonly members: ReadonlyMap<unknown, Captured>
}

/** Creates the projection of `tree`. */
export function createProjection(tree: Tree): Projection {
  const copiesOf: Copies = new WeakMap()
  const insertedIn: InsertedCopies = new WeakMap()

  /** Most of what is copied nobody has touched yet: plain data of the benchmark. */
  function copyPlain(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const copies = value.map(copyPlain)
      copiesOf.set(value, copies.slice())
      return copies
    }
    if (Object.getPrototypeOf(value) !== Object.prototype)
      return update(value, undefined, undefined)
    const copy: PlainObject = {}
    for (const key of Object.keys(value)) copy[key] = copyPlain((value as PlainObject)[key])
    return copy
  }

  function copy(item: unknown, shape: Shape | undefined): unknown {
    const isPlain = tree.tied && !(item instanceof Node) && !(item instanceof Leaf)
    return isPlain ? copyPlain(item) : update(item, undefined, shape)
  }

  function update(
    item: unknown,
    before: unknown,
    shape: Shape | undefined,
    used: Set<unknown> = new Set(),
  ): unknown {
    if (typeof item !== 'object' || item === null) return item
    const target = used.has(before) ? undefined : before
    used.add(target)
    const known = itemOf(tree, item)
    if (known instanceof Leaf) return updateLeaf(known.handle, target, shape)
    const value = known instanceof Node ? (known.benchmark ?? known.source) : item
    const isDecoded = shape?.codec === true
    if (isDecoded && isObject(target) && equalsItem(tree, value, target, undefined, shape)) {
      return target
    }
    const kind = isDecoded ? undefined : (known?.kind ?? containerKind(value))
    if (kind === undefined) return updateLeaf(value, target, shape)
    const entries = entriesOf(known, value)
    const result = isReusable(target, kind) ? target : emptyOf(kind)
    fill(result, entries, (member, inner, key) => update(member, inner, shape?.at(key), used))
    noteElements(item, known, value, result)
    return result
  }

  /** Notes the copies of the elements of an array in the order that the benchmark has. */
  function noteElements(item: object, known: unknown, value: object, copies: object): void {
    if (!Array.isArray(value) || !Array.isArray(copies)) return
    if (!(known instanceof Node)) return void copiesOf.set(item, copies.slice())
    const byElement = new Map<unknown, unknown>()
    const elements = elementsOf(known)
    for (const [index, element] of elements.entries()) {
      byElement.set(element instanceof Node ? element.benchmark : element, copies[index])
    }
    const { inserted } = known
    if (inserted === undefined) insertedIn.delete(value)
    else {
      const isInserted = (_: unknown, index: number) => inserted.has(elements[index] as Item)
      insertedIn.set(value, new Set(copies.filter(isInserted)))
    }
    copiesOf.set(
      value,
      value.map(element => byElement.get(element)),
    )
  }

  /** `isNew`: whether it is part of what was assigned. What the benchmark has is known already. */
  function capture(item: unknown, copy: unknown, isNew = false): Captured | undefined {
    if (!isObject(item) || !isObject(copy)) return undefined
    const known = itemOf(tree, item)
    if (known instanceof Leaf) return undefined
    const isWritten = known !== undefined && (known.dirty || known.benchmark === undefined)
    if (containerKind(copy) === undefined || !(isWritten || isNew)) return undefined
    const isAssigned = isNew || (known !== undefined && known.benchmark === undefined)
    const members = new Map<unknown, Captured>()
    for (const [key, member] of entriesOf(known, item)) {
      if (!isObject(member)) continue
      const inner = capture(member, memberOf(copy, key), isAssigned)
      if (inner !== undefined) members.set(key, inner)
    }
    return { copy, elements: Array.isArray(copy) ? copy.slice() : undefined, members }
  }

  function link(item: unknown, captured: Captured | undefined): void {
    if (!isObject(item) || captured === undefined) return
    const known = itemOf(tree, item)
    const value = known instanceof Node ? known.benchmark : item
    const kind = containerKind(captured.copy)
    if (value === undefined || kind === undefined || kind !== containerKind(value)) return
    if (captured.elements !== undefined) copiesOf.set(value, captured.elements)
    if (kind === 'set') return
    for (const [key, member] of entriesOf(known, value)) link(member, captured.members.get(key))
  }

  return { copiesOf, insertedIn, copy, update, capture, link }
}

type Entries = [key: string | number, member: unknown][]

function entriesOf(node: Node | Leaf | undefined, value: object): Entries {
  const isNode = node instanceof Node
  if (isNode && (node.kind === 'array' || node.kind === 'set')) {
    return [...elementsOf(node).entries()]
  }
  if (isNode) return keysOf(node).map(key => [key, memberAt(node, key)])
  if (Array.isArray(value)) return [...value.entries()]
  if (value instanceof Map) return [...(value as Map<string, unknown>)]
  if (value instanceof Set) return [...[...value].entries()]
  return Object.entries(value)
}

function memberOf(copy: object, key: string | number): unknown {
  return copy instanceof Map ? copy.get(key) : (copy as PlainObject)[key]
}

/** Whether `target` can become any copy of this kind: the application may have put in anything. */
function isReusable(target: unknown, kind: string): target is object {
  if (!isObject(target) || containerKind(target) !== kind || !Object.isExtensible(target)) {
    return false
  }
  if (Object.getOwnPropertySymbols(target).length > 0) return false
  return (
    kind !== 'object' ||
    Object.values(Object.getOwnPropertyDescriptors(target)).every(
      ({ writable, enumerable }) => writable === true && enumerable === true,
    )
  )
}

const emptyOf = (kind: string): object =>
  kind === 'array' ? [] : kind === 'map' ? new Map() : kind === 'set' ? new Set() : {}

function fill(
  target: object,
  entries: Entries,
  update: (member: unknown, before: unknown, key: string | number) => unknown,
): void {
  if (Array.isArray(target)) {
    // Not by map(), which leaves out holes.
    const byId = new Map(Array.from(target, (element, index) => [idOf(element) ?? index, element]))
    const elements = entries.map(([index, member]) => {
      return update(member, byId.get(idOfItem(member) ?? (index as number)), index) ?? null
    })
    target.splice(0, target.length, ...elements)
  } else if (target instanceof Map) {
    const before = new Map(target)
    target.clear()
    for (const [key, member] of entries) target.set(key, update(member, before.get(key), key))
  } else if (target instanceof Set) {
    target.clear()
    for (const [index, member] of entries) target.add(update(member, undefined, index))
  } else {
    const known = new Set(entries.map(([key]) => key))
    for (const key of Object.keys(target)) if (!known.has(key)) delete (target as PlainObject)[key]
    for (const [key, member] of entries) {
      const before = Object.hasOwn(target, key) ? (target as PlainObject)[key] : undefined
      if (key !== '__proto__') (target as PlainObject)[key] = update(member, before, key)
    }
  }
}

/** The id of an element, if it has one, to be found when elements moved. */
function idOf(element: unknown): unknown {
  const key = isObject(element) ? keyOf(element) : undefined
  return typeof key === 'string' ? key : undefined
}

const idOfItem = (item: unknown): unknown =>
  item instanceof Node
    ? item.kind === 'object'
      ? idOf({ id: memberAt(item, 'id') })
      : undefined
    : idOf(item)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

function updateLeaf(value: object, target: unknown, shape: Shape | undefined): unknown {
  if (value instanceof Date && target instanceof Date) {
    target.setTime(value.getTime())
    return target
  }
  if (
    value instanceof Uint8Array &&
    target instanceof Uint8Array &&
    target.length === value.length
  ) {
    target.set(value)
    return target
  }
  // What a codec made has no copy, but for what decodes from what it encodes to.
  if (shape?.codec === true) return shape.decode(shape.encode(value))
  if (bsonTypeOf(value) === 'ObjectId') return BSON.deserialize(BSON.serialize({ value })).value
  return copyLeaf(value)
}
