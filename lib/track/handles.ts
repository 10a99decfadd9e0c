/**
 * The handles of all kinds of container.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import { createArrayHandle } from './array.js'
import { createMapHandle, createSetHandle } from './collections.js'
import { createObjectHandle } from './object.js'

/** Makes what the application holds of `node`. */
export function createHandle(node: Node): object {
  switch (node.kind) {
    case 'object':
      return createObjectHandle(node)
    case 'array':
      return createArrayHandle(node)
    case 'map':
      return createMapHandle(node)
    case 'set':
      return createSetHandle(node)
  }
}
