/**
 * From values to nodes: what the application reads as an object, and what it assigns as one.
 *
 * @module
 */

import { UnsupportedValueError } from '../errors.js'
import type { Key } from '../path.js'
import { copyDecoded, snapshotNode } from './copy.js'
import { keep } from './journal.js'
import { track } from './mark.js'
import type { Item, Tree } from './node.js'
import { EMPTY, isOpened, Leaf, Node, nodeOf, setSlot } from './node.js'
import { link, pathOf } from './place.js'
import type { Shape } from './shape.js'
import { storedAt } from './stored.js'
import type { Container, ContainerKind } from './value.js'
import { bsonTypeOf, containerKind, copyLeaf, importBson, isMutableLeaf } from './value.js'

/** What the application gets for `item`, which `node` holds at `key`. */
export function present(node: Node, key: Key, item: Item | undefined): unknown {
  if (typeof item !== 'object' || item === null) return item
  if (isOpened(item)) return item.handle
  return openValue(node, key, item)
}

/**
 * What the application gets for `value`, an object that `node` reads from its source at `key`.
 *
 * Dates and bytes are handed out as copies that the session owns. Nobody sees what is done to them,
 * so handing one out counts as a write access, and the commit compares it.
 */
export function openValue(node: Node, key: Key, value: object): unknown {
  // What an adopted object holds is its owner's to change, so it is looked up at each read.
  if (node.adopted) return handleOf(adopt(node, key, value, node.fresh))
  const opened = openSlot(node, key, value)
  if (opened === undefined) return value
  if (opened instanceof Leaf) keep(node)
  if (Array.isArray(node.items)) node.items[key as number] = opened
  else setSlot(node, key, opened)
  // Nor does anybody see what a Map or a Set hands out, and it holds all that at once.
  if (opened instanceof Leaf || opened.dirty) track(node, key)
  return opened.handle
}

const handleOf = (item: Item): unknown => (isOpened(item) ? item.handle : item)

/** The node or leaf for a value of the benchmark; undefined for one that nobody can change. */
function openSlot(node: Node, key: Key, value: object): Node | Leaf | undefined {
  const shape = node.shape?.at(key)
  if (shape?.codec === true) return new Leaf(copyDecoded(value, shape), shape)
  const kind = containerKind(value)
  if (kind !== undefined) return openContainer(node, key, value as Container, kind, shape)
  if (isMutableLeaf(value)) return new Leaf(copyLeaf(value))
  if (bsonTypeOf(value) !== undefined) return undefined
  throw new UnsupportedValueError(
    [...pathOf(node), key],
    'it is an instance of a class, keep plain data or say a codec in the schema',
  )
}

function openContainer(
  node: Node,
  key: Key,
  value: Container,
  kind: ContainerKind,
  shape: Shape | undefined,
): Node {
  if ((kind === 'map' && shape?.map !== true) || (kind === 'set' && shape?.set !== true)) {
    throw new UnsupportedValueError([...pathOf(node), key], `a ${kind} needs a schema that says so`)
  }
  if (kind === 'object' && Object.hasOwn(value, '__proto__')) {
    throw new UnsupportedValueError(
      [...pathOf(node), key, '__proto__'],
      'this key would reach a prototype, remove it from the stored data',
    )
  }
  const child = new Node(node.tree, kind, value)
  child.parent = node
  child.key = key
  child.shape = shape
  if (!node.tree.tied) child.stored = storedFor(node, key, value)
  child.generation = node.tree.decoded
  child.handle = node.tree.createHandle(child)
  return child
}

/** What is stored for `value` of the benchmark, which may have moved before anybody looked at it. */
function storedFor(node: Node, key: Key, value: Container): unknown {
  const { items, benchmark, stored } = node
  if (items === undefined) return storedAt(stored, key)
  const index = [...((benchmark ?? []) as Iterable<unknown>)].indexOf(value)
  return index < 0 ? undefined : storedAt(stored, index)
}

/**
 * What stands in `node` at `key` for `value`, the caller's own object.
 *
 * The same object has the same node wherever it stands. A handle stands for its node, one of another
 * session for a copy of what it shows.
 *
 * @param fresh Whether it was found in a fresh container, so that it was put there after that had
 *   been assigned empty. What is assigned through a handle is one piece.
 */
export function adopt(node: Node, key: Key, value: object, fresh = false): Item {
  const { tree } = node
  const handled = nodeOf(value)
  if (handled?.tree === tree) {
    link(node, key, handled)
    return handled
  }
  tree.adopted ??= new Map()
  let adopted = tree.adopted.get(value)
  if (adopted === undefined) {
    const foreign = handled === undefined ? value : (snapshotNode(handled) as object)
    const item = adoptNew(tree, foreign, node.shape?.at(key))
    if (!isOpened(item)) return item
    if (item instanceof Node) item.fresh = fresh
    adopted = item
    tree.adopted.set(value, adopted)
  }
  link(node, key, adopted)
  return adopted
}

function adoptNew(tree: Tree, value: object, shape: Shape | undefined): Item {
  const kind = shape?.codec === true ? undefined : containerKind(value)
  if (kind !== undefined) {
    const node = new Node(tree, kind, undefined)
    node.source = value as Container
    node.adopted = true
    node.shape = shape
    node.handle = tree.createHandle(node)
    return node
  }
  if (shape?.codec === true) {
    // A plain one is the caller's to fill until the commit, as all are; no copy could tell.
    const isPlain = containerKind(value) !== undefined
    return new Leaf(isPlain ? value : copyDecoded(value, shape), shape)
  }
  const type = bsonTypeOf(value)
  const kept = type === undefined ? copyLeaf(value) : importBson(value, type)
  return typeof kept === 'object' ? new Leaf(kept) : (kept as number | bigint)
}

/**
 * Makes the content of an adopted node its own: the caller's object is not read any more.
 *
 * What is in it stays adopted, one level further down.
 */
export function own(node: Node): void {
  if (!node.adopted) return
  const { source, kind, tree } = node
  const member = (value: unknown, key: Key): Item => {
    return typeof value === 'object' && value !== null
      ? adopt(node, key, value, node.fresh)
      : (value as Item)
  }
  node.tracked = new Set()
  if (kind === 'array') {
    node.items = Array.from(source as unknown[], (element, index) => member(element ?? null, index))
  } else if (kind === 'set') {
    node.items = new Set(Array.from(source as Set<unknown>, (value, i) => member(value ?? null, i)))
  } else {
    const entries = kind === 'map' ? (source as Map<string, unknown>) : Object.entries(source)
    for (const [key, value] of entries) {
      if (value === undefined) continue
      setSlot(node, key, member(value, key) as never)
      node.tracked.add(key)
    }
  }
  node.adopted = false
  node.source = EMPTY[kind]
  tree.refresh(node)
}
