/**
 * Handles of objects: a proxy that behaves as the plain object would, and tracks what is written.
 *
 * One handler serves all of them.
 *
 * @module
 */

import { inspect } from 'node:util'
import { UnsupportedValueError } from '../errors.js'
import type { Node } from '../state/node.js'
import { NODE, PENDING } from '../state/node.js'
import { openValue, present } from '../state/open.js'
import { pathOf } from '../state/place.js'
import { hasDecoded, hasMember, keysOf, memberAt } from '../state/read.js'
import type { PlainObject } from '../state/value.js'
import { remove } from '../state/write.js'
import { assign } from './assign.js'
import { inheritedMethods } from './inherited.js'

const METHODS = inheritedMethods(Object.prototype, {})

type ObjectTrap = 'get' | 'set' | 'has' | 'ownKeys' | 'getOwnPropertyDescriptor'

/** A proxy's target. Whenever keys are listed, the engine goes through all that its target has: one. */
export class ObjectTarget {
  readonly node: Node

  constructor(node: Node) {
    this.node = node
  }
}

/** Creates the handle of an object's node. */
export function createObjectHandle(node: Node): object {
  return new Proxy(new ObjectTarget(node), objectHandler)
}

/** How handles of objects behave. */
export const objectHandler: Required<Pick<ProxyHandler<ObjectTarget>, ObjectTrap>> &
  ProxyHandler<ObjectTarget> = {
  get({ node }, key) {
    if (typeof key === 'symbol') return key === NODE ? node : undefined
    return readMember(node, key)
  },

  set({ node }, key, value, receiver) {
    // An object that inherits from a handle gets a property of its own, as from a plain object.
    if (receiver !== node.handle) return Reflect.set({}, key, value, receiver)
    assign(node, stringKey(node, key), value)
    return true
  },

  deleteProperty({ node }, key) {
    if (typeof key === 'string') remove(node, key)
    return true
  },

  has({ node }, key) {
    if (typeof key === 'symbol') return key in Object.prototype
    if (hasDecoded(node, key)) return true
    noteMissed(node, key)
    return key in Object.prototype
  },

  ownKeys: ({ node }) => keysOf(node),

  getOwnPropertyDescriptor({ node }, key) {
    if (typeof key === 'symbol') return undefined
    const isThere = hasDecoded(node, key)
    const value: unknown = isThere ? readMember(node, key) : undefined
    if (value === undefined) {
      noteMissed(node, key)
      return undefined
    }
    return { value, writable: true, enumerable: true, configurable: true }
  },

  defineProperty({ node }, key, descriptor) {
    const name = stringKey(node, key)
    checkDescriptor(node, name, descriptor, hasMember(node, name))
    if ('value' in descriptor) assign(node, name, descriptor.value)
    return true
  },

  getPrototypeOf: () => Object.prototype,

  setPrototypeOf({ node }, prototype) {
    if (prototype === Object.prototype) return true
    throw new UnsupportedValueError(pathOf(node), 'session data has no prototype of its own')
  },

  preventExtensions({ node }) {
    throw new UnsupportedValueError(
      pathOf(node),
      'session data cannot be frozen, freeze a snapshot',
    )
  },
}

// The hottest function of all. Most reads end at one of the first two returns.
function readMember(node: Node, key: string): unknown {
  const slot = node.slots[key]
  if (slot !== undefined) {
    if (typeof slot === 'object' && slot !== null) return slot.handle
    return typeof slot === 'symbol' ? missing(node, key) : slot
  }
  const value = (node.source as PlainObject)[key]
  switch (typeof value) {
    case 'object':
      if (value === null) return null
      return key === '__proto__' ? undefined : openValue(node, key, value)
    case 'symbol':
      return value === PENDING ? openPending(node, key) : refuse(node, key, 'a symbol')
    case 'function':
      return Object.hasOwn(node.source, key) ? refuse(node, key, 'a function') : missing(node, key)
    case 'undefined':
      return missing(node, key)
    default:
      return value
  }
}

function openPending(node: Node, key: string): unknown {
  const value = present(node, key, memberAt(node, key))
  return value === undefined ? missing(node, key) : value
}

/** What is read at a key where nothing is: a method of plain objects, or undefined. */
export function missing(node: Node, key: string): unknown {
  // Nobody looks for this one but JSON.stringify, and it does in each object.
  if (key !== 'toJSON') noteMissed(node, key)
  return METHODS[key]
}

/** Remembers that the application looked for `key`: what it assigns then may be a container. */
export function noteMissed(node: Node, key: string): void {
  node.missed ??= new Set()
  node.missed.add(key)
}

function refuse(node: Node, key: string, what: string): never {
  throw new UnsupportedValueError([...pathOf(node), key], `it holds ${what}, keep plain data`)
}

function stringKey(node: Node, key: string | symbol): string {
  if (typeof key === 'string') return key
  throw new UnsupportedValueError(pathOf(node), 'keys that are symbols are not kept, use strings')
}

/** Session data knows only plain properties. `exists`: what is left out keeps its value then. */
export function checkDescriptor(
  node: Node,
  key: string | number,
  descriptor: PropertyDescriptor,
  exists: boolean,
): void {
  const { writable = exists, enumerable = exists, configurable = exists } = descriptor
  if (writable && enumerable && configurable && !descriptor.get && !descriptor.set) return
  throw new UnsupportedValueError(
    [...pathOf(node), key],
    'a property must be plain data: writable, enumerable and configurable, without get or set',
  )
}

/** What `console.log` shows of a handle: the data, not the node that the proxy stands for. */
Object.defineProperty(ObjectTarget.prototype, inspect.custom, {
  value(this: object) {
    return { ...this }
  },
})
