import assert from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import type { Path } from '../lib/path.js'
import { arrayIndex, isSafeKey, isWithin, overlap, printPath } from '../lib/path.js'
import { holds } from './support/property.js'

const paths = suite('paths')

for (const [key, safe] of [
  ['name', true],
  ['a$b', true],
  ['constructor', true],
  ['0', true],
  ['ü', true],
  [' ', true],
  [0, true],
  [4294967295, true],
  ['', false],
  ['.', false],
  ['a.b', false],
  ['a.', false],
  ['.a', false],
  ['$', false],
  ['$set', false],
  ['$[]', false],
  ['$[name]', false],
] as const) {
  paths(`an update ${safe ? 'may' : 'cannot'} name ${JSON.stringify(key)}`, () => {
    assert.equal(isSafeKey(key), safe)
  })
}

for (const [key, index] of [
  ['0', 0],
  ['7', 7],
  ['10', 10],
  ['4294967294', 4294967294],
  ['4294967295', -1],
  ['4294967296', -1],
  ['99999999999', -1],
  ['', -1],
  ['00', -1],
  ['07', -1],
  ['-1', -1],
  ['-0', -1],
  ['1.5', -1],
  ['1e3', -1],
  ['+1', -1],
  [' 1', -1],
  ['1 ', -1],
  ['a', -1],
  ['1a', -1],
  ['٣', -1],
  ['length', -1],
] as const) {
  paths(`${JSON.stringify(key)} names ${index < 0 ? 'no index' : `the index ${index}`}`, () => {
    assert.equal(arrayIndex(key), index)
  })
}

paths('an index is what JavaScript takes for one', async () => {
  const key = fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.nat(2 ** 32).map(String),
    fc.integer().map(String),
    fc.double().map(String),
    fc.stringMatching(/^0?\d{0,10}$/),
  )
  await holds(
    fc.property(key, text => {
      const array: unknown[] = []
      ;(array as unknown as Record<string, unknown>)[text] = 'x'
      assert.equal(arrayIndex(text) >= 0, array.length > 0)
      if (array.length > 0) assert.equal(arrayIndex(text), array.length - 1)
    }),
    2000,
  )
})

const relations: [a: Path, b: Path, within: boolean, overlaps: boolean][] = [
  [[], [], true, true],
  [['a'], [], true, true],
  [[], ['a'], false, true],
  [['a', 'b'], ['a'], true, true],
  [['a', 'b'], ['a', 'b'], true, true],
  [['a'], ['a', 'b'], false, true],
  [['a', 'b'], ['a', 'c'], false, false],
  [['ab'], ['a'], false, false],
  [['a', 0], ['a', 0, 'x'], false, true],
  [['a', 0], ['a', 1], false, false],
  [['a', 0], ['a', '0'], false, false],
  [['a.b'], ['a', 'b'], false, false],
]

for (const [a, b, within, overlaps] of relations) {
  paths(`${JSON.stringify(a)} and ${JSON.stringify(b)}`, () => {
    assert.equal(isWithin(a, b), within)
    assert.equal(overlap(a, b), overlaps)
    assert.equal(overlap(b, a), overlaps)
  })
}

for (const [path, text] of [
  [[], 'the session'],
  [['cart'], 'cart'],
  [['cart', 3, 'qty'], 'cart[3].qty'],
  [['a.b', 'c'], '["a.b"].c'],
  [['a', ''], 'a[""]'],
  [['a', '$set'], 'a["$set"]'],
  [['a', 'b-c_d1'], 'a.b-c_d1'],
  [['1a'], '["1a"]'],
  [['a', '0'], 'a["0"]'],
  [['say "x"'], '["say \\"x\\""]'],
  [['ü'], '["ü"]'],
  [['two words', 'x'], '["two words"].x'],
] as [Path, string][]) {
  paths(`${JSON.stringify(path)} is written as ${text}`, () => {
    assert.equal(printPath(path), text)
  })
}

paths('two paths are never written alike', async () => {
  const key = fc.oneof(fc.nat(3), fc.constantFrom('a', 'b', '', 'a.b', '[0]', '0', '"', '.', 'a"b'))
  const path = fc.array(key, { maxLength: 4 })
  await holds(
    fc.property(path, path, (a, b) => {
      const same = a.length === b.length && a.every((each, depth) => each === b[depth])
      assert.equal(printPath(a) === printPath(b), same)
    }),
    3000,
  )
})

paths.run()
