/**
 * Rotations that others meet, and servers that die between their two writes: of the old id and the
 * new one, never both have the session.
 */

import assert from 'node:assert/strict'
import type { Collection, Document } from 'mongodb'
import { suite } from 'uvu'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { closeMongo, freshCollection, mongoUri } from '../support/stores.js'
import { attempt } from './trial.js'

interface Data {
  user: number
  log: string[]
}

const TIMES = 50
const DEADLINE = 60_000

const test = suite('rotations under faults')
const mongo = mongoUri === '' ? test.skip : test
test.after(closeMongo)

/** A session that two application servers have open. */
interface Rig {
  readonly collection: Collection<Document>
  readonly id: string
  readonly one: Session<Data>
  readonly other: Session<Data>
  /** A server that nothing happens to. */
  readonly sessions: Sessions<Data>
}

async function rig(
  alter: (store: Store) => Partial<Store> = () => ({}),
  deadline = DEADLINE,
): Promise<Rig> {
  const collection = freshCollection()
  const store = mongoStore(collection, { indexes: false })
  const sessions = createSessions<Data>({ store, deadline: DEADLINE })
  const failing = createSessions<Data>({ store: { ...store, ...alter(store) }, deadline })
  const session = sessions.create({ user: 7, log: [] })
  await session.commit()
  const { id } = session
  const one = (await failing.open(id)) as Session<Data>
  return { collection, id, one, other: (await sessions.open(id)) as Session<Data>, sessions }
}

/** The sessions that there are, by what is stored: what only marks an old id is none. */
const live = ({ collection }: Rig): Promise<Document[]> =>
  collection.find({ rev: { $exists: true } }).toArray()

const never = (): Promise<never> => new Promise<never>(() => undefined)

mongo('two that rotate one session: one does, and the other is told', async () => {
  await Promise.all(
    Array.from({ length: TIMES }, async () => {
      const own = await rig()
      const { one, other, id, sessions } = own
      const trials = await Promise.all(
        [one, other].map(session => attempt(DEADLINE, () => session.rotateId())),
      )
      assert.deepEqual(trials.map(({ outcome }) => outcome).sort(), ['fail', 'ok'])
      const winner = trials[0]?.outcome === 'ok' ? one : other
      assert.deepEqual(
        (await live(own)).map(({ _id }) => _id),
        [winner.key],
      )
      assert.equal((await sessions.open(winner.id))?.data.user, 7)
      assert.equal((await sessions.open(id))?.data.user, undefined)
    }),
  )
})

mongo('a commit that meets a rotation goes with the new id, or is refused', async () => {
  await Promise.all(
    Array.from({ length: TIMES }, async (_, number) => {
      const own = await rig()
      const { one, other } = own
      other.data.log.push('entry')
      const calls = [() => one.rotateId(), () => other.commit().then(() => undefined)]
      const order = number % 2 === 0 ? calls : calls.reverse()
      const trials = await Promise.all(order.map(call => attempt(DEADLINE, call)))
      const [rotation, commit] = number % 2 === 0 ? trials : trials.reverse()
      assert.equal(rotation?.outcome, 'ok')
      const documents = await live(own)
      assert.deepEqual(
        documents.map(({ _id, data }) => [_id, data.log]),
        [[one.key, commit?.outcome === 'ok' ? ['entry'] : []]],
      )
    }),
  )
})

mongo('a server that dies before the old id ends leaves the old id as it was', async () => {
  const own = await rig(() => ({ retire: never }), 300)
  const { one, other, id, sessions } = own
  const { key } = one
  one.data.log.push('entry')
  const { outcome } = await attempt(300, () => one.rotateId())
  assert.equal(outcome, 'unknown')
  // Whoever did not die has the session still.
  other.data.user = 8
  await other.commit()
  const opened = (await sessions.open(id)) as Session<Data>
  assert.deepEqual([opened.data.user, opened.data.log], [8, []])
  // What the dead server left is known to nobody, and is not for ever.
  const [orphan] = (await live(own)).filter(({ _id }) => _id !== key)
  assert.equal(orphan?.data.user, 7)
  assert.ok(orphan.expiresAt > new Date() && orphan.expiresAt <= other.expiresAt)
  assert.equal(await sessions.destroyWhere({ user: 7 }), 1)
})

mongo('a server that dies after the old id ended leaves nobody logged in', async () => {
  const own = await rig(
    store => ({
      async retire(retirement, options) {
        await store.retire(retirement, options)
        return never()
      },
    }),
    300,
  )
  const { one, other, id, sessions } = own
  const { outcome } = await attempt(300, () => one.rotateId())
  assert.equal(outcome, 'unknown')
  const opened = (await sessions.open(id)) as Session<Data>
  assert.deepEqual(Object.keys(opened.data), [])
  other.data.user = 8
  assert.equal((await attempt(DEADLINE, () => other.commit())).outcome, 'fail')
  // A new login with the old id has a session of its own.
  await opened.rotateId()
  opened.data.user = 9
  await opened.commit()
  assert.notEqual(opened.id, id)
  assert.equal((await sessions.open(opened.id))?.data.user, 9)
})

mongo('to log out everywhere in the middle of a rotation leaves no session', async () => {
  let meet = async (): Promise<void> => undefined
  const own = await rig(store => ({
    async retire(retirement, options) {
      await meet()
      return store.retire(retirement, options)
    },
  }))
  meet = async () => void (await own.sessions.destroyWhere({ user: 7 }))
  const { outcome } = await attempt(DEADLINE, () => own.one.rotateId())
  assert.equal(outcome, 'fail')
  assert.deepEqual(await live(own), [])
})

test.run()
