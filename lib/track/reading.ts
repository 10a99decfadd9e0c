/**
 * Handles that record read accesses too, for sessions whose commits depend on what was read. All
 * others have handles without a word of this.
 *
 * @module
 */

import { arrayIndex } from '../path.js'
import type { Node } from '../state/node.js'
import { NODE } from '../state/node.js'
import { noteRead, noteReadAll } from '../state/reads.js'
import { ArrayTarget, arrayHandler } from './array.js'
import { createHandle } from './handles.js'
import { ObjectTarget, objectHandler } from './object.js'

/** Makes what the application holds of `node`. */
export function createReadingHandle(node: Node): object {
  if (node.kind === 'object') return new Proxy(new ObjectTarget(node), readingObjectHandler)
  if (node.kind === 'array') return new Proxy(new ArrayTarget(node), readingArrayHandler)
  return createHandle(node)
}

const readingObjectHandler: ProxyHandler<ObjectTarget> = {
  ...objectHandler,
  get(target, key, receiver) {
    const value: unknown = objectHandler.get(target, key, receiver)
    if (typeof key === 'string') noteRead(target.node, key)
    return value
  },
  has(target, key) {
    if (typeof key === 'string') noteRead(target.node, key)
    return objectHandler.has(target, key)
  },
  ownKeys(target) {
    noteReadAll(target.node)
    return objectHandler.ownKeys(target)
  },
  getOwnPropertyDescriptor(target, key) {
    const descriptor = objectHandler.getOwnPropertyDescriptor(target, key)
    if (typeof key === 'string') noteRead(target.node, key)
    return descriptor
  },
}

const readingArrayHandler: ProxyHandler<ArrayTarget> = {
  ...arrayHandler,
  get(target, key, receiver) {
    const value: unknown = arrayHandler.get(target, key, receiver)
    if (key !== NODE) noteElementRead(target.node, key)
    return value
  },
  has(target, key) {
    noteElementRead(target.node, key)
    return arrayHandler.has(target, key)
  },
  ownKeys(target) {
    noteReadAll(target.node)
    return arrayHandler.ownKeys(target)
  },
  getOwnPropertyDescriptor(target, key) {
    const descriptor = arrayHandler.getOwnPropertyDescriptor(target, key)
    noteElementRead(target.node, key)
    return descriptor
  },
}

/** A method may read whatever it likes; one that only adds to an array that only grows reads nothing. */
function noteElementRead(node: Node, key: string | symbol): void {
  const index = typeof key === 'string' ? arrayIndex(key) : -1
  const merge = node.shape?.merge
  if (index >= 0) noteRead(node, index)
  else if (key !== 'push' || (merge !== 'append' && merge !== 'union')) noteReadAll(node)
}
