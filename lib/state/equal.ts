/**
 * Equality as BSON sees it: by type and content, whatever the order of keys.
 *
 * @module
 */

import { BSON, ObjectId } from 'bson'
import type { Node, Tree } from './node.js'
import { itemOf, Leaf } from './node.js'
import { elementsOf, keysOf, memberAt } from './read.js'
import type { ContainerKind, PlainObject } from './value.js'
import { bsonTypeOf, containerKind } from './value.js'

/**
 * Whether `after`, a part of client state in `tree`, equals the plain value `before`.
 *
 * Numbers and other primitives are equal by `Object.is`, Dates by their time, bytes and BSON values
 * by their bytes, containers by their members.
 */
export function equalsItem(tree: Tree, before: unknown, after: unknown): boolean {
  if (Object.is(before, after)) return true
  if (typeof after !== 'object' || after === null) return false
  if (typeof before !== 'object' || before === null) return false
  const known = itemOf(tree, after)
  if (known instanceof Leaf) return equalLeaves(before, known.handle)
  if (known === undefined) return equalContainers(tree, before, plainView(after))
  if (known.benchmark === before && !known.dirty) return true
  return equalContainers(tree, before, nodeView(known))
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

function equalContainers(tree: Tree, before: object, after: View): boolean {
  if (after.kind === undefined) return equalLeaves(before, after.leaf)
  if (after.kind !== containerKind(before)) return false
  if (after.kind === 'array') {
    const [left, right] = [before as unknown[], after.elements()]
    if (left.length !== right.length) return false
    return right.every((item, index) => equalsItem(tree, left[index] ?? null, item ?? null))
  }
  if (after.kind === 'set') {
    const [left, right] = [before as Set<unknown>, after.elements()]
    if (left.size !== right.length) return false
    return right.every(item => {
      return left.has(item) || [...left].some(member => equalsItem(tree, member, item))
    })
  }
  const left = plainView(before)
  const keys = after.keys()
  return (
    left.keys().length === keys.length &&
    keys.every(key => {
      const member = before instanceof Map || Object.hasOwn(before, key) ? left.at(key) : undefined
      return equalsItem(tree, member, after.at(key))
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
