/**
 * Reading through proxies that exist already, and reaching into a large array for the first time.
 */

import { equal } from 'node:assert/strict'
import type { Work } from './measure.js'
import type { Tracker } from './trackers.js'
import { dotset, immer, mutative, wrapBare } from './trackers.js'

interface Nested {
  a: { b: { c: { d: number } } }
}

/** The name of the work that only passes reads on. */
export const BARE = 'bare get trap'

const TIMES = 1000

/** Reads a number four levels down, over handles that were made before. */
export function nestedReads(): Work[] {
  const base = (): Nested => ({ a: { b: { c: { d: 1 } } } })
  // Written out for each, so that none runs code that was compiled for another.
  const works: Work[] = [
    readWork(dotset.name, dotset.hold(base()), state => {
      let sum = 0
      for (let time = 0; time < TIMES; time++) sum += state.a.b.c.d
      return sum
    }),
    readWork(mutative.name, mutative.hold(base()), state => {
      let sum = 0
      for (let time = 0; time < TIMES; time++) sum += state.a.b.c.d
      return sum
    }),
    readWork(immer.name, immer.hold(base()), state => {
      let sum = 0
      for (let time = 0; time < TIMES; time++) sum += state.a.b.c.d
      return sum
    }),
    readWork(BARE, wrapBare(base()), state => {
      let sum = 0
      for (let time = 0; time < TIMES; time++) sum += state.a.b.c.d
      return sum
    }),
  ]
  return works
}

function readWork(name: string, state: Nested, read: (state: Nested) => number): Work {
  const run = (): unknown => read(state)
  equal(run(), TIMES, `${name} reads something else`)
  return { name, run, times: TIMES }
}

/** Wraps an array of 100,000 elements and reads one of them. */
export function firstTouches(): Work[] {
  const base = { items: Array.from({ length: 100_000 }, (_, id) => ({ id, quantity: 1 })) }
  return [dotset, mutative, immer].map((tracker: Tracker) => {
    const run = (): unknown => tracker.hold(base).items[50_000]?.id
    equal(run(), 50_000, `${tracker.name} reads something else`)
    return { name: tracker.name, run }
  })
}
