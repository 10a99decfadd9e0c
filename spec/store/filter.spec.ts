import assert from 'node:assert/strict'
import { Binary, Decimal128, Long, ObjectId } from 'bson'
import fc from 'fast-check'
import { ObjectId as DriverObjectId } from 'mongodb'
import { suite } from 'uvu'
import { SessionError } from '../../lib/index.js'
import { checkFilter, fits } from '../../lib/store/filter.js'
import type { Filter } from '../../lib/store/store.js'
import { holds } from '../support/property.js'

const check = suite('checkFilter')

const scalars: Record<string, unknown> = {
  'a string': 'x',
  'an empty string': '',
  'a string that looks like an operator': '$ne',
  zero: 0,
  'a fraction': 1.5,
  NaN: Number.NaN,
  true: true,
  false: false,
  'a Date': new Date(5),
  'an ObjectId': new ObjectId(),
  "an ObjectId of the driver's": new DriverObjectId(),
}

for (const [what, value] of Object.entries(scalars)) {
  check(`${what} is a scalar`, () => {
    checkFilter({ 'user.id': value })
  })
}

const others: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  'an object': {},
  'an operator': { $ne: null },
  'another operator': { $gt: '' },
  'an array': ['x'],
  'a RegExp': /x/,
  'an invalid Date': new Date(Number.NaN),
  'a function': () => 'x',
  'a symbol': Symbol('x'),
  'a bigint': 5n,
  bytes: Buffer.from('x'),
  'a Binary': new Binary(Buffer.from('x')),
  'a Long': Long.fromNumber(5),
  'a Decimal128': Decimal128.fromString('5'),
  'a boxed string': new String('x'),
  'what only says that it is an ObjectId': { _bsontype: 'ObjectId', id: 'x' },
  'what only says that it is a string': { toString: () => 'x', valueOf: () => 'x' },
}

for (const [what, value] of Object.entries(others)) {
  check(`${what} is no scalar`, () => {
    assert.throws(
      () => checkFilter({ a: 'x', 'user.id': value }),
      (error: unknown) => {
        assert.ok(error instanceof SessionError)
        assert.equal(error.code, 'ERR_INVALID_ARGUMENT')
        assert.match(error.message, /^Cannot filter sessions: its values must be strings, /)
        return true
      },
    )
  })
}

for (const path of ['a', 'a.b.c', 'items.0.id', 'a b', 'a$', 'constructor', 'ä', '0']) {
  check(`"${path}" is a path`, () => {
    checkFilter({ [path]: 1 })
  })
}

for (const path of ['', '.', 'a.', '.a', 'a..b', '$where', '$or', 'a.$b', 'a.$[]', 'a\0b']) {
  check(`${JSON.stringify(path)} is no path`, () => {
    assert.throws(() => checkFilter({ [path]: 1 }), { code: 'ERR_INVALID_ARGUMENT' })
  })
}

for (const path of ['__proto__', 'a.__proto__', '__proto__.a']) {
  check(`"${path}" is no path`, () => {
    const filter = Object.defineProperty({}, path, { value: 1, enumerable: true })
    assert.throws(() => checkFilter(filter), { code: 'ERR_INVALID_ARGUMENT' })
  })
}

for (const [what, filter] of [
  ['null', null],
  ['undefined', undefined],
  ['a string', 'user.id'],
  ['a number', 7],
  ['an array', [1]],
  ['a function', () => true],
] as const) {
  check(`${what} is no filter`, () => {
    assert.throws(() => checkFilter(filter as unknown as Filter), { code: 'ERR_INVALID_ARGUMENT' })
  })
}

check('no filter fits by a value that is not in it', () => {
  assert.throws(
    () => checkFilter({ 'user.name': { secret: 'hunter2' } }),
    (error: unknown) => {
      assert.doesNotMatch(String((error as Error).stack), /hunter2/)
      return true
    },
  )
})

check.run()

const fit = suite('fits')

fit('no data fits a path that it has not got', () => {
  for (const data of [undefined, null, 5, 'text', [], {}, { b: 1 }]) {
    assert.equal(fits(data, { a: 1 }), false)
    assert.equal(fits(data, { 'length.a': 1 }), false)
  }
})

fit('nothing inherited fits', () => {
  assert.equal(fits({ a: 'text' }, { 'a.length': 4 }), false)
  assert.equal(fits({ a: [1, 2] }, { 'a.length': 2 }), false)
  assert.equal(fits({}, { 'constructor.name': 'Object' }), false)
})

fit("an ObjectId of the driver's fits the same one of this package", () => {
  const id = new DriverObjectId()
  const same = new ObjectId(id.toHexString())
  assert.equal(fits({ user: { id: same } }, { 'user.id': id }), true)
  assert.equal(fits({ user: { id: new ObjectId() } }, { 'user.id': id }), false)
})

fit('all data fits an empty filter', () => {
  assert.equal(fits({}, {}), true)
})

const leaf = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.date({ noInvalidDate: true }),
  fc.double(),
)
const key = fc.constantFrom('a', 'b', 'c', 'd1')
const paths = fc.array(key, { minLength: 1, maxLength: 4 })

fit('data fits the filter of any scalar that it holds, however many elements are on the way', async () => {
  await holds(
    fc.property(
      paths,
      leaf,
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      fc.array(leaf, { maxLength: 2 }),
      (keys, value, inArray, others) => {
        // From the leaf up, each level may be one element of an array.
        const wrap = (inner: unknown, depth: number): unknown =>
          inArray[depth] === true ? [...others, inner] : inner
        let data: unknown = wrap(value, 0)
        ;[...keys].reverse().forEach((name, depth) => {
          const object = { [name]: data }
          data = depth === keys.length - 1 ? object : wrap(object, depth + 1)
        })
        assert.equal(fits(data, { [keys.join('.')]: value }), true)
        assert.equal(fits(data, { [[...keys, 'x'].join('.')]: value }), false)
        assert.equal(fits(data, { [keys.join('.')]: 'no such value, surely' }), false)
      },
    ),
    500,
  )
})

fit.run()
