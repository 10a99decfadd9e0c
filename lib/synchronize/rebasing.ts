/**
 * What a rebase goes by, and the steps that all kinds of container share.
 *
 * @module
 */

import type { Key, Path } from '../path.js'
import type { Difference } from '../state/difference.js'
import type { Node, Slot, Tree } from '../state/node.js'
import type { Container } from '../state/value.js'
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
}

/** Notes that what was written at `path` by means of `slot` is void. */
export function supersede(rebase: Rebase, node: Node, path: Path): void {
  if (node.benchmark === undefined) {
    rebase.superseded.push({ op: 'set', path, item: node, basis: 'value', before: undefined })
  } else if (node.dirty) {
    for (const difference of rebase.differencesBelow(node)) {
      rebase.superseded.push({ ...difference, path: [...path, ...difference.path] })
    }
  }
}
