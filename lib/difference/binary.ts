/**
 * Binary differencing: compares BSON bytes, the benchmark's as they were loaded with the candidate's as
 * they are encoded now. What is the same in both is skipped by one comparison of memory, and only
 * what differs is decoded.
 *
 * @module
 */

import { calculateObjectSize, serializeWithBufferAndIndex } from 'bson'
import type { Element, NamedElement, RawValue } from '../bson.js'
import { BsonReader, isArrayType, isDocumentType } from '../bson.js'
import type { Key, Path } from '../path.js'
import { copyValue } from '../state/copy.js'
import type { Differencing } from '../state/differencing.js'
import { equalsItem } from '../state/equal.js'
import type { Guide } from '../state/guide.js'
import type { Tree } from '../state/node.js'
import type { Shape } from '../state/shape.js'
import { shapeAt } from '../state/shape.js'
import type { PlainObject } from '../state/value.js'
import { containerKind } from '../state/value.js'

/** Finds the bytes of the benchmark at a path; undefined if they are not what is stored any more. */
export type FindRaw = (path: Path) => RawValue | undefined

/** Creates binary differencing for a session. */
export function binaryDifferencing(tree: Tree, findRaw: FindRaw): Differencing {
  const rawOf = (path: Path, before: unknown): RawValue =>
    (tree.tied ? findRaw(path) : undefined) ?? encode(tree, before)
  return {
    equal(before, item, path) {
      if (isOpaque(shapeAt(tree.root.shape, path))) return equalsItem(tree, before, item)
      // What is absent, or no container, has no bytes worth a comparison.
      if (!isObject(before) || !isObject(item)) return equalsItem(tree, before, item)
      return (
        compareValues(tree, rawOf(path, before), encode(tree, copyValue(item, tree))) === undefined
      )
    },
    compare(attribute, before, copy) {
      const path = [attribute]
      if (isOpaque(shapeAt(tree.root.shape, path)) || !isObject(before) || !isObject(copy)) {
        return equalsItem(tree, before, copy) ? undefined : 'anywhere'
      }
      try {
        return compareValues(tree, rawOf(path, before), encode(tree, copy))
      } catch {
        // What cannot be encoded is no equal, and is refused with its path by whoever looks at it.
        return 'anywhere'
      }
    },
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Whether bytes do not tell what the application has there. */
const isOpaque = (shape: Shape | undefined): boolean => shape?.codec === true

/** The bytes of a value, as bson encodes it now. */
function encode(tree: Tree, value: unknown): RawValue {
  const reader = new BsonReader(serialized({ '': tree.tied ? value : encodable(value) }))
  return { reader, element: reader.scan().get('') as Element }
}

/** Two pieces of memory in turn, for two values are compared at a time: to encode costs no memory then. */
const SCRATCH: Uint8Array[] = [new Uint8Array(2 ** 16), new Uint8Array(2 ** 16)]
let turn = 0

/** A function is no data: encoded, it is a difference, and refused with its path. */
const OPTIONS = { ignoreUndefined: true, serializeFunctions: true }

/** The bytes of a document. They are good until the next but one. */
function serialized(document: PlainObject): Uint8Array {
  turn = 1 - turn
  const scratch = SCRATCH[turn] as Uint8Array
  try {
    const last = serializeWithBufferAndIndex(document, scratch, OPTIONS)
    return scratch.subarray(0, last + 1)
  } catch (error) {
    const size = calculateObjectSize(document, OPTIONS)
    if (!(error instanceof RangeError) || size <= scratch.length) throw error
    SCRATCH[turn] = new Uint8Array(2 * size)
    turn = 1 - turn
    return serialized(document)
  }
}

/** A schema may have Sets, of which bson would make empty objects. */
function encodable(value: unknown): unknown {
  if (!isObject(value)) return value
  switch (containerKind(value)) {
    case 'set':
      return Array.from(value as Set<unknown>, encodable)
    case 'array':
      return (value as unknown[]).map(encodable)
    case 'map':
      return encodable(Object.fromEntries(value as Map<string, unknown>))
    case 'object':
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, encodable(each)]))
    default:
      return value
  }
}

/** Where two values differ; undefined if nowhere. */
function compareValues(tree: Tree, a: RawValue, b: RawValue): Guide | undefined {
  if (haveSameBytes(a, b)) return undefined
  const isArray = isArrayType(a.element.type)
  if (a.element.type !== b.element.type) return compareLeaves(tree, a, b)
  if (isArray || isDocumentType(a.element.type)) return compareMembers(tree, a, b, isArray)
  return compareLeaves(tree, a, b)
}

function haveSameBytes(a: RawValue, b: RawValue): boolean {
  const { type, start, end } = a.element
  const other = b.element
  if (type !== other.type || end - start !== other.end - other.start) return false
  return a.reader.bytes.compare(b.reader.bytes, other.start, other.end, start, end) === 0
}

/** Numbers are the same whatever their width, and so on: that takes a look at the values. */
function compareLeaves(tree: Tree, a: RawValue, b: RawValue): Guide | undefined {
  const [before, after] = [decode(a), decode(b)]
  return equalsItem(tree, before, after) ? undefined : 'anywhere'
}

const decode = ({ reader, element }: RawValue): unknown => reader.decode(element, {}, '')

/** Walks two documents in step, as long as they have the same names; then compares by name. */
function compareMembers(tree: Tree, a: RawValue, b: RawValue, isArray: boolean): Guide | undefined {
  const found = new Map<Key, Guide>()
  const ours = a.reader.elements(a.element.start)
  const theirs = b.reader.elements(b.element.start)
  let inStep = true
  for (let index = 0; ; index++) {
    const [one, two] = [ours.next().value, theirs.next().value]
    if (one === undefined && two === undefined) break
    if (one === undefined || two === undefined || !haveSameName(a.reader, one, b.reader, two)) {
      inStep = false
      break
    }
    const inner = compareValues(
      tree,
      { reader: a.reader, element: one },
      { reader: b.reader, element: two },
    )
    if (inner !== undefined) found.set(isArray ? index : a.reader.nameOf(one), inner)
  }
  // An array that is longer or shorter now differs, even if all that both have is the same.
  if (!inStep && isArray) return found
  if (!inStep) return compareByName(tree, a, b)
  return found.size === 0 ? undefined : found
}

function haveSameName(
  reader: BsonReader,
  one: NamedElement,
  other: BsonReader,
  two: NamedElement,
): boolean {
  if (one.nameEnd - one.nameStart !== two.nameEnd - two.nameStart) return false
  const { bytes } = reader
  return bytes.compare(other.bytes, two.nameStart, two.nameEnd, one.nameStart, one.nameEnd) === 0
}

function compareByName(tree: Tree, a: RawValue, b: RawValue): Guide | undefined {
  const found = new Map<Key, Guide>()
  const ours = a.reader.scan(a.element.start)
  const theirs = b.reader.scan(b.element.start)
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [one, two] = [ours.get(name), theirs.get(name)]
    const inner =
      one === undefined || two === undefined
        ? 'anywhere'
        : compareValues(
            tree,
            { reader: a.reader, element: one },
            { reader: b.reader, element: two },
          )
    if (inner !== undefined) found.set(name, inner)
  }
  return found.size === 0 ? undefined : found
}
