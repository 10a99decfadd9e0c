import assert from 'node:assert/strict'
import fc from 'fast-check'
import { applyPatches, enablePatches } from 'immer'
import { suite } from 'uvu'
import type { Modification } from '../../lib/index.js'
import { track } from '../../lib/index.js'
import { applyModification } from '../../lib/state/apply.js'
import { canonical } from '../support/canonical.js'
import { mutation, Pair, plainState } from '../support/mutations.js'
import { holds } from '../support/property.js'

enablePatches()

const tracking = suite('any sequence of mutations, tracked')

tracking('ends as on a plain object, step by step, and leaves the benchmark alone', async () => {
  await holds(
    fc.property(
      plainState,
      fc.array(mutation, { maxLength: 12 }),
      fc.nat(12),
      (state, mutations, accepted) => {
        const benchmark = deepFreeze(structuredClone(state))
        const tracked = track(benchmark)
        const pair = new Pair(structuredClone(state), tracked.data)
        mutations.forEach((step, index) => {
          pair.apply(step)
          // Accepted as the benchmark, a key that was deleted and set again is where it was before.
          const text = index <= accepted ? JSON.stringify : canonical
          assert.equal(text(tracked.data), text(pair.plain))
          if (index === accepted) {
            tracked.accept()
            assert.deepEqual(tracked.changes(), [])
          }
        })
        assert.deepEqual(benchmark, state)
      },
    ),
    1500,
  )
})

tracking('patches, applied to the benchmark, give client state', async () => {
  await holds(
    fc.property(plainState, fc.array(mutation, { maxLength: 8 }), (state, mutations) => {
      const tracked = track(state)
      const pair = new Pair(structuredClone(state), tracked.data)
      for (const step of mutations) pair.apply(step)
      const patches = tracked.patches()
      // immer refuses such paths.
      fc.pre(!patches.some(({ path }) => path.includes('constructor')))
      const patched = applyPatches(structuredClone(state), patches)
      // immer keeps a 0 that a patch replaces with -0.
      const text = (value: unknown): string => canonical(value).replaceAll(canonical(-0), '0')
      assert.equal(text(patched), text(pair.plain))
    }),
    1500,
  )
})

tracking('changes are prefix-free, and none is in vain', async () => {
  await holds(
    fc.property(plainState, fc.array(mutation, { maxLength: 8 }), (state, mutations) => {
      const tracked = track(state)
      const pair = new Pair(structuredClone(state), tracked.data)
      for (const step of mutations) pair.apply(step)
      const changes = tracked.changes()
      const paths = changes.map(({ path }) => path.map(key => JSON.stringify(key)).join())
      for (const path of paths) {
        assert.equal(paths.filter(other => `${other},`.startsWith(`${path},`)).length, 1)
      }
      const applied = (modifications: readonly Modification[]): string => {
        const data = structuredClone(state)
        for (const each of modifications) assert.equal(applyModification(data, each), true)
        return canonical(data)
      }
      assert.equal(applied(changes), canonical(pair.plain))
      for (const change of changes) {
        const others = changes.filter(other => other !== change)
        assert.notEqual(applied(others), canonical(pair.plain))
      }
    }),
    1500,
  )
})

tracking('what is discarded never was', async () => {
  await holds(
    fc.property(
      plainState,
      fc.array(mutation, { maxLength: 8 }),
      fc.array(mutation, { maxLength: 4 }),
      (state, discarded, mutations) => {
        const tracked = track(state)
        const first = new Pair(structuredClone(state), tracked.data)
        for (const step of discarded) first.apply(step)
        tracked.discard()
        assert.deepEqual(tracked.changes(), [])
        const pair = new Pair(structuredClone(state), tracked.data)
        assert.equal(JSON.stringify(tracked.data), JSON.stringify(state))
        for (const step of mutations) pair.apply(step)
        assert.equal(JSON.stringify(tracked.data), JSON.stringify(pair.plain))
      },
    ),
    1500,
  )
})

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  }
  return value
}

tracking.run()
