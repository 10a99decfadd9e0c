/**
 * Client state as a tree of nodes: one node for each object, array, Map or Set that was touched.
 *
 * A node overlays the benchmark and never copies or changes it. What nobody touched has no node, so
 * the tree grows with what a request touches and not with the session.
 *
 * @module
 */

import type { Key, Path } from '../path.js'
import type { Differencing } from './differencing.js'
import type { Shape } from './shape.js'
import type { Container, ContainerKind, PlainObject } from './value.js'

/** In a slot: the benchmark has this key, client state has not. */
export const ABSENT: unique symbol = Symbol('absent')

/** In a benchmark: this value is there, and is decoded when it is first asked for. */
export const PENDING: unique symbol = Symbol('pending')

/** Read from a handle, this key gives its node. It is what tells handles from other objects. */
export const NODE: unique symbol = Symbol('node')

/** What stands for an object that the application was given, or gave: a node or a leaf. */
export abstract class Opened {
  /** What the application holds. */
  abstract handle: object
}

/** Whether `item` is a node or a leaf. */
export const isOpened = (item: unknown): item is Node | Leaf => item instanceof Opened

/** An object that is no container: a Date, bytes, a BSON value, or what a codec decoded. */
export class Leaf extends Opened {
  /** What the application reads and may change in place. Owned by this session. */
  handle: object
  /** If a codec decoded it, how: it is compared and copied by what is stored for it. */
  readonly codec: Shape | undefined

  constructor(handle: object, codec?: Shape) {
    super()
    this.handle = handle
    this.codec = codec
  }
}

/** What a slot holds: a primitive as it is, an object behind its node or leaf, or `ABSENT`. */
export type Slot = string | number | bigint | boolean | null | Node | Leaf | typeof ABSENT

/** The slots of an object or a Map, by key. Nothing is inherited, so any key is an ordinary one. */
export interface Slots {
  [key: string]: Slot | undefined
}

/** Creates empty slots: as unprejudiced as `Object.create(null)`, and three times as fast. */
export const Slots: new () => Slots = (() => {
  function Slots(): void {}
  Slots.prototype = Object.freeze(Object.create(null))
  return Slots as unknown as new () => Slots
})()

/** What nodes have for slots until they need their own. */
const NO_SLOTS: Slots = Object.freeze(new Slots())

/** A member of a restructured array: a slot's content, or a benchmark's object not yet opened. */
export type Item = Exclude<Slot, typeof ABSENT> | object

/** What the nodes of one session share. */
export interface Tree {
  /** The session's root: its keys are the attributes. */
  root: Node
  /** Nodes and leaves of the caller's own objects, until the commit imports them. */
  adopted: Map<object, Node | Leaf> | undefined
  /** While something may have to be undone: what each node was that was written since. */
  journals: readonly Journal[]
  /** How candidates are compared with the benchmark. */
  differencing: Differencing
  /** What was read, if the commit depends on that. */
  reads: Map<Node, Set<Key> | 'all'> | undefined
  /** Nodes whose place others replaced or removed, and where that was. */
  detached: WeakMap<Node, Path> | undefined
  /** Those of them that were written since the last commit. */
  readonly writtenDetached: Node[]
  /** Nodes that have this number own their benchmark container: a commit changes it in place. */
  generation: number
  /** The generation of containers that were decoded for this session alone; 0 if they are shared. */
  readonly decoded: number
  /** Whether no schema stands between what is stored and what the application reads. */
  readonly tied: boolean
  /** Makes what the application holds of a node. */
  readonly createHandle: (node: Node) => object
  /** Makes a tracked Map or Set hold what its node holds, after that changed by itself. */
  readonly refresh: (node: Node) => void
  /** Decodes a benchmark value that is `PENDING`. */
  readonly resolve: (node: Node, key: Key) => unknown
}

/** What nodes read from that the benchmark has not got: so no reader needs to ask. */
export const EMPTY: { readonly [kind in ContainerKind]: Container } = {
  object: Object.freeze(Object.create(null) as PlainObject),
  array: Object.freeze([]) as unknown as unknown[],
  map: new Map(),
  set: new Set(),
}

/** One container of client state. */
export class Node extends Opened {
  /** The session's whole tree. */
  readonly tree: Tree
  /** What kind of container this is. It never changes. */
  readonly kind: ContainerKind
  /** What the application holds: a proxy, or a tracked Map or Set. */
  handle: object
  /** What keys without a slot are read from: the benchmark, or the caller's object if adopted. */
  source: Container
  /** Of an object or a Map: what was read as an object or written. Overlays `source`. */
  slots: Slots
  /** Of an array or a Set, the same by index. */
  elements: Map<number, Slot> | undefined
  /** The tracked accesses: keys written here, or below which something was written. */
  tracked: Set<Key> | undefined
  /** Whether something was written here or below, and all ancestors know it. */
  dirty: boolean
  /** The container that holds this one: the first of its places. */
  parent: Node | undefined
  /** The key under which `parent` holds it. */
  key: Key
  /** Its other places, if it is or was at several. */
  elsewhere: Map<Node, Set<Key>> | undefined
  /** What this container is in the benchmark; undefined if the benchmark has not got it. */
  benchmark: Container | undefined
  /** What primary state holds for it, before a schema decoded it; undefined if it holds nothing. */
  stored: unknown
  /** What the schema says about this place. */
  shape: Shape | undefined
  /** Whether `source` is the caller's own object, to be imported by the next commit. */
  adopted: boolean
  /** Whether it was assigned empty where the benchmark has nothing, after a look (R18). */
  fresh: boolean
  /** Keys that were read and not found. */
  missed: Set<Key> | undefined
  /**
   * Keys of the benchmark that were deleted and set again, so that they come last now. Of an array:
   * indexes that got an element that stood at another one.
   */
  moved: Set<Key> | undefined
  /**
   * Elements that the last rebase found inserted before others of the array. Were those removed, so that
   * they stand at the end, they are still no appends.
   */
  inserted: ReadonlySet<Item> | undefined
  /** Nodes of the benchmark's containers whose slots were written over. */
  displaced: Map<Key, Node> | undefined
  /** All members, once an array was restructured or a Set was written. Overlays `slots`. */
  items: Item[] | Set<Item> | undefined
  /** An array's length, while it has no items and is not adopted; less than `source` has if cut. */
  length: number
  /** Up to which length the array's positions are known to be those of primary state. */
  verified: number
  /** The generation of the tree in which this node came to own its benchmark container. */
  generation: number

  constructor(tree: Tree, kind: ContainerKind, benchmark: Container | undefined) {
    super()
    this.tree = tree
    this.kind = kind
    this.handle = this
    this.source = benchmark ?? EMPTY[kind]
    this.slots = NO_SLOTS
    this.elements = undefined
    this.tracked = undefined
    this.dirty = false
    this.parent = undefined
    this.key = ''
    this.elsewhere = undefined
    this.benchmark = benchmark
    this.stored = benchmark
    this.shape = undefined
    this.adopted = false
    this.fresh = false
    this.missed = undefined
    this.moved = undefined
    this.inserted = undefined
    this.displaced = undefined
    this.items = undefined
    this.length = kind === 'array' ? (this.source as unknown[]).length : 0
    this.verified = this.length
    this.generation = 0
  }

  /** A node is found as its handle is. */
  get [NODE](): Node {
    return this
  }
}

/** The part of a node that a write may change. */
export type Saved = Pick<
  Node,
  | 'source'
  | 'adopted'
  | 'fresh'
  | 'slots'
  | 'elements'
  | 'tracked'
  | 'dirty'
  | 'moved'
  | 'displaced'
  | 'inserted'
  | 'items'
  | 'length'
>

/** Each node that was written since the journal was opened, as it was before. */
export type Journal = Map<Node, Saved>

/** What the slot of `node` at `key` holds; undefined if there is none. */
export function slotAt(node: Node, key: Key): Slot | undefined {
  return typeof key === 'number' ? node.elements?.get(key) : node.slots[key]
}

/** Sets a slot of `node`. */
export function setSlot(node: Node, key: Key, slot: Slot): void {
  if (typeof key === 'number') {
    node.elements ??= new Map()
    node.elements.set(key, slot)
  } else {
    if (node.slots === NO_SLOTS) node.slots = new Slots()
    node.slots[key] = slot
  }
}

/** Removes a slot of `node`: what it reads from shows again. */
export function deleteSlot(node: Node, key: Key): void {
  if (typeof key === 'number') node.elements?.delete(key)
  else delete node.slots[key]
}

/** All slots of `node`, in no particular order. */
export function slotsOf(node: Node): [key: Key, slot: Slot][] {
  if (node.elements !== undefined) return [...node.elements]
  return Object.entries(node.slots) as [string, Slot][]
}

/** Removes all slots of `node`. */
export function clearSlots(node: Node): void {
  node.slots = NO_SLOTS
  node.elements = undefined
}

/** The node of a handle, or undefined if `value` is none. */
export function nodeOf(value: object): Node | undefined {
  return (value as { [NODE]?: Node })[NODE]
}

/** The node or leaf that stands for `value` in `tree`: of a handle, or of an adopted object. */
export function itemOf(tree: Tree, value: object): Node | Leaf | undefined {
  const node = nodeOf(value)
  if (node?.tree === tree || value instanceof Leaf) return node ?? (value as Leaf)
  return tree.adopted?.get(value) ?? node
}
