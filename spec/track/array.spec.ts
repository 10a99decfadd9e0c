// biome-ignore-all lint/suspicious/noPrototypeBuiltins: sessions inherit these methods as all objects do
// biome-ignore-all lint/suspicious/noSparseArray: holes are what some of the rules are about
// biome-ignore-all lint/suspicious/noSelfCompare: that two reads give the same object is the point
// biome-ignore-all lint/suspicious/useIsArray: instanceof has to work too
// biome-ignore-all lint/correctness/noSelfAssign: assigning what is there already is no change
import assert from 'node:assert/strict'
import { inspect, isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { suite } from 'uvu'
import type { Modification } from '../../lib/index.js'
import { snapshot, track, UnsupportedValueError } from '../../lib/index.js'
import { holds } from '../support/property.js'

// biome-ignore lint/suspicious/noExplicitAny: recipes run on plain arrays and on handles
type Data = any
type Recipe = (list: Data, data: Data) => unknown

const lists = {
  'no elements': () => [],
  numbers: () => [3, 1, 10, 2, 1, Number.NaN],
  texts: () => ['b', 'a', '', 'C', 'a'],
  objects: () => [{ id: 3 }, { id: 1, tags: ['x'] }, { id: 2 }, { id: 4 }],
  'nested arrays': () => [[3, [1, [0]]], [], [2]],
  mixed: () => [null, 0, 'a', { id: 1 }, [1, [2]], true, new Date(0)],
} satisfies Record<string, () => unknown[]>

/** Indexes as people pass them, by mistake or not. */
const odd = [undefined, 0, 1, 2, -1, -2, 99, -99, 1.7, -1.7, Number.NaN, Infinity, null, '1', 'x']

const show = (value: unknown): string =>
  inspect(value, { depth: 20, breakLength: 120, maxArrayLength: null })

function outcome(recipe: () => unknown): { returned: unknown } | { threw: string } {
  try {
    return { returned: recipe() }
  } catch (error) {
    return { threw: (error as Error).name }
  }
}

/** Runs a recipe on a plain array and on a tracked one, and compares what it gave and left. */
function alike(recipe: Recipe, make: () => unknown[], title = String(recipe)): void {
  const plain = { list: make() as Data }
  const benchmark = deepFreeze({ list: make() as Data })
  const tracked = track(benchmark)
  const { data } = tracked
  const expected = outcome(() => recipe(plain.list, plain))
  const actual = outcome(() => recipe(data.list, data))
  const context = `${title} on ${show(make())}`
  assert.equal(show(actual), show(expected), `what it gave: ${context}`)
  assert.ok(isDeepStrictEqual(actual, expected), `what it gave: ${context}`)
  assert.equal(show(data), show(plain), `what it left: ${context}`)
  assert.ok(isDeepStrictEqual(data, plain), `what it left: ${context}`)
  assert.ok(isDeepStrictEqual(snapshot(data), plain), `a snapshot: ${context}`)
  assert.equal(JSON.stringify(data), JSON.stringify(plain), context)
  tracked.accept()
  assert.equal(show(data), show(plain), `after accept: ${context}`)
  assert.equal(show(tracked.benchmark), show(plain), `the new benchmark: ${context}`)
  assert.deepEqual(tracked.changes(), [], context)
  assert.equal(show(benchmark), show({ list: make() }), `the object that was given: ${context}`)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  }
  return value
}

/** Runs what must be refused; gives the error. */
function refused(action: () => unknown): UnsupportedValueError {
  try {
    action()
  } catch (error) {
    if (error instanceof UnsupportedValueError) return error
    throw error
  }
  return assert.fail('it was not refused')
}

/** A method called with each of the arguments. */
const each = (method: string, argumentLists: readonly (readonly unknown[])[]): Recipe[] =>
  argumentLists.map(args => list => list[method](...args.map(fresh)))

/** An argument of its own for each call: an object that was assigned belongs to one array. */
const fresh = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? structuredClone(value) : value

const pairs = odd.flatMap(a => odd.map(b => [a, b] as const))

const text = (value: unknown): string => JSON.stringify(value) ?? ''
const byText = (a: unknown, b: unknown): number =>
  text(a) < text(b) ? 1 : text(a) > text(b) ? -1 : 0

/** Calls a method with a callback, and tells how that was called. */
function withCallback(method: string, answer: (value: Data, index: number) => unknown): Recipe[] {
  const self = { name: 'self' }
  const run =
    (...rest: unknown[]): Recipe =>
    list => {
      const calls: unknown[] = []
      const callback = function (this: unknown, ...args: unknown[]): unknown {
        const array = args.at(-1)
        calls.push([args.slice(0, -1), array === list, args.length, this === self, this])
        return answer(args[0], args[1] as number)
      }
      return [list[method](callback, ...rest), calls]
    }
  return [run(), run(self), run('text'), run(undefined)]
}

const answers = {
  nothing: () => undefined,
  yes: () => true,
  no: () => 0,
  'every other': (_value: Data, index: number) => index % 2 === 1,
  'an object': (value: Data) => value?.id,
  'the element': (value: Data) => value,
}
const callbacks = (method: string): Recipe[] => [
  ...Object.values(answers).flatMap(answer => withCallback(method, answer)),
  ...each(method, [[], [undefined], [null], ['text'], [{}]]),
]

const folds = (method: string): Recipe[] => {
  const run =
    (...initial: unknown[]): Recipe =>
    list => {
      const calls: unknown[] = []
      const result = list[method](
        (sum: unknown, value: unknown, index: number, array: unknown) => {
          calls.push([sum, value, index, array === list])
          return `${String(sum)}+${text(value)}`
        },
        ...initial,
      )
      return [result, calls]
    }
  return [run(), run(0), run(undefined), run({ a: 1 }), ...each(method, [[], [1]])]
}

const iterated = (list: Data, method: string): unknown[] => {
  const iterator = list[method]()
  return [iterator.next(), [...iterator], iterator.next(), iterator[Symbol.iterator]() === iterator]
}

const methods: Record<string, Recipe[]> = {
  at: each('at', [[], ...odd.map(index => [index])]),
  concat: [
    list => list.concat(),
    list => list.concat([1, [2]], 3, { a: 1 }, [[]]),
    list => list.concat(list, [list]),
    list => [0].concat(list),
    list => [].concat(list, list.slice(1)),
    (list, data) => {
      data.list = list.concat([{ id: 9 }])
      data.list.at(-1).id = 10
    },
  ],
  copyWithin: [
    ...each('copyWithin', [[], ...odd.map(index => [index]), ...pairs]),
    ...each('copyWithin', [
      [0, 1, 2],
      [1, 0, -1],
      [0, -2, 99],
      [2, 0, Number.NaN],
    ]),
    list => list.copyWithin(0, 1) === list,
    list => {
      list.copyWithin(0, 2, 3)
      return [list[0] === list[2], list.indexOf(list[2])]
    },
  ],
  entries: [
    list => iterated(list, 'entries'),
    list => {
      const seen: unknown[] = []
      for (const [index, value] of list.entries()) seen.push([index, value === list[index]])
      return seen
    },
  ],
  every: callbacks('every'),
  fill: [
    ...each('fill', [[7], [null], [{ id: 7 }], [[7]], ...pairs.map(pair => ['x', ...pair])]),
    list => list.fill(1) === list,
    list => {
      list.fill({ id: 5 }, 1)
      return list.map((value: unknown) => value === list[1])
    },
  ],
  filter: [
    ...callbacks('filter'),
    list => list.filter(Boolean).map((value: unknown) => list.includes(value)),
    (list, data) => {
      data.list = list.filter((_value: unknown, index: number) => index !== 1)
      return data.list.length
    },
  ],
  find: callbacks('find'),
  findIndex: callbacks('findIndex'),
  findLast: callbacks('findLast'),
  findLastIndex: callbacks('findLastIndex'),
  flat: each('flat', [[], [0], [1], [2], [Infinity], [-1], ['1'], [Number.NaN], [undefined]]),
  flatMap: [...callbacks('flatMap'), list => list.flatMap((value: unknown) => [value, [value]])],
  forEach: callbacks('forEach'),
  includes: [
    list => [...list, 'missing', Number.NaN].map(value => list.includes(value)),
    ...odd.map(
      (index): Recipe =>
        list =>
          [...list].map(value => list.includes(value, index)),
    ),
    list => [list.includes(), list.includes({ id: 1 }), list.includes([])],
  ],
  indexOf: [
    list => [...list, 'missing', Number.NaN].map(value => list.indexOf(value)),
    ...odd.map(
      (index): Recipe =>
        list =>
          [...list].map(value => list.indexOf(value, index)),
    ),
    list => [list.indexOf(), list.indexOf({ id: 1 })],
  ],
  join: each('join', [[], [''], [', '], [undefined], [null], [0]]),
  keys: [list => iterated(list, 'keys')],
  lastIndexOf: [
    list => [...list, 'missing', Number.NaN].map(value => list.lastIndexOf(value)),
    ...odd.map(
      (index): Recipe =>
        list =>
          [...list].map(value => list.lastIndexOf(value, index)),
    ),
    list => [list.lastIndexOf(), list.lastIndexOf({ id: 1 })],
  ],
  map: [...callbacks('map'), list => list.map((value: unknown) => ({ value }))],
  pop: [list => list.pop(), list => [list.pop(), list.pop(), list.length, list.pop()]],
  push: [
    ...each('push', [[], [1], [1, 'b', null, { id: 9 }, [[1]]], [new Date(5)]]),
    list => list.push(...list),
    list => list.push(list[0] ?? null, { in: [list[0] ?? null] }),
  ],
  reduce: folds('reduce'),
  reduceRight: folds('reduceRight'),
  reverse: [list => list.reverse(), list => list.reverse() === list],
  shift: [list => list.shift(), list => [list.shift(), list.shift(), list.length]],
  slice: [
    ...each('slice', [[], ...odd.map(index => [index]), ...pairs]),
    list => list.slice().map((value: unknown, index: number) => value === list[index]),
    list => Array.isArray(list.slice()) && list.slice() !== list,
  ],
  some: callbacks('some'),
  sort: [
    ...each('sort', [[], [undefined], [null], [1], [{}]]),
    list => list.sort(byText),
    list => list.sort(byText) === list,
    list => list.sort(() => 0),
    list => list.sort((a: Data, b: Data) => a - b),
    list => list.sort((a: Data, b: Data) => (text(a) > text(b)) as unknown as number),
    list => list.sort(() => 'no number' as unknown as number),
  ],
  splice: [
    ...each('splice', [[], ...odd.map(index => [index]), ...pairs]),
    ...each(
      'splice',
      pairs.map(pair => [...pair, 'x', { id: 9 }]),
    ),
    list => list.splice(1, 1, ...list),
    list => {
      const removed = list.splice(0, 2)
      list.push(...removed)
      return [removed, removed.map((value: unknown) => list.indexOf(value))]
    },
  ],
  toLocaleString: [(list: Data) => list.toLocaleString()],
  toReversed: [list => list.toReversed(), list => list.toReversed() !== list],
  toSorted: [
    ...each('toSorted', [[], [undefined], [null], [1]]),
    list => list.toSorted(byText),
    list => list.toSorted(byText).map((value: unknown) => list.indexOf(value)),
  ],
  toSpliced: [
    ...each('toSpliced', [[], ...odd.map(index => [index]), ...pairs]),
    ...each(
      'toSpliced',
      pairs.map(pair => [...pair, 'x', { id: 9 }]),
    ),
  ],
  toString: [
    (list: Data) => list.toString(),
    (list: Data) => String(list),
    (list: Data) => `${list}`,
  ],
  unshift: each('unshift', [[], [1], [1, 'b', null, { id: 9 }, [[1]]]]),
  values: [
    list => iterated(list, 'values'),
    list => list.values === list[Symbol.iterator],
    list => Object.prototype.toString.call(list.values()),
  ],
  with: [
    ...odd.map(
      (index): Recipe =>
        list =>
          list.with(index, 'x'),
    ),
    list => list.with(0, { id: 9 }),
  ],
}

const method = suite('array methods do what they do on a plain array')

for (const [name, recipes] of Object.entries(methods)) {
  method(name, () => {
    for (const make of Object.values(lists)) for (const recipe of recipes) alike(recipe, make)
  })
}

method('none is left out', () => {
  const names = Object.getOwnPropertyNames(Array.prototype).filter(name => {
    return typeof Array.prototype[name as never] === 'function' && name !== 'constructor'
  })
  assert.deepEqual(
    names.filter(name => !Object.hasOwn(methods, name)),
    [],
  )
})

method('they look the same: name, length, and that they are functions', () => {
  const { data } = track<Data>({ list: [] })
  for (const name of Object.keys(methods)) {
    const plain = Array.prototype[name as 'at']
    assert.equal(typeof data.list[name], 'function', name)
    assert.equal(data.list[name].name, plain.name, name)
    assert.equal(data.list[name].length, plain.length, name)
    assert.equal(data.list[name], data.list[name], name)
  }
})

method('they can be borrowed, and lent', () => {
  const recipes: Recipe[] = [
    list => Array.prototype.map.call(list, (value: unknown) => text(value)),
    list => Array.prototype.push.call(list, 1, { a: 2 }),
    list => Array.prototype.splice.call(list, 0, 1),
    list => Array.prototype.sort.call(list, byText as never),
    list => Array.prototype.includes.call(list, list[0]),
    list => list.slice.call(list, 1),
    list => list.slice.apply(list, [0, 1]),
    list => list.push.bind(list)(1, 2),
    list => Reflect.apply(list.concat, list, [[1]]),
    list => [].push.apply(list, list.slice()),
    list => Array.prototype.reverse.call(list) === list,
  ]
  for (const make of Object.values(lists)) for (const recipe of recipes) alike(recipe, make)
})

method('indexes are converted as in a plain array', () => {
  const indexes = [{ valueOf: () => 1 }, [1], new Date(1), true, '  1 ', '0x1', 1n, Symbol('s')]
  for (const index of indexes as Data[]) {
    for (const name of ['splice', 'fill', 'copyWithin', 'slice', 'at', 'with', 'toSpliced']) {
      const title = `${name}(${show(index)})`
      alike(
        list => list[name](...(name === 'fill' ? [0, index] : [index, 1])),
        () => [1, 2, 3],
        title,
      )
    }
    for (const name of ['includes', 'indexOf', 'lastIndexOf']) {
      alike(
        list => list[name](2, index),
        () => [1, 2, 3],
        `${name}(2, ${show(index)})`,
      )
    }
  }
})

method.run()

const callback = suite('callbacks of array methods')

const mutations: Record<string, (list: Data) => unknown> = {
  push: list => list.push({ id: 100 }),
  pop: list => list.pop(),
  shift: list => list.shift(),
  unshift: list => list.unshift('in front'),
  'splice in the middle': list => list.splice(1, 1),
  'an index beyond the end': list => (list[list.length] = 'beyond'),
  'the next index': list => (list[1] = { id: 200 }),
  'length 0': list => (list.length = 0),
  reverse: list => list.reverse(),
  sort: list => list.sort(byText),
}

for (const name of ['forEach', 'map', 'filter', 'some', 'every', 'flatMap']) {
  callback(`${name}: the array may change under it`, () => {
    for (const [what, mutate] of Object.entries(mutations)) {
      for (const make of [lists.objects, lists.texts]) {
        const recipe: Recipe = list => {
          const seen: unknown[] = []
          const result = list[name]((value: unknown, index: number) => {
            seen.push([value, index])
            if (seen.length < 4) mutate(list)
            return name === 'every'
          })
          return [result, seen]
        }
        alike(recipe, make, `${name} with ${what}`)
      }
    }
  })
}

for (const name of ['find', 'findIndex', 'findLast', 'findLastIndex']) {
  callback(`${name}: the array may change under it, and removed elements are visited`, () => {
    for (const [what, mutate] of Object.entries(mutations)) {
      const recipe: Recipe = list => {
        const seen: unknown[] = []
        const result = list[name]((value: unknown, index: number) => {
          seen.push([value, index])
          if (seen.length < 4) mutate(list)
          return false
        })
        return [result, seen]
      }
      alike(recipe, lists.objects, `${name} with ${what}`)
    }
  })
}

for (const name of ['reduce', 'reduceRight']) {
  callback(`${name}: the array may change under it`, () => {
    for (const [what, mutate] of Object.entries(mutations)) {
      const recipe: Recipe = list => {
        const seen: unknown[] = []
        list[name]((_sum: unknown, value: unknown, index: number) => {
          seen.push([value, index])
          if (seen.length < 4) mutate(list)
        }, null)
        return seen
      }
      alike(recipe, lists.texts, `${name} with ${what}`)
    }
  })
}

callback('what a callback writes to its element is written to the array', () => {
  const recipes: Recipe[] = [
    list => list.forEach((item: Data) => item.id++),
    list => list.map((item: Data) => (item.id *= 2)),
    list => list.filter((item: Data) => (item.seen = true)),
    list => list.find((item: Data) => (item.seen = item.id === 2)),
    list => list.findLast((item: Data) => (item.seen = item.id === 1)),
    list => list.some((item: Data) => (item.id = 100)),
    list => list.every((item: Data) => (item.checked = true)),
    list => list.reduce((sum: number, item: Data) => sum + (item.id += 1), 0),
    list => list.flatMap((item: Data) => (item.list = [item.id])),
    list => list.sort((a: Data, b: Data) => (a.compared = true) && a.id - b.id),
    list =>
      list
        .toSorted((a: Data, b: Data) => b.id - a.id)
        .forEach((item: Data, i: number) => {
          item.rank = i
        }),
    list => Array.from(list, (item: Data) => (item.from = 1)),
    list => (list.find((item: Data) => item.id === 2).id = 20),
    list => (list.filter((item: Data) => item.id > 1).at(-1).id = 30),
    list => list.slice(1, 3).forEach((item: Data) => delete item.id),
  ]
  for (const recipe of recipes) {
    alike(list => [recipe(list, undefined)].length, lists.objects, String(recipe))
  }
})

callback('one that throws leaves what was done before it threw', () => {
  for (const name of ['forEach', 'map', 'sort', 'find', 'reduce']) {
    alike(
      list => {
        let calls = 0
        list[name]((item: Data) => {
          item.id = 50
          if (++calls === 2) throw new RangeError('stop')
          return 0
        })
      },
      lists.objects,
      name,
    )
  }
})

callback.run()

const access = suite('arrays are read and written as plain ones')

const plainly: Record<string, Recipe> = {
  indexes: list => [list[0], list[1], list['1'], list[-1], list['01'], list[99], list[1.5], list.x],
  length: list => [list.length, 'length' in list],
  in: list => [0 in list, 99 in list, '0' in list, 'length' in list, (-1) in list, 'map' in list],
  'the array of its keys': list => [Object.keys(list), Object.getOwnPropertyNames(list)],
  'for-in': list => {
    const keys: string[] = []
    for (const key in list) keys.push(key)
    return keys
  },
  'for-of': list => {
    const seen: unknown[] = []
    for (const value of list) seen.push(value)
    return seen
  },
  'for-of that grows the array': list => {
    const seen: unknown[] = []
    for (const value of list) {
      seen.push(value)
      if (list.length < 9) list.push(seen.length)
    }
    return seen
  },
  'for-of that shrinks the array': list => {
    const seen: unknown[] = []
    for (const value of list) {
      seen.push(value)
      list.shift()
    }
    return seen
  },
  'for-of with writes': list => {
    for (const item of list) if (typeof item === 'object' && item?.id) item.id += 10
  },
  'a loop with an index': list => {
    for (let index = 0; index < list.length; index++) list[index] = index
  },
  'a loop backwards that removes': list => {
    for (let index = list.length - 1; index >= 0; index--) if (index % 2) list.splice(index, 1)
  },
  spread: list => [[...list], [0, ...list, 1], Math.max(...list.map(Number))],
  'a pattern': list => {
    const [first, , third = 'none', ...rest] = list
    return [first, third, rest]
  },
  'a pattern of what is not there': list => {
    const [, , , , , , , eighth = 8, ...rest] = list
    return [eighth, rest]
  },
  'an iterator that was left goes on': list => {
    const iterator = list[Symbol.iterator]()
    const [first] = iterator
    const [second] = iterator
    for (const third of iterator) return [first, second, third, iterator.next()]
    return [first, second, iterator.next()]
  },
  'an iterator meets what was appended meanwhile': list => {
    const iterator = list.values()
    iterator.next()
    list.push('late')
    return [...iterator]
  },
  'an iterator that has ended stays so': list => {
    const iterator = list.values()
    const seen = [...iterator]
    list.push('too late')
    return [seen, iterator.next()]
  },
  'Array.isArray': list => [
    Array.isArray(list),
    Array.isArray(list.slice()),
    Array.isArray([list]),
  ],
  'Array.from': list => [Array.from(list), Array.from(list, text), Array.from(list.entries())],
  'Array.of and new Array': list => [Array.of(list).length, new Array(list).length],
  'instanceof and constructor tests': list => [list instanceof Array, list instanceof Object],
  'Object.prototype.toString': list => Object.prototype.toString.call(list),
  'JSON.stringify': list => [JSON.stringify(list), JSON.stringify([list], null, 1)],
  'Object.entries': list => [Object.entries(list), Object.values(list)],
  'Object.assign from and to': list => [
    Object.assign({}, list),
    Object.assign([], list),
    Object.assign(list, ['first']) === list,
  ],
  'an object spread': list => ({ ...list }),
  'new Set and new Map': list => [new Set(list), new Map(list.entries())],
  'equality of content': list => [
    isDeepStrictEqual(list, [...list]),
    isDeepStrictEqual([...list], list),
    isDeepStrictEqual(list, [...list, 1]),
    isDeepStrictEqual(list, { ...list }),
  ],
  'String and comparison': list => [String(list), list === list],
  'hasOwnProperty and its kin': list => [
    list.hasOwnProperty(0),
    list.hasOwnProperty('length'),
    Object.hasOwn(list, 99),
    Object.hasOwn(list, '0'),
    list.propertyIsEnumerable('length'),
  ],
  'property descriptors': list => [
    Object.getOwnPropertyDescriptor(list, 'length'),
    Object.getOwnPropertyDescriptor(list, 0),
    Object.getOwnPropertyDescriptor(list, 99),
  ],
  'an index write': list => {
    if (list.length > 1) list[1] = { id: 9 }
    return list
  },
  'an index write at the end': list => {
    list[list.length] = 'end'
    return list.length
  },
  'a text as an index': list => {
    list['0'] = 'zero'
    return list[0]
  },
  'Object.defineProperty of an index': list => {
    if (list.length > 0) Object.defineProperty(list, 0, { value: 'defined' })
    return Object.getOwnPropertyDescriptor(list, 0)
  },
  'Reflect.set': list => [Reflect.set(list, list.length, 1), Reflect.set(list, 'length', 1)],
  'length cut': list => {
    list.length = Math.min(list.length, 2)
    return [list.length, list[2], 2 in list]
  },
  'length emptied, then pushed to': list => {
    list.length = 0
    return list.push('new')
  },
  'length set to what it is': list => (list.length = list.length),
  'length given as text': list => {
    if (list.length > 0) list.length = '1'
    return list.length
  },
  'length defined': list => {
    Object.defineProperty(list, 'length', { value: 0 })
    return [list.length, Object.keys(list)]
  },
  'an invalid length throws': list => (list.length = -1),
  'a fraction of a length throws': list => (list.length = 1.5),
  'a length of no number throws': list => (list.length = 'x'),
  'delete of the length throws': list => delete list.length,
  'delete of what is not there': list => [delete list[99], delete list.x],
  'a swap': list => {
    if (list.length > 1) [list[0], list[1]] = [list[1], list[0]]
    return list
  },
  'a rotation': list => {
    if (list.length > 0) list.push(list.shift())
    return list
  },
  'an element moved to the front': list => {
    if (list.length > 2) list.unshift(list.splice(2, 1)[0])
  },
  'an element twice': list => {
    if (list.length > 1) list[1] = list[0]
    return [list.indexOf(list[0]), list.lastIndexOf(list[0])]
  },
  'a nested array': list => {
    list.push([1, [2]])
    list.at(-1)[1].push(3)
    list.at(-1).unshift(0)
    return list.at(-1)
  },
  'deduplication by a Set': (list, data) => {
    data.list = [...new Set(list)]
    return data.list.length
  },
  'a new array of the old elements': (list, data) => {
    data.list = [...list, { id: 9 }]
    data.list.at(-1).id = 10
    return list.map((value: unknown) => data.list.includes(value))
  },
  'grouping into an object': (list, data) => {
    data.groups = {}
    for (const value of list) (data.groups[typeof value] ??= []).push(value)
    return list.every((value: unknown) => data.groups[typeof value].includes(value))
  },
}

for (const [name, recipe] of Object.entries(plainly)) {
  access(name, () => {
    for (const make of Object.values(lists)) alike(recipe, make, name)
  })
}

access.run()

const search = suite('what includes, indexOf and lastIndexOf find')

search('an object that was pushed is found by itself and by its handle', () => {
  const tracked = track<Data>({ list: [{ id: 1 }] })
  const { list } = tracked.data
  const raw = { id: 2, inner: {} }
  list.push(raw, raw.inner, [raw])
  assert.deepEqual([list.includes(raw), list.indexOf(raw), list.lastIndexOf(raw)], [true, 1, 1])
  assert.deepEqual([list.includes(list[1]), list.indexOf(list[1])], [true, 1])
  assert.equal(list.indexOf(raw.inner), 2)
  assert.equal(list.indexOf(list[1].inner), 2)
  assert.equal(list[3].indexOf(raw), 0)
  assert.equal(list.indexOf({ id: 2, inner: {} }), -1)
})

search('elements of an assigned array are found by themselves and by their handles', () => {
  const { data } = track<Data>({})
  const raws = [{ id: 1 }, { id: 2 }, [3]]
  data.list = raws
  for (const [index, raw] of raws.entries()) {
    assert.equal(data.list.indexOf(raw), index)
    assert.equal(data.list.indexOf(data.list[index]), index)
    assert.equal(data.list.includes(raw), true)
  }
  data.list.reverse()
  assert.equal(data.list.indexOf(raws[0]), 2)
  assert.equal(data.list.lastIndexOf(raws[2]), 0)
})

search('a handle is found once more where it was put a second time', () => {
  const { data } = track<Data>({ list: [{ id: 1 }, { id: 2 }], other: { id: 3 } })
  const [first] = data.list
  data.list.push(first, data.other)
  assert.deepEqual([data.list.indexOf(first), data.list.lastIndexOf(first)], [0, 2])
  assert.equal(data.list.indexOf(first, 1), 2)
  assert.equal(data.list.indexOf(data.other), 3)
  data.list[0] = { id: 4 }
  assert.equal(data.list.indexOf(first), 2)
})

search('a Date is found by the object that was handed out', () => {
  const tracked = track<Data>({ list: [new Date(1), new Date(1)] })
  const { list } = tracked.data
  assert.equal(list.indexOf(list[1]), 1)
  assert.equal(list.indexOf(new Date(1)), -1)
  const when = new Date(2)
  list.push(when)
  assert.equal(list.indexOf(when), 2)
  tracked.accept()
  assert.equal(list.indexOf(list[2]), 2)
})

search('nothing is found of what was cut off', () => {
  const { data } = track<Data>({ list: [1, 2, { id: 3 }] })
  const { list } = data
  const last = list.pop()
  assert.deepEqual(
    [list.includes(last), list.indexOf(last), list.lastIndexOf(last)],
    [false, -1, -1],
  )
  list.length = 1
  assert.deepEqual([list.includes(2), list.indexOf(2), list.lastIndexOf(2)], [false, -1, -1])
  list.push(last, 2)
  assert.deepEqual([list.indexOf(last), list.indexOf(2)], [1, 2])
})

search('nothing is found of another session', () => {
  const [one, other] = [track<Data>({ list: [{ id: 1 }] }), track<Data>({ list: [{ id: 1 }] })]
  assert.equal(one.data.list.includes(other.data.list[0]), false)
})

search.run()

const holes = suite('holes and undefined are null in an array')

const fillers: [name: string, recipe: Recipe, expected: unknown[]][] = [
  ['an index set to undefined', list => (list[1] = undefined), [1, null, 3]],
  ['push(undefined)', list => list.push(undefined), [1, 2, 3, null]],
  ['unshift(undefined)', list => list.unshift(undefined), [null, 1, 2, 3]],
  ['splice with undefined', list => list.splice(1, 1, undefined), [1, null, 3]],
  ['fill(undefined)', list => list.fill(undefined), [null, null, null]],
  ['delete of an index', list => delete list[1], [1, null, 3]],
  ['delete of the last index', list => delete list[2], [1, 2, null]],
  ['Reflect.deleteProperty', list => Reflect.deleteProperty(list, 0), [null, 2, 3]],
  ['a longer length', list => (list.length = 5), [1, 2, 3, null, null]],
  ['an index beyond the end', list => (list[5] = 6), [1, 2, 3, null, null, 6]],
  [
    'defineProperty with undefined',
    list => Object.defineProperty(list, 0, { value: undefined }),
    [null, 2, 3],
  ],
  ['an array with holes', (_, data) => (data.list = [1, , 3]), [1, null, 3]],
  ['an array with undefined', (_, data) => (data.list = [undefined, 2]), [null, 2]],
  ['new Array(2)', (_, data) => (data.list = new Array(2)), [null, null]],
  ['a map to nothing', (list, data) => (data.list = list.map(() => undefined)), [null, null, null]],
  [
    'a nested hole',
    (_, data) => (data.list = [[, 1], { in: [undefined] }]),
    [[null, 1], { in: [null] }],
  ],
  ['push of an array with a hole', list => list.push([, 1]), [1, 2, 3, [null, 1]]],
]

for (const [name, recipe, expected] of fillers) {
  holes(`${name}: at once, in the changes, and once accepted`, () => {
    const tracked = track<Data>({ list: [1, 2, 3] })
    const { data } = tracked
    recipe(data.list, data)
    const check = (value: Data): void => {
      assert.deepStrictEqual(value, expected)
      assert.deepStrictEqual(Object.keys(value), Object.keys(expected))
      assert.equal(value.includes(undefined), false)
    }
    check(data.list)
    check(snapshot(data.list))
    const [change] = tracked.changes() as Data[]
    const written =
      change.op === 'append'
        ? [1, 2, 3, ...change.values]
        : change.path.length === 2
          ? [1, 2, 3].map((value, index) => (index === change.path[1] ? change.value : value))
          : change.value
    assert.deepStrictEqual(written, expected)
    tracked.accept()
    check(data.list)
    check((tracked.benchmark as Data).list)
    assert.deepEqual(tracked.changes(), [])
  })
}

holes('in the state that is tracked, they read as null and are no change', () => {
  const tracked = track<Data>({ list: [1, , undefined, 4] })
  const { list } = tracked.data
  assert.deepStrictEqual([...list], [1, null, null, 4])
  assert.deepStrictEqual(Object.keys(list), ['0', '1', '2', '3'])
  assert.deepEqual([1 in list, list[1], list.at(2), list.indexOf(null)], [true, null, null, 1])
  list[1] = undefined
  list[2] = null
  assert.deepEqual(tracked.changes(), [])
  list[0] = 5
  assert.deepEqual(tracked.changes(), [{ op: 'set', path: ['list', 0], value: 5 }])
})

holes.run()

const limits = suite('indexes and names that an array does not take')

const refusals: [name: string, action: (list: Data) => unknown, key: string | number][] = [
  ['1,001 beyond the end', list => (list[3 + 1001] = 1), 1004],
  ['far beyond the end', list => (list[4294967294] = 1), 4294967294],
  ['a length far beyond the end', list => (list.length = 1e6), 999_999],
  ['a name', list => (list.name = 1), 'name'],
  ['a negative index', list => (list[-1] = 1), '-1'],
  ['a fraction', list => (list[1.5] = 1), '1.5'],
  ['an index with a leading zero', list => (list['01'] = 1), '01'],
  ['an index beyond all arrays', list => (list['4294967295'] = 1), '4294967295'],
  ['an index in another notation', list => (list['1e0'] = 1), '1e0'],
  ['the name of a method', list => (list.map = 1), 'map'],
  ['a name by Object.assign', list => Object.assign(list, { name: 1 }), 'name'],
  ['a name by defineProperty', list => Object.defineProperty(list, 'x', { value: 1 }), 'x'],
]

for (const [name, action, key] of refusals) {
  limits(`${name} is refused with the path, and changes nothing`, () => {
    const tracked = track<Data>({ in: { list: [1, 2, 3] } })
    const error = refused(() => action(tracked.data.in.list))
    assert.deepEqual(error.path, ['in', 'list', key])
    assert.equal(error.code, 'ERR_UNSUPPORTED_VALUE')
    assert.deepStrictEqual(tracked.data, { in: { list: [1, 2, 3] } })
    assert.deepEqual(tracked.changes(), [])
  })
}

limits('1,000 beyond the end is taken', () => {
  const { data } = track<Data>({ list: [1] })
  data.list[1001] = 'end'
  assert.equal(data.list.length, 1002)
  assert.deepStrictEqual(
    [data.list[0], data.list[1], data.list[1000], data.list[1001]],
    [1, null, null, 'end'],
  )
})

limits('an assigned array with names is refused', () => {
  const { data } = track<Data>({})
  const named = Object.assign([1], { name: 1 })
  assert.deepEqual(refused(() => (data.list = named)).path, ['list', 'name'])
  assert.deepEqual(refused(() => (data.list = [['ok'], named])).path, ['list', 1, 'name'])
  assert.deepEqual(refused(() => (data.list = 'ab'.match(/b/))).code, 'ERR_UNSUPPORTED_VALUE')
})

limits.run()

const handles = suite('handles follow their elements')

const moves: Record<string, Recipe> = {
  'splice in front': list => list.splice(0, 1),
  'splice in the middle': list => list.splice(2, 1, { id: 8 }, { id: 9 }),
  'splice of its own': list => list.splice(1, 1),
  sort: list => list.sort((a: Data, b: Data) => b.id - a.id),
  reverse: list => list.reverse(),
  swap: list => {
    ;[list[0], list[1]] = [list[1], list[0]]
  },
  'swap with the last': list => {
    ;[list[1], list[3]] = [list[3], list[1]]
  },
  shift: list => list.shift(),
  unshift: list => list.unshift({ id: 7 }, 'text'),
  push: list => list.push({ id: 6 }),
  pop: list => list.pop(),
  'pop, then unshift': list => list.unshift(list.pop()),
  'length cut above it': list => (list.length = 2),
  'length cut below it': list => (list.length = 1),
  copyWithin: list => list.copyWithin(2, 1, 2),
  'fill of others': list => list.fill(0, 2),
  'fill with it': list => list.fill(list[1]),
  'written over': list => (list[1] = { id: 50 }),
  'moved by assignment': list => {
    list[3] = list[1]
    list[1] = null
  },
  'filter and reassign': (list, data) => (data.list = list.filter((item: Data) => item.id !== 1)),
  'filter it away': (list, data) => (data.list = list.filter((item: Data) => item.id !== 2)),
  'spread and reassign': (list, data) => (data.list = [{ id: 0 }, ...list]),
  'toSorted and reassign': (list, data) =>
    (data.list = list.toSorted((a: Data, b: Data) => b.id - a.id)),
  'with and reassign': (list, data) => (data.list = list.with(0, { id: 30 })),
  'out to an attribute': (list, data) => {
    data.chosen = list.splice(1, 1)[0]
  },
  'out into another array': (list, data) => {
    data.others = [list[1]]
    list.shift()
  },
  'out and in again': list => {
    const [item] = list.splice(1, 1)
    list.push(item)
  },
}

const four = (): Data => ({ list: [{ id: 1 }, { id: 2, in: { n: 0 } }, { id: 3 }, { id: 4 }] })

for (const [name, move] of Object.entries(moves)) {
  handles(`${name}: before and after accept, and back by discard`, () => {
    const plain = four()
    const tracked = track(four())
    const { data } = tracked
    const pairsHeld: [Data, Data][] = plain.list.map((item: Data, at: number) => [
      item,
      data.list[at],
    ])
    const inner = data.list[1].in
    const innerPlain = plain.list[1].in
    move(plain.list, plain)
    move(data.list, data)
    const check = (step: string): void => {
      for (const [item, handle] of pairsHeld) {
        assert.equal(data.list.indexOf(handle), plain.list.indexOf(item), step)
        assert.equal(data.list.lastIndexOf(handle), plain.list.lastIndexOf(item), step)
        assert.equal(data.chosen === handle, plain.chosen === item, step)
      }
      assert.equal(show(data), show(plain), step)
    }
    check('moved')
    for (const [item, handle] of pairsHeld) item.mark = handle.mark = 'before'
    inner.n = innerPlain.n = 1
    check('written')
    tracked.accept()
    check('accepted')
    for (const [item, handle] of pairsHeld) item.mark = handle.mark = 'after'
    inner.n = innerPlain.n = 2
    check('written again')
    tracked.accept()
    assert.deepStrictEqual(tracked.benchmark, plain)
  })

  handles(`${name}: discard takes the handles back`, () => {
    const tracked = track(four())
    const { data } = tracked
    const held = [...data.list]
    const { list } = data
    move(list, data)
    for (const handle of held) handle.mark = 'lost'
    tracked.discard()
    assert.equal(data.list === list, true)
    assert.deepStrictEqual(data, four())
    held.forEach((handle, at) => assert.equal(data.list[at] === handle, true))
    held[1].in.n = 5
    assert.deepEqual(tracked.changes(), [{ op: 'set', path: ['list', 1, 'in', 'n'], value: 5 }])
  })
}

handles('an element that was taken out writes nowhere until it is put back', () => {
  const tracked = track(four())
  const { data } = tracked
  const item = data.list.shift()
  item.id = 100
  assert.equal(JSON.stringify(tracked.changes()).includes('100'), false)
  data.list.push(item)
  assert.equal(data.list[3], item)
  assert.equal(JSON.stringify(tracked.changes()).includes('100'), true)
})

handles('a place that was accepted twice for one element stays one element after discard', () => {
  const tracked = track<Data>({ list: [{ id: 1 }, { id: 2 }] })
  const { data } = tracked
  data.list.push(data.list[0])
  tracked.accept()
  data.list.reverse()
  data.list[0].id = 5
  tracked.discard()
  assert.equal(data.list[0] === data.list[2], true)
  data.list[0].id = 6
  assert.deepStrictEqual(snapshot(data.list), [{ id: 6 }, { id: 2 }, { id: 6 }])
})

handles.run()

const minimal = suite('the modified subset of an array is minimal')

const items = (): Data => ({
  list: [
    { id: 1, tags: ['a'] },
    { id: 2, tags: [] },
    { id: 3, tags: ['b', 'c'] },
  ],
  n: [1, 2, 3],
})

const whole = (...ids: number[]): Data =>
  ids.map(id => items().list.find((item: Data) => item.id === id))

const subsets: [name: string, recipe: (data: Data) => unknown, expected: Modification[]][] = [
  ['push', d => d.n.push(4, 5), [{ op: 'append', path: ['n'], values: [4, 5] }]],
  ['push of nothing', d => d.n.push(), []],
  ['two pushes', d => [d.n.push(4), d.n.push(5)], [{ op: 'append', path: ['n'], values: [4, 5] }]],
  ['the index after the last', d => (d.n[3] = 4), [{ op: 'append', path: ['n'], values: [4] }]],
  ['a longer length', d => (d.n.length = 4), [{ op: 'append', path: ['n'], values: [null] }]],
  ['splice at the end', d => d.n.splice(3, 0, 4), [{ op: 'append', path: ['n'], values: [4] }]],
  [
    'what was pushed, then changed',
    d => {
      d.list.push({ id: 4, tags: [] })
      d.list[3].tags.push('x')
      d.list[3].id = 5
    },
    [{ op: 'append', path: ['list'], values: [{ id: 5, tags: ['x'] }] }],
  ],
  ['what was pushed, then taken away', d => [d.n.push(4), d.n.pop()], []],
  ['what was put in front, then taken away', d => [d.n.unshift(0), d.n.shift()], []],
  ['an element set', d => (d.n[1] = 9), [{ op: 'set', path: ['n', 1], value: 9 }]],
  ['an element set to what it is', d => (d.n[1] = 2), []],
  ['an element set and set back', d => [(d.n[1] = 9), (d.n[1] = 2)], []],
  [
    'two elements set',
    d => [(d.n[2] = 8), (d.n[0] = 9)],
    [
      { op: 'set', path: ['n', 2], value: 8 },
      { op: 'set', path: ['n', 0], value: 9 },
    ],
  ],
  ['an element deleted', d => delete d.n[1], [{ op: 'set', path: ['n', 1], value: null }]],
  ['an element filled', d => d.n.fill(9, 1, 2), [{ op: 'set', path: ['n', 1], value: 9 }]],
  ['filled with what is there', d => d.n.fill(2, 1, 2), []],
  [
    'a leaf of an element',
    d => (d.list[1].id = 9),
    [{ op: 'set', path: ['list', 1, 'id'], value: 9 }],
  ],
  ['a key of an element', d => delete d.list[2].id, [{ op: 'unset', path: ['list', 2, 'id'] }]],
  [
    'a push to an array in an element',
    d => d.list[0].tags.push('x'),
    [{ op: 'append', path: ['list', 0, 'tags'], values: ['x'] }],
  ],
  [
    'an object in the place of an element',
    d => (d.list[1] = { id: 2, tags: ['new'] }),
    [{ op: 'set', path: ['list', 1], value: { id: 2, tags: ['new'] } }],
  ],
  ['an equal object in the place of an element', d => (d.list[1] = { tags: [], id: 2 }), []],
  [
    'an element set and one appended',
    d => [(d.n[0] = 9), d.n.push(4)],
    [{ op: 'set', path: ['n'], value: [9, 2, 3, 4] }],
  ],
  [
    'a leaf of an element set and one appended',
    d => [(d.list[0].id = 9), d.list.push({ id: 4, tags: [] })],
    [
      {
        op: 'set',
        path: ['list'],
        value: [{ id: 9, tags: ['a'] }, ...whole(2, 3), { id: 4, tags: [] }],
      },
    ],
  ],
  ['pop', d => d.n.pop(), [{ op: 'set', path: ['n'], value: [1, 2] }]],
  ['shift', d => d.list.shift(), [{ op: 'set', path: ['list'], value: whole(2, 3) }]],
  ['splice', d => d.list.splice(1, 1), [{ op: 'set', path: ['list'], value: whole(1, 3) }]],
  ['a shorter length', d => (d.n.length = 1), [{ op: 'set', path: ['n'], value: [1] }]],
  ['no elements left', d => (d.n.length = 0), [{ op: 'set', path: ['n'], value: [] }]],
  ['unshift', d => d.n.unshift(0), [{ op: 'set', path: ['n'], value: [0, 1, 2, 3] }]],
  ['reverse', d => d.list.reverse(), [{ op: 'set', path: ['list'], value: whole(3, 2, 1) }]],
  ['reverse twice', d => d.list.reverse().reverse(), []],
  ['sort of what is sorted', d => d.list.sort((a: Data, b: Data) => a.id - b.id), []],
  ['splice of the same for the same', d => d.list.splice(1, 1, d.list[1]), []],
  ['pop, and push of the same', d => d.list.push(d.list.pop()), []],
  ['pop, and push of an equal one', d => [d.n.pop(), d.n.push(3)], []],
  [
    'a leaf below an element that moves',
    d => {
      d.list[2].id = 9
      d.list.shift()
    },
    [{ op: 'set', path: ['list'], value: [...whole(2), { id: 9, tags: ['b', 'c'] }] }],
  ],
  [
    'a leaf below a restructured array that is what it was',
    d => {
      d.list.reverse()
      d.list[0].id = 9
      d.list.reverse()
    },
    [{ op: 'set', path: ['list', 2, 'id'], value: 9 }],
  ],
  ['the same elements in a new array', d => (d.list = [...d.list]), []],
  ['the array mapped to itself', d => (d.list = d.list.map((item: Data) => item)), []],
  [
    'filter and reassign',
    d => (d.list = d.list.filter((item: Data) => item.id !== 2)),
    [{ op: 'set', path: ['list'], value: whole(1, 3) }],
  ],
  [
    'an array replaced after a write into it',
    d => {
      d.list[0].id = 9
      d.list = []
    },
    [{ op: 'set', path: ['list'], value: [] }],
  ],
]

for (const [name, recipe, expected] of subsets) {
  minimal(name, () => {
    const tracked = track(items())
    recipe(tracked.data)
    assert.deepStrictEqual(tracked.changes(), expected)
    tracked.accept()
    assert.deepStrictEqual(tracked.changes(), [])
  })
}

minimal.run()

const element = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom('a', 'b', '', null, true, -0, Number.NaN),
  fc.record({ id: fc.nat(3) }, { noNullPrototype: true }),
  fc.array(fc.nat(2), { maxLength: 2 }),
)
const index = fc.oneof(fc.integer({ min: -6, max: 6 }), fc.constantFrom(...odd))

interface Step {
  readonly kind: string
  readonly a: unknown
  readonly b: unknown
  readonly c: unknown
  readonly nat: number
  readonly value: unknown
  /** Takes an element that is there already in the place of `value`. */
  readonly again: boolean
}

const kinds: Record<string, (list: Data, step: Step, value: Data, data: Data) => unknown> = {
  push: (list, _step, value) => list.push(value),
  'push two': (list, step, value) => list.push(value, step.nat),
  pop: list => list.pop(),
  shift: list => list.shift(),
  unshift: (list, _step, value) => list.unshift(value),
  splice: (list, step) => list.splice(step.a, step.b),
  'splice in': (list, step, value) => list.splice(step.a, step.b, value, step.nat),
  'splice the rest': (list, step) => list.splice(step.a),
  reverse: list => list.reverse() === list,
  sort: list => list.sort() === list,
  'sort by text': list => list.sort(byText) === list,
  fill: (list, step, value) => list.fill(value, step.a, step.b) === list,
  copyWithin: (list, step) => list.copyWithin(step.a, step.b, step.c) === list,
  set: (list, step, value) => {
    list[step.nat % (list.length + 2)] = value
  },
  delete: (list, step) => delete list[step.nat],
  length: (list, step) => {
    list.length = step.nat % (list.length + 2)
  },
  write: (list, step) => {
    const item = list[step.nat % list.length]
    if (Array.isArray(item)) item.push(step.nat)
    else if (typeof item === 'object' && item !== null) item.id = step.nat
  },
  swap: list => {
    if (list.length > 1) [list[0], list[list.length - 1]] = [list[list.length - 1], list[0]]
  },
  filter: (list, step, _value, data) => {
    data.list = list.filter((_: unknown, at: number) => at !== step.nat)
  },
  'assign toSpliced': (list, step, value, data) => {
    data.list = list.toSpliced(step.a, step.b, value)
  },
  'assign concat': (list, _step, value, data) => {
    data.list = list.concat([value], list.slice(0, 1))
  },
  'assign sorted': (list, _step, _value, data) => {
    data.list = list.toSorted(byText)
  },
  'assign anew': (_list, step, value, data) => {
    data.list = [value, step.nat]
  },
  slice: (list, step) => list.slice(step.a, step.b),
  at: (list, step) => list.at(step.a),
  search: (list, step, value) => [
    list.includes(value, step.a),
    list.indexOf(value, step.a),
    list.lastIndexOf(value, step.a),
  ],
  text: list => [list.join(), JSON.stringify(list), [...list.entries()]],
  flat: (list, step) => list.flat(step.nat % 3),
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...Object.keys(kinds), 'accept', 'discard', 'hold'),
  a: index,
  b: index,
  c: index,
  nat: fc.nat(6),
  value: element,
  again: fc.boolean(),
})

/** A plain array's holes as a session has them. */
function fillHoles({ list }: Data): void {
  for (let at = 0; at < list.length; at++) list[at] ??= null
}

const random = suite('any array, any methods')

random('end as on a plain array, with the same elements at the same places', async () => {
  await holds(
    fc.property(
      fc.array(element, { maxLength: 5 }),
      fc.array(step, { maxLength: 12 }),
      (initial, steps) => {
        const given = deepFreeze({ list: structuredClone(initial) }) as Data
        const tracked = track<Data>(given)
        const { data } = tracked
        let plain: Data = { list: structuredClone(initial) }
        let accepted: Data = structuredClone(plain)
        let held: [Data, Data][] = []
        for (const current of steps) {
          const { kind, nat } = current
          if (kind === 'accept') {
            tracked.accept()
            accepted = structuredClone(plain)
            assert.deepEqual(tracked.changes(), [])
          } else if (kind === 'discard') {
            tracked.discard()
            plain = structuredClone(accepted)
            held = []
            assert.deepEqual(tracked.changes(), [])
          } else if (kind === 'hold') {
            const at = nat % Math.max(plain.list.length, 1)
            const item = plain.list[at]
            if (typeof item === 'object' && item !== null) held.push([item, data.list[at]])
          } else {
            const run = (target: Data): unknown => {
              const { list } = target
              const again = current.again && list.length > 0
              const value = again ? list[nat % list.length] : structuredClone(current.value)
              return outcome(() => kinds[kind]?.(list, current, value, target))
            }
            const expected = show(run(plain))
            fillHoles(plain)
            assert.equal(show(run(data)), expected, kind)
          }
          assert.equal(show(data), show(plain), kind)
          for (const [item, handle] of held) {
            assert.equal(data.list.indexOf(handle), plain.list.indexOf(item), kind)
            assert.equal(data.list.lastIndexOf(handle), plain.list.lastIndexOf(item), kind)
            assert.equal(show(handle), show(item), kind)
          }
        }
        assert.deepStrictEqual(given, { list: initial })
        assert.deepStrictEqual(snapshot(data), plain)
        return true
      },
    ),
    1000,
  )
})

random.run()
