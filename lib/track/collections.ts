/**
 * Handles of Maps and Sets: instances of subclasses that hold handles and track what is written.
 *
 * They are no proxies, for the methods of Map and Set refuse to work on one. What they hold is kept
 * equal to their node, so that everything that looks inside a Map or a Set sees the truth.
 *
 * @module
 */

import { UnsupportedValueError } from '../errors.js'
import { keep } from '../state/journal.js'
import { markDirty } from '../state/mark.js'
import type { Item, Node } from '../state/node.js'
import { link, NODE, nodeOf, pathOf } from '../state/node.js'
import { present } from '../state/open.js'
import { elementsOf, keysOf, memberAt } from '../state/read.js'
import { remove } from '../state/write.js'
import { assign, importValue } from './assign.js'

/** The handle of a Map's node. */
class TrackedMap extends Map<string, unknown> {
  readonly #node: Node

  constructor(node: Node) {
    super()
    this.#node = node
    refreshMap(this, node)
  }

  get [NODE](): Node {
    return this.#node
  }

  static override get [Symbol.species](): MapConstructor {
    return Map
  }

  override get(key: string): unknown {
    if (!super.has(key)) this.#noteMissed(key)
    return super.get(key)
  }

  override has(key: string): boolean {
    const has = super.has(key)
    if (!has) this.#noteMissed(key)
    return has
  }

  override set(key: string, value: unknown): this {
    const node = this.#node
    if (typeof key !== 'string') {
      throw new UnsupportedValueError(pathOf(node), 'the keys of a Map must be strings')
    }
    assign(node, key, value)
    if (value === undefined) super.delete(key)
    else super.set(key, present(node, key, memberAt(node, key)))
    return this
  }

  override delete(key: string): boolean {
    remove(this.#node, key)
    return super.delete(key)
  }

  override clear(): void {
    for (const key of keysOf(this.#node)) remove(this.#node, key)
    super.clear()
  }

  #noteMissed(key: string): void {
    const node = this.#node
    if (typeof key !== 'string') return
    node.missed ??= new Set()
    node.missed.add(key)
  }
}

/** The handle of a Set's node. */
class TrackedSet extends Set<unknown> {
  readonly #node: Node

  constructor(node: Node) {
    super()
    this.#node = node
    refreshSet(this, node)
  }

  get [NODE](): Node {
    return this.#node
  }

  static override get [Symbol.species](): SetConstructor {
    return Set
  }

  override has(value: unknown): boolean {
    return super.has(this.#handleOf(value))
  }

  override add(value: unknown): this {
    if (this.has(value)) return this
    const node = this.#node
    const item = importValue(node, this.size, value)
    const items = members(node)
    items.add(item)
    link(node, this.size, item)
    super.add(present(node, this.size, item))
    return this
  }

  override delete(value: unknown): boolean {
    const handle = this.#handleOf(value)
    if (!super.has(handle)) return false
    const node = this.#node
    const items = members(node)
    for (const [index, item] of [...items].entries()) {
      if (present(node, index, item) === handle) items.delete(item)
    }
    return super.delete(handle)
  }

  override clear(): void {
    if (this.size === 0) return
    members(this.#node).clear()
    super.clear()
  }

  #handleOf(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    const item = nodeOf(value) ?? this.#node.tree.adopted?.get(value)
    return item === undefined ? value : item.handle
  }
}

/** The members of a Set, to be changed by the caller. */
function members(node: Node): Set<Item> {
  keep(node)
  node.items ??= new Set(elementsOf(node))
  markDirty(node)
  return node.items as Set<Item>
}

/** Creates the handle of a Map's node. */
export const createMapHandle = (node: Node): object => new TrackedMap(node)

/** Creates the handle of a Set's node. */
export const createSetHandle = (node: Node): object => new TrackedSet(node)

/** Makes the handle of a Map or a Set hold what its node holds, after that changed by itself. */
export function refreshCollection(node: Node): void {
  if (node.handle instanceof TrackedMap) refreshMap(node.handle, node)
  if (node.handle instanceof TrackedSet) refreshSet(node.handle, node)
}

function refreshMap(handle: TrackedMap, node: Node): void {
  Map.prototype.clear.call(handle)
  for (const key of keysOf(node)) {
    Map.prototype.set.call(handle, key, present(node, key, memberAt(node, key)))
  }
}

function refreshSet(handle: TrackedSet, node: Node): void {
  Set.prototype.clear.call(handle)
  for (const [index, item] of elementsOf(node).entries()) {
    Set.prototype.add.call(handle, present(node, index, item))
  }
}
