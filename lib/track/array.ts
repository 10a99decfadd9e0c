/**
 * Handles of arrays: a proxy that behaves as the plain array would, and tracks what is written.
 *
 * @module
 */

import { inspect } from 'node:util'
import { UnsupportedValueError } from '../errors.js'
import { arrayIndex } from '../path.js'
import type { Node } from '../state/node.js'
import { NODE } from '../state/node.js'
import { present } from '../state/open.js'
import { pathOf } from '../state/place.js'
import { elementAt, lengthOf } from '../state/read.js'
import { arrayMethods } from './array-methods.js'
import { assignElement, setLength } from './assign.js'
import { inheritedMethods } from './inherited.js'
import { checkDescriptor } from './object.js'

const METHODS = inheritedMethods(Array.prototype, arrayMethods)
const OBJECT_METHODS = inheritedMethods(Object.prototype, {})

/** A proxy's target must be an array for `Array.isArray` to hold. It stays empty. */
export class ArrayTarget extends Array<never> {
  readonly node: Node

  constructor(node: Node) {
    super()
    this.node = node
  }
}

type ArrayTrap = 'get' | 'has' | 'ownKeys' | 'getOwnPropertyDescriptor'

/** Creates the handle of an array's node. */
export function createArrayHandle(node: Node): object {
  return new Proxy(new ArrayTarget(node), arrayHandler)
}

/** How handles of arrays behave. */
export const arrayHandler: Required<Pick<ProxyHandler<ArrayTarget>, ArrayTrap>> &
  ProxyHandler<ArrayTarget> = {
  get({ node }, key) {
    if (typeof key === 'symbol') {
      if (key === NODE) return node
      return key === Symbol.iterator ? METHODS.values : undefined
    }
    if (key === 'length') return lengthOf(node)
    const index = arrayIndex(key)
    if (index < 0) return METHODS[key] ?? OBJECT_METHODS[key]
    if (node.items === undefined && node.elements !== undefined) {
      const slot = node.elements.get(index)
      if (slot !== undefined) return typeof slot === 'object' && slot !== null ? slot.handle : slot
    }
    return present(node, index, elementAt(node, index))
  },

  set({ node }, key, value, receiver) {
    if (receiver !== node.handle) return Reflect.set({}, key, value, receiver)
    if (key === 'length') setLength(node, value)
    else assignElement(node, indexKey(node, key), value)
    return true
  },

  deleteProperty({ node }, key) {
    if (key === 'length') return false
    const index = typeof key === 'string' ? arrayIndex(key) : -1
    // A hole would come back from the store as null, so it is null at once.
    if (index >= 0 && index < lengthOf(node)) assignElement(node, index, null)
    return true
  },

  has({ node }, key) {
    const index = typeof key === 'string' ? arrayIndex(key) : -1
    return index >= 0 ? index < lengthOf(node) : key in Array.prototype
  },

  ownKeys({ node }) {
    const length = lengthOf(node)
    const keys: string[] = []
    for (let index = 0; index < length; index++) keys.push(String(index))
    keys.push('length')
    return keys
  },

  getOwnPropertyDescriptor({ node }, key) {
    if (key === 'length') {
      return { value: lengthOf(node), writable: true, enumerable: false, configurable: false }
    }
    const index = typeof key === 'string' ? arrayIndex(key) : -1
    if (index < 0 || index >= lengthOf(node)) return undefined
    const value = present(node, index, elementAt(node, index))
    return { value, writable: true, enumerable: true, configurable: true }
  },

  defineProperty({ node }, key, descriptor) {
    if (key === 'length') {
      if ('value' in descriptor) setLength(node, descriptor.value)
      return descriptor.writable !== false
    }
    const index = indexKey(node, key)
    checkDescriptor(node, index, descriptor, index < lengthOf(node))
    if ('value' in descriptor) assignElement(node, index, descriptor.value)
    return true
  },

  getPrototypeOf: () => Array.prototype,

  setPrototypeOf({ node }, prototype) {
    if (prototype === Array.prototype) return true
    throw new UnsupportedValueError(pathOf(node), 'session data has no prototype of its own')
  },

  preventExtensions({ node }) {
    throw new UnsupportedValueError(
      pathOf(node),
      'session data cannot be frozen, freeze a snapshot',
    )
  },
}

function indexKey(node: Node, key: string | symbol): number {
  const index = typeof key === 'string' ? arrayIndex(key) : -1
  if (index >= 0) return index
  const place = typeof key === 'string' ? [...pathOf(node), key] : pathOf(node)
  throw new UnsupportedValueError(
    place,
    'an array keeps only its elements, use an object for names',
  )
}

Object.defineProperty(ArrayTarget.prototype, inspect.custom, {
  value(this: unknown[]) {
    return Array.from(this)
  },
})
