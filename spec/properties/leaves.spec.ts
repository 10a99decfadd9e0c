import assert from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import { createSessions, snapshot, track } from '../../lib/index.js'
import { holds } from '../support/property.js'
import { forEachStore } from '../support/stores.js'

/** Dates and bytes, in an array and in the objects of another one. */
interface State {
  list: (Date | Buffer | number)[]
  rows: { when: Date; bytes?: Buffer }[]
}

interface Step {
  readonly kind: keyof typeof STEPS
  readonly a: number
  readonly b: number
}

const date = fc.nat(2).map(time => new Date(time))
const bytes = fc.nat(2).map(byte => Buffer.of(byte))

const plain = { noNullPrototype: true }

const state: fc.Arbitrary<State> = fc.record(
  {
    list: fc.array(fc.oneof(date, bytes, fc.nat(2)), { maxLength: 4 }),
    rows: fc.array(fc.record({ when: date, bytes }, plain), { maxLength: 4 }),
  },
  plain,
)

/** Changes a Date or bytes in place, to one of few contents: so that many are equal. */
function touch(value: Date | Buffer | number | undefined, to: number): void {
  if (value instanceof Date) value.setTime(to)
  else if (Buffer.isBuffer(value)) value[0] = to
}

const STEPS = {
  'touch an element': ({ list }: State, { a, b }: Step) => touch(list[a], b),
  'touch a member': ({ rows }: State, { a, b }: Step) => touch(rows[a]?.when, b),
  'touch all': ({ list, rows }: State, { b }: Step) => {
    for (const value of list) touch(value, b)
    for (const row of rows) touch(row.bytes, b)
  },
  read: (data: State) => JSON.stringify(data),
  reverse: ({ list, rows }: State) => [list.reverse(), rows.reverse()],
  swap: ({ list, rows }: State) => {
    if (list.length > 1) [list[0], list[1]] = [list[1] as Date, list[0] as Date]
    if (rows.length > 1) [rows[0], rows[1]] = [rows[1] as never, rows[0] as never]
  },
  pop: ({ list, rows }: State) => [list.pop(), rows.pop()],
  'splice out': ({ list, rows }: State, { a }: Step) => [list.splice(a, 1), rows.splice(a, 1)],
  push: ({ list, rows }: State, { b }: Step) => {
    list.push(new Date(b), Buffer.of(b))
    rows.push({ when: new Date(b) })
  },
  'an equal one': ({ list }: State, { a }: Step) => {
    const value = list[a]
    if (value instanceof Date) list[a] = new Date(value)
  },
  'deduplicate by a Set': (data: State) => {
    data.list = [...new Set(data.list)]
  },
  'filter and reassign': (data: State, { a }: Step) => {
    data.list = data.list.filter((_, index) => index !== a)
    data.rows = data.rows.filter((_, index) => index !== a)
  },
  'map and reassign': (data: State) => {
    data.rows = data.rows.map(row => ({ ...row }))
  },
  'a row out and in': ({ rows }: State, { a, b }: Step) => {
    const [row] = rows.splice(a, 1)
    if (row === undefined) return
    touch(row.when, b)
    rows.unshift(row)
  },
  'delete a key': ({ rows }: State, { a }: Step) => {
    if (rows[a] !== undefined) delete rows[a].bytes
  },
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
  a: fc.nat(3),
  b: fc.nat(2),
})

const steps = (maxLength: number): fc.Arbitrary<Step[]> => fc.array(step, { maxLength })

/** Does the same to the plain state and to the tracked one. */
function both(plain: State, data: State, all: readonly Step[]): void {
  for (const each of all) {
    STEPS[each.kind](plain, each)
    STEPS[each.kind](data, each)
    assert.deepEqual(snapshot(data), plain, each.kind)
  }
}

const tracking = suite('Dates and bytes, moved and changed in place, tracked')

tracking('each new benchmark is what the plain state was', async () => {
  await holds(
    fc.property(state, fc.array(steps(5), { maxLength: 4 }), (given, rounds) => {
      const plain = snapshot(given)
      const tracked = track(given)
      for (const round of rounds) {
        both(plain, tracked.data, round)
        tracked.accept()
        assert.deepEqual(tracked.benchmark, plain)
        assert.deepEqual(tracked.changes(), [])
      }
    }),
    1500,
  )
})

tracking.run()

forEachStore('Dates and bytes, moved and changed in place', (commits, { name, create }) => {
  const sessions = createSessions<State>({ store: create() })

  commits('primary state follows, whatever is changed while a commit is under way', async () => {
    await holds(
      fc.asyncProperty(
        state,
        fc.array(fc.tuple(steps(4), steps(3)), { maxLength: 4 }),
        async (given, rounds) => {
          const session = sessions.create(snapshot(given))
          await session.commit()
          const plain = snapshot(given)
          const stored = async (): Promise<unknown> =>
            session.isNew ? plain : snapshot((await sessions.open(session.id))?.data)
          for (const [before, during] of rounds) {
            both(plain, session.data, before)
            const committed = snapshot(plain)
            const commit = session.commit()
            both(plain, session.data, during)
            await commit
            if (!session.isNew) assert.deepEqual(await stored(), committed)
            assert.deepEqual(snapshot(session.data), plain)
          }
          await session.commit()
          assert.deepEqual(session.changes(), [])
          assert.deepEqual(await stored(), plain)
        },
      ),
      name === 'embedded' ? 500 : 40,
    )
  })
})
