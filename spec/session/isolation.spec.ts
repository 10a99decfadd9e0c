import assert from 'node:assert/strict'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Isolation, Session, Sessions, Store } from '../../lib/index.js'
import { ConflictError, createSessions, memoryStore, merge, snapshot } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { start } from '../support/operations.js'
import { forEachStore } from '../support/stores.js'

/** Two servers that have opened one session. */
interface Pair {
  readonly one: Session<Data>
  readonly two: Session<Data>
  readonly stored: () => Promise<Data>
}

async function openPair(store: Store, isolation: Isolation, schema?: z.ZodObject): Promise<Pair> {
  const options = { store, isolation, ...(schema && { schema }) }
  const sessions = createSessions(options as never) as unknown as Sessions<Data>
  const session = sessions.create(schema === undefined ? start() : { n: 1 })
  await session.commit()
  const open = async () => (await sessions.open(session.id)) as Session<Data>
  return { one: await open(), two: await open(), stored: async () => (await open()).data }
}

const refuses = async (commit: Promise<unknown>, paths: readonly unknown[]): Promise<void> => {
  await assert.rejects(commit, error => {
    assert.ok(error instanceof ConflictError, String(error))
    assert.deepEqual(error.paths, paths)
    return true
  })
}

/** What two servers do, and the paths of the second that conflict under `'snapshot'`. */
const writes: [title: string, (data: Data) => void, (data: Data) => void, paths: unknown[]][] = [
  ['one leaf', d => (d.user.name = 'Eve'), d => (d.user.name = 'Bob'), [['user', 'name']]],
  ['one leaf, the same value', d => (d.n = 2), d => (d.n = 2), [['n']]],
  ['different leaves', d => (d.user.name = 'Eve'), d => (d.user.id = 2), []],
  ['different attributes', d => (d.n = 2), d => (d.user.id = 2), []],
  [
    'a leaf of a replaced object',
    d => (d.user = { id: 3 }),
    d => (d.user.name = 'Bob'),
    [['user', 'name']],
  ],
  [
    'an object whose leaf was written',
    d => (d.user.name = 'Eve'),
    d => (d.user = { id: 3 }),
    [['user']],
  ],
  [
    'a leaf of a removed object',
    d => delete d.user,
    d => (d.user.name = 'Bob'),
    [['user', 'name']],
  ],
  ['a removal of what was written', d => (d.user.name = 'Eve'), d => delete d.user, [['user']]],
  ['two removals', d => delete d.n, d => delete d.n, [['n']]],
  ['two appends', d => d.cart.push({ id: 4 }), d => d.cart.push({ id: 5 }), [['cart']]],
  ['an append and an element', d => d.cart.push({ id: 4 }), d => (d.cart[1].qty = 9), []],
  ['an element and an append', d => (d.cart[1].qty = 9), d => d.cart.push({ id: 4 }), []],
  ['different elements', d => (d.cart[0].qty = 9), d => (d.cart[1].qty = 9), []],
  ['one element', d => (d.cart[0].qty = 9), d => (d.cart[0].qty = 8), [['cart', 0, 'qty']]],
  ['an element that moved', d => d.cart.splice(0, 1), d => (d.cart[1].qty = 9), []],
  [
    'an element that was removed',
    d => d.cart.splice(0, 1),
    d => (d.cart[0].qty = 9),
    [['cart', 0, 'qty']],
  ],
  ['two splices', d => d.cart.splice(0, 1), d => d.cart.splice(1, 1), [['cart']]],
  ['one new attribute', d => (d.extra = 1), d => (d.extra = 2), [['extra']]],
  ['two containers', d => ((d.views ??= {}).a = 1), d => ((d.views ??= {}).b = 1), []],
  [
    'one place in two containers',
    d => ((d.views ??= {}).a = 1),
    d => ((d.views ??= {}).a = 2),
    [['views', 'a']],
  ],
  ['two empty containers', d => (d.log ??= []), d => (d.log ??= []), []],
]

forEachStore('isolation', (isolation, { create }) => {
  const store = create()

  for (const [title, first, second, paths] of writes) {
    for (const level of ['snapshot', 'serializable'] as const) {
      // Looking for a container, for the end of an array or for an element at an index is reading.
      if (level === 'serializable' && /container|append|that moved/.test(title)) continue
      isolation(
        `'${level}', ${title}: ${paths.length === 0 ? 'both stay' : 'refused'}`,
        async () => {
          const { one, two, stored } = await openPair(store, level)
          first(one.data)
          second(two.data)
          // A snapshot reads everything.
          const mine = level === 'snapshot' ? snapshot(two.data) : undefined
          await one.commit()
          if (paths.length > 0) {
            const before = await stored()
            const commit = two.commit()
            await assert.rejects(commit, { code: 'ERR_CONFLICT', status: 409 })
            if (level === 'snapshot') await refuses(commit, paths)
            assert.deepEqual(await stored(), before, 'something was written')
            if (mine !== undefined) assert.deepEqual(two.data, mine, 'the changes are not kept')
            // It does not go away by being tried again.
            await assert.rejects(two.commit(), { code: 'ERR_CONFLICT' })
            await two.reload({ keepChanges: true })
          }
          await two.commit()
          assert.deepEqual(await stored(), snapshot(two.data))
        },
      )
    }
  }

  isolation("'last-write-wins' refuses none of them", async () => {
    for (const [, first, second] of writes) {
      const { one, two } = await openPair(store, 'last-write-wins')
      first(one.data)
      second(two.data)
      await one.commit()
      await two.commit()
    }
  })

  const skew = async (level: Isolation): Promise<Data> => {
    const { one, two, stored } = await openPair(store, level)
    one.data.onCall = { ada: true, bob: true }
    await one.commit()
    await two.reload()
    // Each leaves only while the other one is there.
    if (one.data.onCall.bob) one.data.onCall.ada = false
    if (two.data.onCall.ada) two.data.onCall.bob = false
    await one.commit()
    try {
      await two.commit()
    } catch (error) {
      assert.ok(error instanceof ConflictError)
      assert.deepEqual(error.paths, [['onCall', 'ada']])
    }
    return (await stored()).onCall
  }

  isolation("write skew is possible under 'snapshot'", async () => {
    assert.deepEqual(await skew('snapshot'), { ada: false, bob: false })
  })

  isolation("write skew is impossible under 'serializable'", async () => {
    assert.deepEqual(await skew('serializable'), { ada: false, bob: true })
  })

  const reads: [
    title: string,
    (data: Data) => unknown,
    (data: Data) => void,
    conflicts: boolean,
  ][] = [
    ['a leaf', d => d.user.name, d => (d.user.name = 'Eve'), true],
    ['another leaf', d => d.user.name, d => (d.user.id = 7), false],
    ['an object that was replaced', d => d.user, d => (d.user = { id: 7 }), true],
    ['an object that was written into', d => d.user, d => (d.user.id = 7), false],
    ['the keys of an object', d => Object.keys(d.user), d => (d.user.more = 1), true],
    ['a key that was absent', d => d.user.more, d => (d.user.more = 1), true],
    ['whether a key is there', d => 'more' in d.user, d => (d.user.more = 1), true],
    ['an absent attribute', d => d.more, d => (d.more = 1), true],
    ['a destructured leaf', ({ user: { name } }) => name, d => (d.user.name = 'Eve'), true],
    ['a spread object', d => ({ ...d.user }), d => (d.user.name = 'Eve'), true],
    ['JSON', d => JSON.stringify(d), d => (d.user.address.zip = 9), true],
    ['a snapshot', d => snapshot(d), d => (d.user.address.zip = 9), true],
    ['an element', d => d.cart[1].qty, d => (d.cart[1].qty = 9), true],
    ['an element at an index', d => d.cart[1], d => d.cart.splice(0, 1), true],
    ['another element', d => d.cart[1].qty, d => (d.cart[2].qty = 9), false],
    ['the length', d => d.cart.length, d => d.cart.push({ id: 9 }), true],
    ['a search', d => d.cart.find((item: Data) => item.id === 1), d => (d.cart[2].id = 9), true],
    ['iteration', d => [...d.tags], d => d.tags.push('c'), true],
    ['nothing', () => undefined, d => (d.user = {}), false],
  ]
  for (const [title, read, write, conflicts] of reads) {
    isolation(`'serializable': what was read counts, ${title}`, async () => {
      const { one, two } = await openPair(store, 'serializable')
      read(two.data)
      two.data.own = 1
      write(one.data)
      await one.commit()
      if (conflicts) await assert.rejects(two.commit(), { code: 'ERR_CONFLICT' })
      else await two.commit()
    })
    isolation(`'snapshot': what was read does not count, ${title}`, async () => {
      const { one, two } = await openPair(store, 'snapshot')
      read(two.data)
      two.data.own = 1
      write(one.data)
      await one.commit()
      await two.commit()
    })
  }

  isolation('what was read for an earlier commit does not count', async () => {
    const { one, two } = await openPair(store, 'serializable')
    two.data.n = two.data.tags.length
    await two.commit()
    one.data.tags.push('c')
    await one.commit()
    two.data.own = 1
    await two.commit()
  })

  isolation('what was read by a commit that was refused still counts', async () => {
    const { one, two } = await openPair(store, 'serializable')
    two.data.own = two.data.n
    one.data.n = 2
    await one.commit()
    await refuses(two.commit(), [['n']])
    await refuses(two.commit(), [['n']])
    await two.reload()
    two.data.own = two.data.n
    assert.equal((await two.commit()).status, 'updated')
  })

  isolation('intents do not conflict by being written', async () => {
    const schema = z.object({
      n: z.number().register(merge, 'increment'),
      best: z.number().register(merge, 'max').optional(),
      log: z.array(z.string()).register(merge, 'append').optional(),
      tags: z.array(z.string()).register(merge, 'union').optional(),
    })
    const { one, two, stored } = await openPair(store, 'snapshot', schema.partial())
    for (const { data } of [one, two]) {
      data.n++
      data.best = 3
      ;(data.log ??= []).push('a')
      ;(data.tags ??= []).push('a')
    }
    await one.commit()
    await two.commit()
    assert.deepEqual(await stored(), { n: 3, best: 3, log: ['a', 'a'], tags: ['a'] })
  })

  for (const level of ['last-write-wins', 'snapshot', 'serializable'] as const) {
    isolation(
      `'${level}': eight times fifty read-modify-writes of one path are exact`,
      async () => {
        const sessions = createSessions<{ n: number }>({
          store,
          isolation: level,
          deadline: 60_000,
        })
        const session = sessions.create({ n: 0 })
        await session.commit()
        const worker = async (): Promise<void> => {
          for (let round = 0; round < 50; round++)
            await sessions.update(session.id, d => void d.n++)
        }
        await Promise.all(Array.from({ length: 8 }, worker))
        await session.reload()
        assert.equal(session.data.n, 400)
      },
    )
  }

  isolation('a rotation conflicts as a commit does', async () => {
    const { one, two } = await openPair(store, 'snapshot')
    one.data.n = 2
    two.data.n = 3
    await one.commit()
    await refuses(two.rotateId(), [['n']])
    await two.reload()
    await two.rotateId()
  })
})

const options = suite('the option isolation')

options('a level that does not exist is refused', () => {
  assert.throws(() => createSessions({ store: memoryStore(), isolation: 'strict' as never }), {
    code: 'ERR_INVALID_OPTION',
    message: /isolation.*'last-write-wins', 'snapshot', 'serializable'/,
  })
})

options.run()
