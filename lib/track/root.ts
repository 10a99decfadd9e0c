/**
 * The handle of a session's root where its attributes are plain copies.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import { NODE } from '../state/node.js'
import { hasMember } from '../state/read.js'
import type { Copies } from './copies.js'
import { checkDescriptor, missing, noteMissed, ObjectTarget, objectHandler } from './object.js'

/** Creates the handle: it behaves as a plain object, and tracks which attributes are accessed. */
export function createRootHandle(
  root: Node,
  copies: Copies,
  isCandidate: (value: object) => boolean,
): object {
  const read = (key: string): unknown => copies.get(key, isCandidate)
  const handle: object = new Proxy(new ObjectTarget(root), {
    ...objectHandler,
    get(target, key, receiver) {
      if (typeof key === 'symbol')
        return key === NODE ? undefined : objectHandler.get(target, key, receiver)
      const value = read(key)
      return value === undefined ? missing(root, key) : value
    },
    set(target, key, value, receiver) {
      if (receiver !== handle) return Reflect.set({}, key, value, receiver)
      if (typeof key === 'symbol') return objectHandler.set(target, key, value, root.handle)
      copies.assign(key, value)
      return true
    },
    deleteProperty(_node, key) {
      // What cannot be read can be removed.
      if (typeof key === 'string' && (hasMember(root, key) || copies.has(key))) {
        copies.assign(key, undefined)
      }
      return true
    },
    has(target, key) {
      if (typeof key === 'string' && copies.has(key)) return true
      return objectHandler.has(target, key) && key in Object.prototype
    },
    ownKeys: () => copies.keys(),
    getOwnPropertyDescriptor(_target, key) {
      if (typeof key === 'symbol') return undefined
      if (!copies.has(key)) noteMissed(root, key)
      const value = read(key)
      if (value === undefined) return undefined
      return { value, writable: true, enumerable: true, configurable: true }
    },
    defineProperty(target, key, descriptor) {
      if (typeof key === 'symbol') return objectHandler.set(target, key, undefined, root.handle)
      checkDescriptor(root, key, descriptor, copies.has(key))
      if ('value' in descriptor) copies.assign(key, descriptor.value)
      return true
    },
  })
  return handle
}
