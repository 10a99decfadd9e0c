// biome-ignore-all lint/suspicious/noSelfCompare: that two reads give the same object is the point
/**
 * Maps and Sets, where the schema says that there are some: they behave as plain ones, and a Map is
 * written key by key.
 */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions, memoryStore, snapshot } from '../../lib/index.js'
import { arrived, assertPrefixFree, exact } from '../support/arrived.js'
import { holds } from '../support/property.js'
import { forEachStore } from '../support/stores.js'

// biome-ignore lint/suspicious/noExplicitAny: recipes run on plain collections and on handles
type Data = any
type Recipe = (data: Data) => unknown

const any = z.any()
const schema = z
  .object({
    map: z.map(z.string(), any),
    set: z.set(any),
    maps: z.map(z.string(), z.map(z.string(), z.set(any))),
    list: z.array(z.object({ tags: z.set(z.string()), by: z.map(z.string(), z.number()) })),
    record: z.record(z.string(), z.map(z.string(), any)),
    either: z.union([z.map(z.string(), z.number()), z.string()]),
    maybe: z.map(z.string(), z.number()).nullable(),
    counts: z.map(z.string(), z.number()).default(() => new Map([['start', 1]])),
    totals: z.map(z.string(), z.bigint()),
    dates: z.map(z.string(), z.date()),
  })
  .partial()
  .extend({ counts: z.map(z.string(), z.number()).default(() => new Map([['start', 1]])) })

const start = (): Data => ({
  map: new Map<string, Data>([
    ['a', 1],
    ['b', { n: 1, in: [1] }],
    ['c', 'text'],
  ]),
  set: new Set<Data>(['x', 2, { id: 1 }]),
})

/** A value as people see it. */
const show = (value: unknown): string =>
  inspect(value, { depth: 20, breakLength: 1e6, maxArrayLength: null })

const inMemory = (): Sessions<Data> =>
  createSessions({ store: memoryStore(), schema }) as Sessions<Data>

/** Session data that was loaded from a store. */
async function loaded(state: Data = start(), sessions = inMemory()): Promise<Session<Data>> {
  const created = sessions.create(state)
  await created.commit()
  const session = await sessions.open(created.id)
  assert.ok(session)
  return session
}

function outcome(recipe: Recipe, data: Data): { returned: unknown } | { threw: string } {
  try {
    return { returned: recipe(data) }
  } catch (error) {
    return { threw: (error as Error).name }
  }
}

/** Runs a recipe on plain data and on session data, loaded and assigned, and compares. */
async function alike(recipe: Recipe): Promise<void> {
  const assigned = inMemory().create(start())
  for (const session of [await loaded(), assigned]) {
    const plain = { ...start() }
    const expected = outcome(recipe, plain)
    const actual = outcome(recipe, session.data)
    assert.equal(show(actual), show(expected), 'what it gave')
    assert.deepStrictEqual(session.data.map, plain.map)
    assert.deepStrictEqual(plain.map, session.data.map)
    assert.deepStrictEqual(session.data.set, plain.set)
    assert.equal(show([session.data.map, session.data.set]), show([plain.map, plain.set]))
    assert.deepStrictEqual(snapshot(session.data.map), plain.map)
    await session.commit()
    assert.deepStrictEqual(session.changes(), [])
    assert.deepStrictEqual([session.data.map, session.data.set], [plain.map, plain.set])
  }
}

const reads: Record<string, Recipe> = {
  get: ({ map }) => [map.get('a'), map.get('b').n, map.get('missing'), map.get(5)],
  has: ({ map, set }) => [
    map.has('a'),
    map.has('z'),
    map.has(1),
    set.has('x'),
    set.has('y'),
    set.has(2),
  ],
  size: ({ map, set }) => [map.size, set.size],
  keys: ({ map, set }) => [[...map.keys()], [...set.keys()].length],
  values: ({ map, set }) => [[...map.values()], [...set.values()]],
  entries: ({ map, set }) => [[...map.entries()], [...set.entries()]],
  spread: ({ map, set }) => [[...map], [...set]],
  'for-of': ({ map, set }) => {
    const seen: unknown[] = []
    for (const [key, value] of map) seen.push(key, value)
    for (const value of set) seen.push(value)
    return seen
  },
  forEach: ({ map, set }) => {
    const seen: unknown[] = []
    const self = {}
    map.forEach(function (this: unknown, value: unknown, key: string, whole: unknown) {
      seen.push(value, key, whole === map, this === self)
    }, self)
    set.forEach((value: unknown, again: unknown, whole: unknown) => {
      seen.push(value, value === again, whole === set)
    })
    return seen
  },
  'new Map and new Set of it': ({ map, set }) => [
    new Map(map),
    new Set(set),
    new Map(map).get('b') === map.get('b'),
  ],
  'Array.from': ({ map, set }) => [Array.from(map), Array.from(set), Array.from(map.keys())],
  'Object.fromEntries': ({ map }) => Object.fromEntries(map),
  instanceof: ({ map, set }) => [
    map instanceof Map,
    set instanceof Set,
    map instanceof Set,
    map instanceof Object,
  ],
  'the prototype': ({ map, set }) => [
    Object.getPrototypeOf(map) === Map.prototype,
    Object.getPrototypeOf(set) === Set.prototype,
  ],
  'typeof and the tag': ({ map, set }) => [
    typeof map,
    Object.prototype.toString.call(map),
    Object.prototype.toString.call(set),
    String(map),
    `${set}`,
  ],
  'methods borrowed from the prototype': ({ map, set }) => [
    Map.prototype.get.call(map, 'a'),
    Map.prototype.has.call(map, 'z'),
    Set.prototype.has.call(set, 'x'),
    [...Map.prototype.keys.call(map)],
    Reflect.get(Map.prototype, 'size', map),
  ],
  'methods, lent': ({ map, set }) => [
    map.get.call(new Map([['q', 5]]) === map ? map : map, 'a'),
    set.has.call(set, 2),
  ],
  'names and lengths of methods': ({ map, set }) =>
    [
      ...['get', 'set', 'has', 'delete', 'clear', 'forEach', 'entries', 'keys', 'values'].map(
        name => map[name],
      ),
      ...['add', 'has', 'delete', 'clear', 'forEach', 'entries', 'values'].map(name => set[name]),
    ].map(method => [typeof method, method.name, method.length]),
  'JSON.stringify': ({ map, set }) => [
    JSON.stringify(map),
    JSON.stringify(set),
    JSON.stringify({ map }),
  ],
  'Object.keys': ({ map, set }) => [
    Object.keys(map),
    Object.values(set),
    Object.entries(map),
    { ...map },
  ],
  'for-in': ({ map }) => {
    const seen: string[] = []
    for (const key in map) seen.push(key)
    return seen
  },
  identity: data => [
    data.map === data.map,
    data.map.get('b') === data.map.get('b'),
    [...data.map.values()][1] === data.map.get('b'),
    data.set === data.set,
    [...data.set][2] === [...data.set][2],
    data.set.has([...data.set][2]),
    data.set.has({ id: 1 }),
  ],
  'inspect with options': ({ map, set }) => [
    inspect(map, { compact: false }),
    inspect(set, { depth: 0 }),
    inspect({ in: [map] }, { depth: 1 }),
  ],
}

const writes: Record<string, Recipe> = {
  'set gives the Map': ({ map }) => map.set('d', 1) === map,
  'set of what is there keeps its place': ({ map }) => [...map.set('a', 5).keys()],
  'set chained': ({ map }) => map.set('d', 1).set('e', { f: 1 }).set('a', 2).size,
  'set of what it holds': ({ map }) => map.set('b', map.get('b')).get('b').n,
  'delete and has': ({ map }) => [
    map.delete('a'),
    map.delete('a'),
    map.delete('zz'),
    map.has('a'),
    map.size,
  ],
  'deleted and set again, a key comes last': ({ map }) => {
    map.delete('a')
    map.set('a', 9)
    return [...map.keys()]
  },
  'clear, then set': ({ map }) => {
    map.clear()
    map.clear()
    map.set('only', 1)
  },
  'a write below': ({ map }) => {
    map.get('b').n++
    map.get('b').in.push(2)
    map.get('b').more = { a: 1 }
    return map.get('b')
  },
  'a member that moves': ({ map }) => {
    map.set('moved', map.get('b'))
    map.delete('b')
    map.get('moved').n = 7
  },
  'one member at two keys': ({ map }) => {
    map.set('again', map.get('b'))
    map.get('again').n = 8
    return map.get('b') === map.get('again')
  },
  'a count': ({ map }) => {
    for (const word of ['a', 'q', 'q']) map.set(word, (map.get(word) ?? 0) + 1)
  },
  'grouped into lists': ({ map }) => {
    for (const [key, value] of [
      ['k', 1],
      ['l', 2],
      ['k', 3],
    ] as const) {
      if (!map.has(key)) map.set(key, [])
      map.get(key).push(value)
    }
  },
  'set while it is iterated': ({ map }) => {
    for (const [key, value] of map) if (typeof value === 'number') map.set(key, value + 1)
  },
  'grown while it is iterated': ({ map }) => {
    const seen: string[] = []
    for (const key of map.keys()) {
      seen.push(key)
      if (seen.length < 5) map.set(`${key}+`, 1)
    }
    return seen
  },
  'deleted while it is iterated': ({ map, set }) => {
    for (const key of map.keys()) map.delete(key)
    for (const value of set) if (typeof value === 'string') set.delete(value)
    return [map.size, set.size]
  },
  'written in forEach': ({ map }) => {
    map.forEach((value: Data, key: string) => {
      if (value.n) value.n = 5
      else map.set(key, null)
    })
  },
  'add gives the Set': ({ set }) => [set.add('y') === set, set.add('y').size],
  'add of what is there': ({ set }) => set.add('x').add(2).size,
  'add of an object': ({ set }) => {
    const object = { id: 2 }
    set.add(object).add(object)
    return [set.size, set.has(object), set.add([...set].at(-1)).size]
  },
  'add of an equal object': ({ set }) => set.add({ id: 1 }).size,
  'delete of a member': ({ set }) => [
    set.delete('x'),
    set.delete('x'),
    set.delete('nothing'),
    set.size,
  ],
  'delete of an object by what was read': ({ set }) => {
    const object = [...set][2]
    return [set.delete(object), set.has(object), set.size]
  },
  'deleted and added again, a member comes last': ({ set }) => {
    set.delete('x')
    return [...set.add('x')]
  },
  'a write to a member': ({ set }) => {
    for (const each of set) if (typeof each === 'object') each.id = 5
  },
  'a Set is emptied': ({ set }) => {
    set.clear()
    set.clear()
    set.add(0).add(-0).add(Number.NaN).add(Number.NaN)
    return set.size
  },
  'grown while it is iterated, a Set': ({ set }) => {
    for (const each of set) if (set.size < 6) set.add(`${set.size}${typeof each}`)
  },
  'made anew from itself': data => {
    data.map = new Map([...data.map].filter(([key]) => key !== 'a'))
    data.set = new Set([...data.set].map(each => each))
    data.map.get('b').n = 3
  },
  'copied, and both written': data => {
    const copy = new Map(data.map)
    data.map.set('d', 1)
    copy.set('e', 2)
    return [copy.size, data.map.size]
  },
  'Map.prototype.set, chained by name': ({ map }) => Reflect.apply(map.set, map, ['z', 1]) === map,
}

const plainly = suite('Maps and Sets behave as plain ones')
for (const [name, recipe] of Object.entries({ ...reads, ...writes })) {
  plainly(name, () => alike(recipe))
}

plainly('any two writes, one after the other', async () => {
  const recipes = Object.values(writes)
  for (const first of recipes) {
    for (const second of recipes) {
      const plain = start()
      const both: Recipe = data => [outcome(first, data), outcome(second, data)]
      const session = inMemory().create(start())
      const expected = show(both(plain))
      // What a Map holds as undefined, a session does not hold.
      if ([...plain.map.values()].includes(undefined)) continue
      assert.equal(show(both(session.data)), expected)
      assert.deepStrictEqual([session.data.map, session.data.set], [plain.map, plain.set])
    }
  }
})

plainly('structuredClone takes one of scalars', async () => {
  const session = await loaded({ map: new Map([['a', 1]]), set: new Set(['x']) })
  assert.deepStrictEqual(structuredClone(session.data.map), new Map([['a', 1]]))
  assert.deepStrictEqual(structuredClone(session.data.set), new Set(['x']))
})

plainly('the methods of other Sets take one', async () => {
  const { data } = await loaded({ set: new Set(['x', 'y']) })
  for (const name of ['union', 'intersection', 'difference', 'isSubsetOf']) {
    const method = (Set.prototype as Data)[name]
    // Node 20 has none of these.
    if (method === undefined) continue
    const plain = new Set(['x', 'y'])
    assert.deepStrictEqual(
      method.call(new Set(['y', 'z']), data.set),
      method.call(new Set(['y', 'z']), plain),
    )
    assert.deepStrictEqual(
      data.set[name](new Set(['y', 'z'])),
      method.call(plain, new Set(['y', 'z'])),
    )
  }
})

plainly.run()

const refusals = suite('what Maps and Sets do not take')

refusals('another property: it would be lost', async () => {
  const { data } = await loaded()
  for (const each of [data.map, data.set]) {
    assert.throws(() => (each.total = 1), TypeError)
    assert.throws(() => (each.get = 1), TypeError)
    assert.throws(() => Object.defineProperty(each, 'x', { value: 1 }), TypeError)
    assert.throws(() => Object.setPrototypeOf(each, null), TypeError)
  }
  assert.deepStrictEqual(data, { ...start(), counts: new Map([['start', 1]]) })
})

refusals('a key of a Map that is no text, or impossible', async () => {
  const session = await loaded()
  const { data } = session
  for (const key of [1, null, undefined, Symbol('x'), {}, ['a'], true, 1n]) {
    assert.throws(() => data.map.set(key, 1), { name: 'UnsupportedValueError', path: ['map'] })
    assert.throws(() => (data.map = new Map([[key, 1]] as never)), { path: ['map'] })
  }
  for (const key of ['__proto__', '_bsontype', 'a\0', '\ud800']) {
    assert.throws(() => data.map.set(key, 1), { name: 'UnsupportedValueError', path: ['map', key] })
    assert.throws(() => (data.map = new Map([[key, 1]])), { path: ['map', key] })
  }
  assert.deepEqual(session.changes(), [])
})

refusals('a value that BSON would damage, with its path', async () => {
  const session = await loaded()
  const { data } = session
  const bad = [() => 1, new Date(Number.NaN), 1n, new Map(), new Set(), /x/, '\ud800']
  for (const value of bad) {
    assert.throws(() => data.map.set('k', value), {
      name: 'UnsupportedValueError',
      path: ['map', 'k'],
    })
    assert.throws(() => data.map.set('k', { in: [value] }), { path: ['map', 'k', 'in', 0] })
    assert.throws(() => data.set.add(value), { name: 'UnsupportedValueError', path: ['set', 3] })
    assert.throws(() => (data.set = new Set([1, value])), { path: ['set', 1] })
  }
  assert.throws(() => data.map.set('self', data.map), { path: ['map', 'self'] })
  assert.throws(() => data.set.add({ in: data.set }), { path: ['set', 3, 'in'] })
  assert.deepEqual(session.changes(), [])
})

refusals('what the caller puts in later, at the commit', async () => {
  const session = await loaded()
  const map = new Map<string, Data>()
  session.data.map = map
  map.set('k', () => 1)
  await assert.rejects(session.commit(), { name: 'UnsupportedValueError', path: ['map', 'k'] })
  map.delete('k')
  await session.commit()
  assert.deepStrictEqual(session.data.map, new Map())
})

refusals('undefined is absence in a Map, and null in a Set', async () => {
  const session = await loaded({ map: new Map([['a', 1]]), set: new Set([1]) })
  session.data.map.set('a', undefined).set('b', undefined)
  session.data.set.add(undefined).add(null)
  assert.deepStrictEqual(session.data.map, new Map())
  assert.deepStrictEqual(session.data.set, new Set([1, null]))
  session.data.map = new Map([['c', undefined]])
  session.data.set = new Set([undefined, 2])
  assert.deepStrictEqual([session.data.map.size, session.data.map.has('c')], [0, false])
  assert.deepStrictEqual([...session.data.set], [null, 2])
  await session.commit()
  assert.deepStrictEqual(session.data.map, new Map())
  assert.deepStrictEqual(session.data.set, new Set([null, 2]))
})

refusals.run()

const asStored = (value: Data): Data => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, asStored(v)]))
  if (value instanceof Set) return [...value].map(asStored)
  if (Array.isArray(value)) return value.map(asStored)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, asStored(member)]))
}

forEachStore('Maps and Sets in a store', (stored, { create, name: kind }) => {
  const store = create()
  const sessions = createSessions({ store, schema }) as Sessions<Data>

  const two = async (state: Data): Promise<[Session<Data>, Session<Data>]> => {
    const created = sessions.create(state)
    await created.commit()
    return (await Promise.all([sessions.open(created.id), sessions.open(created.id)])) as never
  }

  const everywhere = (): Data => ({
    ...start(),
    maps: new Map([['a', new Map([['b', new Set(['c'])]])]]),
    list: [{ tags: new Set(['t']), by: new Map([['x', 1]]) }],
    record: { one: new Map<string, Data>([['a', { n: 1 }]]) },
    either: new Map([['a', 1]]),
    maybe: new Map([['a', 1]]),
    totals: new Map([['a', 1n]]),
    dates: new Map([['a', new Date(5)]]),
  })

  stored(
    'wherever the schema says, they come back as they went, and are written by path',
    async () => {
      const session = await loaded(everywhere(), sessions)
      const { data } = session
      assert.deepStrictEqual(snapshot(data), { ...everywhere(), counts: new Map([['start', 1]]) })
      data.maps.get('a').get('b').add('d')
      data.maps.get('a').set('e', new Set())
      data.list[0].tags.add('u')
      data.list[0].by.set('x', 2)
      data.record.one.get('a').n = 2
      data.record.two = new Map([['b', 1]])
      data.either.set('a', 2)
      data.maybe.delete('a')
      data.totals.set('a', 2n ** 60n)
      data.dates.get('a').setTime(6)
      const { modifications } = await session.commit()
      assertPrefixFree(modifications)
      assert.deepEqual(modifications, [
        { op: 'append', path: ['maps', 'a', 'b'], values: ['d'] },
        { op: 'set', path: ['maps', 'a', 'e'], value: [] },
        { op: 'append', path: ['list', 0, 'tags'], values: ['u'] },
        { op: 'set', path: ['list', 0, 'by', 'x'], value: 2 },
        { op: 'set', path: ['record', 'one', 'a', 'n'], value: 2 },
        { op: 'set', path: ['record', 'two'], value: { b: 1 } },
        { op: 'set', path: ['either', 'a'], value: 2 },
        { op: 'unset', path: ['maybe', 'a'] },
        { op: 'set', path: ['totals', 'a'], value: 2n ** 60n },
        { op: 'set', path: ['dates', 'a'], value: new Date(6) },
      ])
      const { counts: _, ...rest } = snapshot(data)
      assert.equal(await arrived(store, session.key), exact(asStored(rest)))
      assert.deepStrictEqual(snapshot((await sessions.open(session.id))?.data), snapshot(data))
    },
  )

  stored('odd keys of a Map are stored exactly, next to what others write', async () => {
    const [one, other] = await two({ map: new Map([['plain', 0]]) })
    const keys = [
      'a.b',
      '$set',
      '$[]',
      '',
      '.',
      'constructor',
      '0',
      '-1',
      'ключ',
      'toString',
      'x y',
    ]
    const plain: Data = {
      map: new Map<string, Data>([
        ['plain', 1],
        ['theirs', 1],
      ]),
    }
    for (const [index, key] of keys.entries()) {
      one.data.map.set(key, { [key]: index })
      plain.map.set(key, { [key]: index })
    }
    other.data.map.set('plain', 1).set('theirs', 1)
    await other.commit()
    await one.commit()
    assert.equal(await arrived(store, one.key), exact(asStored(plain)))
    for (const key of keys) one.data.map.get(key)[key] = 'changed'
    for (const key of keys) plain.map.get(key)[key] = 'changed'
    await one.commit()
    assert.equal(await arrived(store, one.key), exact(asStored(plain)))
    for (const key of keys) one.data.map.delete(key)
    await one.commit()
    assert.equal(await arrived(store, one.key), exact({ map: { plain: 1, theirs: 1 } }))
  })

  stored('different keys and members of two servers are all kept', async () => {
    const [one, other] = await two(start())
    one.data.map.set('one', 1).set('a', 'one').delete('c')
    other.data.map.set('other', 2).get('b').n = 5
    one.data.set.add('one')
    other.data.set.add('other')
    await Promise.all([one.commit(), other.commit()])
    const { data } = (await sessions.open(one.id)) as Session<Data>
    assert.deepStrictEqual(Object.fromEntries(data.map), {
      a: 'one',
      b: { n: 5, in: [1] },
      one: 1,
      other: 2,
    })
    assert.deepStrictEqual(
      new Set([...data.set].map(show)),
      new Set(['x', 2, { id: 1 }, 'one', 'other'].map(show)),
    )
    for (const each of [one, other]) {
      await each.reload()
      assert.deepStrictEqual(Object.fromEntries(each.data.map), Object.fromEntries(data.map))
      assert.deepStrictEqual([...each.data.set], [...data.set])
    }
  })

  stored('a member added between others is stored as it is', async () => {
    const [one] = await two(start())
    one.data.set.delete(2)
    one.data.set.add({ n: 0 }).add(2)
    const { modifications } = await one.commit()
    assert.deepEqual(modifications, [{ op: 'append', path: ['set'], values: [{ n: 0 }] }])
    const { data } = (await sessions.open(one.id)) as Session<Data>
    assert.deepStrictEqual([...data.set], ['x', 2, { id: 1 }, { n: 0 }])
  })

  stored('below a default, keys are written by path', async () => {
    const [one, other] = await two({ map: new Map() })
    assert.deepStrictEqual(one.data.counts, new Map([['start', 1]]))
    one.data.counts.set('one', 1)
    await one.commit()
    other.data.counts.set('other', 1)
    await other.commit()
    const { data } = (await sessions.open(one.id)) as Session<Data>
    assert.equal(data.counts.get('other'), 1)
    assert.equal(data.counts.get('one'), 1)
    assert.equal(data.counts.get('start'), 1)
  })

  stored('read as absent and opened empty by two servers, they keep what both put in', async () => {
    const [one, other] = await two({ record: {} })
    for (const [each, name] of [
      [one, 'one'],
      [other, 'other'],
    ] as const) {
      each.data.map ??= new Map()
      each.data.map.set(name, 1)
      each.data.record.r ??= new Map()
      each.data.record.r.set(name, { n: 1 })
      each.data.set ??= new Set()
      each.data.set.add(name)
      // Through the application's own reference.
      ;(each.data.maybe ??= new Map()).set(name, 1)
    }
    await one.commit()
    await other.commit()
    const { data } = (await sessions.open(one.id)) as Session<Data>
    assert.deepStrictEqual([...data.map.keys()].sort(), ['one', 'other'])
    assert.deepStrictEqual([...data.record.r.keys()].sort(), ['one', 'other'])
    assert.deepStrictEqual([...data.set].sort(), ['one', 'other'])
    assert.deepStrictEqual([...data.maybe.keys()].sort(), ['one', 'other'])
  })

  /** A member that was removed and added again is no change, although it comes last then. */
  const unordered = (text: string): string => {
    const { set, ...others } = JSON.parse(text)
    return JSON.stringify({
      ...others,
      set: set?.map((each: unknown) => JSON.stringify(each)).sort(),
    })
  }

  stored('any writes, with commits in between, end as on plain ones', async () => {
    const step = fc.record({
      op: fc.constantFrom(
        'set',
        'delete',
        'clear',
        'below',
        'add',
        'remove',
        'empty',
        'renew',
        'move',
      ),
      key: fc.constantFrom('a', 'b', 'c', 'x.y', '$z', '', '7'),
      value: fc.oneof(
        fc.integer({ min: -2, max: 2 }),
        fc.constantFrom('v', null, true),
        fc.record({ n: fc.integer({ min: 0, max: 3 }) }),
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
      ),
      commits: fc.boolean(),
    })
    await holds(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        const session = await loaded(start(), sessions)
        const plain = start()
        for (const { op, key, value, commits } of steps) {
          for (const data of [session.data, plain]) apply(data, op, key, structuredClone(value))
          // A Map's keys come in the order of a document, once they have been in one.
          assert.deepStrictEqual(
            [Object.fromEntries(session.data.map), session.data.set],
            [Object.fromEntries(plain.map), plain.set],
          )
          if (!commits) continue
          const { modifications } = await session.commit()
          assertPrefixFree(modifications)
          assert.deepEqual(session.changes(), [])
          const now = await arrived(store, session.key)
          assert.equal(unordered(now), unordered(exact(asStored(plain))))
        }
      }),
      kind === 'embedded' ? 300 : 25,
    )
  })
})

function apply({ map, set, ...data }: Data, op: string, key: string, value: Data): void {
  switch (op) {
    case 'set':
      map.set(key, value)
      break
    case 'delete':
      map.delete(key)
      break
    case 'clear':
      map.clear()
      break
    case 'below': {
      const member = map.get(key)
      if (Array.isArray(member)) member.push(1)
      else if (typeof member === 'object' && member !== null) member.n = value
      break
    }
    case 'move':
      if (map.has(key)) map.set('moved', map.get(key))
      map.delete(key)
      break
    case 'add':
      set.add(value)
      break
    case 'remove':
      for (const member of [...set].slice(0, 1)) set.delete(member)
      break
    case 'empty':
      set.clear()
      break
    default:
      for (const [each, member] of [...map]) map.set(each, member)
      data.renewed = true
  }
}
