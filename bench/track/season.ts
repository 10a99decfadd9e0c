/**
 * Making all contenders as general as an application makes them: code that has met one shape of
 * object alone is compiled for that one, and faster than it ever is in a server.
 */

import { equal } from 'node:assert/strict'
import { trackers, wrapBare } from './trackers.js'

type Shaped = Record<string, Record<string, number> & { list: Record<string, number>[] }>

const SHAPES = 64
const ROUNDS = 20

/** Lets every contender wrap, read and change objects of many shapes. */
export function season(): void {
  for (let turn = 0; turn < SHAPES * ROUNDS; turn++) {
    const [outer, inner, leaf] = ['outer', 'inner', 'leaf'].map(name => name + (turn % SHAPES)) as [
      string,
      string,
      string,
    ]
    const create = (): Shaped => {
      return { [outer]: { [inner]: 1, list: [{ [leaf]: 1 }] } } as unknown as Shaped
    }
    for (const tracker of trackers) {
      const subset = tracker.run(create(), state => {
        const child = state[outer] as Shaped[string]
        child[inner] = turn + 2
        child.list.push({ [leaf]: turn })
        state[leaf] = { [inner]: turn, list: [] as never[] } as never
      })
      equal((subset as unknown[]).length, 3)
    }
    for (const state of [wrapBare(create()), ...trackers.map(each => each.hold(create()))]) {
      equal(state[outer]?.list[0]?.[leaf], 1)
    }
  }
}
