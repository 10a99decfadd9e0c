/**
 * What a rebase goes by, and the steps that all kinds of container share.
 *
 * @module
 */

import type { Key, Path } from '../path.js'
import type { Difference } from '../state/difference.js'
import { equalsItem } from '../state/equal.js'
import type { Node, Slot, Tree } from '../state/node.js'
import type { Container } from '../state/value.js'
import { detach } from './detached.js'
import type { ForeignMarks } from './marks.js'
import { ANY_INDEX } from './marks.js'

/** What one rebase goes by, and what it finds. */
export interface Rebase {
  readonly tree: Tree
  /** What others replaced and moved. */
  readonly marks: ForeignMarks
  /** Lists what was written below a node that stands in the benchmark. */
  readonly differencesBelow: (node: Node) => readonly Difference[]
  /** What was written in vain, with paths from the root. */
  readonly superseded: Difference[]
  /** Nodes that stand at two places, of which one was met. */
  readonly shared: Map<Node, Shared>
}

/** A node that stands at two places, as it was met at the first of them. */
export interface Shared {
  readonly benchmark: unknown
  /** What others have there. */
  readonly now: unknown
  /** Another node in the state that this one was in. */
  twin: Node
}

/** What others made of a container: as the application reads it, and as it is stored. */
export interface Theirs {
  readonly value: Container
  readonly stored: unknown
}

/** Where something stands, in the coordinates of others. */
export interface Where {
  readonly path: Path
  /**
   * The same as marks may name it: once elements changed places, the index in a mark is that of
   * another time, so any index fits.
   */
  readonly marked: Path
}

/** What stands at `key` of what stands at `where`. */
export function within({ path, marked }: Where, key: Key, shifted = false): Where {
  return { path: [...path, key], marked: [...marked, shifted ? ANY_INDEX : key] }
}

/** One place before and now. */
export interface Place {
  readonly where: Where
  /** What the benchmark had there; undefined if nothing. */
  readonly benchmark: unknown
  /** What others have there; undefined if nothing. */
  readonly now: unknown
  /** The same as it is stored. */
  readonly stored: unknown
  /** If the benchmark had an array there, up to which length its positions are certain. */
  readonly certain: number
}

/**
 * What becomes of a slot: it stays as what was written here (`'written'`), it stays as the node of
 * what others have there (`'opened'`), or it goes and theirs shows (`'gone'`).
 */
export type Fate = 'written' | 'opened' | 'gone'

/** Rebases what one slot holds. */
export type RebaseSlot = (rebase: Rebase, slot: Slot, place: Place) => Fate

/** Makes what others wrote the benchmark of `node`; what the node holds is the caller's business. */
export function setBenchmark(node: Node, { value, stored }: Theirs): void {
  node.benchmark = value
  node.source = value
  node.stored = stored
  node.generation = node.tree.decoded
  node.displaced = undefined
  node.missed = undefined
  node.moved = undefined
  node.inserted = undefined
}

/**
 * Notes that what was written to `node` is void, and that nothing written to it can come to the store.
 *
 * @param path Where it stood.
 * @param now What others have there. What equals that has not been written in vain.
 */
export function supersede(rebase: Rebase, node: Node, path: Path, now?: unknown): void {
  const { tree, superseded, differencesBelow } = rebase
  const isVoid = (difference: Difference): boolean => {
    const value = valueAt(now, difference.path)
    if (difference.op === 'unset') return value !== undefined
    return !('item' in difference) || !equalsItem(tree, value, difference.item)
  }
  const differences: readonly Difference[] =
    node.benchmark === undefined
      ? [{ op: 'set', path: [], item: node, basis: 'value', before: undefined }]
      : node.dirty
        ? differencesBelow(node)
        : []
  for (const difference of differences.filter(isVoid)) {
    superseded.push({ ...difference, path: [...path, ...difference.path] })
  }
  detach(node, path)
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((parent, key) => {
    if (typeof parent !== 'object' || parent === null) return undefined
    if (parent instanceof Map) return parent.get(key) as unknown
    return Object.hasOwn(parent, key) ? (parent as Record<Key, unknown>)[key] : undefined
  }, value)
}
