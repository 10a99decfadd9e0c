/**
 * Equality as BSON sees it: by type and content, whatever the order of keys.
 *
 * @module
 */

import { BSON, ObjectId } from 'bson'
import type { Key } from '../path.js'
import type { Node, Tree } from './node.js'
import { itemOf, Leaf } from './node.js'
import { elementsOf, keysOf, memberAt } from './read.js'
import type { Shape } from './shape.js'
import type { ContainerKind, PlainObject } from './value.js'
import { bsonTypeOf, containerKind, importBson } from './value.js'

/** What leaves were when they were last looked at. */
export type Leaves = Map<Leaf, object>

/**
 * Whether `after`, a part of client state in `tree`, equals the plain value `before`.
 *
 * Numbers and other primitives are equal by `Object.is`, Dates by their time, bytes and BSON values
 * by their bytes, containers by their members.
 *
 * @param leaves Takes what each leaf equals.
 * @param shape What the schema says about its place, if a codec may have decoded it.
 */
export function equalsItem(
  tree: Tree,
  before: unknown,
  after: unknown,
  leaves?: Leaves,
  shape?: Shape,
): boolean {
  if (Object.is(before, after)) return true
  if (typeof after !== 'object' || after === null) return false
  if (typeof before !== 'object' || before === null) return Object.is(before, asNumber(after))
  const known = itemOf(tree, after)
  if (known instanceof Leaf) {
    const { handle, codec } = known
    const equal =
      codec === undefined ? equalLeaves(before, handle) : equalDecoded(tree, before, handle, codec)
    if (equal) leaves?.set(known, before)
    return equal
  }
  if (known !== undefined) {
    if (known.benchmark === before && !known.dirty) return true
    return equalContainers(tree, before, nodeView(known), leaves, known.shape)
  }
  if (shape?.codec === true) return equalDecoded(tree, before, after, shape)
  return equalContainers(tree, before, plainView(after), leaves, shape)
}

/** A number of the bson package as the session will keep it; all other values as they are. */
function asNumber(value: object): unknown {
  const type = bsonTypeOf(value)
  return type === 'Int32' || type === 'Double' || type === 'Long' ? importBson(value, type) : value
}

/** Whether two things that a codec decoded are equal. Instances tell by what is stored for them. */
function equalDecoded(tree: Tree, before: object, after: object, codec: Shape): boolean {
  const view = plainView(after)
  if (view.kind !== undefined) return equalContainers(tree, before, view)
  try {
    return equalsItem(tree, codec.encode(before), codec.encode(after))
  } catch {
    // The commit tells what does not fit.
    return false
  }
}

/** Containers of nodes and of plain data, seen alike. */
interface View {
  readonly kind: ContainerKind | undefined
  /** The value itself, if it is no container. */
  readonly leaf: object
  keys(): readonly string[]
  at(key: string): unknown
  elements(): readonly unknown[]
}

const nodeView = (node: Node): View => ({
  kind: node.kind,
  leaf: node,
  keys: () => keysOf(node),
  at: key => memberAt(node, key),
  elements: () => elementsOf(node),
})

const plainView = (value: object): View => ({
  kind: containerKind(value),
  leaf: value,
  // A key that holds undefined is no key.
  keys: () =>
    value instanceof Map
      ? [...value.keys()]
      : Object.keys(value).filter(key => (value as PlainObject)[key] !== undefined),
  at: key => (value instanceof Map ? value.get(key) : (value as PlainObject)[key]),
  elements: () => (Array.isArray(value) ? value : [...(value as Set<unknown>)]),
})

function equalContainers(
  tree: Tree,
  before: object,
  after: View,
  leaves?: Leaves,
  shape?: Shape,
): boolean {
  if (after.kind === undefined) return equalLeaves(before, after.leaf)
  if (after.kind !== containerKind(before)) return false
  const equalAt = (key: Key, left: unknown, right: unknown): boolean =>
    equalsItem(tree, left, right, leaves, typeof right === 'object' ? shape?.at(key) : undefined)
  if (after.kind === 'array') {
    const [left, right] = [before as unknown[], after.elements()]
    if (left.length !== right.length) return false
    // Not by every(), which passes over holes.
    for (let index = 0; index < right.length; index++) {
      if (!equalAt(index, left[index] ?? null, right[index] ?? null)) return false
    }
    return true
  }
  if (after.kind === 'set') {
    const [left, right] = [before as Set<unknown>, after.elements()]
    if (left.size !== right.length) return false
    // A Set may hold equal objects, and each has to be there as often as in the other one.
    const objects = [...left].filter(member => typeof member === 'object')
    return right.every((item, index) => {
      if (typeof item !== 'object') return left.has(item)
      const place = objects.findIndex(member => equalAt(index, member, item))
      return place >= 0 && objects.splice(place, 1).length > 0
    })
  }
  const left = plainView(before)
  const keys = after.keys()
  return (
    left.keys().length === keys.length &&
    keys.every(key => {
      const member = before instanceof Map || Object.hasOwn(before, key) ? left.at(key) : undefined
      return equalAt(key, member, after.at(key))
    })
  )
}

/** Whether two Dates, byte arrays or BSON values are equal. */
export function equalLeaves(before: object, after: object): boolean {
  if (before === after) return true
  if (before instanceof Date) {
    return after instanceof Date && before.getTime() === after.getTime()
  }
  if (before instanceof Uint8Array) {
    return after instanceof Uint8Array && Buffer.compare(before, after) === 0
  }
  if (before instanceof ObjectId) return after instanceof ObjectId && before.equals(after)
  const type = bsonTypeOf(before)
  if (type === undefined || type !== bsonTypeOf(after)) return false
  return Buffer.compare(BSON.serialize({ value: before }), BSON.serialize({ value: after })) === 0
}
