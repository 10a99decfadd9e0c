/**
 * What is sent for a part of client state, as it is to be stored.
 *
 * @module
 */

import type { Copying } from '../state/copy.js'
import { copyValue, materialize } from '../state/copy.js'
import type { Leaves } from '../state/equal.js'
import { equalsItem } from '../state/equal.js'
import type { Item } from '../state/node.js'
import { Leaf, Node } from '../state/node.js'
import { elementsOf, keysOf, memberAt } from '../state/read.js'
import { storedAt } from '../state/stored.js'
import type { PlainObject } from '../state/value.js'
import { copyWidths } from '../state/width.js'

/** Encodes attributes. Without a schema, there is none. */
export interface Encoder {
  /** Validates an attribute, `undefined` for none, and gives it as it is to be stored. */
  encode(attribute: string, value: unknown): unknown
  /** What the application reads once that is stored; throws if it could not. */
  readBack(attribute: string, stored: unknown): unknown
}

/** The state of one commit, as it is to be stored. Each attribute is encoded once. */
export class Outgoing {
  /** The copies that were taken of leaves. */
  readonly copying: Copying & { readonly leaves: Leaves } = { leaves: new Map(), shares: false }
  /** Attributes that are not stored as the application wrote them, and what it reads of them then. */
  readonly rewritten: Map<string, unknown> = new Map()
  /** Attributes of which what is stored then depends on what is stored now. */
  readonly merged: Set<string> = new Set()
  readonly #root: Node
  readonly #encoder: Encoder | undefined
  readonly #encoded = new Map<string, unknown>()

  constructor(root: Node, encoder: Encoder | undefined) {
    this.#root = root
    this.#encoder = encoder
  }

  /** What is to be stored for `item`, which stands at `path`. */
  valueOf(item: Item | undefined, path: readonly (string | number)[]): unknown {
    if (this.#encoder === undefined) return this.#outgoing(item, undefined)
    return this.#outgoing(item, this.#encodedAt(path))
  }

  /** The attribute of `path`, encoded, at `path`. */
  #encodedAt(path: readonly (string | number)[]): unknown {
    const [attribute, ...rest] = path as [string, ...(string | number)[]]
    return rest.reduce<unknown>(storedAt, this.encode(attribute))
  }

  /** An attribute as the schema encodes it; throws if it does not fit. */
  encode(attribute: string): unknown {
    const encoder = this.#encoder
    if (encoder !== undefined && !this.#encoded.has(attribute)) {
      const value = materialize(memberAt(this.#root, attribute), this.copying)
      const encoded = encoder.encode(attribute, value)
      if (value === undefined || !equalsItem(this.#root.tree, encoded, value)) {
        this.rewritten.set(attribute, encoder.readBack(attribute, encoded))
      }
      this.#encoded.set(attribute, encoded)
    }
    return this.#encoded.get(attribute)
  }

  #outgoing(item: Item | undefined, encoded: unknown): unknown {
    if (item instanceof Node) {
      // What nobody wrote to is sent as it is stored: with keys that the schema does not know, and
      // numbers in their width.
      if (item.benchmark !== undefined && !item.dirty && item.stored !== undefined) {
        this.copying.shares = true
        return item.stored
      }
      if (item.kind === 'array' || item.kind === 'set') return this.#elements(item, encoded)
      return this.#members(item, encoded)
    }
    // What a codec gave may be the application's own.
    if (this.#encoder !== undefined) return copyValue(encoded)
    return item instanceof Leaf ? materialize(item, this.copying) : item
  }

  #members(node: Node, encoded: unknown): PlainObject {
    const members: PlainObject = {}
    const keys = this.#encoder === undefined ? keysOf(node) : Object.keys(encoded as object)
    for (const key of keys) {
      const member = this.#outgoing(memberAt(node, key), storedAt(encoded, key))
      if (member !== undefined) members[key] = member
    }
    const { stored, benchmark } = node
    if (stored !== benchmark && benchmark !== undefined && stored instanceof Object) {
      const known = benchmark instanceof Map ? benchmark : new Set(Object.keys(benchmark))
      for (const key of Object.keys(stored)) {
        if (!known.has(key)) members[key] ??= storedAt(stored, key)
      }
    }
    copyWidths(stored, members)
    return members
  }

  #elements(node: Node, encoded: unknown): unknown[] {
    return elementsOf(node).map((element, index) => {
      const isOpened = element instanceof Node || element instanceof Leaf
      if (typeof element === 'object' && element !== null && !isOpened) {
        return this.#unopened(node, element, storedAt(encoded, index))
      }
      return this.#outgoing(element, storedAt(encoded, index)) ?? null
    })
  }

  /** An element of the benchmark that was moved without being looked at. */
  #unopened(node: Node, element: object, encoded: unknown): unknown {
    this.copying.shares = true
    if (this.#encoder === undefined) return element
    const index = (node.benchmark as unknown[] | undefined)?.indexOf(element) ?? -1
    return (index < 0 ? undefined : storedAt(node.stored, index)) ?? encoded
  }
}
