/**
 * Clocks that jump, and sessions that expire and are removed while somebody has them open.
 */

import assert from 'node:assert/strict'
import { suite } from 'uvu'
import type { Session } from '../../lib/index.js'
import { createSessions, SessionGoneError } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { closeMongo, freshCollection, mongoUri } from '../support/stores.js'
import { PATIENCE } from './trial.js'

interface Data {
  n: number
}

const CALL = { timeout: PATIENCE }
const HOUR = 3_600_000

const test = suite('time')
const mongo = mongoUri === '' ? test.skip : test
test.after(closeMongo)

const RealDate = globalThis.Date

/** Has the clock of this process be wrong by `offset` milliseconds from now on. */
function jump(offset: number): void {
  globalThis.Date = class extends RealDate {
    constructor(...values: unknown[]) {
      super(...((values.length === 0 ? [RealDate.now() + offset] : values) as [number]))
    }
    static override now = (): number => RealDate.now() + offset
  } as DateConstructor
}

mongo(
  'a clock that jumps back and forth moves neither the expiry nor the end of a session',
  async () => {
    const collection = freshCollection()
    const store = mongoStore(collection, { indexes: false })
    const timeouts = { idleTimeout: HOUR, absoluteTimeout: 2 * HOUR, touchAfter: 0 }
    const sessions = createSessions<Data>({ store, ...timeouts, deadline: PATIENCE })
    try {
      const session = sessions.create({ n: 0 })
      await session.commit()
      const { key, id } = session
      const read = async () => {
        const document = await collection.findOne({ _id: key as never })
        return { end: document?.endsAt.getTime(), expiry: document?.expiresAt.getTime() }
      }
      const first = await read()
      let before = first.expiry
      for (const offset of [-HOUR, 3 * HOUR, -24 * HOUR, 10_000 * HOUR, 0]) {
        jump(offset)
        const opened = (await sessions.open(id)) as Session<Data>
        opened.data.n++
        await opened.commit()
        const { end, expiry } = await read()
        assert.equal(end, first.end)
        assert.ok(expiry >= before && expiry <= (await store.time(CALL)) + HOUR, `${expiry}`)
        before = expiry
      }
      assert.equal((await sessions.open(id))?.data.n, 5)
    } finally {
      globalThis.Date = RealDate
    }
  },
)

mongo('a session that is removed between a load and a commit does not come back', async () => {
  const collection = freshCollection()
  const idleTimeout = 1000
  const sessions = createSessions<Data>({
    store: mongoStore(collection),
    idleTimeout,
    deadline: PATIENCE,
  })
  const changes = collection.watch([{ $match: { operationType: 'delete' } }])
  try {
    // A change stream sees what happens after it was opened.
    await changes.tryNext()
    const session = sessions.create({ n: 0 })
    await session.commit()
    session.data.n = 1
    await changes.next()
    await assert.rejects(session.commit(), SessionGoneError)
    assert.equal(await collection.countDocuments(), 0)
  } finally {
    await changes.close()
  }
})

test.run()
