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
import type { PlainObject } from '../state/value.js'
import { graphDifferencing } from './graph.js'

/** Finds the bytes of the benchmark at a path; undefined if they are not what is stored any more. */
export type FindRaw = (path: Path) => RawValue | undefined

/**
 * Creates binary differencing for a session. What a schema decoded is not what is stored, so that its bytes
 * tell nothing: a class may keep all it has in private. There, graphs are compared.
 */
export function binaryDifferencing(tree: Tree, findRaw: FindRaw): Differencing {
  if (!tree.tied) return graphDifferencing(tree)
  /** Where the two differ; undefined if nowhere. What is absent, or no container, has no bytes worth it. */
  function difference(path: Path, before: unknown, item: unknown): Guide | undefined {
    if (!isObject(before) || !isObject(item)) {
      return equalsItem(tree, before, item) ? undefined : 'anywhere'
    }
    try {
      return compareValues(tree, findRaw(path) ?? encode(before), encode(copyValue(item, tree)))
    } catch {
      // What cannot be encoded is no equal, and is refused with its path by whoever looks at it.
      return 'anywhere'
    }
  }
  return {
    equal: (before, item, path) => difference(path, before, item) === undefined,
    compare: (attribute, before, copy) => difference([attribute], before, copy),
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The bytes of a value, as bson encodes it now. */
function encode(value: unknown): RawValue {
  const reader = new BsonReader(serialized({ '': value }))
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

/**
 * Walks two documents in step, as long as they have the same names; then compares by name. Arrays are
 * compared by position, whatever names somebody gave to the elements.
 */
function compareMembers(tree: Tree, a: RawValue, b: RawValue, isArray: boolean): Guide | undefined {
  const found = new Map<Key, Guide>()
  const ours = a.reader.elements(a.element.start)
  const theirs = b.reader.elements(b.element.start)
  for (let index = 0; ; index++) {
    const [one, two] = [ours.next().value, theirs.next().value]
    if (one === undefined && two === undefined) return found.size === 0 ? undefined : found
    if (isArray) {
      // An array that is longer or shorter now differs, even if all that both have is the same.
      if (one === undefined || two === undefined) return found
    } else if (
      one === undefined ||
      two === undefined ||
      !haveSameName(a.reader, one, b.reader, two)
    ) {
      return compareByName(tree, a, b)
    }
    const inner = compareValues(
      tree,
      { reader: a.reader, element: one },
      { reader: b.reader, element: two },
    )
    if (inner !== undefined) found.set(isArray ? index : a.reader.nameOf(one), inner)
  }
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
