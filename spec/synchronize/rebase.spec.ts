import assert from 'node:assert/strict'
import { z } from 'zod'
import type { Commit, Session } from '../../lib/index.js'
import { ConflictError, createSessions, snapshot } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import {
  createServers,
  createStored,
  documentOf,
  intercepted,
  openAll,
  openOn,
  storedData,
} from '../support/servers.js'
import { forEachStore } from '../support/stores.js'
import { trackings } from '../support/strategies.js'

interface Scene {
  /** This server's session, opened before the other one committed. */
  readonly mine: Session<Data>
  /** What the other server does and commits. */
  readonly other: (change: (data: Data) => void) => Promise<Commit>
  readonly stored: () => Promise<Data>
}

const items = (...ids: number[]): Data[] => ids.map(id => ({ id, qty: id }))

forEachStore('rebase', (rebase, { create }) => {
  const store = create()
  const [server, elsewhere] = createServers(store, 2)

  async function begin(data: Data, options?: Parameters<typeof createServers>[2]): Promise<Scene> {
    assert.ok(server && elsewhere)
    const { id, key } = await createStored(server, data)
    const servers = options === undefined ? [server] : createServers(store, 1, options)
    const [mine] = (await openAll(servers, id)) as [Session<Data>]
    const other: Scene['other'] = async change => {
      const session = await openOn(elsewhere, id)
      change(session.data)
      return session.commit()
    }
    return { mine, other, stored: () => storedData(store, key) }
  }

  /** Others change an attribute so often that not all that they replaced is remembered. */
  async function changeOften(
    other: Scene['other'],
    change: (data: Data, count: number) => void,
  ): Promise<void> {
    for (let count = 0; count < 40; count++) await other(data => change(data, count))
  }

  rebase('a handle follows its element, wherever others moved it', async () => {
    const { mine, other, stored } = await begin({ cart: items(1, 2, 3) })
    const item = mine.data.cart[2]
    await other(data => data.cart.reverse())
    item.qty = 9
    const { attempts, superseded } = await mine.commit()
    assert.equal(attempts, 2)
    assert.deepEqual(superseded, [])
    assert.equal(item, mine.data.cart[0])
    item.qty = 10
    await mine.commit()
    assert.deepEqual((await stored()).cart, [{ id: 3, qty: 10 }, ...items(2, 1)])
  })

  const DURING: [title: string, change: (data: Data) => unknown, expected: Data][] = [
    [
      'a filter and reassign',
      d => (d.cart = d.cart.filter(({ id }: Data) => id !== 1)),
      { cart: [...items(9), { id: 2, qty: 5 }, ...items(3)] },
    ],
    [
      'a spread and reassign',
      d => (d.cart = [...d.cart, { id: 4, qty: 4 }]),
      { cart: [...items(9, 1), { id: 2, qty: 5 }, ...items(3, 4)] },
    ],
    ['a spread of scalars', d => (d.log = [...d.log, 'z']), { log: ['q', 'z'] }],
    ['an object container', d => ((d.views ??= {}).mine = 1), { views: { other: 1, mine: 1 } }],
    ['an array container', d => (d.lines ??= []).push('mine'), { lines: ['other', 'mine'] }],
    [
      'a container in a container',
      d => (((d.deep ??= {}).in ??= {}).mine = 1),
      { deep: { in: { other: 1, mine: 1 } } },
    ],
  ]
  for (const tracking of ['writes', 'accesses', 'mutable-attributes'] as const)
    for (const [title, change, expected] of DURING) {
      rebase(
        `what is assigned while a commit is under way comes on top, too: ${tracking}, ${title}`,
        async () => {
          const { mine, other, stored } = await begin(
            { cart: items(1, 2), log: ['p', 'q'] },
            { tracking },
          )
          const before = mine.data.cart[1]
          await other(data => {
            data.cart.unshift(...items(9))
            data.log.shift()
            ;(data.views ??= {}).other = 1
            ;(data.lines ??= []).push('other')
            ;((data.deep ??= {}).in ??= {}).other = 1
          })
          before.qty = 5
          mine.data.cart.push(...items(3))
          const commit = mine.commit()
          change(mine.data)
          assert.equal((await commit).attempts, 2)
          const { superseded } = await mine.commit()
          assert.deepEqual(superseded, [])
          const data = await stored()
          for (const [name, value] of Object.entries(expected)) assert.deepEqual(data[name], value)
          assert.deepEqual(snapshot(mine.data), data)
        },
      )
    }

  const EQUAL: Record<string, (data: Data) => unknown> = {
    'a filter that keeps all': d => (d.cart = d.cart.filter(() => true)),
    'a spread': d => (d.cart = [...d.cart]),
    'a copy': d => (d.cart = d.cart.map((item: Data) => ({ ...item }))),
    'in an equal object': d => (d.shop = { ...d.shop, cart: [...d.shop.cart] }),
  }
  for (const [title, replace] of Object.entries(EQUAL)) {
    rebase(`an equal array says nothing of where others have put elements: ${title}`, async () => {
      const cartOf = (data: Data): Data => data.cart ?? data.shop.cart
      const isInside = title === 'in an equal object'
      const { mine, other, stored } = await begin(
        isInside ? { shop: { cart: items(1) } } : { cart: items(1) },
      )
      await other(data => cartOf(data).push(...items(2)))
      cartOf(mine.data).push(...items(3))
      await mine.commit()
      replace(mine.data)
      mine.data.more = 1
      await mine.commit()
      cartOf(mine.data).at(-1).qty = 'mine'
      await mine.commit()
      assert.deepEqual(cartOf(await stored()), [...items(1, 2), { id: 3, qty: 'mine' }])
    })
  }

  rebase('elements are matched by their id, whatever else is known of them', async () => {
    const { mine, other } = await begin({ cart: items(1, 2, 3) })
    const [first, second] = mine.data.cart
    await other(data => {
      data.cart[0].id = 2
      data.cart[1].id = 1
    })
    await mine.reload()
    assert.deepEqual([first.id, second.id], [1, 2])
  })

  rebase('elements without ids are matched by equality, where others moved some', async () => {
    const { mine, other, stored } = await begin({ cart: [{ a: 1 }, { a: 2 }, { a: 3 }] })
    mine.data.cart[2].b = 9
    await other(data => data.cart.shift())
    await mine.commit()
    assert.deepEqual((await stored()).cart, [{ a: 2 }, { a: 3, b: 9 }])
  })

  rebase(
    'what was written to one of several equal elements is void, if others moved some',
    async () => {
      const { mine, other, stored } = await begin({ cart: [{ a: 1 }, { a: 2 }, { a: 2 }] })
      mine.data.cart[2].b = 9
      await other(data => data.cart.shift())
      const { superseded } = await mine.commit()
      assert.deepEqual(superseded, [{ op: 'set', path: ['cart', 2, 'b'], value: 9 }])
      assert.deepEqual((await stored()).cart, [{ a: 2 }, { a: 2 }])
    },
  )

  rebase(
    'elements without ids stay where they are, if others changed some and appended',
    async () => {
      const { mine, other, stored } = await begin({ cart: [{ a: 1 }, { a: 2 }] })
      mine.data.cart[0].b = 9
      await other(data => {
        data.cart[0].a = 5
        data.cart.push({ a: 3 })
      })
      assert.equal((await mine.commit()).attempts, 1)
      assert.deepEqual((await stored()).cart, [{ a: 5, b: 9 }, { a: 2 }, { a: 3 }])
    },
  )

  for (const tracking of trackings) {
    rebase(
      `what was inserted is no append, though others removed all behind it: ${tracking}`,
      async () => {
        const { mine, other, stored } = await begin({ cart: items(1, 2, 3) }, { tracking })
        mine.data.cart.splice(1, 0, ...items(5))
        await other(data => {
          data.cart.length = 1
        })
        await mine.reload({ keepChanges: true })
        await other(data => data.cart.push(...items(9)))
        await mine.commit()
        assert.deepEqual((await stored()).cart, items(1, 5, 9))
      },
    )

    rebase(
      `an insertion is one no more after a commit, or when it was discarded: ${tracking}`,
      async () => {
        const ends: ((mine: Session<Data>) => unknown)[] = [
          mine => mine.commit(),
          mine => mine.discard(),
          mine => {
            mine.data.tags.splice(1, 1, 'y')
            return mine.commit()
          },
        ]
        for (const end of ends) {
          const { mine, other } = await begin({ tags: ['a', 'b'] }, { tracking })
          mine.data.tags.splice(1, 0, 'x')
          await other(data => data.tags.pop())
          await mine.reload({ keepChanges: true })
          await end(mine)
          mine.data.tags.push('x')
          assert.deepEqual(mine.changes(), [{ op: 'append', path: ['tags'], values: ['x'] }])
        }
      },
    )
  }

  rebase('what was put in front of an array that others emptied stays in front', async () => {
    for (const change of [
      (data: Data) => data.cart.unshift(...items(5)),
      (data: Data) => {
        data.cart = [...items(5), ...data.cart]
      },
    ]) {
      const { mine, other, stored } = await begin({ cart: items(1) })
      change(mine.data)
      await other(data => data.cart.pop())
      await mine.reload({ keepChanges: true })
      await other(data => data.cart.push(...items(9)))
      await mine.commit()
      assert.deepEqual((await stored()).cart, items(5, 9))
    }
  })

  rebase('an insertion stays one when what came after it is undone', async () => {
    const { mine, other, stored } = await begin({ cart: items(1, 2) })
    mine.data.cart.splice(1, 0, ...items(5))
    await other(data => data.cart.pop())
    await mine.reload({ keepChanges: true })
    assert.throws(() =>
      mine.change(() => {
        mine.discard()
        throw new Error('undo that')
      }),
    )
    await other(data => data.cart.push(...items(9)))
    await mine.commit()
    assert.deepEqual((await stored()).cart, items(1, 5, 9))
  })

  rebase('what a session appended it finds again, wherever it landed', async () => {
    const { mine, other, stored } = await begin({ cart: [{ a: 1 }] })
    await other(data => data.cart.push({ a: 'theirs' }))
    mine.data.cart.push({ a: 'mine' })
    assert.equal((await mine.commit()).attempts, 1)
    mine.data.cart[1].b = 9
    await mine.commit()
    assert.deepEqual((await stored()).cart, [{ a: 1 }, { a: 'theirs' }, { a: 'mine', b: 9 }])
  })

  rebase('nothing is written to another user than the one that was read', async () => {
    const { mine, other, stored } = await begin({ user: { id: 1, address: { city: 'London' } } })
    mine.data.user.name = 'Ada'
    mine.data.user.address.city = 'Paris'
    await other(data => {
      data.user = { id: 2, address: { city: 'Rome' } }
    })
    const { status, modifications, superseded } = await mine.commit()
    assert.deepEqual([status, modifications], ['unchanged', []])
    assert.deepEqual(superseded.map(({ path }) => path.join('.')).sort(), [
      'user.address.city',
      'user.name',
    ])
    assert.deepEqual((await stored()).user, { id: 2, address: { city: 'Rome' } })
    assert.deepEqual(mine.data.user, { id: 2, address: { city: 'Rome' } })
  })

  rebase('what others wrote in the same place anyway is not written in vain', async () => {
    const { mine, other } = await begin({ user: { id: 1 } })
    mine.data.user.name = 'Ada'
    mine.data.user.age = 36
    await other(data => {
      data.user = { id: 1, name: 'Ada' }
    })
    const { superseded } = await mine.commit()
    assert.deepEqual(superseded, [{ op: 'set', path: ['user', 'age'], value: 36 }])
  })

  rebase('an edited array is void if others assigned another one, element by element', async () => {
    const { mine, other, stored } = await begin({ cart: [{ a: 1 }, { a: 2 }] })
    mine.data.cart[0].b = 9
    mine.data.cart = [...mine.data.cart, { a: 3 }]
    await other(data => {
      data.cart = [{ a: 1, of: 'another' }]
    })
    const { superseded } = await mine.commit()
    assert.deepEqual(superseded, [{ op: 'set', path: ['cart', 0, 'b'], value: 9 }])
    assert.deepEqual((await stored()).cart, [{ a: 1, of: 'another' }, { a: 3 }])
  })

  rebase('a write to a handle whose place is gone is listed, whenever it comes', async () => {
    const { mine, other, stored } = await begin({ cart: items(1, 2), n: 0 })
    const item = mine.data.cart[1]
    item.qty = 5
    await other(data => data.cart.pop())
    const set = (name: string, value: number) => ({ op: 'set', path: ['cart', 1, name], value })
    assert.deepEqual((await mine.commit()).superseded, [set('qty', 5)])
    assert.deepEqual((await mine.commit()).superseded, [])
    item.qty = 6
    mine.data.n = 1
    assert.deepEqual((await mine.commit()).superseded, [set('qty', 6)])
    assert.equal(item.qty, 6)
    // Put where the session has it, it is a value like any other.
    mine.data.cart.push(item)
    item.note = 7
    assert.deepEqual((await mine.commit()).superseded, [])
    assert.deepEqual((await stored()).cart, [...items(1), { id: 2, qty: 6, note: 7 }])
  })

  rebase(
    'a write to a handle whose place is gone is a conflict where conflicts are refused',
    async () => {
      const [server] = createServers(store, 1, { isolation: 'snapshot' })
      assert.ok(server)
      const { id } = await createStored(server, { cart: items(1, 2), n: 0 })
      const mine = await openOn(server, id)
      const item = mine.data.cart[1]
      const other = await openOn(server, id)
      other.data.cart.pop()
      await other.commit()
      mine.data.n = 1
      await mine.commit()
      item.qty = 6
      mine.data.n = 2
      for (let attempt = 0; attempt < 2; attempt++) {
        await assert.rejects(mine.commit(), error => {
          assert.ok(error instanceof ConflictError, String(error))
          assert.deepEqual(error.paths, [['cart', 1, 'qty']])
          return true
        })
      }
      await mine.reload({ keepChanges: true })
      const { superseded } = await mine.commit()
      assert.deepEqual(superseded, [{ op: 'set', path: ['cart', 1, 'qty'], value: 6 }])
      assert.deepEqual(await storedData(store, mine.key), { cart: items(1), n: 2 })
    },
  )

  rebase(
    'one that misses its fence until the deadline is a conflict, and nothing else',
    async () => {
      let loads = 0
      const missing = intercepted(store, {
        write: () => false,
        load(proceed) {
          loads++
          return proceed()
        },
      })
      const [server] = createServers(missing, 1, { deadline: 150 })
      assert.ok(server)
      const mine = await createStored(server, { n: 0, user: { id: 1 } })
      mine.data.n = 1
      mine.data.user.name = 'Ada'
      const before = await documentOf(store, mine.key)
      await assert.rejects(mine.commit(), error => {
        assert.ok(error instanceof ConflictError, String(error))
        assert.deepEqual(error.paths, [['n'], ['user', 'name']])
        assert.equal(error.attempts, loads)
        return true
      })
      assert.deepEqual(await documentOf(store, mine.key), before)
      assert.deepEqual(
        mine.changes().map(({ path }) => path),
        [['n'], ['user', 'name']],
      )
    },
  )

  rebase('what a reload made void is listed by the next commit', async () => {
    const { mine, other } = await begin({ cart: items(1, 2) })
    mine.data.cart[1].qty = 5
    await other(data => data.cart.pop())
    await mine.reload({ keepChanges: true })
    assert.deepEqual(mine.changes(), [])
    assert.deepEqual((await mine.commit()).superseded, [
      { op: 'set', path: ['cart', 1, 'qty'], value: 5 },
    ])
  })

  rebase('what was assigned somewhere else stays, though its first place is gone', async () => {
    const { mine, other, stored } = await begin({ cart: items(1, 2), n: 0 })
    mine.data.favourite = mine.data.cart[1]
    mine.data.cart[1].qty = 5
    await other(data => {
      delete data.cart
    })
    await mine.commit()
    assert.deepEqual(await stored(), { favourite: { id: 2, qty: 5 }, n: 0 })
  })

  rebase('one node at two places parts when others changed one of them', async () => {
    const { mine, other } = await begin({ a: { inner: { n: 1 } } })
    mine.data.b = mine.data.a
    await mine.commit()
    const { a } = mine.data
    await other(data => {
      data.n = 1
    })
    await mine.reload()
    assert.equal(mine.data.a, a)
    assert.equal(mine.data.b, a)
    await other(data => {
      data.a.inner.n = 2
    })
    mine.data.b.mine = true
    await mine.reload({ keepChanges: true })
    assert.equal(mine.data.a, a)
    assert.deepEqual(mine.data.a, { inner: { n: 2 }, mine: true })
    assert.deepEqual(mine.data.b, { inner: { n: 1 }, mine: true })
    mine.data.b.inner.n = 3
    assert.equal(mine.data.a.inner.n, 2)
  })

  rebase('a Date that was handed out goes on counting', async () => {
    const { mine, other, stored } = await begin({
      when: new Date(1),
      since: new Date(1),
      n: { a: 1 },
    })
    const { when, since } = mine.data
    await other(data => {
      data.n = {}
      data.since = new Date(5)
    })
    mine.data.n.mine = 1
    await mine.commit()
    assert.equal(since.getTime(), 5)
    when.setTime(7)
    since.setTime(8)
    await mine.commit()
    const { when: time, since: start } = await stored()
    assert.deepEqual([time, start], [new Date(7), new Date(8)])
    assert.equal(mine.data.when, when)
  })

  rebase('an array of Dates is edited like any other', async () => {
    const { mine, other, stored } = await begin({ visits: [1, 2, 3].map(time => new Date(time)) })
    const [, second] = mine.data.visits
    mine.data.visits.sort((a: Date, b: Date) => b.getTime() - a.getTime())
    await other(data => data.visits.shift())
    await mine.commit()
    assert.deepEqual((await stored()).visits, [new Date(3), new Date(2)])
    assert.equal(mine.data.visits[1], second)
  })

  rebase('clear() leaves nothing of what others wrote meanwhile', async () => {
    const { mine, other, stored } = await begin({ user: { id: 1 }, n: 1 })
    const { user } = mine.data
    mine.clear()
    mine.data.user = user
    ;(mine.data.views ??= {}).here = 1
    await other(data => {
      data.user.name = 'Eve'
      data.views = { there: 1 }
      data.extra = true
    })
    await mine.commit()
    assert.deepEqual(await stored(), { user: { id: 1 }, views: { here: 1 } })
    assert.deepEqual(mine.data, { user: { id: 1 }, views: { here: 1 } })
  })

  rebase('after more commits than are remembered, appends and own places survive', async () => {
    const { mine, other, stored } = await begin({ user: { id: 1 }, cart: [], tags: ['a'], $x: {} })
    mine.data.cart.push({ mine: true })
    mine.data.tags.push('mine')
    mine.data.user.name = 'Ada'
    await changeOften(other, (data, count) => {
      data.cart = [{ count }, ...data.cart]
      data.tags = data.tags[0] === 'a' ? ['b'] : [`c${count}`, ...data.tags]
      data.user.address = { count }
    })
    const { superseded } = await mine.commit()
    const { cart, tags, user } = await stored()
    assert.deepEqual(superseded, [])
    assert.deepEqual(cart.at(-1), { mine: true })
    assert.deepEqual(tags.slice(-2), ['b', 'mine'])
    assert.deepEqual(user, { id: 1, name: 'Ada', address: { count: 39 } })
  })

  rebase('after more commits than are remembered, another user is still another', async () => {
    const { mine, other, stored } = await begin({
      user: { id: 1 },
      profile: { name: 'Ada', age: 1 },
    })
    mine.data.user.name = 'Ada'
    mine.data.profile.phone = 1
    await changeOften(other, (data, count) => {
      if (count === 0) Object.assign(data, { user: { id: 2 }, profile: { name: 'Eve', age: 2 } })
      data.user.address = { count }
      data.profile.address = { count }
    })
    const { superseded } = await mine.commit()
    assert.equal(superseded.length, 2)
    const address = { count: 39 }
    const profile = { name: 'Eve', age: 2, address }
    assert.deepEqual(await stored(), { user: { id: 2, address }, profile })
  })

  rebase('what is encoded for two places of one node is stored once in each', async () => {
    const item = z.object({ id: z.number(), notes: z.array(z.string()).default([]) })
    const schema = z.object({ cart: z.array(item).default([]), last: item.optional() })
    const session = createSessions({ store, schema }).create()
    session.data.cart = [{ id: 1, notes: [] }]
    await session.commit()
    session.data.last = session.data.cart[0]
    await session.commit()
    session.data.last?.notes.push('one')
    await session.commit()
    session.data.cart.unshift({ id: 2, notes: [] })
    await session.commit()
    assert.deepEqual(await storedData(store, session.key), {
      cart: [
        { id: 2, notes: [] },
        { id: 1, notes: ['one'] },
      ],
      last: { id: 1, notes: ['one'] },
    })
  })
})
