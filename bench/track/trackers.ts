/**
 * The contenders: ways to change a state through proxies and to learn what was changed.
 */

import { applyPatches, createDraft, enablePatches, Immer, produceWithPatches } from 'immer'
import { apply, create } from 'mutative'
import type { Modification } from '../../lib/index.js'
import { track } from '../support/built.js'
import { replay } from './replay.js'

enablePatches()
const thawed = new Immer({ autoFreeze: false })

/** One contender. */
export interface Tracker {
  readonly name: string
  /** Wraps `base`, lets `change` write to it, and gives the modified subset. */
  run<T extends object>(base: T, change: (data: T) => void): unknown
  /** Wraps `base` for reading. */
  hold<T extends object>(base: T): T
  /** What `base` is after a modified subset that `run` gave. */
  replay<T extends object>(base: T, subset: unknown): T
}

export const dotset: Tracker = {
  name: 'dotset',
  run(base, change) {
    const tracked = track(base)
    change(tracked.data)
    return tracked.changes()
  },
  hold: base => track(base).data,
  replay: (base, subset) => replay(base, subset as Modification[]),
}

export const immer: Tracker = {
  name: 'immer',
  run: (base, change) => thawed.produceWithPatches(base, change as never)[1],
  hold: base => thawed.createDraft(base) as typeof base,
  replay: (base, subset) => applyPatches(base, subset as []),
}

/** immer as it is by default: what a recipe leaves is frozen, and so is what it shares with `base`. */
export const freezingImmer: Tracker = {
  name: 'immer, freezing',
  run: (base, change) => produceWithPatches(base, change as never)[1],
  hold: base => createDraft(base) as typeof base,
  replay: (base, subset) => applyPatches(base, subset as []),
}

export const mutative: Tracker = {
  name: 'mutative',
  run: (base, change) => create(base, change as never, { enablePatches: true })[1],
  hold: base => (create(base) as unknown as [typeof base])[0],
  replay: (base, subset) => apply(base, subset as []),
}

/** All that record what is written. */
export const trackers: readonly Tracker[] = [dotset, mutative, immer, freezingImmer]

const bareTrap: ProxyHandler<Record<string, unknown>> = {
  get: (target, key) => target[key as string],
}

/** The least that a recursive proxy can do: it only passes on what is read. It tracks nothing. */
export function wrapBare<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([key, member]) => [key, wrapBare(member as unknown)])
  return new Proxy(Object.fromEntries(members), bareTrap) as T
}
