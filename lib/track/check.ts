/**
 * Refusing, at the assignment, what BSON would damage silently.
 *
 * @module
 */

import { UnsupportedValueError } from '../errors.js'
import type { Key } from '../path.js'
import { itemOf, Leaf, Node } from '../state/node.js'
import { holds, pathOf } from '../state/place.js'
import { elementsOf, keysOf, memberAt, writtenMembers } from '../state/read.js'
import type { Shape } from '../state/shape.js'
import type { PlainObject } from '../state/value.js'
import { bsonTypeOf, containerKind, importBson } from '../state/value.js'

/** How deep a session may be nested, in levels. */
export const MAX_DEPTH = 64

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Checks that `node` can keep `value` at `key`, with all that is in it.
 *
 * @throws {@link UnsupportedValueError} with the path of the first part that it cannot keep.
 */
export function checkValue(node: Node, key: Key, value: unknown): void {
  const shape = node.shape?.at(key)
  if (typeof value !== 'object') checkPrimitive(node, [key], value, shape)
  else check(walkFrom(node, [key], true), value, shape, false)
}

/**
 * Checks that `stored`, what a codec made of the value of `node` at `key`, comes back from BSON as it
 * goes.
 *
 * @throws {@link UnsupportedValueError} with the path of the first part that does not.
 */
export function checkStored(node: Node, key: Key, stored: unknown): void {
  check(walkFrom(node, [key], true), stored, STORED, false)
}

/** What may stand where no schema decodes any more: all that BSON keeps. */
const STORED: Shape = {
  map: false,
  set: false,
  bigint: true,
  codec: false,
  merge: undefined,
  encode: value => value,
  decode: stored => stored,
  at: () => STORED,
}

/**
 * Checks what may have changed in a session since it was assigned: what callers still hold, and what
 * the application can change in place.
 *
 * @throws {@link UnsupportedValueError} with the path of the first part that it cannot keep.
 */
export function checkWritten(root: Node): void {
  checkMembers(walkFrom(root, [], false), writtenMembers(root), root.shape, true)
}

/**
 * Checks that `node` can have `key`.
 *
 * @throws {@link UnsupportedValueError} for `__proto__`, `_bsontype`, NUL and lone surrogates.
 */
export function checkKey(node: Node, key: string): void {
  const why = refusedKey(key)
  if (why !== undefined) refuse(node, [key], why)
}

function refuse(node: Node, trail: readonly Key[], why: string): never {
  throw new UnsupportedValueError([...pathOf(node), ...trail], why)
}

function refusedKey(key: string): string | undefined {
  if (key === '__proto__') return 'this key would reach a prototype, use another one'
  if (key === '_bsontype') return 'this key is reserved by BSON, use another one'
  if (key.includes('\0') || !key.isWellFormed()) {
    return 'a key cannot hold NUL or a lone surrogate, use another one'
  }
  return undefined
}

/** A walk through what is to be held by a node, as the session sees it. */
interface Walk {
  /** What is to hold it. */
  readonly node: Node
  /** How deep that is, at the deepest of its places. */
  readonly depth: number
  /** Leads from `node` to what is looked at now. It is one array for the whole walk. */
  readonly trail: Key[]
  /** The containers on that way, and those that `node` stands in. */
  readonly inside: object[]
  /** Whether it comes to a new place, where another schema may be, and less room below. */
  readonly moves: boolean
}

const walkFrom = (node: Node, trail: Key[], moves: boolean): Walk => {
  const inside: object[] = []
  return { node, depth: surround(node, inside), trail, inside, moves }
}

/** `trusted`: whether it has been in the session, so that only what can change is looked at. */
function check(walk: Walk, value: unknown, shape: Shape | undefined, trusted: boolean): void {
  // What a codec decoded is the codec's to judge, when the commit encodes it.
  if (typeof value === 'object') {
    if (value === null || shape?.codec === true) return
    checkObject(walk, itemOf(walk.node.tree, value) ?? value, shape, trusted)
  } else if (!trusted) checkPrimitive(walk.node, walk.trail, value, shape)
}

function checkPrimitive(
  node: Node,
  trail: readonly Key[],
  value: unknown,
  shape: Shape | undefined,
): void {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) {
        refuse(node, trail, 'a lone surrogate is not text, repair it first')
      }
      return
    case 'bigint':
      if (shape?.bigint !== true) {
        refuse(node, trail, 'a bigint needs z.bigint() in the schema, or assign a number')
      }
      if (value < MIN_INT64 || value > MAX_INT64) {
        refuse(node, trail, 'a bigint must fit into 64 bits, assign a string')
      }
      return
    case 'function':
    case 'symbol':
      refuse(node, trail, `a ${typeof value} is not data, leave it out`)
  }
}

function checkObject(walk: Walk, item: object, shape: Shape | undefined, trusted: boolean): void {
  const { node, depth, trail, inside, moves } = walk
  if (item instanceof Leaf) return checkLeaf(walk, item.handle)
  const known = item instanceof Node ? item : undefined
  // A container of the benchmark that nobody opened is as it was.
  if (known === undefined && trusted && !moves) return
  if (inside.includes(item)) refuse(node, trail, 'it would contain itself, keep an id instead')
  const kind = known?.kind ?? containerKind(item)
  if (kind === undefined) return trusted ? undefined : checkLeaf(walk, item)
  if ((kind === 'map' || kind === 'set') && shape?.[kind] !== true) {
    const instead = kind === 'map' ? 'z.map() or assign an object' : 'z.set() or assign an array'
    refuse(node, trail, `a ${kind} would be stored empty, let the schema say ${instead}`)
  }
  const level = depth + trail.length
  if (level > MAX_DEPTH)
    refuse(node, trail.slice(0, 4), `it has more than ${MAX_DEPTH} levels, keep it flatter`)
  const same = known !== undefined && !known.adopted && (!moves || known.shape === shape)
  const whole = !same || (moves && level > depthOf(known))
  if (!whole && known.tracked === undefined && known.items === undefined) return
  inside.push(item)
  if (known === undefined) {
    checkPlain(walk, item, shape, trusted)
  } else if (known.adopted) {
    checkPlain(walk, known.source, shape, false)
  } else {
    checkMembers(walk, whole ? membersOf(known) : writtenMembers(known), shape, same)
  }
  inside.pop()
}

function checkMembers(
  walk: Walk,
  members: Iterable<readonly [Key, unknown]>,
  shape: Shape | undefined,
  trusted: boolean,
): void {
  for (const [key, member] of members) checkMember(walk, key, member, shape, trusted)
}

function checkMember(
  walk: Walk,
  key: Key,
  member: unknown,
  shape: Shape | undefined,
  trusted: boolean,
): void {
  const { node, trail } = walk
  trail.push(key)
  const why = typeof key === 'string' ? refusedKey(key) : undefined
  if (why !== undefined) refuse(node, trail, why)
  check(walk, member, shape?.at(key), trusted)
  trail.pop()
}

/** Checks a container that is no node's own. Its members are looked at where they are: it may be large. */
function checkPlain(
  walk: Walk,
  container: object,
  shape: Shape | undefined,
  trusted: boolean,
): void {
  const { node, trail } = walk
  const symbols = Object.getOwnPropertySymbols(container)
  if (symbols.some(symbol => Object.prototype.propertyIsEnumerable.call(container, symbol))) {
    refuse(node, trail, 'keys that are symbols are not kept, use strings')
  }
  if (Array.isArray(container)) {
    const last = Object.keys(container).at(-1)
    // Names come after indexes, so the last key tells.
    if (last !== undefined && !/^\d+$/.test(last)) {
      refuse(node, [...trail, last], 'an array keeps only its elements, use an object for names')
    }
    for (let index = 0; index < container.length; index++) {
      checkMember(walk, index, container[index], shape, trusted)
    }
  } else if (container instanceof Map) {
    if (![...container.keys()].every(key => typeof key === 'string')) {
      refuse(node, trail, 'the keys of a Map must be strings')
    }
    checkMembers(walk, container, shape, trusted)
  } else if (container instanceof Set) {
    checkMembers(walk, [...container].entries(), shape, trusted)
  } else {
    if (Object.hasOwn(container, Symbol.iterator)) {
      refuse(node, trail, 'it is a list that is no array, spread it into one')
    }
    for (const key of Object.keys(container)) {
      checkMember(walk, key, (container as PlainObject)[key], shape, trusted)
    }
  }
}

/** All that is in a node. */
function membersOf(node: Node): Iterable<[Key, unknown]> {
  if (node.kind === 'array' || node.kind === 'set') return elementsOf(node).entries()
  return keysOf(node).map(key => [key, memberAt(node, key)])
}

function checkLeaf({ node, trail }: Walk, value: object): void {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) {
      refuse(node, trail, 'an invalid Date would be stored as 1970, check it first')
    }
    return
  }
  if (value instanceof Uint8Array) return
  const type = bsonTypeOf(value)
  if (type !== undefined && isImportable(value, type)) return
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
  refuse(
    node,
    trail,
    `${typeof name === 'string' ? `an instance of ${name}` : 'this object'} would not come back as it is, assign plain data or say a codec in the schema`,
  )
}

/** Whether what says that it is a BSON value can be kept as one. */
function isImportable(value: object, type: string): boolean {
  try {
    return importBson(value, type) !== undefined
  } catch {
    return false
  }
}

/** Adds `node` and all that it stands in to `inside`; gives how deep it stands. */
function surround(node: Node, inside: object[]): number {
  inside.push(node)
  return depthBelow(node, holder => surround(holder, inside))
}

/** How deep `node` stands below the root, at the deepest of its places. */
const depthOf = (node: Node): number => depthBelow(node, depthOf)

function depthBelow(node: Node, depthOfHolder: (holder: Node) => number): number {
  const { parent, key, elsewhere } = node
  let depth = 0
  if (parent !== undefined && holds(parent, key, node)) depth = depthOfHolder(parent) + 1
  if (elsewhere === undefined) return depth
  for (const [holder, keys] of elsewhere) {
    if ([...keys].some(each => holds(holder, each, node))) {
      depth = Math.max(depth, depthOfHolder(holder) + 1)
    }
  }
  return depth
}
