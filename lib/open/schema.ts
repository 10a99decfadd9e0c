/**
 * The session's schema, attribute by attribute: decoding and validating what is read, encoding and
 * validating what is written.
 *
 * @module
 */

import { z } from 'zod'
import { invalidOption, ValidationError } from '../errors.js'
import type { Shape } from '../state/shape.js'
import type { Compiled } from './compile.js'
import { compile } from './compile.js'

/** A compiled schema of a session. */
export interface SessionSchema {
  /** The shape of the whole session: what may stand at each attribute. */
  readonly shape: Shape
  /** The attributes that have a default, in the order of the schema. */
  readonly defaults: readonly string[]
  /** Whether the schema accepts a session without attributes. */
  readonly acceptsEmpty: boolean
  /** The attributes that the schema names, in its order. */
  readonly names: readonly string[]
  /** Whether checks of the schema look at several attributes at once. */
  readonly crossChecks: boolean
  /** Whether the schema knows the attribute, or takes any. */
  knows(attribute: string): boolean
  /**
   * Decodes and validates what is stored for an attribute; `undefined` gives its default.
   *
   * @throws {@link ValidationError} with zod's issues.
   */
  decode(attribute: string, stored: unknown): unknown
  /**
   * Validates and encodes an attribute; `undefined` means that it is to be removed.
   *
   * @throws {@link ValidationError} with zod's issues.
   */
  encode(attribute: string, value: unknown): unknown
  /**
   * Runs the checks that look at several attributes.
   *
   * @throws {@link ValidationError} with zod's issues.
   */
  check(data: Record<string, unknown>): void
}

/**
 * Compiles the schema of a session.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` if it is no object schema, if it is
 *   strict at its root, or if something in it cannot be decoded and encoded.
 */
export function compileSchema(schema: z.ZodObject): SessionSchema {
  const def = (schema as { _zod?: z.ZodObject['_zod'] } | undefined)?._zod?.def
  if (def?.type !== 'object') throw invalidOption('schema', 'it must be made by z.object()')
  const catchall = def.catchall as z.core.$ZodTypes | undefined
  if (catchall?._zod.def.type === 'never') {
    throw invalidOption(
      'schema',
      'z.strictObject() would reject what a newer version stored, use z.object()',
    )
  }
  const attributes = new Map(
    Object.entries(def.shape).map(([name, each]) => [name, compile(name, each)]),
  )
  const others = catchall && compile('*', catchall)
  const find = (name: string): Compiled | undefined => attributes.get(name) ?? others
  const decode = (name: string, stored: unknown): unknown => {
    const compiled = find(name)
    if (compiled === undefined) return undefined
    return take('read', name, z.safeDecode(compiled.schema as z.ZodType, stored as never))
  }
  const names = [...attributes.keys()]
  return {
    names,
    shape: rootShape(find),
    defaults: names.filter(name => defaultOf(find(name) as Compiled) !== undefined),
    acceptsEmpty: z.safeDecode(schema, {}).success,
    crossChecks: (def.checks?.length ?? 0) > 0,
    knows: name => find(name) !== undefined,
    decode,
    encode(name, value) {
      const compiled = find(name)
      // Absence is what the attribute decodes from, so that is what has to be valid.
      if (compiled === undefined || value === undefined) return void decode(name, undefined)
      return take('write', name, z.safeEncode(compiled.schema as z.ZodType, value))
    },
    check(data) {
      const checked = z.core.clone(schema, { ...def, shape: {}, catchall: z.any() })
      take('write', undefined, z.safeEncode(checked, data as never))
    },
  }
}

function defaultOf(compiled: Compiled): unknown {
  const result = z.safeDecode(compiled.schema as z.ZodType, undefined as never)
  return result.success ? result.data : undefined
}

function rootShape(find: (name: string) => Compiled | undefined): Shape {
  const plain = { map: false, set: false, bigint: false, codec: false }
  const same = (value: unknown): unknown => value
  return { ...plain, encode: same, decode: same, at: key => find(String(key))?.shape }
}

function take(
  action: string,
  attribute: string | undefined,
  result: z.ZodSafeParseResult<unknown>,
): unknown {
  if (result.success) return result.data
  const prefix = attribute === undefined ? [] : [attribute]
  throw new ValidationError(
    action,
    result.error.issues.map(({ code, path, message }) => {
      return {
        code,
        path: [...prefix, ...path.map(key => (typeof key === 'symbol' ? key.toString() : key))],
        message,
      }
    }),
  )
}
