/**
 * The benchmark of a session: what a store holds, decoded attribute by attribute when it is touched.
 *
 * @module
 */

import { SessionError, ValidationError } from '../errors.js'
import type { Key } from '../path.js'
import type { Node } from '../state/node.js'
import { PENDING } from '../state/node.js'
import type { PlainObject } from '../state/value.js'
import type { SessionDocument } from './document.js'
import type { SessionSchema } from './schema.js'

/** What becomes of stored data that does not fit the schema. */
export type InvalidPolicy = 'throw' | 'unset' | 'new'

/** A benchmark, and how it is decoded. */
export interface Benchmark {
  /** The attributes as the application reads them; `PENDING` until they are touched. */
  readonly values: PlainObject
  /** The same as they are stored, if a schema decodes them; those that were touched. */
  readonly stored: PlainObject
  /** Attributes that do not fit the schema, to be removed by the next data commit. */
  readonly invalid: Set<string>
  /** Decodes an attribute for the root. */
  resolve(root: Node, attribute: Key): unknown
  /** All attributes, as they are stored. */
  storedAll(root: Node): PlainObject
  /** Takes note that a commit wrote an attribute: what was loaded for it is history. */
  forget(attribute: string): void
}

/**
 * Creates the benchmark of a loaded document, or of a session that is not stored yet.
 *
 * @param data What is stored, if it was not loaded but is known.
 * @param policy What reading an attribute does that does not fit the schema: `'throw'` throws, and
 *   `'unset'` gives what there is without it.
 */
export function createBenchmark(
  document: Pick<SessionDocument, 'reader' | 'attributes'> | undefined,
  schema: SessionSchema | undefined,
  policy: InvalidPolicy,
  data: PlainObject = {},
): Benchmark {
  /** Attributes that were not decoded yet. */
  const loaded = new Map(document?.attributes)
  const invalid = new Set<string>()
  const names = [...loaded.keys(), ...Object.keys(data)]
  const values =
    schema === undefined && document === undefined ? data : pendingAttributes(names, schema)

  function resolveStored(root: Node, attribute: string): unknown {
    const stored = root.stored as PlainObject
    const element = loaded.get(attribute)
    if (document !== undefined && element !== undefined) {
      stored[attribute] = document.reader.decode(element, stored, attribute)
      loaded.delete(attribute)
    }
    return Object.hasOwn(stored, attribute) ? stored[attribute] : undefined
  }

  function decode(root: Node, attribute: string): unknown {
    const stored = resolveStored(root, attribute)
    return schema === undefined ? stored : schema.decode(attribute, stored)
  }

  return {
    values,
    stored: schema === undefined ? values : data,
    invalid,
    resolve(root, key) {
      const attribute = String(key)
      let value: unknown
      try {
        value = decode(root, attribute)
      } catch (error) {
        if (policy === 'throw' || !isInvalid(error)) throw error
        invalid.add(attribute)
        value = schema?.decode(attribute, undefined)
      }
      const source = root.source as PlainObject
      if (value === undefined) delete source[attribute]
      else source[attribute] = value
      return value
    },
    storedAll(root) {
      for (const attribute of [...loaded.keys()]) resolveStored(root, attribute)
      return root.stored as PlainObject
    },
    forget: attribute => void loaded.delete(attribute),
  }
}

/** Whether `error` says that stored data is not what it should be. */
export function isInvalid(error: unknown): boolean {
  return (
    error instanceof ValidationError ||
    (error instanceof SessionError && error.code === 'ERR_INVALID_DOCUMENT')
  )
}

/** The attributes in the order that zod gives them, or else in that of the document. */
function pendingAttributes(
  stored: readonly string[],
  schema: SessionSchema | undefined,
): PlainObject {
  const names =
    schema === undefined
      ? stored
      : [
          ...schema.names.filter(name => stored.includes(name) || schema.defaults.includes(name)),
          ...stored.filter(name => !schema.names.includes(name) && schema.knows(name)),
        ]
  return Object.fromEntries(names.map(name => [name, PENDING]))
}
