import assert from 'node:assert/strict'
import { suite } from 'uvu'
import type { Session } from '../../lib/index.js'
import { createSessions, memoryStore } from '../../lib/index.js'

// biome-ignore lint/suspicious/noExplicitAny: recipes take sessions of any content
type Data = any

const sessions = createSessions<Data>({ store: memoryStore() })

async function stored(data: Data): Promise<Session<Data>> {
  const session = sessions.create(data)
  await session.commit()
  return session
}

/** Runs a recipe that throws after all. */
function fail(session: Session<Data>, recipe: (data: Data) => unknown): void {
  const change = (data: Data): void => {
    recipe(data)
    throw new RangeError('no')
  }
  assert.throws(() => session.change(change), RangeError)
}

const change = suite('a recipe that throws changes nothing')

const start = (): Data => ({
  list: [{ id: 1 }, { id: 2 }, { id: 3 }],
  other: [],
  user: { name: 'Ada', address: { city: 'London' } },
})

const recipes: Record<string, (data: Data) => unknown> = {
  'an element moved into another array': data => data.other.push(data.list.shift()),
  'an element popped, and put in front': data => data.list.unshift(data.list.pop()),
  'a tail cut off': ({ list }) => {
    list.length = 1
  },
  'an array reversed': data => data.list.reverse(),
  'an array filtered and reassigned': data => {
    data.list = data.list.filter((item: Data) => item.id > 1)
  },
  'an object moved to another attribute': data => {
    data.moved = data.user
    delete data.user
  },
  'an object put into another one': data => {
    data.other.push({ in: data.user.address })
    delete data.user.address
  },
}

for (const [name, recipe] of Object.entries(recipes)) {
  change(`${name}: it is back, and what is written to it is a change`, async () => {
    const session = await stored(start())
    const { data } = session
    const held = [...data.list]
    const { address } = data.user
    fail(session, recipe)
    assert.deepEqual(data, start())
    assert.deepEqual(session.changes(), [])
    held[0].id = 10
    held[2].id = 30
    address.city = 'Rome'
    assert.deepEqual(session.changes(), [
      { op: 'set', path: ['list', 0, 'id'], value: 10 },
      { op: 'set', path: ['list', 2, 'id'], value: 30 },
      { op: 'set', path: ['user', 'address', 'city'], value: 'Rome' },
    ])
    await session.commit()
    assert.deepEqual((await sessions.open(session.id))?.data, data)
  })
}

change.run()
