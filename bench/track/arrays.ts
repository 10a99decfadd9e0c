/**
 * The operations of arrays, each on a fresh wrapping of 1,000 small objects.
 */

import { deepEqual } from 'node:assert/strict'
import type { Work } from './measure.js'
import type { Tracker } from './trackers.js'
import { trackers } from './trackers.js'

interface Item {
  id: number
  name: string
  quantity: number
}

interface State {
  items: Item[]
}

const LENGTH = 1000

/** Creates the array: in the order of ids, and in disorder by quantity. */
function createState(): State {
  const item = (id: number): Item => ({ id, name: `item ${id}`, quantity: (id * 379) % LENGTH })
  return { items: Array.from({ length: LENGTH }, (_, id) => item(id)) }
}

const added = (): Item => ({ id: LENGTH, name: 'added', quantity: 1 })

/** What is done, by name. What it returns must be what a plain array returns. */
export const OPERATIONS: Record<string, (state: State) => unknown> = {
  push: ({ items }) => items.push(added()),
  pop: ({ items }) => items.pop()?.id,
  shift: ({ items }) => items.shift()?.id,
  unshift: ({ items }) => items.unshift(added()),
  'splice in the middle': ({ items }) => items.splice(500, 1).length,
  'sort by a field': ({ items }) => items.sort((a, b) => a.quantity - b.quantity).length,
  reverse: ({ items }) => items.reverse().length,
  'find the last': ({ items }) => items.find(({ id }) => id === LENGTH - 1)?.quantity,
  'filter and reassign': state => {
    state.items = state.items.filter(({ id }) => id % 10 !== 0)
    return state.items.length
  },
  'indexOf a held element': ({ items }) => items.indexOf(items[LENGTH - 1] as Item),
  'includes a held element': ({ items }) => items.includes(items[LENGTH - 1] as Item),
  iterate: ({ items }) => {
    let sum = 0
    for (const item of items) sum += item.quantity
    return sum
  },
  map: ({ items }) => items.map(({ quantity }) => quantity).length,
  'fill with null': ({ items }) => items.fill(null as never).length,
  'fill with an object': ({ items }) => items.fill(added()).length,
}

/** One operation and its modified subset, by each tracker. */
export function arrayWorks(): Work[] {
  return Object.keys(OPERATIONS).flatMap(name => trackers.map(each => arrayWork(each, name)))
}

/** The name of the work that `arrayWorks` gives for a tracker and an operation. */
export const arrayName = (tracker: Tracker, operation: string): string =>
  `${tracker.name}: ${operation}`

function arrayWork(tracker: Tracker, operation: string): Work {
  const operate = OPERATIONS[operation] as (state: State) => unknown
  const base = createState()
  let result: unknown
  const run = (): unknown =>
    tracker.run(base, state => {
      result = operate(state)
    })
  const subset = run()
  const plain = createState()
  const name = arrayName(tracker, operation)
  deepEqual(result, operate(plain), `${name} returns something else`)
  deepEqual(tracker.replay(base, subset), plain, `${name} tells something else`)
  deepEqual(base, createState(), `${name} changed its base`)
  return { name, run }
}
