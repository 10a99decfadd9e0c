/**
 * Random mutations, applied alike to a plain object and to a tracked one.
 */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Session, Sessions } from '../../lib/index.js'
import { canonical } from './canonical.js'

type Bag = Record<string, unknown>
type Container = Bag | unknown[]

/** Something to do to a session, told by numbers so that it fits any state. */
export interface Mutation {
  readonly kind: string
  readonly where: number
  readonly key: string
  readonly index: number
  readonly count: number
  readonly value: unknown
  readonly from: number
}

export const KEYS = ['a', 'b', 'c', 'id', '0', '7', 'x.y', '$set', '', 'constructor', 'length']

const scalars = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('', 'x', 'y', true, false, null, -0, Number.NaN, 1.5, 2 ** 40),
)

/** Plain data of a few levels. */
export const plainData: fc.Arbitrary<unknown> = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).value

/** A session to start from. */
export const plainState: fc.Arbitrary<Bag> = fc.dictionary(fc.constantFrom(...KEYS), plainData, {
  maxKeys: 5,
  noNullPrototype: true,
})

const KINDS = [
  'set',
  'set',
  'set',
  'delete',
  'assign',
  'open',
  'move',
  'move',
  'swap',
  'push',
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'reverse',
  'sort',
  'fill',
  'copyWithin',
  'filter',
  'spread',
  'cut',
  'raw',
  'increment',
  'remember',
  'held',
]

/** One mutation. */
export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom(...KINDS),
  where: fc.nat(50),
  key: fc.constantFrom(...KEYS),
  index: fc.nat(4),
  count: fc.nat(2),
  value: plainData,
  from: fc.nat(50),
})

/** A plain state and what is done to it at the same time to the tracked one. */
export class Pair {
  readonly plain: Bag
  readonly tracked: Bag
  /** Held references: to the plain object and to its handle. */
  private readonly held: [Container, Container][] = []

  constructor(plain: Bag, tracked: object) {
    this.plain = plain
    this.tracked = tracked as Bag
  }

  /** All containers, each as the plain object and its handle, in one order for both. */
  private containers(): [Container, Container][] {
    const found: [Container, Container][] = []
    const walk = (plain: unknown, tracked: unknown): void => {
      if (typeof plain !== 'object' || plain === null) return
      found.push([plain as Container, tracked as Container])
      for (const key of Object.keys(plain)) walk((plain as Bag)[key], (tracked as Bag)[key])
    }
    walk(this.plain, this.tracked)
    return found
  }

  private pick(number: number): [Container, Container] {
    const all = this.containers()
    return all[number % all.length] as [Container, Container]
  }

  apply(mutation: Mutation): void {
    const { kind } = mutation
    if (kind === 'remember') {
      this.held.push(this.pick(mutation.where))
      return
    }
    const target =
      kind === 'held' ? this.held[mutation.where % this.held.length] : this.pick(mutation.where)
    if (target === undefined) return
    const other = this.pick(mutation.from)
    const [plain, tracked] = target
    const inArray = Array.isArray(plain)
    if (kind === 'move' || kind === 'swap') {
      if (reaches(other[0], plain)) return
      mutate(plain, mutation, other[0])
      mutate(tracked, mutation, other[1])
      return
    }
    if (inArray !== ARRAY_KINDS.has(kind) && !BOTH.has(kind)) return
    // Each gets a copy of its own, as two requests of a browser would.
    mutate(plain, mutation, structuredClone(mutation.value))
    mutate(tracked, mutation, structuredClone(mutation.value))
  }
}

const BOTH = new Set(['set', 'held', 'raw', 'delete'])
const ARRAY_KINDS = new Set([
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'reverse',
  'sort',
  'fill',
  'copyWithin',
  'cut',
  'spread',
  'filter',
])

function reaches(from: unknown, to: unknown): boolean {
  if (from === to) return true
  if (typeof from !== 'object' || from === null) return false
  return Object.values(from).some(member => reaches(member, to))
}

const text = (value: unknown): string => JSON.stringify(value) ?? ''

function mutate(target: Container, mutation: Mutation, value: unknown): void {
  const { kind, key, index, count } = mutation
  if (Array.isArray(target)) return mutateArray(target, mutation, value)
  switch (kind) {
    case 'delete':
      delete target[key]
      break
    case 'assign':
      Object.assign(target, { [key]: value, z: count })
      break
    case 'open': {
      // An object's `constructor` reads undefined in a session, and is a function elsewhere.
      if (key in {} && !Object.hasOwn(target, key)) break
      target[key] ??= count === 0 ? {} : []
      const opened = target[key]
      if (Array.isArray(opened)) opened.push(value)
      else if (typeof opened === 'object' && opened !== null) (opened as Bag).in = value
      break
    }
    case 'raw': {
      const raw: Bag = { inner: value, list: [] }
      target[key] = raw
      // Through the caller's own reference, and through the handle.
      raw.late = index
      ;(target[key] as { list: unknown[] }).list.push(count)
      break
    }
    case 'increment':
      if (!(key in {})) target[key] = Number(target[key] ?? 0) + 1
      break
    case 'swap': {
      const before = Object.hasOwn(target, key) ? target[key] : undefined
      target[key] = value
      if (before !== undefined) target.swapped = before
      break
    }
    default:
      target[key] = value
  }
}

function mutateArray(target: unknown[], mutation: Mutation, value: unknown): void {
  const { kind, index, count } = mutation
  switch (kind) {
    case 'push':
      target.push(value, ...(count === 0 ? [] : [count]))
      break
    case 'pop':
      target.pop()
      break
    case 'shift':
      target.shift()
      break
    case 'unshift':
      target.unshift(value)
      break
    case 'splice':
      target.splice(index, count, ...(count === 2 ? [] : [value]))
      break
    case 'reverse':
      target.reverse()
      break
    case 'sort':
      target.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0))
      break
    case 'fill':
      target.fill(value, index, index + count)
      break
    case 'copyWithin':
      target.copyWithin(index, count)
      break
    case 'cut':
      target.length = Math.min(target.length, index)
      break
    case 'spread': {
      const all = [...target, value]
      target.splice(0, target.length, ...all)
      break
    }
    case 'filter': {
      const kept = target.filter((_, position) => position !== index)
      target.splice(0, target.length, ...kept)
      break
    }
    case 'delete':
      if (index < target.length) target[index] = null
      break
    case 'swap': {
      const last = target.length - 1
      if (last > 0) [target[0], target[last]] = [target[last], target[0]]
      break
    }
    default:
      if (index <= target.length) target[index] = value
  }
}

/**
 * Applies mutations to both of `pair` and to a session, which it is of, with commits in between: client
 * state, and what is read of primary state after each commit, are what the plain object is.
 *
 * @param steps Each with whether a commit follows.
 */
export async function commitAlong(
  sessions: Sessions<Bag>,
  session: Session<Bag>,
  pair: Pair,
  steps: readonly [Mutation, boolean][],
): Promise<void> {
  for (const [step, commits] of steps) {
    pair.apply(step)
    assert.equal(canonical(session.data), canonical(pair.plain))
    if (!commits) continue
    await session.commit()
    assert.deepEqual(session.changes(), [])
    assert.equal(canonical(session.data), canonical(pair.plain))
    const stored = session.isNew ? {} : (await sessions.open(session.id))?.data
    assert.equal(canonical(stored), canonical(pair.plain))
  }
}
