/**
 * The session's schema, attribute by attribute: decoding and validating what is read, encoding and
 * validating what is written.
 *
 * @module
 */

import { z } from 'zod'
import type { ValidationIssue } from '../errors.js'
import { invalidOption, ValidationError } from '../errors.js'
import type { Shape } from '../state/shape.js'
import type { Compiled } from './compile.js'
import { compile } from './compile.js'
import { isRewritten, refuse, refuseAsync } from './refuse.js'

/** A compiled schema of a session. */
export interface SessionSchema {
  /** The shape of the whole session: what may stand at each attribute. */
  readonly shape: Shape
  /** The attributes that the schema names, in its order. */
  readonly names: readonly string[]
  /** The attributes that cannot be absent, in the order of the schema. */
  readonly required: readonly string[]
  /** Whether the schema accepts a session without attributes. */
  readonly acceptsEmpty: boolean
  /** Whether any place has a merge intent. */
  readonly hasIntents: boolean
  /** Whether checks of the schema look at several attributes at once. */
  readonly crossChecks: boolean
  /** Whether the schema knows the attribute, or takes any. */
  knows(attribute: string): boolean
  /** Whether an attribute of which nothing is stored is there all the same, or should be. */
  isImplied(attribute: string): boolean
  /**
   * Decodes and validates what the application gives for an attribute of a new session: a Map is a
   * Map there, and not yet a document.
   *
   * @throws {@link ValidationError} with zod's issues.
   */
  accept(attribute: string, input: unknown): unknown
  /**
   * Decodes and validates what is stored for an attribute; `undefined` gives its default.
   *
   * @param action What it is done for, as an error tells it; default: `'read'`.
   * @throws {@link ValidationError} with zod's issues.
   */
  decode(attribute: string, stored: unknown, action?: string): unknown
  /**
   * Validates and encodes an attribute. `undefined`, for none, stays that: decoding it tells whether
   * there may be none.
   *
   * @throws {@link ValidationError} with zod's issues.
   */
  encode(attribute: string, value: unknown): unknown
  /**
   * Runs the checks that look at several attributes.
   *
   * @param action What it is done for, as an error tells it.
   * @throws {@link ValidationError} with zod's issues.
   */
  check(data: Record<string, unknown>, action: string): void
}

/**
 * Compiles the schema of a session.
 *
 * @param own Attributes that are kept beside those of the schema, and are not the application's.
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` if it is no object schema, if it is
 *   strict at its root, or if something in it cannot be decoded and encoded.
 */
export function compileSchema(schema: z.ZodObject, own: readonly string[] = []): SessionSchema {
  const def = (schema as { _zod?: z.ZodObject['_zod'] } | undefined)?._zod?.def
  if (def?.type !== 'object') throw invalidOption('schema', 'it must be made by z.object()')
  const catchall = def.catchall as z.core.$ZodTypes | undefined
  if (catchall?._zod.def.type === 'never') {
    throw invalidOption(
      'schema',
      'z.strictObject() would reject what a newer version stored, use z.object()',
    )
  }
  refuseAsync(schema, [])
  if (isRewritten(schema)) refuse([], 'is changed by a check of the whole, do it in an attribute')
  const attributes = new Map(
    Object.entries(def.shape).map(([name, each]) => [name, compile(name, each)]),
  )
  for (const name of own) {
    if (attributes.has(name)) refuse([name], 'is kept by the adapter itself, choose another name')
    attributes.set(name, compile(name, z.any().optional()))
  }
  const others = catchall && compile('*', catchall)
  const find = (name: string): Compiled | undefined => attributes.get(name) ?? others
  /** What a name that the schema does not have says of a value; it says nothing of its absence. */
  const findFor = (name: string, value: unknown): Compiled | undefined =>
    value === undefined ? attributes.get(name) : find(name)
  const decode = (name: string, stored: unknown, action = 'read'): unknown => {
    const compiled = findFor(name, stored)
    return compiled && take(action, name, () => z.safeDecode(compiled.schema, stored as never))
  }
  const names = [...attributes.keys()]
  const isRequired = (name: string): boolean => {
    const { schema } = find(name) as Compiled
    return 'issues' in outcomeOf(name, () => z.safeDecode(schema, undefined as never))
  }
  const required = names.filter(isRequired)
  const defaults = names.filter(name => !isRequired(name) && decode(name, undefined) !== undefined)
  const implied = new Set([...required, ...defaults])
  const checks = z.core.clone(schema, { ...def, shape: {}, catchall: z.any() })
  return {
    names,
    required,
    shape: rootShape(find),
    acceptsEmpty: !('issues' in outcomeOf(undefined, () => z.safeDecode(schema, {}))),
    hasIntents: [...attributes.values(), others].some(each => each?.hasIntents === true),
    crossChecks: (def.checks?.length ?? 0) > 0,
    knows: name => find(name) !== undefined,
    isImplied: name => implied.has(name),
    accept(name, input) {
      const original = Object.hasOwn(def.shape, name) ? def.shape[name] : catchall
      return original && take('use', name, () => z.safeDecode(original, input as never))
    },
    decode,
    encode(name, value) {
      const compiled = value === undefined ? undefined : find(name)
      return compiled && take('write', name, () => z.safeEncode(compiled.schema, value as never))
    },
    check(data, action) {
      take(action, undefined, () => z.safeEncode(checks, data as never))
    },
  }
}

function rootShape(find: (name: string) => Compiled | undefined): Shape {
  const plain = { map: false, set: false, bigint: false, codec: false, merge: undefined }
  const same = (value: unknown): unknown => value
  return { ...plain, encode: same, decode: same, at: key => find(String(key))?.shape }
}

type Outcome = { readonly data: unknown } | { readonly issues: readonly ValidationIssue[] }

/** What comes of a call of zod. A codec or a check that throws says that the value does not fit. */
function outcomeOf(
  attribute: string | undefined,
  call: () => z.ZodSafeParseResult<unknown>,
): Outcome {
  const prefix = attribute === undefined ? [] : [attribute]
  try {
    const { data, error } = call()
    if (error === undefined) return { data }
    return {
      issues: error.issues.map(({ code, path, message }) => {
        const keys = path.map(key => (typeof key === 'symbol' ? key.toString() : key))
        return { code, path: [...prefix, ...keys], message }
      }),
    }
  } catch (error) {
    if (error instanceof z.core.$ZodAsyncError) {
      refuse(prefix, 'has a check that gives a promise, validate it where it comes in')
    }
    // The message may quote the value.
    const message = `A codec or a check threw ${error instanceof Error ? error.name : typeof error}`
    return { issues: [{ code: 'custom', path: prefix, message }] }
  }
}

function take(
  action: string,
  attribute: string | undefined,
  call: () => z.ZodSafeParseResult<unknown>,
): unknown {
  const outcome = outcomeOf(attribute, call)
  if ('data' in outcome) return outcome.data
  throw new ValidationError(action, outcome.issues)
}
