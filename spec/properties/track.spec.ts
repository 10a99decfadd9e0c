import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { applyPatches, enablePatches } from 'immer'
import { suite } from 'uvu'
import { track } from '../../lib/tracked.js'
import { mutation, Pair, plainState } from '../support/mutations.js'

enablePatches()

const tracking = suite('track, any sequence of mutations')

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}
const N = Number(process.env['RUNS'] ?? 300)

tracking('ends as it does on a plain object, step by step', () => {
  fc.assert(
    fc.property(
      plainState,
      fc.array(mutation, { maxLength: 12 }),
      fc.nat(12),
      (state, mutations, acceptAt) => {
        const benchmark = deepFreeze(structuredClone(state))
        const tracked = track(benchmark)
        const pair = new Pair(structuredClone(state), tracked.data)
        mutations.forEach((each, index) => {
          pair.apply(each)
          const text = index > acceptAt ? (v: unknown) => JSON.stringify(sorted(v)) : JSON.stringify
          if (text(pair.tracked) !== text(pair.plain))
            assert.equal(text(pair.tracked), text(pair.plain))
          if (index === acceptAt) tracked.accept()
          const now = structuredClone(pair.plain)
          const before = structuredClone(tracked.benchmark)
          const patches = tracked.patches()
          // immer refuses such paths, and drops -0 over 0.
          const applicable = !patches.some(({ path }) => path.includes('constructor'))
          const patched = applicable ? applyPatches(before, patches) : now
          if (
            !isDeepStrictEqual(patched, now) &&
            JSON.stringify(sorted(patched)) !== JSON.stringify(sorted(now))
          )
            assert.deepEqual(patched, now, 'patches')
          if (index === acceptAt) assert.deepEqual(tracked.changes(), [], 'nothing after accept')
        })
        assert.deepEqual(benchmark, state)
      },
    ),
    { numRuns: N, ...(process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {}) },
  )
})
function sorted(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(sorted)
  if (typeof v === 'object' && v !== null)
    return Object.fromEntries(
      Object.entries(v)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, x]) => [k, sorted(x)]),
    )
  return Object.is(v, -0) ? 0 : Number.isNaN(v) ? 'NaN' : v
}
tracking.run()
