/**
 * The order of an array's elements that two have edited.
 *
 * @module
 */

import { equalLeaves } from '../state/equal.js'
import type { Item } from '../state/node.js'
import { Leaf, Node } from '../state/node.js'

/** An array that was edited by two. */
export interface Edit {
  /** My elements, and where each comes from in the benchmark. */
  readonly items: readonly Item[]
  readonly origins: readonly number[]
  /** Their elements. */
  readonly theirs: readonly Item[]
  readonly matches: readonly number[]
}

/** An edit, and up to where my elements are more than appends. */
interface Placed extends Edit {
  readonly last: number
}

/**
 * The elements of an array in one order, and which of them were inserted here.
 *
 * @param inserted Those that an earlier rebase found to be.
 */
export function mergeOrder(
  edit: Edit,
  inserted: ReadonlySet<Item> | undefined,
): { items: Item[]; inserted: ReadonlySet<Item> | undefined } {
  const { items, origins } = edit
  const last = items.findLastIndex((item, index) => {
    return (origins[index] as number) >= 0 || inserted?.has(item) === true
  })
  const mine = items.filter((_, index) => index <= last && (origins[index] as number) < 0)
  const merged = isAscending(origins) ? insertMine({ ...edit, last }) : insertTheirs(edit)
  return { items: merged, inserted: mine.length === 0 ? undefined : new Set(mine) }
}

/** Their order, less my removals, with my insertions after their predecessors and my appends last. */
function insertMine({ items, origins, theirs, matches, last }: Placed): Item[] {
  const kept = new Set(origins)
  const removed = new Set(matches.filter((_, origin) => !kept.has(origin)))
  const inside = items.slice(0, last + 1)
  const appended = items.slice(last + 1)
  if (!isAscending(matches)) {
    // Their order, if they changed it: what was inserted here has no neighbours, but an index.
    const merged = theirs.filter((_, index) => !removed.has(index))
    inside.forEach((item, index) => {
      if ((origins[index] as number) < 0) merged.splice(index, 0, item)
    })
    return [...merged, ...appended]
  }
  // By the index of the predecessor in their elements; -1 for the start.
  const inserted = new Map<number, Item[]>()
  let predecessor = -1
  inside.forEach((item, index) => {
    const origin = origins[index] as number
    if (origin < 0) inserted.set(predecessor, [...(inserted.get(predecessor) ?? []), item])
    else if ((matches[origin] as number) >= 0) predecessor = matches[origin] as number
  })
  return [
    ...(inserted.get(-1) ?? []),
    ...theirs.flatMap((item, index) => {
      const mine = inserted.get(index) ?? []
      return removed.has(index) ? mine : [item, ...mine]
    }),
    ...appended,
  ]
}

/** My order, less their removals, with their insertions where they inserted them. */
function insertTheirs({ items, origins, theirs, matches }: Edit): Item[] {
  const merged = items.flatMap((item, position) => {
    const origin = origins[position] as number
    if (origin < 0) return [item]
    const index = matches[origin] as number
    return index < 0 ? [] : [theirs[index] as Item]
  })
  const known = new Set(matches)
  theirs.forEach((item, index) => {
    if (!known.has(index)) merged.splice(index, 0, item)
  })
  return merged
}

const isAscending = (indexes: readonly number[]): boolean => {
  const there = indexes.filter(index => index >= 0)
  return there.every((index, position) => position === 0 || index > (there[position - 1] as number))
}

/** For each item, its index in the benchmark; -1 for one that was inserted. */
export function originsOf(items: readonly Item[], benchmark: readonly unknown[]): number[] {
  const free = new Map<unknown, number[]>()
  benchmark.forEach((element, index) => {
    const places = free.get(element ?? null)
    if (places === undefined) free.set(element ?? null, [index])
    else places.push(index)
  })
  return items.map(item => {
    const element =
      item instanceof Node
        ? item.benchmark
        : item instanceof Leaf
          ? benchmark.find(each => isEqualLeaf(each, item) && free.get(each)?.[0] !== undefined)
          : item
    return element === undefined ? -1 : (free.get(element)?.shift() ?? -1)
  })
}

const isEqualLeaf = (element: unknown, { handle }: Leaf): boolean =>
  typeof element === 'object' && element !== null && equalLeaves(element, handle)
