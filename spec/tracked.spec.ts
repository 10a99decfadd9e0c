/**
 * The tracker by itself: `track()`, with each tracking and each differencing.
 */

import assert from 'node:assert/strict'
import { applyPatches, enablePatches } from 'immer'
import { suite } from 'uvu'
import type { Tracked, TrackOptions } from '../lib/index.js'
import { snapshot, track, UnsupportedValueError } from '../lib/index.js'
import { canonical } from './support/canonical.js'

enablePatches()

// biome-ignore lint/suspicious/noExplicitAny: data of all kinds
type Data = any

const start = (): Data => ({
  user: { name: 'Ada', address: { city: 'London', zip: 1 } },
  cart: [
    { id: 1, qty: 1 },
    { id: 2, qty: 2 },
  ],
  tags: ['a', 'b'],
  when: new Date(5),
  n: 1,
})

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  }
  return value
}

const combinations: [name: string, options: TrackOptions][] = (
  ['writes', 'accesses', 'mutable-attributes', 'none'] as const
).flatMap(tracking =>
  (['graph', 'binary'] as const).map((differencing): [string, TrackOptions] => [
    `${tracking} × ${differencing}`,
    { tracking, differencing },
  ]),
)

for (const [name, options] of combinations) {
  const tracking = suite(`track, ${name}`)
  const begin = (state: Data = start()): Tracked<Data> => track(deepFreeze(state), options)

  tracking('nothing was changed: there are no changes', () => {
    const tracked = begin()
    assert.deepStrictEqual(snapshot(tracked.data), start())
    JSON.stringify(tracked.data)
    assert.deepEqual(tracked.changes(), [])
    assert.deepEqual(tracked.patches(), [])
    assert.deepStrictEqual(tracked.benchmark, start())
  })

  tracking('changes are the smallest that tell it', () => {
    const tracked = begin()
    const { data } = tracked
    data.user.address.city = 'Rome'
    delete data.user.name
    data.cart[1].qty++
    data.tags.push('c')
    data.when.setTime(6)
    data.fresh = { a: [1] }
    delete data.n
    const changes = tracked.changes().sort((a, b) => (a.path.join() < b.path.join() ? -1 : 1))
    assert.deepEqual(changes, [
      { op: 'set', path: ['cart', 1, 'qty'], value: 3 },
      { op: 'set', path: ['fresh'], value: { a: [1] } },
      { op: 'unset', path: ['n'] },
      { op: 'append', path: ['tags'], values: ['c'] },
      { op: 'set', path: ['user', 'address', 'city'], value: 'Rome' },
      { op: 'unset', path: ['user', 'name'] },
      { op: 'set', path: ['when'], value: new Date(6) },
    ])
  })

  tracking('set and set back, and an equal replacement, are none', () => {
    const tracked = begin()
    const { data } = tracked
    data.n = 2
    data.n = 1
    data.user = { address: { zip: 1, city: 'London' }, name: 'Ada' }
    data.cart.push(1)
    data.cart.pop()
    data.when = new Date(5)
    assert.deepEqual(tracked.changes(), [])
  })

  tracking('patches, applied to the benchmark, give the data', () => {
    const tracked = begin()
    const { data } = tracked
    data.user.address = { city: 'Rome' }
    data.cart.reverse()
    data.cart[0].qty = 9
    data.tags.splice(0, 1, 'x', 'y')
    data.fresh = [{ a: 1 }]
    delete data.n
    const patched = applyPatches(start(), tracked.patches())
    assert.equal(canonical(patched), canonical(tracked.data))
    assert.deepStrictEqual(tracked.benchmark, start())
  })

  tracking('accepted, the data is the benchmark, and what was given stays', () => {
    const given = deepFreeze(start())
    const tracked = track<Data>(given, options)
    const { data } = tracked
    const before = tracked.benchmark
    data.user.name = 'Bob'
    data.cart.push({ id: 3 })
    data.when.setTime(7)
    data.raw = { in: [1] }
    tracked.accept()
    const now = { ...start(), when: new Date(7), raw: { in: [1] } }
    now.user.name = 'Bob'
    now.cart.push({ id: 3 })
    assert.deepEqual(tracked.changes(), [])
    assert.deepStrictEqual(snapshot(tracked.data), now)
    assert.deepStrictEqual(tracked.benchmark, now)
    assert.deepStrictEqual(before, start())
    assert.deepStrictEqual(given, start())
    // And from there on.
    data.user.name = 'Cyd'
    data.when.setTime(8)
    assert.equal(tracked.changes().length, 2)
    assert.deepStrictEqual(tracked.benchmark, now)
    tracked.accept()
    tracked.data.raw.in.push(2)
    assert.deepEqual(tracked.changes(), [{ op: 'append', path: ['raw', 'in'], values: [2] }])
  })

  tracking('discarded, it is the benchmark again', () => {
    const tracked = begin()
    const { data } = tracked
    data.user.name = 'Bob'
    data.cart.length = 0
    delete data.tags
    data.when.setTime(9)
    data.fresh = 1
    tracked.discard()
    assert.deepStrictEqual(snapshot(tracked.data), start())
    assert.deepEqual(tracked.changes(), [])
    tracked.data.user.name = 'Cyd'
    assert.deepEqual(tracked.changes(), [{ op: 'set', path: ['user', 'name'], value: 'Cyd' }])
  })

  tracking('what changes and patches hold is a copy', () => {
    const tracked = begin()
    const { data } = tracked
    data.fresh = { in: [{ a: 1 }] }
    data.tags.push('c')
    const listed = [...tracked.changes(), ...tracked.patches()] as Data[]
    for (const each of listed) {
      const value = each.value ?? each.values
      if (Array.isArray(value)) value.push('scribbled')
      else if (typeof value === 'object') value.in[0].a = 'scribbled'
    }
    assert.deepStrictEqual(snapshot(data), {
      ...start(),
      fresh: { in: [{ a: 1 }] },
      tags: ['a', 'b', 'c'],
    })
    data.fresh.in[0].a = 2
    assert.equal(listed[0].value?.in?.[0].a ?? 'scribbled', 'scribbled')
  })

  tracking('symbols are not in it', () => {
    const { data } = begin()
    assert.equal(Symbol.iterator in data, false)
    assert.equal(data[Symbol.iterator], undefined)
    assert.equal(Symbol('x') in data.user, false)
  })

  tracking('what BSON would damage is refused, and the rest stays usable', () => {
    const tracked = begin()
    const refusal = (): unknown => {
      try {
        tracked.data.user.bad = () => 1
        tracked.changes()
      } catch (error) {
        return error
      }
      return undefined
    }
    const error = refusal()
    assert.ok(error instanceof UnsupportedValueError)
    assert.deepEqual(error.path, ['user', 'bad'])
    delete tracked.data.user.bad
    tracked.data.n = 2
    assert.deepEqual(tracked.changes(), [{ op: 'set', path: ['n'], value: 2 }])
  })

  tracking.run()
}

const arguments_ = suite('track, what it takes')

arguments_('an array, by writes', () => {
  const tracked = track<Data>([{ a: 1 }, [2]])
  tracked.data[0].a = 2
  tracked.data[1].push(3)
  assert.deepEqual(tracked.changes(), [
    { op: 'set', path: [0, 'a'], value: 2 },
    { op: 'append', path: [1], values: [3] },
  ])
  tracked.data.push(4)
  assert.deepEqual(tracked.changes(), [{ op: 'set', path: [], value: [{ a: 2 }, [2, 3], 4] }])
  tracked.accept()
  assert.deepStrictEqual(tracked.benchmark, [{ a: 2 }, [2, 3], 4])
  for (const tracking of ['none', 'accesses', 'mutable-attributes'] as const) {
    assert.throws(() => track([1], { tracking }), { code: 'ERR_INVALID_ARGUMENT' })
  }
})

arguments_('a handle: a copy of what it shows', () => {
  const outer = track<Data>(start())
  const inner = track<Data>(outer.data.user)
  inner.data.name = 'Bob'
  assert.deepEqual(outer.changes(), [])
  outer.data.user.name = 'Cyd'
  outer.data.user.address.city = 'Rome'
  assert.deepEqual(inner.changes(), [{ op: 'set', path: ['name'], value: 'Bob' }])
  assert.deepStrictEqual(inner.benchmark, start().user)
})

arguments_('nothing else', () => {
  class Money {}
  for (const state of [null, undefined, 5, 'x', new Money(), new Date(), new Map(), () => 1]) {
    assert.throws(() => track(state as object), {
      name: 'SessionError',
      code: 'ERR_INVALID_ARGUMENT',
    })
  }
})

arguments_.run()
