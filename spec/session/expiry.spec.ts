import assert from 'node:assert/strict'
import type { Document } from 'bson'
import { deserialize } from 'bson'
import { suite } from 'uvu'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { createSessions, memoryStore, SessionGoneError } from '../../lib/index.js'
import { expiryOf, hasMoved, stepOf } from '../../lib/session/expiry.js'
import { recordCalls } from '../adapters/framework.js'
import { forEachStore } from '../support/stores.js'

type Data = Record<string, unknown>

const MINUTE = 60_000
const IDLE = 30 * MINUTE
const DAY = 24 * 60 * MINUTE

const test = suite('expiry')

test('is the end of the idle timeout, or of the absolute one if that comes first', () => {
  const before = { idle: undefined, endsAt: 10_000 }
  assert.deepEqual(expiryOf(1000, 5000, before), { ...before, expiresAt: 6000 })
  assert.deepEqual(expiryOf(1000, 9500, before), { ...before, expiresAt: 10_000 })
  assert.deepEqual(expiryOf(1000, 5000, { idle: 3000, endsAt: 10_000 }).expiresAt, 8000)
  assert.deepEqual(expiryOf(1000, 5000, before, { idle: 2000 }), {
    idle: 2000,
    endsAt: 10_000,
    expiresAt: 7000,
  })
  assert.deepEqual(expiryOf(1000, 5000, before, { absolute: 500 }), {
    idle: undefined,
    endsAt: 5500,
    expiresAt: 5500,
  })
  assert.equal(expiryOf(1000, 5000, before, { absolute: Infinity }).endsAt, Infinity)
})

test('moves in steps that are shorter for a session with a short timeout of its own', () => {
  assert.equal(stepOf(3000, undefined), 3000)
  assert.equal(stepOf(3000, 1000), 100)
  assert.equal(stepOf(3000, 100_000), 3000)
  assert.equal(stepOf(0, 1000), 0)
})

test('has moved once for each step, however small the moves are', () => {
  let moves = 0
  for (let time = 0; time < 10_000; time++) if (hasMoved(time, time + 1, 1000)) moves++
  assert.equal(moves, 10)
  assert.equal(hasMoved(5, 5, 0), false)
  assert.equal(hasMoved(5, 6, 0), true)
  assert.equal(hasMoved(5000, 2000, 1000), true)
})

/** A store whose time stands still until it is told otherwise. */
class Time {
  now = 1_000_000_000_000
  readonly store: Store = memoryStore({ now: () => this.now })
  readonly calls: string[] = []
  readonly recorded: Store = { ...recordCalls(this.store, this.calls), now: () => this.now }

  pass(milliseconds: number): void {
    this.now += milliseconds
  }
}

const use = (time: Time, options: object = {}): Sessions<Data> =>
  createSessions<Data>({ store: time.recorded, ...options })

async function committed(session: Session<Data>, data: Data = { n: 1 }): Promise<Session<Data>> {
  Object.assign(session.data, data)
  await session.commit()
  return session
}

async function open(sessions: Sessions<Data>, id: string): Promise<Session<Data>> {
  const session = await sessions.open(id)
  assert.ok(session, 'the session is there')
  return session
}

test('a session ends when nobody used it for the idle timeout', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create())
  assert.equal(session.expiresAt.getTime(), time.now + IDLE)
  time.pass(IDLE - 1)
  assert.ok(await sessions.open(session.id))
  time.pass(1)
  assert.equal(await sessions.open(session.id), null)
})

test('a session that is used goes on', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create())
  for (let request = 0; request < 10; request++) {
    time.pass(IDLE - 1)
    const opened = await open(sessions, session.id)
    assert.equal((await opened.commit()).status, 'touched')
    assert.equal(opened.expiresAt.getTime(), time.now + IDLE)
  }
})

test('a commit of data starts the idle timeout anew', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create())
  time.pass(1)
  session.data.n = 2
  assert.equal((await session.commit()).status, 'updated')
  assert.equal(session.expiresAt.getTime(), time.now + IDLE)
  assert.equal((await open(sessions, session.id)).expiresAt.getTime(), time.now + IDLE)
})

test('the absolute timeout ends it, however much it is used', async () => {
  const time = new Time()
  const sessions = use(time, { idleTimeout: 10_000, absoluteTimeout: 25_000 })
  const end = time.now + 25_000
  const session = await committed(sessions.create())
  for (const [passes, expiresAt] of [
    [9_000, end - 6_000],
    [9_000, end],
    [6_999, end],
  ] as const) {
    time.pass(passes)
    const opened = await open(sessions, session.id)
    opened.data.n = time.now
    await opened.commit()
    assert.equal(opened.expiresAt.getTime(), expiresAt)
    opened.touch()
    await opened.commit()
    assert.equal(opened.expiresAt.getTime(), expiresAt)
  }
  const last = await open(sessions, session.id)
  time.pass(1)
  assert.equal(await sessions.open(session.id), null)
  last.data.n = 0
  await assert.rejects(last.commit(), SessionGoneError)
})

test('an absolute timeout of Infinity never ends it', async () => {
  const time = new Time()
  const sessions = use(time, { idleTimeout: DAY, absoluteTimeout: Infinity })
  const session = await committed(sessions.create())
  for (let day = 0; day < 1000; day++) {
    time.pass(DAY - 1)
    await (await open(sessions, session.id)).commit()
  }
})

// The throttle

test('expiry alone is written at most once in touchAfter', async () => {
  const time = new Time()
  const sessions = use(time, { idleTimeout: 10_000, touchAfter: 1000 })
  const session = await committed(sessions.create())
  const statuses: string[] = []
  time.calls.length = 0
  for (let request = 0; request < 10; request++) {
    time.pass(300)
    const { status } = await (await open(sessions, session.id)).commit()
    statuses.push(status)
  }
  assert.deepEqual(
    statuses.map((status, index) => (status === 'touched' ? index : -1)).filter(i => i >= 0),
    [3, 7],
  )
  assert.equal(time.calls.filter(call => call === 'touch').length, 2)
  assert.equal(time.calls.filter(call => call !== 'touch' && call !== 'load').length, 0)
})

test('touchAfter: 0 writes it at every commit', async () => {
  const time = new Time()
  const sessions = use(time, { touchAfter: 0 })
  const session = await committed(sessions.create())
  assert.equal((await session.commit()).status, 'touched')
  time.pass(1)
  assert.equal((await session.commit()).status, 'touched')
})

test('touch() writes it, however little it moves; once', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create())
  time.pass(1)
  assert.equal((await session.commit()).status, 'unchanged')
  session.touch()
  assert.equal((await session.commit()).status, 'touched')
  assert.equal(session.expiresAt.getTime(), time.now + IDLE)
  time.pass(1)
  assert.equal((await session.commit()).status, 'unchanged')
  session.touch()
  session.discard()
  assert.equal((await session.commit()).status, 'unchanged')
})

test('a session of a short timeout of its own does not end between two touches', async () => {
  const time = new Time()
  const sessions = use(time, { idleTimeout: 100 * MINUTE })
  const session = sessions.create()
  session.timeouts({ idle: MINUTE })
  await committed(session)
  for (let second = 0; second < 300; second += 10) {
    time.pass(10_000)
    await (await open(sessions, session.id)).commit()
  }
})

// Timeouts of one session

test('timeouts of its own are remembered in its document', async () => {
  const time = new Time()
  const sessions = use(time, { absoluteTimeout: 7 * DAY })
  const session = await committed(sessions.create())
  session.timeouts({ idle: DAY, absolute: 30 * DAY })
  assert.equal(session.expiresAt.getTime(), time.now + IDLE)
  assert.equal((await session.commit()).status, 'touched')
  assert.equal(session.expiresAt.getTime(), time.now + DAY)
  const end = time.now + 30 * DAY
  for (let day = 0; day < 29; day++) {
    time.pass(DAY - 1000)
    const opened = await open(sessions, session.id)
    assert.equal((await opened.commit()).status, 'touched')
    assert.equal(opened.expiresAt.getTime(), Math.min(time.now + DAY, end))
  }
  time.pass(end - time.now)
  assert.equal(await sessions.open(session.id), null)
})

test('they may be shorter, too, and shorten at once', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create())
  session.timeouts({ idle: 1000 })
  await session.commit()
  assert.equal(session.expiresAt.getTime(), time.now + 1000)
  session.timeouts({ absolute: 500 })
  await session.commit()
  assert.equal(session.expiresAt.getTime(), time.now + 500)
  time.pass(500)
  assert.equal(await sessions.open(session.id), null)
})

test('they go with the data, in one write', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create())
  time.calls.length = 0
  session.data.n = 2
  session.timeouts({ idle: DAY })
  assert.equal((await session.commit()).status, 'updated')
  assert.deepEqual(time.calls, ['write'])
  assert.equal((await open(sessions, session.id)).expiresAt.getTime(), time.now + DAY)
})

test('those of a new session are stored with it', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = sessions.create()
  session.timeouts({ idle: DAY, absolute: Infinity })
  assert.equal((await session.commit()).status, 'unchanged', 'timeouts alone are nothing to store')
  await committed(session)
  assert.equal(session.expiresAt.getTime(), time.now + DAY)
  assert.equal((await open(sessions, session.id)).expiresAt.getTime(), time.now + DAY)
})

test('what is not said stays', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create())
  session.timeouts({ idle: DAY })
  session.timeouts({ absolute: 2 * DAY })
  await session.commit()
  const end = time.now + 2 * DAY
  time.pass(DAY - 1)
  const opened = await open(sessions, session.id)
  opened.timeouts({ idle: 3 * DAY })
  await opened.commit()
  assert.equal(opened.expiresAt.getTime(), end)
})

test('two servers that give different ones both succeed', async () => {
  const time = new Time()
  const sessions = use(time)
  const { id } = await committed(sessions.create())
  const [one, two] = [await open(sessions, id), await open(sessions, id)]
  one.timeouts({ idle: DAY })
  two.timeouts({ absolute: 2 * DAY })
  await one.commit()
  await two.commit()
  const end = time.now + 2 * DAY
  assert.equal((await open(sessions, id)).expiresAt.getTime(), time.now + DAY)
  for (const passes of [DAY - 1, 1000]) {
    time.pass(passes)
    const opened = await open(sessions, id)
    opened.touch()
    await opened.commit()
    assert.equal(opened.expiresAt.getTime(), Math.min(time.now + DAY, end))
  }
})

test('discard() forgets those that were not committed', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create())
  session.timeouts({ idle: DAY })
  session.discard()
  assert.equal((await session.commit()).status, 'unchanged')
  assert.equal(session.expiresAt.getTime(), time.now + IDLE)
})

test('a touch by what another server knew of the timeouts moves nothing wrong', async () => {
  const time = new Time()
  const sessions = use(time, { touchAfter: 0 })
  const { id } = await committed(sessions.create())
  const stale = await open(sessions, id)
  const other = await open(sessions, id)
  other.timeouts({ idle: 1000 })
  await other.commit()
  time.pass(500)
  assert.equal((await stale.commit()).status, 'touched')
  assert.equal(stale.expiresAt.getTime(), time.now + 1000)
  assert.equal((await open(sessions, id)).expiresAt.getTime(), time.now + 1000)
})

test('a commit of data by what another server knew of them does neither', async () => {
  for (const timeouts of [{ idle: 1000 }, { absolute: 1000 }]) {
    const time = new Time()
    const sessions = use(time)
    const { id } = await committed(sessions.create())
    const stale = await open(sessions, id)
    const other = await open(sessions, id)
    other.timeouts(timeouts)
    await other.commit()
    stale.data.n = 2
    await stale.commit()
    assert.equal((await open(sessions, id)).expiresAt.getTime(), time.now + 1000)
    assert.equal((await open(sessions, id)).data.n, 2)
  }
})

// What has ended

test('what has ended is gone for every call', async () => {
  const time = new Time()
  const sessions = use(time)
  const session = await committed(sessions.create(), { user: 7 })
  const reader = await open(sessions, session.id)
  time.pass(IDLE)
  assert.equal(await sessions.open(session.id), null)
  assert.equal(await sessions.destroy(session.id), false)
  assert.equal(await sessions.destroyWhere({ user: 7 }), 0)
  for await (const _ of sessions.list()) assert.fail('it is listed')
  await assert.rejects(
    sessions.update(session.id, data => (data.n = 2)),
    SessionGoneError,
  )
  assert.equal((await reader.commit()).status, 'gone')
  await assert.rejects(reader.reload(), SessionGoneError)
  session.data.n = 2
  await assert.rejects(session.commit(), SessionGoneError)
  assert.equal(await sessions.open(session.id), null, 'nothing brought it back')
})

test('a clock of the application that is wrong changes nothing', async () => {
  const time = new Time()
  const real = Date.now
  try {
    Date.now = () => 0
    const sessions = use(time)
    const session = await committed(sessions.create())
    assert.equal(session.expiresAt.getTime(), time.now + IDLE)
    Date.now = () => real() + 100 * DAY
    assert.ok(await sessions.open(session.id))
  } finally {
    Date.now = real
  }
})

test.run()

forEachStore('expiry in a store', (stores, { create }) => {
  const store = create({ indexes: false })
  const sessions = createSessions<Data>({ store, touchAfter: 0 })

  async function fields({ key }: Session<Data>): Promise<Document> {
    const loaded = await store.load(key, { timeout: 10_000 })
    return deserialize(loaded?.bytes ?? new Uint8Array())
  }

  stores('a session knows when it expires as its document does', async () => {
    const session = await committed(sessions.create())
    const { createdAt, expiresAt, endsAt, idle } = await fields(session)
    assert.equal(expiresAt.getTime() - createdAt.getTime(), IDLE)
    assert.equal(endsAt.getTime() - createdAt.getTime(), 7 * DAY)
    assert.equal(idle, undefined)
    assert.deepEqual(session.expiresAt, expiresAt)
    assert.deepEqual((await open(sessions, session.id)).expiresAt, expiresAt)
  })

  stores('its own timeouts are fields of its document, and go again', async () => {
    const session = await committed(sessions.create())
    session.timeouts({ idle: 1000 * DAY, absolute: Infinity })
    await session.commit()
    const own = await fields(session)
    assert.equal(own.idle, 1000 * DAY)
    assert.equal('endsAt' in own, false)
    assert.deepEqual(session.expiresAt, own.expiresAt)
    session.timeouts({ absolute: 5 * DAY })
    await session.commit()
    const { endsAt, expiresAt } = await fields(session)
    assert.deepEqual(endsAt, expiresAt)
  })

  stores('a touch never shortens what another server made longer', async () => {
    const session = await committed(sessions.create())
    const stale = await open(sessions, session.id)
    await session.commit()
    await stale.commit()
    const { expiresAt } = await fields(session)
    assert.ok(expiresAt >= session.expiresAt && expiresAt >= stale.expiresAt)
  })
})
