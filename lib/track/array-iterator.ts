/**
 * Iterating over the elements of a handle.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import { present } from '../state/open.js'
import { elementAt, lengthOf } from '../state/read.js'

type Show = (element: unknown, index: number) => unknown

/**
 * An array iterator in all that can be seen of it: it can be left and gone on with, and it meets what
 * is appended meanwhile. It reads the node, for the language's own would go through two traps for
 * each element.
 */
class ElementIterator {
  /** Undefined once it has ended, for then it stays so. */
  #node: Node | undefined
  #index = 0
  readonly #show: Show

  constructor(node: Node, show: Show) {
    this.#node = node
    this.#show = show
  }

  next(): IteratorResult<unknown> {
    const node = this.#node
    const index = this.#index++
    if (node !== undefined && index < lengthOf(node)) {
      const element = present(node, index, elementAt(node, index))
      return { value: this.#show(element, index), done: false }
    }
    this.#node = undefined
    return { value: undefined, done: true }
  }
}

const { prototype } = ElementIterator
Object.setPrototypeOf(prototype, Object.getPrototypeOf([].values()) as object)
Reflect.deleteProperty(prototype, 'constructor')

/** Iterates over the elements of `node` as the application sees them, showing each as it is told. */
export function iterateElements(node: Node, show: Show): IterableIterator<unknown> {
  return new ElementIterator(node, show) as unknown as IterableIterator<unknown>
}
