/**
 * Paths name one place in a session's state, from its root down.
 *
 * @module
 */

/** One step of a path: the key of an object or a Map, or the index of an array. */
export type Key = string | number

/** Keys from the root of the state to one value in it: `['cart', 3, 'qty']`, for example. */
export type Path = readonly Key[]

/**
 * Whether an update may name `key` as one segment of a dotted path.
 *
 * MongoDB reads a dot as nesting, refuses an empty segment, and takes `$`, `$[]` and `$[name]` for
 * operators (https://www.mongodb.com/docs/manual/core/dot-dollar-considerations/).
 */
export function isSafeKey(key: Key): boolean {
  if (typeof key === 'number') return true
  return key !== '' && key.charCodeAt(0) !== 36 && !key.includes('.')
}

/** Whether `path` is at or below `parent`. */
export function isWithin(path: Path, parent: Path): boolean {
  if (parent.length > path.length) return false
  for (let depth = 0; depth < parent.length; depth++) {
    if (path[depth] !== parent[depth]) return false
  }
  return true
}

/** Whether one of two paths is at or below the other. */
export function overlap(a: Path, b: Path): boolean {
  return a.length < b.length ? isWithin(b, a) : isWithin(a, b)
}

/**
 * The index that `key` names in an array, or -1 if it names none.
 *
 * Only canonical indexes count, as in the ECMAScript definition of an array index: `'07'`, `'-1'`
 * and `'1.5'` are ordinary keys.
 */
export function arrayIndex(key: string): number {
  const { length } = key
  if (length === 0 || length > 10) return -1
  // Digit by digit: this runs at each access to an element.
  let index = key.charCodeAt(0) - 48
  if (index === 0 && length > 1) return -1
  for (let at = 0; at < length; at++) {
    const digit = key.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return -1
    index = at === 0 ? digit : index * 10 + digit
  }
  return index < 4294967295 ? index : -1
}

/** A path as people write it, for messages: `cart[3].qty`, `["a.b"].c`. */
export function printPath(path: Path): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else if (/^[A-Za-z_][\w-]*$/.test(key)) text += text === '' ? key : `.${key}`
    else text += `[${JSON.stringify(key)}]`
  }
  return text === '' ? 'the session' : text
}
