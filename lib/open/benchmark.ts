/**
 * The benchmark of a session: what a store holds, decoded attribute by attribute when it is touched.
 *
 * @module
 */

import type { Element, RawValue } from '../bson.js'
import { SessionError, ValidationError } from '../errors.js'
import type { Key, Path } from '../path.js'
import type { Node } from '../state/node.js'
import { PENDING, slotAt } from '../state/node.js'
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
  /** Stored attributes that do not fit and read as absent, to be removed by the next data commit. */
  readonly invalid: ReadonlySet<string>
  /** Decodes an attribute for the root. */
  resolve(root: Node, attribute: Key): unknown
  /** All attributes, as they are stored. */
  storedAll(root: Node): PlainObject
  /** The bytes at a path as they were loaded; undefined if they are not there, or history. */
  rawAt(path: Path): RawValue | undefined
  /** Takes note that a commit wrote in an attribute: what was loaded for it is history. */
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
  /** Attributes that are stored as they were loaded. */
  const raw = new Map(document?.attributes)
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

  /** Takes an attribute that does not fit for absent; gives its default, if it has one. */
  function unset(root: Node, attribute: string): unknown {
    const stored = root.stored as PlainObject
    if (loaded.delete(attribute) || Object.hasOwn(stored, attribute)) invalid.add(attribute)
    delete stored[attribute]
    return schema?.required.includes(attribute) === false
      ? schema.decode(attribute, undefined)
      : undefined
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
        if (!isInvalid(error)) throw error
        // Written over without a look, it need not be readable: that is how to mend it.
        if (slotAt(root, attribute) !== undefined) {
          ;(root.stored as PlainObject)[attribute] ??= null
          return undefined
        }
        if (policy === 'throw') throw error
        value = unset(root, attribute)
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
    rawAt([attribute, ...path]) {
      const found = raw.get(String(attribute))
      if (document === undefined || found === undefined) return undefined
      const { reader } = document
      const element = path.reduce<Element | undefined>(
        (inner, key) => inner && reader.find(inner.start, key),
        found,
      )
      return element && { reader, element }
    },
    forget(attribute) {
      raw.delete(attribute)
      loaded.delete(attribute)
      invalid.delete(attribute)
    },
  }
}

/** Whether `error` says that stored data is not what it should be. */
export function isInvalid(error: unknown): boolean {
  return (
    error instanceof ValidationError ||
    (error instanceof SessionError && error.code === 'ERR_INVALID_DOCUMENT')
  )
}

/**
 * The attributes in the order that zod gives them, or else in that of the document. With those of which
 * nothing is stored although they have a default, or are required.
 */
function pendingAttributes(
  stored: readonly string[],
  schema: SessionSchema | undefined,
): PlainObject {
  const names =
    schema === undefined
      ? stored
      : [
          ...schema.names.filter(name => stored.includes(name) || schema.isImplied(name)),
          ...stored.filter(name => !schema.names.includes(name) && schema.knows(name)),
        ]
  return Object.fromEntries(names.map(name => [name, PENDING]))
}
