/**
 * Whether one container was made of another, where there is nothing to tell but their values.
 *
 * @module
 */

import { idOf } from './match.js'

/** Whether a member shows that `now` was made of `before`; an id alone does not. */
export function haveMemberInCommon(before: object, now: object): boolean {
  const members = membersOf(now)
  return [...membersOf(before)].some(([key, value]) => {
    return key !== 'id' && key !== '_id' && !isObject(value) && Object.is(members.get(key), value)
  })
}

/**
 * Whether nothing shows that `now` is another thing than `before` was.
 *
 * Things with ids are the same if they have the same one, others if they have anything in common. An
 * array is a place, whatever it holds: its elements are matched one by one.
 */
export function mayBeTheSame(before: object, now: object): boolean {
  if (Array.isArray(before)) return Array.isArray(now)
  return membersOf(before).size === 0 || areRelated(before, now)
}

function areRelated(before: unknown, now: unknown): boolean {
  if (!isObject(before) || !isObject(now)) return Object.is(before, now)
  if (Array.isArray(before) && Array.isArray(now)) {
    const known = new Set(before.map(identityOf))
    return now.some(element => known.has(identityOf(element)))
  }
  const [id, other] = [idOf(before), idOf(now)]
  if (id !== undefined || other !== undefined) return id === other
  const members = membersOf(now)
  return [...membersOf(before)].some(([key, value]) => {
    return members.has(key) && areRelated(value, members.get(key))
  })
}

/** What an element is known by: an object by its id, or else by itself. */
const identityOf = (element: unknown): unknown => idOf(element) ?? element

const membersOf = (value: object): ReadonlyMap<unknown, unknown> =>
  value instanceof Map ? value : new Map(Object.entries(value))

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
