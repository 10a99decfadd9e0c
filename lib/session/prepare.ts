/**
 * What a commit has to write: client state is compared with the benchmark, validated and encoded.
 *
 * @module
 */

import { calculateObjectSize } from 'bson'
import { SessionTooLargeError } from '../errors.js'
import type { Modification } from '../modification.js'
import { contentKey } from '../modification.js'
import { applyModification } from '../state/apply.js'
import { snapshotNode } from '../state/copy.js'
import type { Difference } from '../state/difference.js'
import { keysOf, memberAt } from '../state/read.js'
import type { PlainObject } from '../state/value.js'
import { containerKind } from '../state/value.js'
import { copyStored, withWidths } from '../state/width.js'
import { collapseWrites } from '../synchronize/collapse.js'
import { printMark } from '../synchronize/marks.js'
import { Outgoing } from '../synchronize/outgoing.js'
import type { Write } from '../synchronize/plan.js'
import { planWrites } from '../synchronize/plan.js'
import { checkStored } from '../track/check.js'
import { importAdopted } from '../track/import.js'
import type { LiveSession } from './live.js'
import { differencesOf } from './live.js'

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
  const { outgoing, differences } = takeState(live)
  const known = differences.filter(({ path }) => schema?.knows(String(path[0])) !== false)
  const { invalid } = benchmark
  const storedAll = (): PlainObject => wholeOf(live, [])
  const writes =
    live.cleared !== undefined
      ? [clearingWrite(live, outgoing)]
      : collapseWrites(withoutInvalid(planWrites(root, known, outgoing), invalid), {
          root,
          outgoing,
          storedAll,
          invalid,
          granularity: context.settings.granularity,
        })
  if (writes.length > 0 && schema?.crossChecks === true) {
    schema.check(snapshotNode(root) as PlainObject, 'write')
  }
  const names = differences.map(({ path }) => String(path[0]))
  const dropped = names.filter(name => schema?.knows(name) === false)
  return { writes, outgoing, dropped: [...new Set(dropped)] }
}

/** Takes over what the application wrote until now, and finds where that departs from the benchmark. */
function takeState(live: LiveSession): { outgoing: Outgoing; differences: Difference[] } {
  live.tracking.collect()
  importAdopted(live.root, live.imported)
  const outgoing = outgoingOf(live)
  return { outgoing, differences: differencesOf(live, outgoing.copying.leaves) }
}

/** What is sent of a session: encoded by its schema, and all of it such that it comes back. */
function outgoingOf({ root, context }: LiveSession): Outgoing {
  const { schema } = context.settings
  const encoder = schema && {
    encode: schema.encode,
    readBack(attribute: string, stored: unknown) {
      checkStored(root, attribute, stored)
      return schema.decode(attribute, stored, 'write')
    },
  }
  return new Outgoing(root, encoder)
}

/** The write that leaves nothing of what is stored but client state as it is now. */
function clearingWrite({ root, benchmark, context }: LiveSession, outgoing: Outgoing): Write {
  const stored = benchmark.storedAll(root)
  const value: PlainObject = {}
  for (const name of new Set([...(context.settings.schema?.names ?? []), ...keysOf(root)])) {
    const member = outgoing.valueOf(memberAt(root, name), [name])
    if (member !== undefined) value[name] = member
  }
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

/**
 * Removes, with other writes, what nobody can read. Whatever that is, it is replaced or removed as it
 * was read: another server may have mended it.
 */
function withoutInvalid(writes: readonly Write[], invalid: ReadonlySet<string>): Write[] {
  if (writes.length === 0 || invalid.size === 0) return [...writes]
  const left = new Set(invalid)
  const replacing = writes.map(write => {
    const name = String(write.modification.path[0])
    if (!invalid.has(name)) return write
    left.delete(name)
    return { ...write, ...replacement(name) }
  })
  const removing = Array.from(left, (name): Write => {
    return { modification: { op: 'unset', path: [name] }, ...replacement(name) }
  })
  return [...replacing, ...removing]
}

const replacement = (name: string): Omit<Write, 'modification'> => {
  return { requires: 'rev', raises: [name], marks: [printMark('r', [name])] }
}

/** What all attributes of a session take that is not stored yet: those that are not mere defaults. */
export function prepareData(live: LiveSession): Omit<Prepared, 'writes'> & { data: PlainObject } {
  const { root, initial, context } = live
  const { schema } = context.settings
  const { outgoing, differences } = takeState(live)
  const changed = new Set(differences.map(({ path }) => String(path[0])))
  const data: PlainObject = {}
  if (changed.size > 0) {
    for (const name of keysOf(root)) {
      if (schema?.knows(name) === false || !(changed.has(name) || initial.includes(name))) continue
      const value = outgoing.valueOf(memberAt(root, name), [name])
      if (value !== undefined) data[name] = value
    }
    for (const name of [...changed, ...(schema?.required ?? [])]) outgoing.encode(name)
    if (schema?.crossChecks === true) schema.check(snapshotNode(root) as PlainObject, 'write')
  }
  return { data, outgoing, dropped: [...changed].filter(name => schema?.knows(name) === false) }
}

/** All attributes as they are stored once `modifications` are. */
export function wholeOf(
  { root, benchmark }: LiveSession,
  modifications: readonly Modification[],
): PlainObject {
  const data = copyStored(benchmark.storedAll(root)) as PlainObject
  for (const modification of modifications) applyModification(data, modification)
  return data
}

/** What the values of `writes` take in BSON, in bytes: more than they add to the document. */
export function sizeOf(writes: readonly Write[]): number {
  return writes.reduce((bytes, { modification }) => {
    const { path } = modification
    const content = contentKey(modification)
    if (content === undefined) return bytes
    const value: unknown = modification[content as never]
    const keys = path.reduce<number>((sum, key) => sum + Buffer.byteLength(String(key)) + 7, 0)
    // An element may get an index of up to ten digits, where its key here has one at least.
    const indexes = modification.op === 'append' ? modification.values.length * 9 : 0
    return bytes + keys + indexes + calculateObjectSize({ '': withWidths(value) })
  }, 0)
}

/** What all attributes take, in bytes; refused if that is beyond the limit. */
export function sizeOfWhole({ context }: LiveSession, data: PlainObject): number {
  const { maxBytes } = context.settings
  const size = calculateObjectSize(withWidths(data) as PlainObject)
  if (size > maxBytes) throw new SessionTooLargeError(size, maxBytes)
  return size
}

/** Refuses a session that grows beyond the limit. The bound is exact only where it has to be. */
export function checkSize(live: LiveSession, bytes: number, whole: () => PlainObject): void {
  if (live.knowledge.bytes + bytes <= live.context.settings.maxBytes) return
  live.knowledge.bytes = sizeOfWhole(live, whole()) - bytes
}
