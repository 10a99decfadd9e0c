import assert from 'node:assert/strict'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Modification, Session, Sessions } from '../../lib/index.js'
import { createSessions, memoryStore, merge } from '../../lib/index.js'
import { forEachStore } from '../support/stores.js'

const counter = () => z.number().register(merge, 'increment')

const schema = z.object({
  views: counter().default(0),
  left: counter().default(10),
  credits: counter().optional(),
  pages: z.record(z.string(), counter()).default({}),
  cart: z.array(z.object({ id: z.number(), quantity: counter() })).optional(),
  deep: z
    .object({ down: z.object({ here: counter().nullable().optional() }).default({}) })
    .default({ down: {} }),
  best: z.number().register(merge, 'max').optional(),
  worst: z.number().register(merge, 'min').optional(),
  latest: z.date().register(merge, 'max').optional(),
  log: z.array(z.string()).register(merge, 'append').optional(),
  tags: z.array(z.string()).register(merge, 'union').optional(),
  roles: z.set(z.string()).register(merge, 'union').optional(),
  address: z.object({ city: z.string(), zip: z.number() }).register(merge, 'atomic').optional(),
  other: z.number().optional(),
})

type Data = z.output<typeof schema>

forEachStore('merge intent', (intents, { create }) => {
  const store = create()
  const sessions: Sessions<Data> = createSessions({
    store,
    schema,
    deadline: 60_000,
  })

  async function servers(count: number, initial: Partial<Data> = {}): Promise<Session<Data>[]> {
    const session = sessions.create({ other: 1, ...initial })
    await session.commit()
    return Promise.all(
      Array.from({ length: count }, async () => (await sessions.open(session.id)) as Session<Data>),
    )
  }

  /** Commits of all servers in their order; gives what is stored then. */
  async function commitAll(open: readonly Session<Data>[]): Promise<Data> {
    for (const session of open) {
      await session.commit()
      assert.deepEqual(session.changes(), [])
    }
    const [first, ...others] = open
    for (const session of open) await session.reload()
    for (const session of others) assert.deepEqual(session.data, first?.data)
    return (first as Session<Data>).data
  }

  const each = async (
    initial: Partial<Data>,
    recipes: readonly ((data: Data) => void)[],
  ): Promise<Data> => {
    const open = await servers(recipes.length, initial)
    recipes.forEach((recipe, index) => {
      recipe((open[index] as Session<Data>).data)
    })
    return commitAll(open)
  }

  intents('what is added to a counter is added by each server', async () => {
    const data = await each({ views: 5 }, [
      d => d.views++,
      d => (d.views += 10),
      d => (d.views -= 2),
    ])
    assert.equal(data.views, 14)
  })

  intents('an absent counter starts from its default, whoever is first', async () => {
    const data = await each({}, [d => d.views++, d => d.views++, d => d.left--, d => d.left--])
    assert.equal(data.views, 2)
    assert.equal(data.left, 8)
  })

  intents('an absent counter without a default starts from 0', async () => {
    const add = (d: Data): void => {
      d.credits = (d.credits ?? 0) + 3
    }
    assert.equal((await each({}, [add, add, add])).credits, 9)
  })

  intents('a counter that is removed starts anew', async () => {
    const remove = (d: Data): void => {
      delete (d as Partial<Data>).left
    }
    assert.equal((await each({ left: 3 }, [remove, d => d.left--])).left, 9)
    assert.equal((await each({ left: 3 }, [d => d.left--, remove])).left, 10)
  })

  intents('counters count in records, in elements and at any depth', async () => {
    const cart = [
      { id: 1, quantity: 1 },
      { id: 2, quantity: 2 },
    ]
    const visit = (d: Data): void => {
      d.pages.home = (d.pages.home ?? 0) + 1
      const [, second] = d.cart as { quantity: number }[]
      if (second !== undefined) second.quantity += 5
      d.deep.down.here = (d.deep.down.here ?? 0) + 1
    }
    const data = await each({ cart }, [visit, visit, d => d.cart?.shift(), visit, visit])
    assert.deepEqual(data.pages, { home: 4 })
    assert.deepEqual(data.cart, [{ id: 2, quantity: 22 }])
    assert.equal(data.deep.down.here, 4)
  })

  intents('after a commit the client reads what is stored, floats included', async () => {
    const [one, two] = (await servers(2, { views: 0.1 })) as [Session<Data>, Session<Data>]
    one.data.views = 0.3
    const { modifications } = await one.commit()
    const [{ by }] = modifications as [Modification & { op: 'increment' }]
    assert.equal(one.data.views, 0.1 + by)
    await two.reload()
    assert.equal(two.data.views, one.data.views)
  })

  intents('the greatest and the least stay', async () => {
    const data = await each({ best: 5, worst: 5 }, [
      d => {
        d.best = 9
        d.worst = 4
        d.latest = new Date(2000)
      },
      d => {
        d.best = 7
        d.worst = 3
        d.latest = new Date(1000)
      },
      d => {
        d.best = 2
        d.worst = 8
      },
    ])
    assert.equal(data.best, 9)
    assert.equal(data.worst, 3)
    assert.deepEqual(data.latest, new Date(2000))
  })

  intents('after a commit of a lesser value the client reads the greatest', async () => {
    const [one] = (await servers(1, { best: 5 })) as [Session<Data>]
    one.data.best = 3
    await one.commit()
    assert.equal(one.data.best, 5)
  })

  intents('what is appended by assignment is appended', async () => {
    const add = (text: string) => (d: Data) => {
      d.log = [...(d.log ?? []), text]
    }
    assert.deepEqual((await each({ log: ['a'] }, [add('b'), add('c')])).log, ['a', 'b', 'c'])
    assert.deepEqual((await each({}, [add('b'), add('c')])).log, ['b', 'c'])
  })

  intents('a union has each of its elements once', async () => {
    const data = await each({ tags: ['a'] }, [
      d => d.tags?.push('b', 'c'),
      d => {
        d.tags = [...new Set([...(d.tags ?? []), 'c', 'd'])]
      },
      d => d.tags?.push('a'),
    ])
    assert.deepEqual(data.tags, ['a', 'b', 'c', 'd'])
  })

  intents('a union takes what was added, wherever it was put', async () => {
    const data = await each({ tags: ['a', 'b'], roles: new Set(['a', 'b']) }, [
      d => {
        d.tags?.unshift('c')
        d.roles = new Set(['c', ...(d.roles ?? [])])
      },
      d => {
        d.tags?.splice(1, 0, 'd')
        d.roles = new Set(['a', 'd', 'b'])
      },
    ])
    assert.deepEqual(data.tags, ['a', 'b', 'c', 'd'])
    assert.deepEqual([...(data.roles as Set<string>)], ['a', 'b', 'c', 'd'])
  })

  intents(
    'a union has an element once that several have added, where a commit goes again',
    async () => {
      const cart = [1, 2].map(id => ({ id, quantity: 1 }))
      const open = await servers(2, { cart, tags: ['z'] })
      for (const { data } of open) {
        data.cart?.reverse()
        data.tags = [...(data.tags ?? []), 'a']
      }
      assert.deepEqual((await commitAll(open)).tags, ['z', 'a'])
    },
  )

  intents('a Set unites what each server added', async () => {
    const data = await each({}, [
      d => (d.roles = new Set(['a', 'b'])),
      d => {
        d.roles ??= new Set()
        d.roles.add('b').add('c')
      },
    ])
    assert.deepEqual([...(data.roles as Set<string>)].sort(), ['a', 'b', 'c'])
  })

  intents('an atomic value is written whole, and never mixed', async () => {
    const open = await servers(2, { address: { city: 'London', zip: 1 } })
    const [one, two] = open as [Session<Data>, Session<Data>]
    ;(one.data.address as { city: string }).city = 'Paris'
    ;(two.data.address as { zip: number }).zip = 2
    assert.deepEqual(one.changes(), [
      { op: 'set', path: ['address'], value: { city: 'Paris', zip: 1 } },
    ])
    assert.deepEqual((await commitAll(open)).address, { city: 'London', zip: 2 })
  })

  intents('forty servers at once: every intent is exact', async () => {
    const count = 40
    const open = await servers(count, { tags: [], log: [] })
    open.forEach(({ data }, index) => {
      data.views++
      data.left--
      data.best = Math.max(data.best ?? 0, index)
      data.log?.push(`line ${index}`)
      data.tags?.push(`tag ${index % 4}`)
      data.pages[`page ${index % 8}`] = (data.pages[`page ${index % 8}`] ?? 0) + 1
    })
    await Promise.all(open.map(session => session.commit()))
    const { data } = (await sessions.open(open[0]?.id)) as Session<Data>
    assert.equal(data.views, count)
    assert.equal(data.left, 10 - count)
    assert.equal(data.best, count - 1)
    assert.deepEqual([...(data.log ?? [])].sort(), open.map((_, index) => `line ${index}`).sort())
    assert.deepEqual([...(data.tags ?? [])].sort(), ['tag 0', 'tag 1', 'tag 2', 'tag 3'])
    assert.deepEqual(
      Object.values(data.pages),
      Array.from({ length: 8 }, () => count / 8),
    )
  })
})

const misfits = suite('merge intents that do not fit')

for (const [title, schema, message] of [
  [
    'a counter of text',
    z.object({ a: z.string().register(merge, 'increment') }),
    /a is marked 'increment', which needs z\.number\(\)/,
  ],
  [
    'a greatest array',
    z.object({ a: z.object({ b: z.array(z.number()).register(merge, 'max').optional() }) }),
    /a\.b is marked 'max'/,
  ],
  [
    'appending to a Set',
    z.object({ a: z.set(z.string()).register(merge, 'append').optional() }),
    /a is marked 'append', which needs z\.array\(\)/,
  ],
  [
    'a union of numbers',
    z.object({ a: z.array(z.number().register(merge, 'union')) }),
    /a.*is marked 'union'/,
  ],
  [
    'an intent that does not exist',
    z.object({ a: z.number().register(merge, 'sum') }),
    /has a merge intent that does not exist, use one of 'increment'/,
  ],
  [
    'an inherited name',
    z.object({ a: z.number().register(merge, 'constructor') }),
    /does not exist/,
  ],
  [
    'a counter that is stored as text',
    z.object({
      a: z
        .codec(z.string(), z.number(), { decode: Number, encode: String })
        .register(merge, 'increment'),
    }),
    /a is marked 'increment'/,
  ],
] as const) {
  misfits(`are refused with their path: ${title}`, () => {
    assert.throws(
      () =>
        createSessions({
          store: memoryStore(),
          schema: schema as never,
          initial: () => ({}) as never,
        }),
      {
        code: 'ERR_INVALID_OPTION',
        message,
      },
    )
  })
}

misfits('an intent is found through every wrapper, and the outermost wins', async () => {
  const inner = z.number().register(merge, 'max')
  const wrapped = z.object({
    refined: z.number().register(merge, 'increment').min(-100).optional(),
    outermost: inner.optional().register(merge, 'increment'),
    readonly: z.number().register(merge, 'increment').readonly().optional(),
    caught: z.number().register(merge, 'increment').catch(0),
    piped: z.number().register(merge, 'increment').pipe(z.number().max(1000)).optional(),
    lazy: z.lazy(() => z.number().register(merge, 'increment')).optional(),
  })
  const sessions = createSessions({ store: memoryStore(), schema: wrapped })
  const session = sessions.create({
    refined: 1,
    outermost: 1,
    caught: 1,
    piped: 1,
    lazy: 1,
    readonly: 1,
  } as never)
  await session.commit()
  const data = session.data as Record<string, number>
  for (const name of Object.keys(wrapped.shape)) (data[name] as number)++
  assert.deepEqual(
    session.changes().map(({ op, path }) => [op, path[0]]),
    Object.keys(wrapped.shape).map(name => ['increment', name]),
  )
})

misfits.run()
