/**
 * Writing again what the application wrote while a commit was under way.
 *
 * @module
 */

import type { Key } from '../path.js'
import type { Journal } from './journal.js'
import { restore } from './journal.js'
import type { Item, Node, Slot } from './node.js'
import { ABSENT, slotAt, slotsOf } from './node.js'
import { elementsOf } from './read.js'
import { put, remove, rewrite } from './write.js'

/**
 * Takes back what was written since `journal` was opened, lets `work` see the state as it was, and
 * writes it again on top of that.
 */
export function around(journal: Journal, work: () => void): void {
  const written = [...journal].map(([node, saved]) => {
    const now = isSequence(node) ? [...elementsOf(node)] : new Map(slotsOf(node))
    restore(node, saved)
    return { node, now }
  })
  const again = written.map(({ node, now }) => {
    return Array.isArray(now) ? elementWrites(node, now) : slotWrites(node, now)
  })
  work()
  for (const write of again) write()
}

const isSequence = (node: Node): boolean => node.kind === 'array' || node.kind === 'set'

function elementWrites(node: Node, now: readonly Item[]): () => void {
  const before = [...elementsOf(node)]
  const same = now.length === before.length && now.every((item, index) => item === before[index])
  return () => {
    if (!same) rewrite(node, now)
  }
}

function slotWrites(node: Node, now: ReadonlyMap<Key, Slot>): () => void {
  const keys = new Set([...now.keys(), ...slotsOf(node).map(([key]) => key)])
  const changed = [...keys].filter(key => now.get(key) !== slotAt(node, key))
  return () => {
    for (const key of changed) {
      const slot = now.get(key)
      if (slot === undefined || slot === ABSENT) remove(node, key)
      else if (slotAt(node, key) !== slot) put(node, key, slot)
    }
  }
}
