/**
 * What a commit has to write: client state is compared with the benchmark, validated and encoded.
 *
 * @module
 */

import { calculateObjectSize } from 'bson'
import { SessionTooLargeError } from './errors.js'
import type { LiveSession } from './live.js'
import { differencesOf } from './live.js'
import { snapshotNode } from './state/copy.js'
import type { Node } from './state/node.js'
import { keysOf, memberAt } from './state/read.js'
import type { PlainObject } from './state/value.js'
import { containerKind } from './state/value.js'
import { copyStored, withWidths } from './state/width.js'
import { collapseWrites } from './synchronize/collapse.js'
import { printMark } from './synchronize/marks.js'
import { Outgoing } from './synchronize/outgoing.js'
import type { Write } from './synchronize/plan.js'
import { planWrites } from './synchronize/plan.js'
import { importAdopted } from './track/import.js'

/** What is to be written, and the state it was made from. */
export interface Prepared {
  readonly writes: readonly Write[]
  readonly outgoing: Outgoing
  /** Attributes that the schema does not know. They are dropped, as zod does. */
  readonly dropped: readonly string[]
}

/**
 * Prepares the writes of a commit.
 *
 * @throws {@link UnsupportedValueError}, {@link ValidationError}: nothing has changed then.
 */
export function prepareWrites(live: LiveSession): Prepared {
  const { root, benchmark, context } = live
  const { schema } = context.settings
  importAdopted(root, live.imported)
  const differences = differencesOf(live)
  const known = differences.filter(({ path }) => schema?.knows(String(path[0])) !== false)
  const outgoing = new Outgoing(root, schema)
  const storedAll = (): PlainObject => copyStored(benchmark.storedAll(root)) as PlainObject
  let writes =
    live.cleared !== undefined
      ? [clearingWrite(root, outgoing, benchmark.storedAll(root))]
      : collapseWrites(planWrites(root, known, outgoing), { root, outgoing, storedAll })
  if (writes.length > 0) {
    const written = new Set(writes.map(({ modification }) => modification.path[0]))
    const invalid = [...benchmark.invalid].filter(
      name => live.cleared === undefined && !written.has(name),
    )
    writes = [...writes, ...invalid.map(unsetAttribute)]
    if (schema?.crossChecks === true) schema.check(snapshotNode(root) as PlainObject)
  }
  const names = differences.map(({ path }) => String(path[0]))
  const dropped = names.filter(name => schema?.knows(name) === false)
  return { writes, outgoing, dropped: [...new Set(dropped)] }
}

/** The write that leaves nothing of what is stored but client state as it is now. */
function clearingWrite(root: Node, outgoing: Outgoing, stored: PlainObject): Write {
  const value: PlainObject = {}
  for (const name of keysOf(root)) value[name] = outgoing.valueOf(memberAt(root, name), [name])
  const names = [...new Set([...Object.keys(stored), ...Object.keys(value)])].filter(name => {
    return isContainer(stored[name]) || isContainer(value[name])
  })
  return {
    modification: { op: 'set', path: [], value },
    requires: 'rev',
    raises: names,
    marks: names.map(name => printMark('r', [name])),
  }
}

const isContainer = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && containerKind(value) !== undefined

/** Removes an attribute that does not fit the schema. */
function unsetAttribute(name: string): Write {
  return {
    modification: { op: 'unset', path: [name] },
    requires: 'nothing',
    raises: [name],
    marks: [printMark('r', [name])],
  }
}

/** What all attributes of a session take that is not stored yet: those that are not mere defaults. */
export function prepareData(live: LiveSession): Omit<Prepared, 'writes'> & { data: PlainObject } {
  const { root, initial, context } = live
  const { schema } = context.settings
  importAdopted(root, live.imported)
  const changed = new Set(differencesOf(live).map(({ path }) => String(path[0])))
  const outgoing = new Outgoing(root, schema)
  const data: PlainObject = {}
  if (changed.size > 0) {
    for (const name of keysOf(root)) {
      if (schema?.knows(name) === false || !(changed.has(name) || initial.includes(name))) continue
      data[name] = outgoing.valueOf(memberAt(root, name), [name])
    }
    if (schema?.crossChecks === true) schema.check(snapshotNode(root) as PlainObject)
  }
  return { data, outgoing, dropped: [...changed].filter(name => schema?.knows(name) === false) }
}

/** What the values of `writes` take in BSON, in bytes: more than they add to the document. */
export function sizeOf(writes: readonly Write[]): number {
  return writes.reduce((bytes, { modification }) => {
    const { path } = modification
    if (modification.op === 'unset') return bytes
    const value = modification.op === 'set' ? modification.value : modification.values
    const keys = path.reduce<number>((sum, key) => sum + Buffer.byteLength(String(key)) + 7, 0)
    return bytes + keys + calculateObjectSize({ '': withWidths(value) })
  }, 0)
}

/** Refuses a session that grows beyond the limit. The bound is exact only where it has to be. */
export function checkSize(live: LiveSession, bytes: number, exact: () => number): void {
  const { maxBytes } = live.context.settings
  if (live.knowledge.bytes + bytes <= maxBytes) return
  const size = exact()
  if (size > maxBytes) throw new SessionTooLargeError(size, maxBytes)
  live.knowledge.bytes = size - bytes
}
