import assert from 'node:assert/strict'
import fc from 'fast-check'
import { z } from 'zod'
import type { Modification, Session, Sessions } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { isSafeKey } from '../../lib/path.js'
import { assertPrefixFree } from '../support/arrived.js'
import { canonical } from '../support/canonical.js'
import { mutation, Pair, plainState } from '../support/mutations.js'
import type { Data } from '../support/operations.js'
import { holds } from '../support/property.js'
import { createServers, createStored, openOn, storedData } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'

const many = (count: number, valueAt: (index: number) => unknown): Data =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, valueAt(index)]))

forEachStore('collapse', (collapse, { create, name }) => {
  const store = create()
  const [server] = createServers(store, 1)
  assert.ok(server)

  /** Commits a change of a stored session, and gives what was written. */
  async function commit(
    data: Data,
    change: (data: Data) => void,
    elsewhere?: (data: Data) => void,
  ): Promise<{ modifications: Modification[]; stored: Data; session: Session<Data> }> {
    assert.ok(server)
    const { id, key } = await createStored(server, data)
    const session = await openOn(server, id)
    change(session.data)
    if (elsewhere !== undefined) {
      const other = await openOn(server, id)
      elsewhere(other.data)
      await other.commit()
    }
    const { modifications } = await session.commit()
    return { modifications, stored: await storedData(store, key), session }
  }

  const pathsOf = (modifications: readonly Modification[]): string[] =>
    modifications.map(({ path }) => path.join('/'))

  collapse('500 paths are written one by one', async () => {
    const { modifications } = await commit({ object: many(600, () => 0) }, ({ object }) => {
      for (let index = 0; index < 500; index++) object[`key${index}`] = 1
    })
    assert.equal(modifications.length, 500)
  })

  collapse('more than 500 paths are written as their parents, and no sibling is lost', async () => {
    const { modifications, stored } = await commit(
      { object: many(600, () => ({ n: 0, m: 0 })), other: { n: 0 } },
      data => {
        for (let index = 0; index < 501; index++) data.object[`key${index}`].n = 1
        data.other.n = 1
      },
      data => {
        data.object.key0.m = 'theirs'
        data.object.key599.m = 'theirs'
      },
    )
    assert.deepEqual(pathsOf(modifications).sort(), ['object', 'other/n'])
    const expected = many(600, index => ({
      n: index < 501 ? 1 : 0,
      m: index === 0 || index === 599 ? 'theirs' : 0,
    }))
    assert.equal(canonical(stored), canonical({ object: expected, other: { n: 1 } }))
  })

  collapse('more than 500 elements are written as their array, and no append is lost', async () => {
    const items = Array.from({ length: 600 }, (_, id) => ({ id, n: 0 }))
    const { modifications, stored } = await commit(
      { items },
      data => {
        for (const item of data.items) item.n = 1
      },
      data => data.items.push({ id: 600, n: 'theirs' }),
    )
    assert.deepEqual(pathsOf(modifications), ['items'])
    const expected = [...items.map(({ id }) => ({ id, n: 1 })), { id: 600, n: 'theirs' }]
    assert.deepEqual(stored.items, expected)
  })

  collapse('more than 500 attributes are written as the session', async () => {
    const { modifications, stored } = await commit(
      { n: 0 },
      data =>
        Object.assign(
          data,
          many(501, index => index),
        ),
      data => {
        data.n = 'theirs'
      },
    )
    assert.deepEqual(pathsOf(modifications), [''])
    assert.equal(canonical(stored), canonical({ n: 'theirs', ...many(501, index => index) }))
  })

  collapse('an unsafe key never enters a path: its nearest safe parent is written', async () => {
    for (const key of ['a.b', '$set', '', '$[]', '$', '.']) {
      const { modifications, stored } = await commit(
        { safe: { inner: {} }, other: 1 },
        data => {
          data.safe.inner[key] = { deep: 1 }
        },
        data => {
          data.safe.theirs = 1
          data.safe.inner.theirs = 1
        },
      )
      assert.deepEqual(pathsOf(modifications), ['safe/inner'])
      const inner = { [key]: { deep: 1 }, theirs: 1 }
      assert.equal(canonical(stored), canonical({ safe: { inner, theirs: 1 }, other: 1 }))
    }
  })

  collapse(
    'below an unsafe attribute the session is written, and no attribute is lost',
    async () => {
      const { modifications, stored } = await commit(
        { $x: { list: [1], n: 1 } },
        data => {
          data.$x.list.push(2)
          data.$x.n = 2
        },
        data => {
          data.theirs = { a: 1 }
          data.$x.list.push('theirs')
        },
      )
      assert.deepEqual(pathsOf(modifications), [''])
      const expected = { $x: { list: [1, 'theirs', 2], n: 2 }, theirs: { a: 1 } }
      assert.equal(canonical(stored), canonical(expected))
    },
  )

  collapse(
    'a default of which nothing is stored is written whole, above an unsafe key',
    async () => {
      for (const name of ['filter', '$filter']) {
        const filter = z.object({ by: z.record(z.string(), z.number()), keep: z.literal(1) })
        const schema = z.object({
          n: z.number().default(0),
          [name]: filter.default(() => ({ by: {}, keep: 1 as const })),
        })
        const sessions = createSessions({ store, schema }) as unknown as Sessions<Data>
        const { id, key } = await createStored(sessions, { n: 1 })
        const session = await openOn(sessions, id)
        session.data[name].by['a.b'] = 1
        await session.commit()
        const expected = { n: 1, [name]: { by: { 'a.b': 1 }, keep: 1 } }
        assert.equal(canonical(await storedData(store, key)), canonical(expected))
      }
    },
  )

  collapse('a written parent takes its children with it', async () => {
    const { modifications } = await commit({ user: { name: 'Ada' }, cart: [{ id: 1 }] }, data => {
      data.user.name = 'Eve'
      data.user = { id: 2 }
      data.user.name = 'Bob'
      data.cart[0].qty = 1
      data.cart.push({ id: 2 })
    })
    assert.deepEqual(pathsOf(modifications).sort(), ['cart', 'user'])
  })

  collapse('whatever is changed, no two paths overlap and all their keys are safe', async () => {
    const property = fc.asyncProperty(
      plainState,
      fc.array(mutation, { maxLength: 8 }),
      async (state, mutations) => {
        const expected = { ...structuredClone(state), created: true }
        const { modifications, stored } = await commit({ ...state, created: true }, data => {
          const pair = new Pair(expected, data)
          for (const step of mutations) pair.apply(step)
        })
        assertPrefixFree(modifications)
        assert.ok(modifications.every(({ path }) => path.every(isSafeKey)))
        assert.equal(canonical(stored), canonical(expected))
      },
    )
    await holds(property, name === 'embedded' ? 300 : 40)
  })
})
