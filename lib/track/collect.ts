/**
 * From a plain copy to write accesses: what differs from the benchmark is written to the tree, as the
 * application would have done through handles.
 *
 * @module
 */

import type { Key } from '../path.js'
import { copyValue } from '../state/copy.js'
import { equalLeaves, equalsItem } from '../state/equal.js'
import type { Guide } from '../state/guide.js'
import { guideAt } from '../state/guide.js'
import type { Item, Tree } from '../state/node.js'
import { type Node, slotAt } from '../state/node.js'
import { present } from '../state/open.js'
import { elementAt, memberAt } from '../state/read.js'
import type { Shape } from '../state/shape.js'
import type { Container, PlainObject } from '../state/value.js'
import { containerKind } from '../state/value.js'
import { remove, rewrite } from '../state/write.js'
import { assign, assignElement, importValue } from './assign.js'
import type { Copies, InsertedCopies } from './elements.js'
import { haveMoved, isAnother, isReplaced, placesFor, placesOf } from './elements.js'

/** What collecting goes by. */
export interface Collecting {
  readonly tree: Tree
  /** The copies of the elements of the benchmark's arrays. */
  readonly copiesOf: Copies
  readonly insertedIn: InsertedCopies
}

/** Gives the node of the container that is looked at; it is opened only if something differs. */
type Open = () => Node

/**
 * Writes to the node that `open` gives, at `key`, what makes it equal to `copy`.
 *
 * @param before What the benchmark has there.
 * @param guide Where the two may differ.
 * @param shape What the schema says about the place: below a codec, nothing has a place of its own.
 */
export function collectMember(
  collecting: Collecting,
  open: Open,
  key: Key,
  before: unknown,
  copy: unknown,
  guide: Guide,
  shape?: Shape,
): void {
  if (Object.is(before, copy)) return
  const isDecoded = shape?.codec === true
  if (copy === undefined) {
    if (before !== undefined) remove(open(), key)
  } else if (
    !isDecoded &&
    isSameKind(before, copy) &&
    !isReplaced(collecting.copiesOf, before, copy)
  ) {
    const child = (): Node => childAt(open(), key)
    collectContainer(collecting, child, before as Container, copy, guide, shape)
  } else if (
    isDecoded
      ? !equalsItem(collecting.tree, before, copy, undefined, shape)
      : !areEqualLeaves(before, copy)
  ) {
    const node = open()
    if (node.kind === 'array') assignElement(node, key as number, detached(copy, shape))
    else assign(node, key as string, detached(copy, shape))
  }
}

function collectContainer(
  collecting: Collecting,
  open: Open,
  before: Container,
  copy: Container,
  guide: Guide,
  shape: Shape | undefined,
): void {
  if (Array.isArray(before)) {
    collectElements(collecting, open, before, copy as unknown[], guide, shape)
  } else if (before instanceof Set) collectSet(open, before, copy as Set<unknown>)
  else {
    for (const key of keysToCompare(before, copy as PlainObject, guide)) {
      const [was, is] = [memberOf(before, key), memberOf(copy as PlainObject, key)]
      const inner = guideAt(guide, key) ?? 'anywhere'
      collectMember(collecting, open, key, was, is, inner, shape?.at(key))
    }
  }
}

function keysToCompare(
  before: PlainObject | Map<string, unknown>,
  copy: PlainObject | Map<string, unknown>,
  guide: Guide,
): Iterable<string> {
  if (guide !== 'anywhere') return guide.keys() as Iterable<string>
  return new Set([...keysOfPlain(before), ...keysOfPlain(copy)])
}

const keysOfPlain = (container: PlainObject | Map<string, unknown>): Iterable<string> =>
  container instanceof Map ? container.keys() : Object.keys(container)

function memberOf(container: PlainObject | Map<string, unknown>, key: string): unknown {
  if (container instanceof Map) return container.get(key)
  return Object.hasOwn(container, key) ? container[key] : undefined
}

function collectElements(
  collecting: Collecting,
  open: Open,
  before: unknown[],
  copy: unknown[],
  guide: Guide,
  shape: Shape | undefined,
): void {
  const { copiesOf, insertedIn } = collecting
  const inserted = insertedIn.get(before)
  if (
    copy.length < before.length ||
    haveMoved(copiesOf, before, copy) ||
    (inserted !== undefined && copy.slice(before.length).some(element => inserted.has(element)))
  ) {
    return rewriteElements(collecting, open, before, copy, shape)
  }
  const copies = copiesOf.get(before)
  for (let index = 0; index < before.length; index++) {
    const inner = guideAt(guide, index)
    if (inner === undefined) continue
    const [was, is] = [before[index] ?? null, copy[index] ?? null]
    // Written leaf by leaf, it could mix with what another server writes to the one that was there.
    if (isAnother(copies, before, index, is)) {
      assignElement(open(), index, detached(is, shape?.at(index)))
    } else collectMember(collecting, open, index, was, is, inner, shape?.at(index))
  }
  for (let index = before.length; index < copy.length; index++) {
    assignElement(open(), index, detached(copy[index] ?? null, shape?.at(index)))
  }
}

/** Writes an array whose elements moved or left: those of the benchmark stay the same nodes. */
function rewriteElements(
  collecting: Collecting,
  open: Open,
  before: unknown[],
  copy: unknown[],
  shape: Shape | undefined,
): void {
  const node = open()
  const places = placesOf(collecting.copiesOf, before)
  const taken = new Set<number>()
  const items = copy.map((element, index): Item => {
    const place = placesFor(places, element)?.find(each => !taken.has(each))
    const inner = shape?.at(index)
    const imported = (): Item => importValue(node, index, detached(element ?? null, inner))
    if (place === undefined) return imported()
    taken.add(place)
    const child = (): Node => childAt(node, place)
    const was = before[place]
    if (inner?.codec === true) {
      if (!equalsItem(collecting.tree, was, element, undefined, inner)) {
        return imported()
      }
    } else if (isSameKind(was, element)) {
      collectContainer(collecting, child, was as Container, element, 'anywhere', inner)
    } else if (!Object.is(was ?? null, element ?? null) && !areEqualLeaves(was, element)) {
      return imported()
    }
    return elementAt(node, place) as Item
  })
  rewrite(node, items)
  const inserted = collecting.insertedIn.get(before)
  node.inserted = inserted && new Set(items.filter((_, index) => inserted.has(copy[index])))
}

function collectSet(open: Open, before: Set<unknown>, copy: Set<unknown>): void {
  const node = open()
  const known = [...before]
  const items = Array.from(copy, (member, index): Item => {
    const place = known.findIndex(each => Object.is(each, member) || areEqualLeaves(each, member))
    if (place >= 0) return known[place] as Item
    return importValue(node, index, detached(member, node.shape?.at(index)))
  })
  if (items.length !== before.size || items.some(item => !before.has(item))) rewrite(node, items)
}

/**
 * What the tree gets of a value that the application assigned: it keeps that, changes it in place, and may
 * have it at two places, each of which is written by itself.
 */
export const detached = (value: unknown, shape: Shape | undefined): unknown =>
  copyValue(value, undefined, shape)

/** The node of the container that `node` has at `key`. */
function childAt(node: Node, key: Key): Node {
  const item = typeof key === 'number' ? elementAt(node, key) : memberAt(node, key)
  present(node, key, item)
  return (Array.isArray(node.items) ? node.items[key as number] : slotAt(node, key)) as Node
}

function isSameKind(before: unknown, copy: unknown): copy is Container {
  if (typeof before !== 'object' || before === null) return false
  if (typeof copy !== 'object' || copy === null) return false
  const kind = containerKind(copy)
  return kind !== undefined && kind === containerKind(before)
}

const areEqualLeaves = (before: unknown, copy: unknown): boolean =>
  typeof before === 'object' &&
  before !== null &&
  typeof copy === 'object' &&
  copy !== null &&
  containerKind(copy) === undefined &&
  equalLeaves(before, copy)
