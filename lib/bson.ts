/**
 * Decoding BSON where it is touched: one scan finds the elements of a document, and each is decoded
 * by itself (https://bsonspec.org/spec.html).
 *
 * Other than the driver's decoder, this one refuses what a session cannot keep (`__proto__`, a
 * duplicate key, documents that are too deep), gives bytes as a Buffer and an int64 beyond the safe
 * range as a bigint, and notes numbers that are stored wider than JavaScript would store them.
 *
 * @module
 */

import { deserialize, ObjectId } from 'bson'
import { internKey, isDamaged } from './bson-text.js'
import { InvalidDocumentError } from './errors.js'
import type { Key } from './path.js'
import type { PlainObject } from './state/value.js'
import { noteWidth } from './state/width.js'

/** One element of a document: its type byte, and where its value is, in bytes. */
export interface Element {
  readonly type: number
  readonly start: number
  readonly end: number
}

/** One value, in the bytes that hold it. */
export interface RawValue {
  readonly reader: BsonReader
  readonly element: Element
}

/** An element, and where its name is, in bytes. */
export interface NamedElement extends Element {
  readonly nameStart: number
  readonly nameEnd: number
}

/** The depth at which decoding gives up, in levels. */
const MAX_DEPTH = 64

const DOUBLE = 0x01
const STRING = 0x02
const DOCUMENT = 0x03
const ARRAY = 0x04
const BINARY = 0x05
const OBJECT_ID = 0x07
const BOOLEAN = 0x08
const DATE = 0x09
const NULL = 0x0a
const INT32 = 0x10
const INT64 = 0x12
const REGULAR_EXPRESSION = 0x0b

/** Sizes of values that have always the same, in bytes, by type; -1 for all others. */
const FIXED_SIZES = sizes({ 1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16 })
FIXED_SIZES[0x7f] = FIXED_SIZES[0xff] = 0

/** What values take beyond the length that they begin with, in bytes, by type; -1 for all others. */
const EXTRA_SIZES = sizes({ 2: 4, 3: 0, 4: 0, 5: 5, 12: 16, 13: 4, 14: 4, 15: 0 })

function sizes(known: Record<number, number>): Int8Array {
  const table = new Int8Array(256).fill(-1)
  for (const [type, size] of Object.entries(known)) table[Number(type)] = size
  return table
}

/** Whether an element of this type is a document. */
export const isDocumentType = (type: number): boolean => type === DOCUMENT

/** Whether an element of this type is an array. */
export const isArrayType = (type: number): boolean => type === ARRAY

/** Reads the elements of one BSON document. It holds on to the bytes, which must not change. */
export class BsonReader {
  readonly bytes: Buffer
  readonly #view: DataView
  /** The keys of the containers that lead to what is decoded now, for messages. */
  readonly #trail: Key[] = []

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /**
   * Finds the elements of the document at `start`, without decoding their values.
   *
   * @throws {@link InvalidDocumentError} if the bytes are no BSON document, or have a key twice.
   */
  scan(start = 0): Map<string, Element> {
    const elements = new Map<string, Element>()
    const last = this.#lastOf(start, this.bytes.length)
    for (let at = start + 4; at < last; ) {
      const type = this.bytes[at] as number
      const nameEnd = this.#nameEnd(at + 1, last)
      const key = this.#text(at + 1, nameEnd)
      const end = this.#valueEnd(type, nameEnd + 1, last)
      if (elements.has(key)) this.#fail('holds a key twice', key)
      this.#checkKey(key)
      elements.set(key, { type, start: nameEnd + 1, end })
      at = end
    }
    return elements
  }

  /**
   * The elements of the document at `start`, one after another, without decoding anything.
   *
   * @throws {@link InvalidDocumentError} if the bytes are no BSON document.
   */
  *elements(start: number): Generator<NamedElement, undefined> {
    const last = this.#lastOf(start, this.bytes.length)
    for (let at = start + 4; at < last; ) {
      const type = this.bytes[at] as number
      const nameEnd = this.#nameEnd(at + 1, last)
      const end = this.#valueEnd(type, nameEnd + 1, last)
      yield { type, nameStart: at + 1, nameEnd, start: nameEnd + 1, end }
      at = end
    }
  }

  /** The element of the document at `start` that has this name; of an array, that at this position. */
  find(start: number, key: Key): Element | undefined {
    if (typeof key === 'string') return this.scan(start).get(key)
    let index = 0
    for (const element of this.elements(start)) if (index++ === key) return element
    return undefined
  }

  /** The name of an element. */
  nameOf({ nameStart, nameEnd }: NamedElement): string {
    return this.#text(nameStart, nameEnd)
  }

  /**
   * Decodes one element, to become the member of `container` at `key`.
   *
   * @throws {@link InvalidDocumentError} for what a session cannot keep; its path begins with `key`.
   */
  decode(element: Element, container: object, key: string): unknown {
    this.#trail.length = 0
    return this.#member(container, key, element.type, element.start, element.end)
  }

  #container(type: number, start: number, limit: number): PlainObject | unknown[] {
    const { bytes } = this
    if (this.#trail.length > MAX_DEPTH) this.#fail('is nested too deep')
    const last = this.#lastOf(start, limit)
    const container: PlainObject | unknown[] = type === ARRAY ? [] : {}
    let count = 0
    for (let at = start + 4; at < last; count++) {
      const inner = bytes[at] as number
      const nameEnd = this.#nameEnd(at + 1, last)
      const key = type === ARRAY ? count : internKey(bytes, at + 1, nameEnd)
      if (key === undefined) this.#fail('has a key that is no UTF-8 text')
      const valueStart = nameEnd + 1
      const end = this.#valueEnd(inner, valueStart, last)
      if (typeof key === 'string') this.#checkKey(key)
      ;(container as PlainObject)[key] = this.#member(container, key, inner, valueStart, end)
      at = end
    }
    if (type === DOCUMENT && Object.keys(container).length !== count)
      this.#fail('holds a key twice')
    return container
  }

  #member(container: object, key: Key, type: number, start: number, end: number): unknown {
    switch (type) {
      case INT32:
        return this.#view.getInt32(start, true)
      case DOUBLE: {
        const number = this.#view.getFloat64(start, true)
        // This is how bson tells what it would store as an int32.
        if ((number | 0) === number && !Object.is(number, -0)) noteWidth(container, key, 'double')
        return number
      }
      case INT64: {
        const integer = this.#view.getBigInt64(start, true)
        const number = Number(integer)
        if (!Number.isSafeInteger(number)) return integer
        noteWidth(container, key, 'int64')
        return number
      }
      case DOCUMENT:
      case ARRAY: {
        this.#trail.push(key)
        const inner = this.#container(type, start, end)
        this.#trail.pop()
        return inner
      }
      default:
        return this.#leaf(type, start, end, key)
    }
  }

  #leaf(type: number, start: number, end: number, key: Key): unknown {
    const { bytes } = this
    switch (type) {
      case STRING:
        if (bytes[end - 1] !== 0) this.#fail('is cut short', key)
        return this.#text(start + 4, end - 1, key)
      case BOOLEAN:
        return bytes[start] === 1
      case NULL:
        return null
      case DATE: {
        const date = new Date(Number(this.#view.getBigInt64(start, true)))
        if (Number.isNaN(date.getTime())) this.#fail('is a Date beyond those of JavaScript', key)
        return date
      }
      case OBJECT_ID:
        return new ObjectId(bytes.subarray(start, end))
      case BINARY:
        if (bytes[start + 4] === 0) return Buffer.from(bytes.subarray(start + 5, end))
        return this.#rare(type, start, end, key)
      default:
        return this.#rare(type, start, end, key)
    }
  }

  /** Types that hardly any session holds are left to the bson package. */
  #rare(type: number, start: number, end: number, key: Key): unknown {
    const size = end - start
    const document = Buffer.alloc(size + 7)
    document.writeInt32LE(size + 7)
    document[4] = type
    this.bytes.copy(document, 6, start, end)
    try {
      const { '': value } = deserialize(document, { bsonRegExp: true, promoteValues: false })
      return value ?? null
    } catch {
      return this.#fail('is of a type that cannot be decoded', key)
    }
  }

  /** Offset of the byte that ends the document at `start`. */
  #lastOf(start: number, limit: number): number {
    const size = start + 5 <= limit ? this.#view.getInt32(start, true) : 0
    const end = start + size
    if (size < 5 || end > limit || this.bytes[end - 1] !== 0) this.#fail('is cut short')
    return end - 1
  }

  #nameEnd(start: number, last: number): number {
    const { bytes } = this
    let at = start
    while (at < last && bytes[at] !== 0) at++
    if (at >= last) this.#fail('is cut short')
    return at
  }

  /** Offset of the first byte after a value. */
  #valueEnd(type: number, start: number, last: number): number {
    const end = start + this.#sizeOf(type, start, last)
    if (end > last) this.#fail('is cut short')
    return end
  }

  #sizeOf(type: number, start: number, last: number): number {
    const fixed = FIXED_SIZES[type] as number
    if (fixed >= 0) return fixed
    if (type === REGULAR_EXPRESSION) {
      return this.#nameEnd(this.#nameEnd(start, last) + 1, last) + 1 - start
    }
    const extra = EXTRA_SIZES[type] as number
    if (extra < 0) this.#fail('has a type that BSON does not know')
    const length = start + 4 <= last ? this.#view.getInt32(start, true) : -1
    // Strings count their final NUL, documents their own length field.
    if (length < (extra === 4 ? 1 : 0) || length > last - start) this.#fail('is cut short')
    return length + extra
  }

  #text(start: number, end: number, key?: Key): string {
    const text = this.bytes.toString('utf8', start, end)
    if (isDamaged(text, this.bytes, start, end)) this.#fail('is no UTF-8 text', key)
    return text
  }

  /** Refuses keys that no session can have: nobody could read them, or write them back. */
  #checkKey(key: string): void {
    if (key.charCodeAt(0) !== 0x5f) return
    if (key === '__proto__') this.#fail('has a key that would reach a prototype', key)
    if (key === '_bsontype') this.#fail('has a key that BSON takes for a type', key)
  }

  #fail(what: string, key?: Key): never {
    throw new InvalidDocumentError(
      key === undefined ? [...this.#trail] : [...this.#trail, key],
      what,
    )
  }
}
