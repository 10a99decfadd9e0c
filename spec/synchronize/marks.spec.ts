import assert from 'node:assert/strict'
import { suite } from 'uvu'
import type { Mark } from '../../lib/document.js'
import type { ForeignMarks } from '../../lib/synchronize/marks.js'
import { ANY_INDEX, printMark, readMarks } from '../../lib/synchronize/marks.js'

const marks = suite('marks')

const NONE: ReadonlySet<bigint> = new Set()
const counters = (layout: Record<string, number>): Map<string, number> =>
  new Map(Object.entries(layout))

/** What the marks tell that others left, who raised each attribute of them once. */
function read(at: readonly (readonly string[])[], own: ReadonlySet<bigint> = NONE): ForeignMarks {
  const list = at.map((each, index): Mark => ({ by: BigInt(index), at: each }))
  return readMarks(list, NONE, own, counters({}), counters({}))
}

marks('a mark is printed so that no key can be taken for another path', () => {
  assert.equal(printMark('r', ['user', 'address']), 'ruser.address')
  assert.equal(printMark('m', ['cart', 3, 'tags']), 'mcart.3.tags')
  assert.notEqual(printMark('r', ['a.b']), printMark('r', ['a', 'b']))
  assert.notEqual(printMark('r', ['a~1b']), printMark('r', ['a.b']))
  assert.notEqual(printMark('r', ['a~', 'b']), printMark('r', ['a', '~b']))
})

marks('what others marked was replaced, or moved', () => {
  const { replaced, moved } = read([['ruser.address'], ['mcart']])
  assert.ok(replaced(['user', 'address'], {}, {}))
  assert.ok(!replaced(['user'], {}, {}))
  assert.ok(!replaced(['user', 'address', 'geo'], {}, {}))
  assert.ok(moved(['cart']))
  assert.ok(!moved(['user', 'address']))
})

marks('what was seen at the last load tells nothing new', () => {
  const list = [{ by: 1n, at: ['ruser'] }]
  const { replaced } = readMarks(list, new Set([1n]), NONE, counters({}), counters({}))
  assert.ok(!replaced(['user'], { a: 1 }, { a: 2 }))
})

marks(
  "one's own replacement voids what others did there before, and not what they do after",
  () => {
    const before = read([['ruser.address'], ['ruser']], new Set([1n]))
    assert.ok(!before.replaced(['user', 'address'], {}, {}))
    assert.ok(!before.replaced(['user'], {}, {}))
    const after = read([['ruser'], ['ruser.address']], new Set([0n]))
    assert.ok(after.replaced(['user', 'address'], {}, {}))
  },
)

marks("one's own replacement voids nothing beside it", () => {
  const { replaced } = read([['rusers'], ['ruser']], new Set([1n]))
  assert.ok(replaced(['users'], {}, {}))
})

marks('where elements moved, any index may be meant, and the values tell', () => {
  const { replaced } = read([['rcart.1']])
  assert.ok(!replaced(['cart', ANY_INDEX], { id: 1, qty: 2 }, { id: 1, qty: 2, note: 1 }))
  assert.ok(replaced(['cart', ANY_INDEX], { id: 1, qty: 2 }, { id: 1, qty: 3 }))
  assert.ok(!replaced(['cart', ANY_INDEX, 'tags'], { a: 1 }, { b: 2 }))
  assert.ok(replaced(['cart', 1], { id: 1, qty: 2 }, { id: 1, qty: 2 }))
})

/** What can be told where an attribute was raised twice, and one mark is left. */
const incomplete = (attribute: string, at: string): ForeignMarks =>
  readMarks([{ by: 1n, at: [at] }], NONE, NONE, counters({}), counters({ [attribute]: 2 }))

marks('where some marks are missing, elements may have moved and the values tell', () => {
  const { replaced, moved } = incomplete('user', 'ruser.address')
  assert.ok(replaced(['user'], { id: 1, name: 'Ada' }, { id: 2, name: 'Ada' }))
  assert.ok(!replaced(['user'], { id: 1, name: 'Ada' }, { id: 1, name: 'Eve' }))
  assert.ok(replaced(['user'], { name: 'Ada' }, { name: 'Eve' }))
  assert.ok(!replaced(['user'], { name: 'Ada', age: 1 }, { name: 'Ada', age: 2 }))
  assert.ok(!replaced(['user'], {}, { name: 'Eve' }))
  assert.ok(!replaced(['user'], { geo: { x: 1, y: 1 } }, { geo: { x: 1, y: 2 } }))
  assert.ok(!replaced(['user'], [{ a: 1 }], [{ b: 1 }]))
  assert.ok(moved(['user', 'roles']))
  assert.ok(!replaced(['other'], { a: 1 }, { a: 2 }))
  assert.ok(!moved(['other']))
})

marks('an attribute with a counter of its own does not care for those that share one', () => {
  const list = [{ by: 1n, at: ['ruser'] }]
  const after = { user: 1, '*': 5 }
  const own = readMarks(list, NONE, NONE, counters({ '*': 3 }), counters(after))
  assert.ok(!own.moved(['user', 'roles']))
  assert.ok(own.moved(['a.b']))
})

marks('attributes that share a counter are told by the marks of each of them', () => {
  const list = [
    { by: 1n, at: ['ra~1b'] },
    { by: 2n, at: ['r$x', 'ra~1b'] },
  ]
  const { moved, replaced } = readMarks(list, NONE, NONE, counters({}), counters({ '*': 2 }))
  assert.ok(!moved(['$x', 'list']))
  assert.ok(replaced(['a.b'], { a: 1 }, { a: 1 }))
})

marks.run()
