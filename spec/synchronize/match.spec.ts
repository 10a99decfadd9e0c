import assert from 'node:assert/strict'
import { ObjectId } from 'bson'
import { suite } from 'uvu'
import { graphDifferencing } from '../../lib/difference/graph.js'
import { matchElements } from '../../lib/synchronize/match.js'
import { createTree } from '../../lib/track/tree.js'

const match = suite('match')
const { tree } = createTree({}, { differencing: graphDifferencing })

interface Given {
  readonly certain?: number
  readonly moved?: boolean
}

function matches(
  before: readonly unknown[],
  now: readonly unknown[],
  { certain = before.length, moved = false }: Given = {},
): number[] {
  return matchElements(tree, before, now, certain, moved)
}

const MOVED = { moved: true }

match('elements with ids are matched by them, wherever they are', () => {
  assert.deepEqual(matches([{ id: 1 }, { id: 2 }], [{ id: 2, n: 1 }, { id: 3 }, { id: 1 }]), [2, 0])
  assert.deepEqual(matches([{ _id: 'a' }, { _id: 'b' }], [{ _id: 'b' }]), [-1, 0])
  const [a, b] = [new ObjectId(), new ObjectId()]
  const copy = (id: ObjectId) => ({ _id: new ObjectId(id.toHexString()) })
  assert.deepEqual(matches([{ _id: a }, { _id: b }], [copy(b), copy(a)]), [1, 0])
})

match('ids of different types are different ids', () => {
  assert.deepEqual(matches([{ id: 1 }], [{ id: '1' }, { id: 1n }]), [-1])
})

match('ids that are not unique, or not everywhere, tell nothing', () => {
  assert.deepEqual(matches([{ id: 1 }, { id: 1 }], [{ id: 2 }, { id: 1 }]), [0, 1])
  assert.deepEqual(matches([{ id: 1 }, { n: 2 }], [{ id: 2 }, { id: 1 }]), [0, 1])
  assert.deepEqual(matches([{ id: null }], [{ id: 1 }]), [0])
})

match('without ids, elements are where they were if none moved', () => {
  assert.deepEqual(matches([{ a: 1 }, { a: 2 }], [{ a: 9 }, { a: 8 }, { a: 1 }]), [0, 1])
  assert.deepEqual(matches(['a', 'b'], ['x']), [0, -1])
})

match('beyond what is certain, and where some moved, they are matched by equality', () => {
  assert.deepEqual(matches(['a', 'b'], ['b', 'a'], MOVED), [1, 0])
  assert.deepEqual(matches(['a', 'mine'], ['a', 'theirs', 'mine'], { certain: 1 }), [0, 2])
  const moved = [{ a: 2, b: [1] }, { a: 1 }]
  assert.deepEqual(matches([{ a: 1 }, { b: [1], a: 2 }, { a: 3 }], moved, MOVED), [1, 0, -1])
})

match('an equal of what is certain is not taken for another', () => {
  assert.deepEqual(matches(['a', 'a'], ['a', 'b', 'a'], { certain: 1 }), [0, 2])
})

match('each element is matched once', () => {
  assert.deepEqual(matches(['a', 'a', 'a'], ['b', 'a', 'a'], MOVED), [1, 2, -1])
})

match('an object with several equals matches none', () => {
  assert.deepEqual(matches([{ a: 1 }], [{ a: 1 }, { a: 1 }], MOVED), [-1])
})

match('equality is that of BSON', () => {
  assert.deepEqual(matches([0, -0, Number.NaN], [Number.NaN, -0, 0], MOVED), [2, 1, 0])
  assert.deepEqual(matches([new Date(1)], [new Date(2), new Date(1)], MOVED), [1])
  assert.deepEqual(matches([null, 'null'], ['null', null], MOVED), [1, 0])
})

match('thousands of elements without ids are matched in no time to speak of', () => {
  const before = Array.from({ length: 5000 }, (_, n) => ({ n, at: { n } }))
  const now = [...before].reverse().map(element => ({ ...element }))
  let compared = 0
  const counted = now.map(element => Object.defineProperty(element, 'at', counter(element.at)))
  assert.deepEqual(matches(before, counted, MOVED).slice(0, 2), [4999, 4998])
  assert.ok(compared < 50_000, `${compared} comparisons`)

  function counter(value: unknown): PropertyDescriptor {
    const get = (): unknown => {
      compared++
      return value
    }
    return { enumerable: true, get }
  }
})

match.run()
