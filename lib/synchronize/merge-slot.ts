/**
 * A value that was written here, merged with what others wrote, as the schema's merge intent says.
 *
 * @module
 */

import type { Slot } from '../state/node.js'
import { Leaf } from '../state/node.js'
import type { Shape } from '../state/shape.js'

/**
 * What a slot holds once `benchmark` has become `now`: a counter keeps what was added to it here, and of
 * two extremes the further one stays.
 */
export function mergeSlot(
  shape: Shape | undefined,
  slot: Slot,
  benchmark: unknown,
  now: unknown,
): Slot {
  switch (shape?.merge) {
    case 'increment':
      if (typeof slot !== 'number' || !isCount(benchmark) || !isCount(now)) return slot
      return Number(now ?? 0) + slot - Number(benchmark ?? 0)
    case 'max':
    case 'min': {
      const [mine, theirs] = [orderOf(slot), orderOf(now)]
      if (mine === undefined || theirs === undefined) return slot
      if (shape.merge === 'max' ? mine >= theirs : mine <= theirs) return slot
      return now instanceof Date ? new Leaf(new Date(now)) : (now as number)
    }
    default:
      return slot
  }
}

const isCount = (value: unknown): boolean => value === undefined || typeof value === 'number'

/** What a number or a Date is ordered by; undefined for anything else. */
function orderOf(value: unknown): number | undefined {
  const plain = value instanceof Leaf ? value.handle : value
  if (plain instanceof Date) return plain.getTime()
  return typeof plain === 'number' ? plain : undefined
}
