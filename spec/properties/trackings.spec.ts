import assert from 'node:assert/strict'
import fc from 'fast-check'
import { applyPatches, enablePatches } from 'immer'
import { suite } from 'uvu'
import type { DifferencingName, Tracked, TrackingName } from '../../lib/index.js'
import { createSessions, memoryStore, snapshot, track } from '../../lib/index.js'
import { canonical } from '../support/canonical.js'
import { commitAlong, mutation, Pair, plainState } from '../support/mutations.js'
import { holds } from '../support/property.js'

enablePatches()

type Data = Record<string, unknown>

const RUNS = 300

const differencing: fc.Arbitrary<DifferencingName> = fc.constantFrom('graph', 'binary')
const some = (maxLength: number) => fc.array(mutation, { maxLength })

/** immer keeps a 0 that a patch replaces with -0. */
const text = (value: unknown): string => canonical(value).replaceAll(canonical(-0), '0')

for (const tracking of ['accesses', 'mutable-attributes', 'none'] as TrackingName[]) {
  const copies = suite(`any sequence of mutations of plain copies: ${tracking}`)

  /** What `tracked` tells of its changes is what they are. */
  function check(tracked: Tracked<Data>, plain: Data): void {
    assert.equal(canonical(tracked.data), canonical(plain))
    const isChanged = canonical(tracked.benchmark) !== canonical(plain)
    assert.equal(tracked.changes().length > 0, isChanged)
    const patches = tracked.patches()
    // immer refuses such paths.
    if (patches.some(({ path }) => path.includes('constructor'))) return
    const patched = applyPatches(structuredClone(tracked.benchmark), patches)
    assert.equal(text(patched), text(plain))
  }

  copies('ends as on a plain object, step by step, whatever was accepted before', async () => {
    await holds(
      fc.property(
        plainState,
        differencing,
        some(6),
        some(6),
        (state, differencing, first, more) => {
          const tracked = track(structuredClone(state), { tracking, differencing })
          const pair = new Pair(structuredClone(state), tracked.data)
          for (const step of first) {
            pair.apply(step)
            assert.equal(canonical(tracked.data), canonical(pair.plain))
          }
          check(tracked, pair.plain)
          tracked.accept()
          assert.deepEqual(tracked.changes(), [])
          assert.equal(canonical(tracked.benchmark), canonical(pair.plain))
          for (const step of more) {
            pair.apply(step)
            check(tracked, pair.plain)
          }
        },
      ),
      RUNS,
    )
  })

  copies('what is discarded never was', async () => {
    await holds(
      fc.property(plainState, differencing, some(8), some(4), (state, differencing, lost, more) => {
        const tracked = track(structuredClone(state), { tracking, differencing })
        const first = new Pair(structuredClone(state), tracked.data)
        for (const step of lost) first.apply(step)
        tracked.discard()
        assert.deepEqual(tracked.changes(), [])
        assert.equal(canonical(tracked.data), canonical(state))
        // What was changed in place may have its keys in another order.
        const pair = new Pair(snapshot(tracked.data), tracked.data)
        for (const step of more) pair.apply(step)
        check(tracked, pair.plain)
      }),
      RUNS,
    )
  })

  const store = memoryStore()

  copies('primary state equals client state, after each commit', async () => {
    const steps = fc.array(fc.tuple(mutation, fc.boolean()), { maxLength: 12 })
    await holds(
      fc.asyncProperty(plainState, differencing, steps, async (state, differencing, steps) => {
        const sessions = createSessions<Data>({ store, tracking, differencing })
        const session = sessions.create(structuredClone(state))
        const pair = new Pair(structuredClone(state), session.data)
        await commitAlong(sessions, session, pair, steps)
      }),
      RUNS,
    )
  })

  copies('what is written during a commit stays pending, whoever looks at it', async () => {
    await holds(
      fc.asyncProperty(
        fc.record({ state: plainState, differencing, looks: fc.boolean() }),
        some(6),
        some(6),
        some(3),
        async ({ state, differencing, looks }, before, during, after) => {
          const sessions = createSessions<Data>({ store, tracking, differencing })
          const begun = { ...state, created: true }
          const session = sessions.create(structuredClone(begun))
          await session.commit()
          const stored = async (): Promise<string> =>
            canonical((await sessions.open(session.id))?.data)
          const pair = new Pair(structuredClone(begun), session.data)
          for (const step of before) pair.apply(step)
          const committed = canonical(pair.plain)
          const commit = session.commit()
          for (const step of during) pair.apply(step)
          if (looks) session.changes()
          await commit
          assert.equal(canonical(session.data), canonical(pair.plain))
          assert.equal(await stored(), committed)
          for (const step of after) pair.apply(step)
          await session.commit()
          assert.equal(canonical(session.data), canonical(pair.plain))
          assert.equal(await stored(), canonical(pair.plain))
        },
      ),
      RUNS,
    )
  })

  copies.run()
}
