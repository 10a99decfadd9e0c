import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Test } from 'uvu'
import { z } from 'zod'
import type { Sessions, Store } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { canonical } from '../support/canonical.js'
import { commitAlong, mutation, Pair, plainState } from '../support/mutations.js'
import { holds } from '../support/property.js'
import type { StoreKind } from '../support/stores.js'
import { forEachStore } from '../support/stores.js'

type Data = Record<string, unknown>

/** Takes anything, and decodes it on its way: what is stored is another object then than what is read. */
const anything = z
  .object({ a: z.union([z.record(z.string(), z.any()), z.array(z.any()), z.any()]).optional() })
  .catchall(z.any())

forEachStore('any sequence of mutations, committed', (commits, kind) => {
  define(commits, kind)
  define(commits, kind, anything)
})

function define(commits: Test, { name, create }: StoreKind, schema?: z.ZodObject): void {
  const by = schema === undefined ? '' : ', by a schema'
  const options = { store: create(), ...(schema !== undefined && { schema }) }
  const sessions = createSessions(options as { store: Store }) as unknown as Sessions<Data>
  const runs = name === 'embedded' ? 300 : 60

  commits(`primary state equals client state, after each commit${by}`, async () => {
    await holds(
      fc.asyncProperty(
        plainState,
        fc.array(fc.tuple(mutation, fc.boolean()), { maxLength: 12 }),
        async (state, steps) => {
          const session = sessions.create(structuredClone(state))
          const pair = new Pair(structuredClone(state), session.data)
          await commitAlong(sessions, session, pair, steps)
        },
      ),
      runs,
    )
  })

  commits(`what is written while a commit is under way stays pending${by}`, async () => {
    await holds(
      fc.asyncProperty(
        plainState,
        fc.array(mutation, { maxLength: 6 }),
        fc.array(mutation, { maxLength: 6 }),
        fc.array(mutation, { maxLength: 3 }),
        async (state, before, during, after) => {
          const session = sessions.create({ ...structuredClone(state), created: true })
          await session.commit()
          const pair = new Pair({ ...structuredClone(state), created: true }, session.data)
          for (const step of before) pair.apply(step)
          const committed = canonical(session.data)
          const commit = session.commit()
          for (const step of during) pair.apply(step)
          await commit
          assert.equal(canonical(session.data), canonical(pair.plain))
          assert.equal(canonical((await sessions.open(session.id))?.data), committed)
          for (const step of after) pair.apply(step)
          await session.commit()
          assert.equal(canonical(session.data), canonical(pair.plain))
          assert.equal(canonical((await sessions.open(session.id))?.data), canonical(pair.plain))
        },
      ),
      runs,
    )
  })
}
