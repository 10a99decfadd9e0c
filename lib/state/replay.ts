/**
 * Writing again what the application wrote while a commit was under way.
 *
 * @module
 */

import type { Key } from '../path.js'
import { restore } from './journal.js'
import type { Item, Journal, Node, Slot } from './node.js'
import { ABSENT, slotAt, slotsOf } from './node.js'
import { own } from './open.js'
import { elementsOf } from './read.js'
import { put, remove, rewrite } from './write.js'

/**
 * Takes back what was written since `journal` was opened, lets `work` see the state as it was, and
 * writes it again on top of that.
 */
export function around(journal: Journal, work: () => void): void {
  const written = [...journal.keys()].filter(isWritten).map(node => {
    return { node, now: isSequence(node) ? [...elementsOf(node)] : new Map(slotsOf(node)) }
  })
  restore(journal)
  // What was assigned meanwhile, and then written to, reads from the caller's object again.
  for (const { node } of written) own(node)
  const again = written.map(({ node, now }) => {
    return Array.isArray(now) ? elementWrites(node, now) : slotWrites(node, now)
  })
  work()
  for (const write of again) write()
}

/** As long as the caller's object is read, nothing was written. */
const isWritten = (node: Node): boolean => !node.adopted

const isSequence = (node: Node): boolean => node.kind === 'array' || node.kind === 'set'

function elementWrites(node: Node, now: readonly Item[]): () => void {
  const before = [...elementsOf(node)]
  const same =
    now.length === before.length && now.every((item, index) => Object.is(item, before[index]))
  return () => {
    if (!same) rewrite(node, now)
  }
}

function slotWrites(node: Node, now: ReadonlyMap<Key, Slot>): () => void {
  const keys = new Set([...now.keys(), ...slotsOf(node).map(([key]) => key)])
  const changed = [...keys].filter(key => !Object.is(now.get(key), slotAt(node, key)))
  return () => {
    for (const key of changed) {
      const slot = now.get(key)
      if (slot === undefined || slot === ABSENT) remove(node, key)
      else if (!Object.is(slotAt(node, key), slot)) put(node, key, slot)
    }
  }
}
