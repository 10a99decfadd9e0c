/**
 * Merge intent: what the schema says of writes by several servers to one place.
 *
 * @module
 */

import { z } from 'zod'
import type { MergeIntent } from '../state/shape.js'

/**
 * The text of a {@link MergeIntent}, as zod's types let a registry hold it: they want an object, and
 * a text is one as far as this goes. Which texts there are is checked by `createSessions`.
 */
export interface MergeIntentText {
  /** The length of the text. */
  readonly length: number
}

/**
 * A registry whose look-up knows what a schema was refined from.
 *
 * zod's own spreads what it inherits into an object, which takes a text apart.
 */
class MergeRegistry extends z.core.$ZodRegistry<MergeIntentText> {
  override get<S extends z.core.$ZodType>(
    schema: S,
  ): z.core.$replace<MergeIntentText, S> | undefined {
    const own = this._map.get(schema)
    const { parent } = schema._zod
    return own ?? (parent === undefined ? undefined : this.get(parent))
  }
}

/**
 * Says in the schema how writes to one place by several servers are merged.
 *
 * - `'increment'` (numbers): the difference is added to what is stored, by `$inc`. An absent counter
 *   starts from its default, or from 0.
 * - `'max'`, `'min'` (numbers, Dates): the greatest or the least of all values stays.
 * - `'append'` (arrays): elements are added, even where the array is assigned whole.
 * - `'union'` (arrays, Sets): the same, and what is there already is not added again.
 * - `'atomic'` (anything): one value that is always written whole, never a part of it.
 *
 * It is found on the schema itself, on what that was refined from, and through optional, nullable,
 * default, prefault, catch, readonly and pipe; the outermost one wins. Marked places never conflict,
 * but under `'atomic'`.
 *
 * @example
 * ```ts
 * const schema = z.object({ views: z.int().default(0).register(merge, 'increment') })
 * ```
 */
export const merge: z.core.$ZodRegistry<MergeIntentText> = new MergeRegistry()

const WRAPPERS = ['optional', 'nullable', 'nonoptional', 'readonly', 'default', 'prefault', 'catch']

/** What each intent is for, by the type of the schema; undefined for any. */
const FITTING: Record<MergeIntent, { types: readonly string[]; need: string } | undefined> = {
  increment: { types: ['number'], need: 'z.number()' },
  max: { types: ['number', 'date'], need: 'z.number() or z.date()' },
  min: { types: ['number', 'date'], need: 'z.number() or z.date()' },
  append: { types: ['array'], need: 'z.array()' },
  union: { types: ['array', 'set'], need: 'z.array() or z.set()' },
  atomic: undefined,
}

/**
 * The intent that `schema` is marked with, or what it was refined from; undefined if there is none.
 *
 * @param refuse Is told why an intent cannot be that of this schema.
 */
export function intentOf(
  schema: z.core.$ZodType,
  refuse: (reason: string) => never,
): MergeIntent | undefined {
  const intent = merge.get(schema) as MergeIntent | undefined
  if (intent === undefined) return undefined
  if (!Object.hasOwn(FITTING, intent)) {
    const known = Object.keys(FITTING).map(each => `'${each}'`)
    return refuse(`has a merge intent that does not exist, use one of ${known.join(', ')}`)
  }
  const fitting = FITTING[intent]
  if (fitting === undefined || fitsType(schema as z.core.$ZodTypes, fitting.types)) return intent
  return refuse(`is marked '${intent}', which needs ${fitting.need}`)
}

function fitsType(schema: z.core.$ZodTypes, types: readonly string[]): boolean {
  const { def } = schema._zod
  if (WRAPPERS.includes(def.type)) {
    return fitsType((def as { innerType?: unknown }).innerType as z.core.$ZodTypes, types)
  }
  if (def.type === 'lazy') return fitsType(def.getter() as z.core.$ZodTypes, types)
  if (def.type === 'pipe') {
    const sides = [def.in, def.out] as z.core.$ZodTypes[]
    return def.reverseTransform === undefined && sides.every(side => fitsType(side, types))
  }
  return types.includes(def.type)
}
