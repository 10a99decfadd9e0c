/**
 * Comparing sessions as a store does: the order of keys does not count.
 */

/** `value` as text that is the same for equal values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'number') return canonicalNumber(inner)
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** JSON has no word for some numbers: it prints -0 as 0, and those that are not finite as null. */
function canonicalNumber(number: number): unknown {
  if (Object.is(number, -0)) return 'the number -0'
  return Number.isFinite(number) ? number : `the number ${number}`
}
