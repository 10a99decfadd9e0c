import assert from 'node:assert/strict'
import { ObjectId } from 'bson'
import fc from 'fast-check'
import { suite } from 'uvu'
import type { Modification } from '../../lib/index.js'
import { SessionError, track } from '../../lib/index.js'
import type { UpdateDocument } from '../../lib/mongodb.js'
import { toUpdate } from '../../lib/mongodb.js'
import { holds } from '../support/property.js'

const update = suite('toUpdate')

const when = new Date(5)
const id = new ObjectId()

/** What modifications become. */
const cases: [what: string, modifications: Modification[], expected: UpdateDocument][] = [
  ['nothing is an empty update', [], {}],
  [
    'a value is set at its path',
    [{ op: 'set', path: ['user', 'name'], value: 'Ada' }],
    { $set: { 'data.user.name': 'Ada' } },
  ],
  ['an attribute is set', [{ op: 'set', path: ['n'], value: 1 }], { $set: { 'data.n': 1 } }],
  ['all data is set', [{ op: 'set', path: [], value: { n: 1 } }], { $set: { data: { n: 1 } } }],
  [
    'an index is a segment',
    [{ op: 'set', path: ['cart', 3, 'qty'], value: 1 }],
    { $set: { 'data.cart.3.qty': 1 } },
  ],
  [
    'a value is unset',
    [{ op: 'unset', path: ['user', 'name'] }],
    { $unset: { 'data.user.name': '' } },
  ],
  [
    'elements are pushed, an array among them as one',
    [{ op: 'append', path: ['log'], values: [1, [2, 3], { a: 1 }] }],
    { $push: { 'data.log': { $each: [1, [2, 3], { a: 1 }] } } },
  ],
  [
    'each kind has its operator',
    [
      { op: 'set', path: ['a'], value: 1 },
      { op: 'unset', path: ['b'] },
      { op: 'append', path: ['c'], values: [2] },
      { op: 'set', path: ['d', 'e'], value: 3 },
      { op: 'unset', path: ['d', 'f'] },
    ],
    {
      $set: { 'data.a': 1, 'data.d.e': 3 },
      $unset: { 'data.b': '', 'data.d.f': '' },
      $push: { 'data.c': { $each: [2] } },
    },
  ],
  [
    'values stay as they are, hostile keys too',
    [
      { op: 'set', path: ['a'], value: { $inc: { b: 1 }, 'c.d': '$data.e', '$[]': { '': 1 } } },
      { op: 'append', path: ['l'], values: [{ $each: [] }] },
      { op: 'set', path: ['w'], value: when },
      { op: 'set', path: ['i'], value: id },
    ],
    {
      $set: {
        'data.a': { $inc: { b: 1 }, 'c.d': '$data.e', '$[]': { '': 1 } },
        'data.w': when,
        'data.i': id,
      },
      $push: { 'data.l': { $each: [{ $each: [] }] } },
    },
  ],
  [
    'a dollar that does not lead is a letter',
    [{ op: 'set', path: ['a$', 'b$c'], value: 1 }],
    { $set: { 'data.a$.b$c': 1 } },
  ],
  [
    'names of builtins are names',
    [{ op: 'set', path: ['constructor', 'toString'], value: 1 }],
    { $set: { 'data.constructor.toString': 1 } },
  ],
]

for (const [what, modifications, expected] of cases) {
  update(what, () => {
    assert.deepEqual(toUpdate(modifications).update, expected)
  })
}

for (const key of ['', 'a.b', '.', '$', '$set', '$[]', '$[x]', '$x']) {
  for (const path of [[key], ['a', key], [key, 'a'], ['a', 0, key]]) {
    for (const modification of [
      { op: 'set', path, value: 1 },
      { op: 'unset', path },
      { op: 'append', path, values: [1] },
    ] as Modification[]) {
      update(`${modification.op} of ${JSON.stringify(path)} is refused`, () => {
        assert.throws(
          () => toUpdate([modification]),
          (error: unknown) => {
            assert.ok(error instanceof SessionError)
            assert.equal(error.code, 'ERR_INVALID_ARGUMENT')
            assert.match(error.message, /^Cannot make an update of .+: .+ write its parent whole$/)
            return true
          },
        )
      })
    }
  }
}

for (const key of ['a\0b', '\0', -1, 1.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY]) {
  update(`${JSON.stringify(String(key))} is no segment`, () => {
    const modification: Modification = { op: 'set', path: ['a', key], value: 1 }
    assert.throws(() => toUpdate([modification]), { code: 'ERR_INVALID_ARGUMENT' })
  })
}

for (const [what, modification] of [
  ['removed', { op: 'unset', path: [] }],
  ['appended to', { op: 'append', path: [], values: [1] }],
  ['a number', { op: 'set', path: [], value: 5 }],
  ['an array', { op: 'set', path: [], value: [] }],
  ['null', { op: 'set', path: [], value: null }],
  ['a Date', { op: 'set', path: [], value: when }],
] as [string, Modification][]) {
  update(`all data cannot be ${what}`, () => {
    assert.throws(() => toUpdate([modification]), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /^Cannot make an update of the session: all attributes are an object/,
    })
  })
}

update('an operation that does not exist is refused, and not left out', () => {
  const modification = { op: 'rename', path: ['a'], value: 'b' } as unknown as Modification
  assert.throws(() => toUpdate([modification]), {
    code: 'ERR_INVALID_ARGUMENT',
    message: 'Cannot make an update of a: there is no such operation',
  })
})

update('an error shows the path, and no value', () => {
  assert.throws(
    () => toUpdate([{ op: 'set', path: ['user', '$x'], value: 'hunter2' }]),
    (error: unknown) => {
      assert.match((error as Error).message, /user\["\$x"\]/)
      assert.doesNotMatch(String((error as Error).stack), /hunter2/)
      return true
    },
  )
})

update('the modifications are left alone', () => {
  const modifications: Modification[] = [
    { op: 'append', path: ['log'], values: Object.freeze([1]) },
    { op: 'set', path: Object.freeze(['a']), value: Object.freeze({ b: 1 }) },
  ]
  const before = structuredClone(modifications)
  const { $push } = toUpdate(modifications.map(each => Object.freeze(each))).update
  $push?.['data.log']?.$each.push(2)
  assert.deepEqual(modifications, before)
})

update('it takes what changes() lists', () => {
  const tracked = track<{ user: { name?: string; n: number }; log: string[] }>({
    user: { name: 'Ada', n: 1 },
    log: [],
  })
  const { data } = tracked
  delete data.user.name
  data.user.n = 2
  data.log.push('x')
  assert.deepEqual(toUpdate(tracked.changes()).update, {
    $unset: { 'data.user.name': '' },
    $set: { 'data.user.n': 2 },
    $push: { 'data.log': { $each: ['x'] } },
  })
})

const safeKey = fc
  .string({ minLength: 1, maxLength: 4 })
  .filter(key => !key.includes('.') && !key.startsWith('$'))
const path = fc.array(fc.oneof(safeKey, fc.nat(2000)), { minLength: 1, maxLength: 5 })

update('a path of safe keys can be told from its field', async () => {
  await holds(
    fc.property(path, fc.jsonValue(), (keys, value) => {
      const { $set } = toUpdate([{ op: 'set', path: keys, value }]).update
      assert.deepEqual($set, { [['data', ...keys].join('.')]: value })
      const [field] = Object.keys($set ?? {}) as [string]
      assert.deepEqual(field.split('.').slice(1), keys.map(String))
    }),
    300,
  )
})

update.run()
