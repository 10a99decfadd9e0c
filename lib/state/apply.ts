/**
 * The modified subset applied to plain data, with the semantics of MongoDB's update operators.
 *
 * @module
 */

import type { Modification } from '../modification.js'
import type { Key, Path } from '../path.js'
import { addToSet, extreme, increment } from './operators.js'
import type { PlainObject } from './value.js'
import { isPlainObject } from './value.js'
import { inheritWidths } from './width.js'

/**
 * Applies `modification` to `data` in place.
 *
 * Missing parents are created as objects, and an append creates the array.
 *
 * @returns false if a parent is of another kind than the path needs; nothing is changed then.
 */
export function applyModification(data: PlainObject, modification: Modification): boolean {
  const { path } = modification
  const key = path.at(-1)
  if (key === undefined) return replaceAll(data, modification)
  const parent = parentOf(data, path, modification.op !== 'unset')
  // Removing what is not there is no error, as with $unset.
  if (parent === undefined) return modification.op === 'unset'
  switch (modification.op) {
    case 'set':
      inheritWidths(memberAt(parent, key), modification.value)
      return setMember(parent, key, modification.value)
    case 'unset':
      if (!Array.isArray(parent)) delete parent[key]
      return !Array.isArray(parent)
    case 'append':
    case 'union': {
      const present = memberAt(parent, key)
      const array = present === undefined ? [] : present
      if (!Array.isArray(array) || !setMember(parent, key, array)) return false
      if (modification.op === 'append') array.push(...modification.values)
      else addToSet(array, modification.values)
      return true
    }
    case 'increment': {
      const number = increment(memberAt(parent, key), modification.by)
      return number !== undefined && setMember(parent, key, number)
    }
    case 'max':
    case 'min':
      return setMember(
        parent,
        key,
        extreme(modification.op, memberAt(parent, key), modification.value),
      )
  }
}

function replaceAll(data: PlainObject, modification: Modification): boolean {
  if (modification.op !== 'set') return false
  for (const key of Object.keys(data)) delete data[key]
  Object.assign(data, modification.value)
  return true
}

type Parent = PlainObject | unknown[]

function parentOf(data: PlainObject, path: Path, create: boolean): Parent | undefined {
  let parent: Parent = data
  for (const key of path.slice(0, -1)) {
    let next = memberAt(parent, key)
    if (next === undefined && create) {
      next = {}
      if (!setMember(parent, key, next)) return undefined
    }
    if (typeof next !== 'object' || next === null) return undefined
    if (!Array.isArray(next) && !isPlainObject(next)) return undefined
    parent = next
  }
  return parent
}

function memberAt(parent: Parent, key: Key): unknown {
  return Object.hasOwn(parent, key) ? (parent as PlainObject)[key] : undefined
}

function setMember(parent: Parent, key: Key, value: unknown): boolean {
  if (Array.isArray(parent)) {
    const index = Number(key)
    if (!Number.isInteger(index)) return false
    // A gap is filled with null.
    while (parent.length < index) parent.push(null)
    parent[index] = value
  } else {
    parent[key] = value
  }
  return true
}
