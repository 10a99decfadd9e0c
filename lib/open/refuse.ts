/**
 * What a schema of sessions cannot have: values are decoded, encoded and checked at once, both ways.
 *
 * @module
 */

import type { z } from 'zod'
import { invalidOption } from '../errors.js'
import type { Path } from '../path.js'
import { printPath } from '../path.js'

/** Whether a check of `schema` changes the value. */
export function isRewritten(schema: z.core.$ZodType): boolean {
  return schema._zod.def.checks?.some(check => check._zod.def.check === 'overwrite') === true
}

/** Refuses checks that are known to be asynchronous before they ever run. */
export function refuseAsync(schema: z.core.$ZodType, path: Path): void {
  const { def } = schema._zod
  const checks = [{ _zod: { def, check: undefined } }, ...(def.checks ?? [])]
  const async = checks.some(({ _zod: { def, check } }) => {
    return isAsync((def as { fn?: unknown }).fn) || isAsync(check)
  })
  if (async) refuse(path, 'has an async check, validate it where it comes in')
}

/** Whether `value` is an async function. */
export const isAsync = (value: unknown): boolean =>
  typeof value === 'function' && value.constructor.name === 'AsyncFunction'

/** Refuses a part of a schema. */
export function refuse(path: Path, why: string): never {
  throw invalidOption('schema', `${printPath(path)} ${why}`)
}
