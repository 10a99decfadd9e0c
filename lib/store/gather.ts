/**
 * Calls of a store that begin while others are under way: those of one turn of the event loop are made as
 * one. What many requests do at a time costs a fraction then; what one does alone waits for nobody.
 *
 * @module
 */

import { StoreError } from '../errors.js'

/** How calls are made. */
export interface Calls<Q extends { readonly key: string }, A> {
  /** Makes one call. */
  readonly one: (request: Q) => Promise<A>
  /** Makes several as one; gives an answer to each, or why there is none. */
  readonly many: (requests: readonly Q[]) => Promise<readonly (A | StoreError)[]>
  /** Whether two of them may be for the same key. */
  readonly sameKey: boolean
  /** How large a call is, about, in bytes. */
  readonly bytes: (request: Q) => number
}

/** How many calls are made as one, at most. */
const MOST = 64

/** How large they are together, at most, in bytes; a larger one is made alone. */
const MOST_BYTES = 2 ** 22

interface Waiting<Q, A> {
  readonly request: Q
  readonly resolve: (answer: A) => void
  readonly reject: (error: unknown) => void
}

/** A function that makes calls, together where they come together. */
export function gather<Q extends { readonly key: string }, A>(
  calls: Calls<Q, A>,
): (request: Q) => Promise<A> {
  let underWay = 0
  let waiting: Waiting<Q, A>[] = []

  async function makeOne(request: Q): Promise<A> {
    underWay++
    try {
      return await calls.one(request)
    } finally {
      underWay--
    }
  }

  async function make(group: readonly Waiting<Q, A>[]): Promise<void> {
    const [first, ...others] = group as [Waiting<Q, A>, ...Waiting<Q, A>[]]
    if (others.length === 0) return makeOne(first.request).then(first.resolve, first.reject)
    underWay++
    try {
      const answers = await calls.many(group.map(({ request }) => request))
      for (const [index, { resolve, reject }] of group.entries()) {
        const answer = answers[index] as A | StoreError
        if (answer instanceof StoreError) reject(answer)
        else resolve(answer)
      }
    } catch (error) {
      const isOfOne = error instanceof StoreError && !error.transient
      for (const { request, resolve, reject } of group) {
        // One that is refused does not keep the others from being made.
        if (isOfOne) makeOne(request).then(resolve, reject)
        else reject(error)
      }
    } finally {
      underWay--
    }
  }

  function makeAll(): void {
    const groups = inGroups(waiting, calls)
    waiting = []
    for (const group of groups) void make(group)
  }

  return request => {
    if (underWay === 0 && waiting.length === 0) return makeOne(request)
    return new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(makeAll)
      waiting.push({ request, resolve, reject })
    })
  }
}

function inGroups<Q extends { readonly key: string }, A>(
  waiting: readonly Waiting<Q, A>[],
  { sameKey, bytes }: Calls<Q, A>,
): Waiting<Q, A>[][] {
  const groups: { members: Waiting<Q, A>[]; keys: Set<string>; bytes: number }[] = []
  for (const each of waiting) {
    const { key } = each.request
    const size = bytes(each.request)
    let group = groups.at(-1)
    const fits =
      group !== undefined &&
      group.members.length < MOST &&
      group.bytes + size <= MOST_BYTES &&
      (sameKey || !group.keys.has(key))
    if (group === undefined || !fits) {
      group = { members: [], keys: new Set(), bytes: 0 }
      groups.push(group)
    }
    group.members.push(each)
    group.keys.add(key)
    group.bytes += size
  }
  return groups.map(({ members }) => members)
}
