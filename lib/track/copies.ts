/**
 * Plain copies of attributes: what is handed out where no recursive proxies are wanted.
 *
 * Nobody sees what is done to a copy. So each one that was handed out is compared with the benchmark
 * when that is asked for, and what differs is written to the tree as if it had been assigned there.
 *
 * @module
 */

import type { Guide } from '../state/guide.js'
import type { Node } from '../state/node.js'
import { ABSENT, Leaf, slotAt, slotsOf, Node as TreeNode } from '../state/node.js'
import { present } from '../state/open.js'
import { hasDecoded, keysOf, memberAt, sourceAt } from '../state/read.js'
import { noteRead, noteReadAll } from '../state/reads.js'
import { reset } from '../state/reset.js'
import { put, remove } from '../state/write.js'
import { importValue, isFresh } from './assign.js'
import { checkKey, checkValue } from './check.js'
import type { Collecting } from './collect.js'
import { collectMember, detached } from './collect.js'
import { isEdit } from './elements.js'
import type { Captured } from './project.js'
import { createProjection } from './project.js'

/** One attribute as the application has it. */
interface Copy {
  readonly value: unknown
  /** Whether the application assigned it, and does not merely have a copy of the benchmark's. */
  readonly assigned: boolean
  /** Whether it was assigned empty where there was nothing, after a look (R18). */
  readonly fresh: boolean
}

const ASSIGNED = { assigned: true, fresh: false }

/** The attributes of a session as plain copies. */
export interface Copies {
  /** An attribute; a copy that stays the same object. `isCandidate`: whether it will be compared. */
  get(name: string, isCandidate: (value: object) => boolean): unknown
  /** Assigns an attribute as one value; `undefined` removes it. */
  assign(name: string, value: unknown): void
  /** Takes `value` for what became of the copy; `undefined` removes the attribute. */
  replace(name: string, value: unknown): void
  has(name: string): boolean
  keys(): string[]
  /** Records what was done to the copies, as {@link Tracking.collect} says. */
  collect(): void
  /** Takes note that what was collected last is the benchmark now. */
  settled(): void
  /** Forgets attributes that are not kept, but for what was done to them since they were collected. */
  drop(names: readonly string[]): void
  /** Makes the copies what the tree says, in place. */
  project(): void
}

/** No proxy sees what is read from a copy, so all that is in it counts as read. */
function noteReadBelow(root: Node, name: string, member: object): void {
  present(root, name, member)
  const node = slotAt(root, name)
  if (node instanceof TreeNode) noteReadAll(node)
}

const presentLeaf = (member: object): unknown => (member instanceof Leaf ? member.handle : member)

/** Hands out the attributes of `root` as plain copies. */
export function createCopies(root: Node): Copies {
  const { tree } = root
  const copies = new Map<string, Copy | undefined>()
  const projection = createProjection(tree)
  const { copiesOf, insertedIn } = projection
  const collecting: Collecting = { tree, copiesOf, insertedIn }
  /** The copies as they were when they were last collected for a commit. */
  let collected: ReadonlyMap<string, Copy | undefined> = new Map()
  /** What those of them were made of that differed from the benchmark. */
  let changed: ReadonlyMap<string, Captured | undefined> = new Map()

  function collectAssigned(name: string, { value, fresh }: Copy): void {
    const item = importValue(root, name, detached(value, root.shape?.at(name)))
    if (item instanceof TreeNode) item.fresh = fresh
    put(root, name, item as never)
  }

  function collectCopy(name: string, { value }: Copy, guide: Guide): void {
    const before = sourceAt(root, name)
    collectMember(collecting, () => root, name, before, value, guide, root.shape?.at(name))
  }

  /** Whether an assigned value was made from the elements of the array in whose place it stands. */
  function isEditOf(name: string, value: unknown): boolean {
    if (!Array.isArray(value)) return false
    try {
      return isEdit(copiesOf, sourceAt(root, name), value)
    } catch {
      // What stands there cannot be read, and is replaced.
      return false
    }
  }

  return {
    get(name, isCandidate) {
      if (copies.has(name)) return copies.get(name)?.value
      const member = memberAt(root, name)
      noteRead(root, name)
      if (typeof member !== 'object' || member === null) return member
      if (!isCandidate(member)) return presentLeaf(member)
      if (tree.reads !== undefined) noteReadBelow(root, name, member)
      const value = projection.copy(member, root.shape?.at(name))
      copies.set(name, { value, assigned: false, fresh: false })
      return value
    },

    assign(name, value) {
      // Assigned to itself, as in `s.flash = s.flash || {}`: it stays what it is.
      if (copies.has(name) && Object.is(value, copies.get(name)?.value)) return
      checkKey(root, name)
      checkValue(root, name, value)
      const fresh = isFresh(root, name, value)
      copies.set(name, value === undefined ? undefined : { value, assigned: true, fresh })
    },

    replace(name, value) {
      copies.set(name, value === undefined ? undefined : { value, assigned: false, fresh: false })
    },

    has: name => (copies.has(name) ? copies.get(name) !== undefined : hasDecoded(root, name)),

    keys() {
      const names = new Set([...keysOf(root), ...copies.keys()])
      return [...names].filter(name => !copies.has(name) || copies.get(name) !== undefined)
    },

    collect() {
      const found: [name: string, copy: Copy, guide: Guide][] = []
      // First everything is checked, then everything is recorded.
      for (const [name, copy] of copies) {
        if (copy === undefined) continue
        checkKey(root, name)
        const guide = copy.assigned
          ? 'anywhere'
          : tree.differencing.compare(name, sourceAt(root, name), copy.value)
        if (guide === undefined) continue
        checkValue(root, name, copy.value)
        found.push([name, copy, guide])
      }
      reset(root)
      tree.adopted = undefined
      for (const [name, copy] of copies) if (copy === undefined) remove(root, name)
      for (const [name, copy, guide] of found) {
        if (copy.assigned && !isEditOf(name, copy.value)) {
          collectAssigned(name, copy)
        } else collectCopy(name, copy, guide)
      }
      // Whoever looks at the changes while a commit is under way takes nothing away from what is to come.
      if (tree.journals.length > 0) return
      collected = new Map(copies)
      changed = new Map(
        found.map(([name, { value }]) => [name, projection.capture(memberAt(root, name), value)]),
      )
    },

    settled() {
      for (const [name, copy] of collected) {
        if (changed.has(name)) projection.link(memberAt(root, name), changed.get(name))
        // What was assigned since then is still to come.
        if (copies.get(name) !== copy) continue
        if (copy === undefined) copies.delete(name)
        else copies.set(name, { ...copy, assigned: false, fresh: false })
      }
    },

    drop(names) {
      for (const name of names) {
        if (copies.get(name)?.value === collected.get(name)?.value) copies.delete(name)
      }
    },

    project() {
      // What was removed from the tree is removed here, whether there was a copy of it or not.
      for (const [name, slot] of slotsOf(root)) {
        if (slot === ABSENT) copies.set(String(name), undefined)
      }
      const used = new Set<unknown>()
      for (const [name, copy] of copies) {
        const member = memberAt(root, name)
        if (typeof member !== 'object' || member === null) {
          // A primitive has no copy, but what was assigned here and not committed yet.
          const isWritten = root.tracked?.has(name) === true
          const written = member === undefined ? undefined : { value: member, ...ASSIGNED }
          if (isWritten) copies.set(name, written)
          else copies.delete(name)
        } else {
          const value = projection.update(member, copy?.value, root.shape?.at(name), used)
          // What others made of it or not: what was assigned here stays one value.
          const assigned = member instanceof TreeNode && member.benchmark === undefined
          copies.set(name, { value, assigned, fresh: assigned && member.fresh })
        }
      }
    },
  }
}
