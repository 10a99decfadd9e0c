/**
 * From the application's zod schema to what a session needs of it: a schema that also decodes how
 * values are stored (a Map as a document, a Set as an array, a bigint as an int64), and the shape.
 *
 * @module
 */

import { z } from 'zod'
import type { Key, Path } from '../path.js'
import type { Shape } from '../state/shape.js'
import { intentOf } from './merge.js'
import { isAsync, isRewritten, refuse, refuseAsync } from './refuse.js'
import { shapeOf, unite } from './shapes.js'

/** A schema for one place of a session. */
export interface Compiled {
  /** Decodes what is stored to what the application reads, and encodes it back. */
  readonly schema: z.core.$ZodType
  /** What may stand at this place. */
  readonly shape: Shape
}

/** Compiles a schema inside another one; `key` tells where it is, if it is one level down. */
type Inner = (schema: z.core.$ZodType, key?: Key) => Compiled

/**
 * Compiles the schema of one attribute, and tells whether anything in it has a merge intent.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` for what cannot be decoded and encoded:
 *   one-way transforms, asynchronous checks, functions, promises, symbols and files.
 */
export function compile(
  attribute: string,
  schema: z.core.$ZodType,
): Compiled & { hasIntents: boolean } {
  let hasIntents = false
  const seen = new Map<z.core.$ZodType, Compiled | undefined>()
  const visit = (each: z.core.$ZodType, path: Path): Compiled => {
    const known = seen.get(each)
    if (known !== undefined) return known
    // Met again while it is compiled: the schema contains itself.
    if (seen.has(each)) return deferred(() => seen.get(each) as Compiled)
    seen.set(each, undefined)
    refuseAsync(each, path)
    const kind = compileKind(each as z.core.$ZodTypes, path, (inner, key) => {
      return visit(inner, key === undefined ? path : [...path, key])
    })
    const compiled = withIntent(kind, each, path)
    hasIntents ||= compiled !== kind
    seen.set(each, compiled)
    return compiled
  }
  return { ...visit(schema, [attribute]), hasIntents }
}

function compileKind(schema: z.core.$ZodTypes, path: Path, inner: Inner): Compiled {
  const { def } = schema._zod
  switch (def.type) {
    case 'object':
      return compileObject(schema as z.core.$ZodObject, inner)
    case 'array': {
      const element = inner(def.element, '*')
      return container(schema, { element: element.schema }, () => element.shape)
    }
    case 'tuple': {
      const items = def.items.map((item, index) => inner(item, index))
      const rest = def.rest ? inner(def.rest, '*') : null
      const schemas = { items: items.map(schemaOf), rest: rest?.schema }
      return container(schema, schemas, key => (items[key as number] ?? rest ?? undefined)?.shape)
    }
    case 'record': {
      // Keys are stored as they are, so all that counts is that nothing is to be done to them.
      inner(def.keyType, '*')
      const value = inner(def.valueType, '*')
      return container(schema, { valueType: value.schema }, () => value.shape)
    }
    case 'map':
      inner(def.keyType, '*')
      return compileMap(schema as z.core.$ZodMap, path, inner(def.valueType, '*'))
    case 'set':
      return compileSet(schema as z.core.$ZodSet, inner(def.valueType, '*'))
    case 'bigint': {
      const stored = z.union([z.int(), z.bigint()])
      const codec = z.codec(stored, schema as z.ZodBigInt, {
        decode: BigInt,
        encode: value => value,
      })
      return { schema: codec, shape: shapeOf(codec, { bigint: true }) }
    }
    case 'union': {
      const options = def.options.map(option => inner(option))
      return combined(schema, { options: options.map(schemaOf) }, options)
    }
    case 'intersection': {
      const [left, right] = [inner(def.left), inner(def.right)]
      return combined(schema, { left: left.schema, right: right.schema }, [left, right])
    }
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'readonly':
    case 'default':
    case 'catch': {
      const wrapped = inner(def.innerType)
      return combined(schema, { innerType: wrapped.schema }, [wrapped])
    }
    case 'prefault':
      return compilePrefault(schema as z.core.$ZodPrefault, inner(def.innerType))
    case 'lazy':
      return inner((schema as z.core.$ZodLazy)._zod.innerType)
    case 'pipe':
      return compilePipe(schema as z.core.$ZodPipe, path, inner)
    case 'transform':
      return refuse(path, 'is transformed one way only, use z.codec()')
    case 'success':
    case 'function':
    case 'promise':
    case 'symbol':
    case 'file':
      return refuse(path, `is a ${def.type}, which cannot be stored, leave it out`)
    default:
      return { schema, shape: shapeOf(schema, {}) }
  }
}

/** The same with the merge intent that the schema itself is marked with. */
function withIntent(compiled: Compiled, schema: z.core.$ZodType, path: Path): Compiled {
  const intent = intentOf(schema, reason => refuse(path, reason))
  if (intent === undefined) return compiled
  return {
    schema: compiled.schema,
    shape: Object.create(compiled.shape, { merge: { value: intent } }),
  }
}

const schemaOf = (compiled: Compiled): z.core.$ZodType => compiled.schema

function compileObject(schema: z.core.$ZodObject, inner: Inner): Compiled {
  const { def } = schema._zod
  const members = new Map(
    Object.keys(def.shape).map(key => [key, inner(def.shape[key] as never, key)]),
  )
  const shape = Object.fromEntries([...members].map(([key, member]) => [key, member.schema]))
  const rest = def.catchall && inner(def.catchall, '*')
  const schemas = { shape, ...(rest && { catchall: rest.schema }) }
  return container(schema, schemas, key => (members.get(String(key)) ?? rest)?.shape)
}

function compileMap(schema: z.core.$ZodMap, path: Path, value: Compiled): Compiled {
  const { def } = schema._zod
  if (!acceptsStrings(def.keyType))
    refuse(path, 'is a Map whose keys are not strings, use z.string()')
  // The members are decoded on their way out of the document; the checks of the Map see the Map.
  const decoded = changed(schema, { valueType: z.any() })
  const codec = z.codec(z.record(z.string(), value.schema as z.ZodType), decoded as never, {
    decode: document => new Map(Object.entries(document)) as never,
    encode: map => Object.fromEntries(map as Map<string, unknown>),
  })
  return codecOrContainer(schema, codec, { map: true, at: () => value.shape })
}

function acceptsStrings(key: z.core.$ZodType): boolean {
  const kinds = ['string', 'enum', 'literal', 'template_literal', 'union', 'any', 'unknown']
  return kinds.includes(key._zod.def.type)
}

function compileSet(schema: z.core.$ZodSet, value: Compiled): Compiled {
  const decoded = changed(schema, { valueType: z.any() })
  const codec = z.codec(z.array(value.schema as z.ZodType), decoded as never, {
    decode: elements => new Set(elements) as never,
    encode: set => [...(set as Set<unknown>)],
  })
  return codecOrContainer(schema, codec, { set: true, at: () => value.shape })
}

/** A prefault has the form of what the schema takes in, which is not that of what is stored. */
function compilePrefault(schema: z.core.$ZodPrefault, wrapped: Compiled): Compiled {
  const { def } = schema._zod
  const changes = {
    innerType: wrapped.schema,
    get defaultValue() {
      return z.encode(wrapped.schema, z.decode(def.innerType, def.defaultValue))
    },
  }
  return combined(schema, changes, [wrapped])
}

function compilePipe(schema: z.core.$ZodPipe, path: Path, inner: Inner): Compiled {
  const { def } = schema._zod
  if (def.reverseTransform !== undefined) {
    if (isAsync(def.transform) || isAsync(def.reverseTransform)) refuse(path, 'has an async codec')
    const codec = changed(schema, { in: inner(def.in).schema, out: inner(def.out).schema })
    return { schema: codec, shape: shapeOf(codec, { codec: true }) }
  }
  const [left, right] = [inner(def.in), inner(def.out)]
  return combined(schema, { in: left.schema, out: right.schema }, [right, left])
}

/** The same schema with other inner schemas. Defaults stay getters, for each session has its own. */
function changed(schema: z.core.$ZodType, changes: object): z.core.$ZodType {
  const properties = {
    ...Object.getOwnPropertyDescriptors(schema._zod.def),
    ...Object.getOwnPropertyDescriptors(changes),
  }
  return z.core.clone(schema, Object.defineProperties({}, properties) as z.core.$ZodTypeDef)
}

/** A schema whose members have paths, unless a check rewrites the container as a whole. */
function container(
  schema: z.core.$ZodType,
  changes: object,
  at: (key: Key) => Shape | undefined,
): Compiled {
  return codecOrContainer(schema, changed(schema, changes), { at })
}

function codecOrContainer(
  schema: z.core.$ZodType,
  compiled: z.core.$ZodType,
  shape: Partial<Shape>,
): Compiled {
  return {
    schema: compiled,
    shape: shapeOf(compiled, isRewritten(schema) ? { codec: true } : shape),
  }
}

/** A schema that leaves it to others what stands at its place. */
function combined(
  schema: z.core.$ZodType,
  changes: object,
  options: readonly Compiled[],
): Compiled {
  const compiled = changed(schema, changes)
  return { schema: compiled, shape: shapeOf(compiled, unite(options.map(option => option.shape))) }
}

/** A schema that is known later, because it contains itself. */
function deferred(resolve: () => Compiled): Compiled {
  let known: Compiled | undefined
  const get = (): Compiled => {
    known ??= resolve()
    return known
  }
  const schema = z.lazy(() => get().schema as z.ZodType)
  const shape = shapeOf(schema, {
    get map() {
      return get().shape.map
    },
    get set() {
      return get().shape.set
    },
    get bigint() {
      return get().shape.bigint
    },
    get codec() {
      return get().shape.codec
    },
    get merge() {
      return get().shape.merge
    },
    at: key => get().shape.at(key),
  })
  return { schema, shape }
}
