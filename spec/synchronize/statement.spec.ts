/**
 * What each kind of write requires of primary state, and what it tells others: row by row, as the
 * statement that the store gets.
 */

import assert from 'node:assert/strict'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Store } from '../../lib/index.js'
import { createSessions, memoryStore } from '../../lib/index.js'
import type { Statement } from '../../lib/store/store.js'
import type { Data } from '../support/operations.js'
import { start } from '../support/operations.js'
import { createServers, createStored, documentOf, intercepted, openOn } from '../support/servers.js'

const statements = suite('statement')

/** A store, and the statements that it got. */
function recording(): { store: Store; sent: Statement[] } {
  const sent: Statement[] = []
  const store = intercepted(memoryStore(), {
    write(proceed, statement) {
      sent.push(statement)
      return proceed()
    },
  })
  return { store, sent }
}

/** What a statement requires, raises and marks, in short. */
function fencesOf({ rev, layout, raises, mark }: Statement): object {
  return {
    rev: 'exactly' in rev ? rev.exactly : 'near',
    layout: Object.fromEntries(layout),
    raises,
    marks: mark?.at ?? [],
  }
}

interface Row {
  readonly write: string
  readonly change: (data: Data) => void
  readonly rev?: 'near' | 2
  readonly layout?: Record<string, number>
  readonly raises?: readonly string[]
  readonly marks?: readonly string[]
}

// The session has rev 2, and each of its containers was replaced once (layout 1), but for tags.
const rows: readonly Row[] = [
  { write: 'a leaf', change: d => (d.user.name = 'Eve'), layout: { user: 1 } },
  { write: 'a new leaf', change: d => (d.user.age = 1), layout: { user: 1 } },
  { write: 'a leaf that goes', change: d => delete d.user.name, layout: { user: 1 } },
  { write: 'an index', change: d => (d.cart[1].qty = 9), layout: { cart: 1 } },
  { write: 'an append', change: d => d.cart.push({ id: 4 }), layout: { cart: 1 } },
  {
    write: 'a scalar element',
    change: d => (d.tags[0] = 'x'),
    layout: { tags: 0, '*': 0 },
  },
  {
    write: 'an object below an attribute',
    change: d => (d.user.address = { city: 'Rome' }),
    layout: { user: 1 },
    raises: ['user'],
    marks: ['ruser.address'],
  },
  {
    write: 'an object that goes, below an attribute',
    change: d => delete d.user.address,
    layout: { user: 1 },
    raises: ['user'],
    marks: ['ruser.address'],
  },
  {
    write: 'an element that is replaced',
    change: d => (d.cart[1] = { id: 9 }),
    layout: { cart: 1 },
    raises: ['cart'],
    marks: ['rcart.1'],
  },
  { write: 'a scalar attribute', change: d => (d.n = 2), layout: { n: 0, '*': 0 } },
  { write: 'a scalar attribute that goes', change: d => delete d.n, layout: { n: 0, '*': 0 } },
  { write: 'a new scalar attribute', change: d => (d.m = 2), layout: { m: 0, '*': 0 } },
  {
    write: 'a new object',
    change: d => (d.extra = { a: 1 }),
    layout: { extra: 0, '*': 0 },
    raises: ['extra'],
    marks: ['rextra'],
  },
  {
    write: 'an object in the place of a scalar',
    change: d => (d.n = { a: 1 }),
    layout: { n: 0, '*': 0 },
    raises: ['n'],
    marks: ['rn'],
  },
  {
    write: 'another object',
    change: d => (d.user = { id: 2 }),
    raises: ['user'],
    marks: ['ruser'],
  },
  {
    write: 'a scalar in the place of an object',
    change: d => (d.user = 'gone'),
    raises: ['user'],
    marks: ['ruser'],
  },
  { write: 'an object that goes', change: d => delete d.user, raises: ['user'], marks: ['ruser'] },
  {
    write: 'another array',
    change: d => (d.cart = [{ id: 9 }]),
    raises: ['cart'],
    marks: ['rcart'],
  },
  {
    write: 'an array whose elements move',
    change: d => d.cart.reverse(),
    rev: 2,
    raises: ['cart'],
    marks: ['mcart'],
  },
  {
    write: 'an array whose elements leave',
    change: d => d.cart.splice(1, 1),
    rev: 2,
    raises: ['cart'],
    marks: ['mcart'],
  },
  {
    write: 'an array that is assigned and shares elements',
    change: d => (d.cart = d.cart.filter((item: Data) => item.id > 1)),
    rev: 2,
    raises: ['cart'],
    marks: ['mcart'],
  },
  {
    write: 'an array that is assigned and shares scalars',
    change: d => (d.tags = [...d.tags, 'c']),
    rev: 2,
    raises: ['tags'],
    marks: ['mtags'],
  },
  {
    write: 'an array whose elements stay, changed and appended to',
    change: d => {
      d.cart[0].qty = 9
      d.cart.push({ id: 4 })
    },
    rev: 2,
  },
  {
    write: 'an array whose elements stay, one replaced, and appended to',
    change: d => {
      d.cart[0] = { id: 9 }
      d.cart.push({ id: 4 })
    },
    rev: 2,
    raises: ['cart'],
    marks: ['rcart.0'],
  },
  { write: 'an empty container', change: d => (d.views ??= {}), rev: 2 },
  {
    write: 'what is put into a container',
    change: d => ((d.views ??= {}).home = 1),
    layout: { views: 0, '*': 0 },
  },
  {
    write: 'an object that is put into a container by the reference of its owner',
    change: d => ((d.views ??= {}).home = { count: 1 }),
    layout: { views: 0, '*': 0 },
  },
  {
    write: 'an object that is assigned in a container',
    change: d => {
      d.views ??= {}
      d.views.home = { count: 1 }
    },
    layout: { views: 0, '*': 0 },
    raises: ['views'],
    marks: ['rviews.home'],
  },
  {
    write: 'an append to a container',
    change: d => (d.log ??= []).push({ a: 1 }),
    layout: { log: 0, '*': 0 },
  },
  { write: 'a leaf with an unsafe key', change: d => (d.user['a.b'] = 1), rev: 2 },
  {
    write: 'an object with an unsafe key',
    change: d => (d.user['a.b'] = {}),
    rev: 2,
    raises: ['user'],
    marks: ['ruser.a~1b'],
  },
  { write: 'an attribute with an unsafe name', change: d => (d.$x = 1), rev: 2 },
  {
    write: 'an object with an unsafe name',
    change: d => (d.$x = { a: 1 }),
    rev: 2,
    raises: ['*'],
    marks: ['r$x'],
  },
  {
    write: 'several at once',
    change: d => {
      d.user.name = 'Eve'
      d.cart.push({ id: 4 })
      d.extra = {}
    },
    layout: { user: 1, cart: 1, extra: 0, '*': 0 },
    raises: ['extra'],
    marks: ['rextra'],
  },
  {
    write: 'several at once, one of them exactly',
    change: d => {
      d.user.name = 'Eve'
      d.cart.reverse()
    },
    rev: 2,
    raises: ['cart'],
    marks: ['mcart'],
  },
]

for (const { write, change, rev = 'near', layout = {}, raises = [], marks = [] } of rows) {
  statements(write, async () => {
    const { store, sent } = recording()
    const [server] = createServers(store, 1)
    assert.ok(server)
    const { id } = await createStored(server, start())
    const first = await openOn(server, id)
    first.data.user = start().user
    first.data.user.name = 'Bob'
    first.data.cart = start().cart.map((item: Data) => ({ ...item, qty: 5 }))
    await first.commit()
    sent.length = 0
    const session = await openOn(server, id)
    change(session.data)
    assert.equal((await session.commit()).attempts, 1)
    assert.deepEqual(sent.map(fencesOf), [{ rev, layout, raises, marks }])
  })
}

statements('what a session appended has no certain index, so it requires rev', async () => {
  const { store, sent } = recording()
  const [server] = createServers(store, 1)
  assert.ok(server)
  const session = await createStored(server, { cart: [{ id: 1 }] })
  session.data.cart.push({ id: 2 })
  await session.commit()
  session.data.cart[0].qty = 1
  await session.commit()
  session.data.cart[1].qty = 2
  await session.commit()
  session.data.cart[1].qty = 3
  await session.commit()
  assert.deepEqual(
    sent.map(({ rev }) => ('exactly' in rev ? 'exactly' : 'near')),
    ['near', 'near', 'exactly', 'near'],
  )
})

statements('64 attributes have counters of their own, the others share one', async () => {
  const { store, sent } = recording()
  const [server] = createServers(store, 1)
  assert.ok(server)
  const session = await createStored(server, { n: 1 })
  for (let index = 0; index < 70; index++) session.data[`object${index}`] = { index }
  await session.commit()
  const { layout } = await documentOf(store, session.key)
  assert.equal(Object.keys(layout).length, 65)
  assert.equal(layout['*'], 1)
  session.data.object3.index = 0
  session.data.object69.index = 0
  await session.commit()
  // Whoever does not know the counter of an attribute would raise the shared one for it.
  assert.deepEqual(Object.fromEntries(sent.at(-1)?.layout ?? []), {
    object3: 1,
    object69: 0,
    '*': 1,
  })
})

statements('a commit near the last load requires its rev to be less than 16 above', async () => {
  const { store, sent } = recording()
  const [server] = createServers(store, 1)
  assert.ok(server)
  const session = await createStored(server, { n: 1 })
  const stale = await openOn(server, session.id)
  for (let n = 2; n < 18; n++) {
    session.data.n = n
    assert.equal((await session.commit()).attempts, 1)
  }
  stale.data.m = 1
  assert.equal((await stale.commit()).attempts, 2)
  assert.deepEqual(
    sent.slice(-2).map(({ rev }) => rev),
    [{ below: 17 }, { below: 33 }],
  )
  // Both attempts carry one token.
  assert.equal(new Set(sent.slice(-2).map(({ token }) => token)).size, 1)
})

statements('tokens and marks are trimmed to 16 once there are 32', async () => {
  const { store, sent } = recording()
  const [server] = createServers(store, 1)
  assert.ok(server)
  const session = await createStored(server, { user: { id: 0 } })
  const counts: [tokens: number, marks: number][] = []
  for (let id = 1; id < 60; id++) {
    session.data.user = { id }
    await session.commit()
    const { tokens, marks } = await documentOf(store, session.key)
    counts.push([tokens.length, marks.length])
  }
  assert.equal(Math.max(...counts.map(([tokens]) => tokens)), 32)
  assert.equal(Math.max(...counts.map(([, marks]) => marks)), 32)
  assert.ok(counts.slice(32).every(([tokens, marks]) => tokens >= 16 && marks >= 16))
  assert.ok(sent.filter(({ trim }) => trim !== false).length < 4)
})

statements('an attribute that a schema decodes is fenced like any other', async () => {
  const { store, sent } = recording()
  const schema = z.object({ set: z.set(z.string()).optional(), map: z.map(z.string(), z.any()) })
  const sessions = createSessions({ store, schema, initial: () => ({ map: new Map() }) })
  const session = sessions.create()
  session.data.set = new Set(['a'])
  session.data.map.set('a', { b: 1 })
  await session.commit()
  session.data.set.add('b')
  session.data.map.set('c', { d: 1 })
  await session.commit()
  session.data.set.delete('a')
  await session.commit()
  assert.deepEqual(sent.map(fencesOf), [
    {
      rev: 'near',
      layout: { set: 0, map: 0, '*': 0 },
      raises: ['map'],
      marks: ['rmap.c'],
    },
    { rev: 2, layout: {}, raises: ['set'], marks: ['mset'] },
  ])
})

statements.run()
