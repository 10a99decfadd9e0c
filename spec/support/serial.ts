/**
 * What several servers may leave of one session: what some serial order of their operations leaves of
 * a plain object.
 */

import { canonical } from './canonical.js'
import type { Data, Operation } from './operations.js'
import { byElement, furtherOperations, operations, start } from './operations.js'

/** An operation by its name. */
export function operationOf(name: string): Operation {
  const operation = operations[name] ?? furtherOperations[name]
  if (operation === undefined) throw new Error(`there is no operation ${name}`)
  return operation
}

/**
 * Whether `data` is what some serial order of operations gives; the first is server 1's, and so on.
 *
 * @param names The operations; undefined for a server that has none.
 * @param attribute The only attribute that is looked at.
 */
export function isSerial(
  data: Data,
  names: readonly (string | undefined)[],
  attribute?: string,
): boolean {
  const textOf = (state: Data): string =>
    canonical(attribute === undefined ? state : [state[attribute] ?? null])
  const wanted = textOf(data)
  const steps = names.flatMap((name, index) =>
    name === undefined ? [] : [{ who: index + 1, meanings: meaningsOf(name) }],
  )
  for (const order of permutations(steps)) {
    for (const choice of choices(order.map(({ meanings }) => meanings))) {
      const state = run(order.map(({ who }, index) => ({ who, operation: choice[index] })))
      if (state !== undefined && textOf(state) === wanted) return true
    }
  }
  return false
}

const meaningsOf = (name: string): Operation[] =>
  byElement[name] === undefined ? [operationOf(name)] : [byElement[name], operationOf(name)]

interface Step {
  readonly who: number
  readonly operation: Operation | undefined
}

/** Undefined if an operation cannot be done any more: its parent is gone. */
function run(steps: readonly Step[]): Data | undefined {
  const data = start()
  for (const { who, operation } of steps) {
    try {
      operation?.(data, who)
    } catch {
      return undefined
    }
  }
  return data
}

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((first, index) => {
    const others = [...list.slice(0, index), ...list.slice(index + 1)]
    return permutations(others).map(order => [first, ...order])
  })
}

function choices<T>(options: readonly (readonly T[])[]): T[][] {
  return options.reduce<T[][]>(
    (chosen, each) => chosen.flatMap(some => each.map(option => [...some, option])),
    [[]],
  )
}
