/**
 * Handles of Maps and Sets: real ones, that hold handles, with methods that track what is written.
 *
 * They are no proxies, for the methods of Map and Set refuse to work on one. What they hold is kept
 * equal to their node, so that everything that looks inside a Map or a Set sees the truth.
 *
 * @module
 */

import { inspect } from 'node:util'
import { UnsupportedValueError } from '../errors.js'
import { keep } from '../state/journal.js'
import { markDirty } from '../state/mark.js'
import type { Item, Node } from '../state/node.js'
import { NODE, nodeOf } from '../state/node.js'
import { own, present } from '../state/open.js'
import { link, pathOf } from '../state/place.js'
import { elementsOf, hasMember, keysOf, memberAt } from '../state/read.js'
import { remove } from '../state/write.js'
import { assign, importValue } from './assign.js'
import type { Methods } from './inherited.js'
import { inheritedMethods } from './inherited.js'
import { noteMissed } from './object.js'

type MapHandle = Map<string, unknown> & { readonly [NODE]: Node }
type SetHandle = Set<unknown> & { readonly [NODE]: Node }

const plainMap = Map.prototype as Map<unknown, unknown>
const plainSet = Set.prototype as Set<unknown>

const mapMethods = {
  get(this: MapHandle, key: string): unknown {
    return this.has(key) ? present(this[NODE], key, memberAt(this[NODE], key)) : undefined
  },

  has(this: MapHandle, key: string): boolean {
    const has = typeof key === 'string' && hasMember(this[NODE], key)
    if (!has) noteMissed(this[NODE], key)
    return has
  },

  set(this: MapHandle, key: string, value: unknown): unknown {
    const node = this[NODE]
    if (typeof key !== 'string') {
      throw new UnsupportedValueError(pathOf(node), 'the keys of a Map must be strings')
    }
    assign(node, key, value)
    if (value === undefined) plainMap.delete.call(this, key)
    else plainMap.set.call(this, key, present(node, key, memberAt(node, key)))
    return this
  },

  delete(this: MapHandle, key: string): boolean {
    if (!this.has(key)) return false
    remove(this[NODE], key)
    return plainMap.delete.call(this, key)
  },

  clear(this: MapHandle): void {
    for (const key of keysOf(this[NODE])) remove(this[NODE], key)
    plainMap.clear.call(this)
  },

  getOrInsert(this: MapHandle, key: string, value: unknown): unknown {
    if (!this.has(key)) this.set(key, value)
    return this.get(key)
  },

  getOrInsertComputed(this: MapHandle, key: string, compute: (key: string) => unknown): unknown {
    if (!this.has(key)) this.set(key, compute(key))
    return this.get(key)
  },
}

const setMethods = {
  has(this: SetHandle, value: unknown): boolean {
    const { adopted, source } = this[NODE]
    if (adopted && (typeof value !== 'object' || value === null)) {
      return (source as Set<unknown>).has(value)
    }
    return plainSet.has.call(current(this), handleOf(this[NODE], value))
  },

  add(this: SetHandle, value: unknown): unknown {
    if (this.has(value)) return this
    const node = this[NODE]
    const item = importValue(node, this.size, value)
    members(node).add(item)
    link(node, this.size, item)
    plainSet.add.call(this, present(node, this.size, item))
    return this
  },

  delete(this: SetHandle, value: unknown): boolean {
    if (!this.has(value)) return false
    const node = this[NODE]
    const handle = handleOf(node, value)
    const items = members(node)
    for (const [index, item] of [...items].entries()) {
      if (present(node, index, item) === handle) items.delete(item)
    }
    return plainSet.delete.call(this, handle)
  },

  clear(this: SetHandle): void {
    if (this.size === 0) return
    members(this[NODE]).clear()
    plainSet.clear.call(this)
  },
}

/** The handle, equal to its node: what is adopted may have been changed by its owner. */
function current<H extends MapHandle | SetHandle>(handle: H): H {
  if (handle[NODE].adopted) refreshCollection(handle[NODE])
  return handle
}

type Method = (this: unknown, ...values: never[]) => unknown

/** The methods of `prototype`, each looking at the current content. */
function readingMethods(prototype: object): Record<string, Method> {
  const methods: Record<string, Method> = {}
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (typeof value !== 'function') continue
    const { [name]: reading } = {
      [name](this: MapHandle | SetHandle, ...values: unknown[]): unknown {
        return Reflect.apply(value, current(this), values)
      },
    }
    methods[name] = Object.defineProperty(reading as Method, 'length', { value: value.length })
  }
  return methods
}

/**
 * What is put before all that a handle inherits: methods that track, and methods without a way to
 * their prototype. Nobody sees these properties, so a handle looks like any Map or Set.
 */
function hidingProperties(
  prototype: object,
  writing: Record<string, unknown>,
  iterator: string,
): PropertyDescriptorMap {
  const methods: Methods = Object.assign(
    Object.create(null),
    inheritedMethods(Object.prototype, {}),
    inheritedMethods(prototype, { ...readingMethods(prototype), ...writing }),
  )
  const names = [Object.prototype, prototype].flatMap(Object.getOwnPropertyNames)
  const size = Object.getOwnPropertyDescriptor(prototype, 'size')?.get as Method
  return {
    ...Object.fromEntries(names.map(name => [name, { value: methods[name] }])),
    [Symbol.iterator]: { value: methods[iterator] },
    [inspect.custom]: {
      value(this: MapHandle | SetHandle) {
        return current(this)
      },
    },
    size: {
      get(this: MapHandle | SetHandle) {
        return size.call(current(this))
      },
    },
  }
}

const MAP_PROPERTIES = hidingProperties(Map.prototype, mapMethods, 'entries')
const SET_PROPERTIES = hidingProperties(Set.prototype, setMethods, 'values')

/** Creates the handle of a Map's node. */
export function createMapHandle(node: Node): object {
  const handle = new Map<string, unknown>()
  refreshMap(handle, node)
  return protect(handle, node, MAP_PROPERTIES)
}

/** Creates the handle of a Set's node. */
export function createSetHandle(node: Node): object {
  const handle = new Set<unknown>()
  refreshSet(handle, node)
  return protect(handle, node, SET_PROPERTIES)
}

/** Other properties would be lost, so a handle takes none. */
function protect(handle: object, node: Node, properties: PropertyDescriptorMap): object {
  Object.defineProperties(handle, properties)
  return Object.preventExtensions(Object.defineProperty(handle, NODE, { value: node }))
}

/** Makes the handle of a Map or a Set hold what its node holds, after that changed by itself. */
export function refreshCollection(node: Node): void {
  if (node.kind === 'map') refreshMap(node.handle as Map<string, unknown>, node)
  if (node.kind === 'set') refreshSet(node.handle as Set<unknown>, node)
}

function refreshMap(handle: Map<string, unknown>, node: Node): void {
  const entries = keysOf(node).map((key): [string, unknown] => {
    return [key, present(node, key, memberAt(node, key))]
  })
  const known = [...plainMap.entries.call(handle)]
  const same = (entry: [string, unknown], index: number): boolean =>
    entry[0] === known[index]?.[0] && Object.is(entry[1], known[index]?.[1])
  // Whoever iterates now would meet again what is put in anew.
  if (entries.length === known.length && entries.every(same)) return
  plainMap.clear.call(handle)
  for (const [key, value] of entries) plainMap.set.call(handle, key, value)
}

function refreshSet(handle: Set<unknown>, node: Node): void {
  const values = elementsOf(node).map((item, index) => present(node, index, item ?? null))
  const known = [...plainSet.values.call(handle)]
  if (
    values.length === known.length &&
    values.every((value, index) => Object.is(value, known[index]))
  ) {
    return
  }
  plainSet.clear.call(handle)
  for (const value of values) plainSet.add.call(handle, value)
}

/** The members of a Set, to be changed by the caller. */
function members(node: Node): Set<Item> {
  keep(node)
  own(node)
  node.items ??= new Set(elementsOf(node))
  markDirty(node)
  return node.items as Set<Item>
}

/** What a Set holds for `value`, if it holds it: of an object that was assigned, the handle. */
function handleOf(node: Node, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const item = nodeOf(value) ?? node.tree.adopted?.get(value)
  return item === undefined ? value : item.handle
}
