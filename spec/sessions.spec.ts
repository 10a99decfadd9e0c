import assert from 'node:assert/strict'
import { suite } from 'uvu'
import type { ListedSession, Session, Sessions } from '../lib/index.js'
import {
  ConflictError,
  createSessions,
  memoryStore,
  SessionError,
  SessionGoneError,
  StoreError,
  UnsupportedValueError,
} from '../lib/index.js'
import { createId } from '../lib/open/identity.js'
import { recordCalls } from './adapters/framework.js'
import { forEachStore } from './support/stores.js'
import { gated } from './support/wrapped.js'

// biome-ignore lint/suspicious/noExplicitAny: the specs write what the types forbid
type Data = any

const refusedWith =
  (code: string, message: RegExp = /^Cannot .*: /) =>
  (error: unknown): true => {
    assert.ok(error instanceof SessionError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }

const isInvalid = refusedWith('ERR_INVALID_ARGUMENT')

const creating = suite('sessions, created')

creating('each has an id of its own, and is new', () => {
  const sessions = createSessions({ store: memoryStore() })
  const all = Array.from({ length: 100 }, () => sessions.create())
  assert.equal(new Set(all.map(({ id }) => id)).size, 100)
  assert.equal(new Set(all.map(({ key }) => key)).size, 100)
  assert.ok(all.every(({ isNew, data }) => isNew && Object.keys(data).length === 0))
})

creating('what initial() gives is no change, what create() is given is one', async () => {
  const sessions = createSessions<Data>({ store: memoryStore(), initial: () => ({ a: 1, b: 2 }) })
  const session = sessions.create({ b: 3, c: 4 })
  assert.deepEqual({ ...session.data }, { a: 1, b: 3, c: 4 })
  assert.deepEqual(session.changes(), [
    { op: 'set', path: ['b'], value: 3 },
    { op: 'set', path: ['c'], value: 4 },
  ])
  assert.equal((await sessions.create().commit()).status, 'unchanged')
  await session.commit()
  assert.deepEqual({ ...(await sessions.open(session.id))?.data }, { a: 1, b: 3, c: 4 })
})

creating('what initial() gives is copied', () => {
  const shared = { list: [1], when: new Date(0) }
  const sessions = createSessions<Data>({ store: memoryStore(), initial: () => shared })
  const { data } = sessions.create()
  data.list.push(2)
  data.when.setTime(5)
  assert.deepEqual(shared, { list: [1], when: new Date(0) })
  assert.deepEqual(sessions.create().data.list, [1])
})

creating('what a session cannot keep is refused, from a body of a request too', () => {
  const sessions = createSessions<Data>({ store: memoryStore() })
  for (const body of ['{"__proto__": {"admin": true}}', '{"a": {"__proto__": {"admin": true}}}']) {
    assert.throws(() => sessions.create(JSON.parse(body)), UnsupportedValueError)
  }
  assert.equal(({} as Data).admin, undefined)
  assert.throws(() => sessions.create({ f: () => 1 }), UnsupportedValueError)
})

creating('what initial() gives is checked as what is assigned is', () => {
  const giving = (data: Data) => () =>
    createSessions({ store: memoryStore(), initial: () => data }).create()
  for (const data of [
    { f: () => 1 },
    { deep: [{ s: Symbol('s') }] },
    { when: new Date(Number.NaN) },
    { map: new Map() },
    { big: 1n },
    JSON.parse('{"a": {"__proto__": {}}}'),
  ]) {
    assert.throws(giving(data), UnsupportedValueError)
  }
  assert.deepEqual({ ...giving({ a: undefined, b: { c: undefined } })().data }, { b: {} })
})

creating.run()

forEachStore('sessions', (test, { create }) => {
  const store = create()
  const calls: string[] = []
  const sessions = createSessions<Data>({ store: recordCalls(store, calls) })

  async function stored(data: Data = { n: 0 }, from = sessions): Promise<Session<Data>> {
    const session = from.create(data)
    await session.commit()
    return session
  }

  async function open(id: string, from = sessions): Promise<Session<Data>> {
    const session = await from.open(id)
    assert.ok(session, 'the session is there')
    return session
  }

  const arrived = async ({ id }: Session<Data>): Promise<Data> => ({ ...(await open(id)).data })

  async function list(
    filter?: Data,
    from: Sessions<Data> = sessions,
  ): Promise<ListedSession<Data>[]> {
    const listed: ListedSession<Data>[] = []
    for await (const each of from.list(filter)) listed.push(each)
    return listed
  }

  /** Sessions over the same store, one method of which waits. */
  const waiting = (method: Parameters<typeof gated>[1]) => {
    const gate = gated(store, method)
    return { next: gate.next, sessions: createSessions<Data>({ store: gate.store }) }
  }

  // open

  test('open() gives a session of its own each time', async () => {
    const { id } = await stored({ o: { a: 1 } })
    const [one, two] = [await open(id), await open(id)]
    assert.notEqual(one, two)
    assert.deepEqual([one.id, one.isNew, one.key], [id, false, two.key])
    one.data.o.a = 2
    assert.equal(two.data.o.a, 1)
    assert.deepEqual(two.changes(), [])
  })

  test('open() asks the store once, and writes nothing', async () => {
    const { id } = await stored()
    calls.length = 0
    await open(id)
    assert.deepEqual(calls, ['load'])
  })

  // update

  test('update() is an atomic read-modify-write', async () => {
    const session = await stored({ n: 1 })
    const commit = await sessions.update(session.id, data => {
      data.n++
    })
    assert.deepEqual(commit, {
      status: 'updated',
      modifications: [{ op: 'set', path: ['n'], value: 2 }],
      superseded: [],
      attempts: 1,
    })
    assert.deepEqual(await arrived(session), { n: 2 })
  })

  test('8 servers that each raise one number 50 times lose nothing', async () => {
    const session = await stored({ count: { n: 0 } })
    const rounds = 50
    const patient = Array.from({ length: 8 }, () =>
      createSessions<Data>({ store, deadline: 120_000 }),
    )
    const attempts = await Promise.all(
      patient.map(async server => {
        let sum = 0
        for (let round = 0; round < rounds; round++) {
          const commit = await server.update(session.id, data => {
            data.count.n++
          })
          sum += commit.attempts
        }
        return sum
      }),
    )
    assert.equal((await arrived(session)).count.n, 8 * rounds)
    assert.ok(attempts.reduce((sum, each) => sum + each) > 8 * rounds, 'they did meet')
  })

  test('update() runs its recipe again on what others committed', async () => {
    const slow = waiting('write')
    const session = await stored({ n: 1, other: 0 })
    const seen: number[] = []
    const update = slow.sessions.update(session.id, data => {
      seen.push(data.n)
      data.n += 10
    })
    for (const attribute of ['n', 'other']) {
      const letGo = await slow.next()
      const other = await open(session.id)
      other.data[attribute]++
      await other.commit()
      letGo()
    }
    ;(await slow.next())()
    assert.equal((await update).attempts, seen.length)
    assert.deepEqual(seen.slice(0, 2), [1, 2])
    assert.deepEqual(await arrived(session), { n: 12, other: 1 })
  })

  test('update() gives up after the attempts that it was given, with nothing written', async () => {
    const slow = waiting('write')
    const session = await stored({ n: 1 })
    let runs = 0
    const update = slow.sessions.update(
      session.id,
      data => {
        runs++
        data.n += 10
      },
      { attempts: 2 },
    )
    update.catch(() => undefined)
    for (let attempt = 0; attempt < 2; attempt++) {
      const letGo = await slow.next()
      const other = await open(session.id)
      other.data.n++
      await other.commit()
      letGo()
    }
    await assert.rejects(update, error => {
      assert.ok(error instanceof ConflictError)
      assert.deepEqual(error.paths, [['n']])
      assert.equal(error.attempts, 2)
      return true
    })
    assert.equal(runs, 2)
    assert.deepEqual(await arrived(session), { n: 3 })
  })

  test('update() checks its attempts', async () => {
    const { id } = await stored()
    for (const attempts of [0, -1, Number.NaN, null, '']) {
      const recipe = (): void => assert.fail('the recipe ran')
      await assert.rejects(sessions.update(id, recipe, { attempts: attempts as never }), isInvalid)
    }
    assert.equal((await sessions.update(id, data => data.n++, { attempts: 1 })).attempts, 1)
  })

  test('update() that changes nothing writes nothing', async () => {
    const { id } = await stored()
    calls.length = 0
    const { status } = await sessions.update(id, data => void data.n)
    assert.equal(status, 'unchanged')
    assert.deepEqual(calls, ['load'])
  })

  test('update() whose recipe throws changes nothing', async () => {
    const session = await stored({ n: 1 })
    calls.length = 0
    const failure = new RangeError('no')
    await assert.rejects(
      sessions.update(session.id, data => {
        data.n = 2
        throw failure
      }),
      error => error === failure,
    )
    assert.deepEqual(calls, ['load'])
    assert.deepEqual(await arrived(session), { n: 1 })
  })

  test('update() refuses an asynchronous recipe', async () => {
    const session = await stored({ n: 1 })
    const recipe = async (data: Data): Promise<void> => {
      data.n = 2
    }
    await assert.rejects(sessions.update(session.id, recipe), /TypeError: .*must not be async/)
    assert.deepEqual(await arrived(session), { n: 1 })
  })

  test('update() of what is not there is an error, and starts nothing', async () => {
    const gone = await stored()
    await gone.destroy()
    const rotated = await stored()
    const old = rotated.id
    await rotated.rotateId()
    for (const id of [createId(), gone.id, old]) {
      const update = sessions.update(id, data => {
        data.n = 5
      })
      await assert.rejects(update, SessionGoneError)
    }
    assert.deepEqual(await arrived(rotated), { n: 0 })
    assert.equal(await sessions.open(gone.id), null)
  })

  test('update() of what is destroyed meanwhile is an error', async () => {
    const slow = waiting('write')
    const session = await stored()
    const update = slow.sessions.update(session.id, data => data.n++)
    update.catch(() => undefined)
    const letGo = await slow.next()
    await session.destroy()
    letGo()
    await assert.rejects(update, SessionGoneError)
  })

  // destroy

  test('destroy() takes an id or a key', async () => {
    for (const by of [({ id }: Session<Data>) => id, ({ key }: Session<Data>) => ({ key })]) {
      const session = await stored()
      assert.equal(await sessions.destroy(by(session)), true)
      assert.equal(await sessions.open(session.id), null)
      assert.equal(await sessions.destroy(by(session)), false)
    }
  })

  test('destroy() does not take one for the other', async () => {
    const session = await stored()
    assert.equal(await sessions.destroy(session.key), false)
    assert.equal(await sessions.destroy({ key: session.id }), false)
    assert.ok(await sessions.open(session.id))
  })

  test('a session destroyed by its id cannot come back', async () => {
    const session = await stored()
    session.data.n = 5
    await sessions.destroy(session.id)
    await assert.rejects(session.commit(), SessionGoneError)
    assert.equal(await sessions.open(session.id), null)
  })

  // destroyWhere

  test('destroyWhere() logs a user out everywhere, but where it is told not to', async () => {
    const mine = [await stored({ user: { id: 7 } }), await stored({ user: { id: 7 } })] as const
    const theirs = await stored({ user: { id: 8 } })
    const [current, other] = mine
    assert.equal(await sessions.destroyWhere({ 'user.id': 7 }, { except: current.key }), 1)
    assert.equal(await sessions.open(other.id), null)
    assert.ok(await sessions.open(current.id))
    assert.ok(await sessions.open(theirs.id))
    assert.equal(await sessions.destroyWhere({ 'user.id': 7 }), 1)
    assert.equal(await sessions.destroyWhere({ 'user.id': 7 }), 0)
    current.data.user.id = 9
    await assert.rejects(current.commit(), SessionGoneError)
    assert.ok(await sessions.open(theirs.id))
  })

  test('destroyWhere() wants all that the filter says', async () => {
    const one = await stored({ kind: 'all', a: 1, b: 1 })
    await stored({ kind: 'all', a: 1, b: 2 })
    assert.equal(await sessions.destroyWhere({ kind: 'all', a: 1, b: 2 }), 1)
    assert.ok(await sessions.open(one.id))
  })

  test('destroyWhere() refuses a filter that is empty, or none', async () => {
    const session = await stored({ kind: 'refused' })
    const filters: unknown[] = [
      {},
      undefined,
      null,
      [],
      'kind',
      5,
      new Map([['kind', 'refused']]),
      { kind: undefined },
      { kind: null },
      { kind: { $ne: null } },
      { kind: { $gt: '' } },
      { kind: /refused/ },
      { kind: ['refused'] },
      { $where: 'true' },
      { $or: 'x' },
      { 'kind.$gt': '' },
      { '': 1 },
      { 'a..b': 1 },
      { __proto__x: Symbol('s') },
      JSON.parse('{"__proto__": 1}'),
      { kind: new Date(Number.NaN) },
    ]
    for (const filter of filters) {
      await assert.rejects(sessions.destroyWhere(filter as never), isInvalid, String(filter))
    }
    assert.ok(await sessions.open(session.id))
  })

  test('destroyWhere() refuses an exception that can be no key', async () => {
    const session = await stored({ kind: 'except' })
    for (const except of ['', 'x', {}, { $ne: 1 }, null, 5]) {
      await assert.rejects(
        sessions.destroyWhere({ kind: 'except' }, { except: except as never }),
        isInvalid,
      )
    }
    assert.ok(await sessions.open(session.id))
  })

  // list

  test('list() gives each session by its key, with a copy of its data', async () => {
    const session = await stored({ kind: 'list', o: { a: 1 }, when: new Date(5) })
    const [listed, ...others] = await list({ kind: 'list' })
    assert.deepEqual(others, [])
    const { key, createdAt, expiresAt, data } = listed as ListedSession<Data>
    assert.equal(key, session.key)
    assert.deepEqual(data, { kind: 'list', o: { a: 1 }, when: new Date(5) })
    assert.deepEqual(expiresAt, session.expiresAt)
    assert.equal(expiresAt.getTime() - createdAt.getTime(), 30 * 60 * 1000)
    data.o.a = 2
    assert.equal((await arrived(session)).o.a, 1)
    assert.equal('id' in (listed as object), false)
    assert.equal(await sessions.destroy({ key }), true)
  })

  test('list() without a filter gives all, without those that were rotated', async () => {
    const own = createSessions<Data>({ store: create() })
    const all = [
      await stored({ n: 1 }, own),
      await stored({ n: 2 }, own),
      await stored({ n: 3 }, own),
    ]
    await (all[0] as Session<Data>).rotateId()
    await (all[1] as Session<Data>).destroy()
    const listed = await list(undefined, own)
    assert.deepEqual(listed.map(({ data }) => data.n).sort(), [1, 3])
    assert.equal((await list({}, own)).length, 2)
  })

  test('list() can be left early', async () => {
    const own = createSessions<Data>({ store: create() })
    for (let n = 0; n < 5; n++) await stored({ n }, own)
    let count = 0
    for await (const _ of own.list()) if (++count === 2) break
    assert.equal(count, 2)
    assert.equal((await list(undefined, own)).length, 5)
  })

  test('list() refuses what is no filter', async () => {
    for (const filter of [null, 'x', { $where: '1' }, { a: { $gt: 1 } }, { a: undefined }]) {
      await assert.rejects(list(filter), isInvalid)
    }
  })

  // close

  test('close() waits for what is under way', async () => {
    const slow = waiting('write')
    const session = await open((await stored({ n: 1, m: 1 })).id, slow.sessions)
    session.data.n = 2
    const commits = [session.commit()]
    const letGo = await slow.next()
    session.data.n = 3
    commits.push(session.commit())
    const update = slow.sessions.update(session.id, data => {
      data.m++
    })
    const ends: string[] = []
    const closing = slow.sessions.close().then(() => ends.push('close'))
    for (const each of [...commits, update]) void each.then(() => ends.push('call'))
    letGo()
    const letAllGo = async (): Promise<never> => {
      // The update comes as often as it finds that a commit was faster.
      for (;;) (await slow.next())()
    }
    void letAllGo()
    await closing
    await Promise.all([...commits, update])
    assert.deepEqual(ends, ['call', 'call', 'call', 'close'])
    assert.deepEqual(await arrived(session), { n: 3, m: 2 })
  })

  test('after close() every call is refused, of the sessions that are open too', async () => {
    const own = createSessions<Data>({ store })
    const session = await stored({ n: 1 }, own)
    await stored({ n: 1 }, own)
    const iterator = own.list({ n: 1 })[Symbol.asyncIterator]()
    await iterator.next()
    await own.close()
    await own.close()
    const isClosed = refusedWith('ERR_CLOSED', /they were closed; create them anew$/)
    assert.throws(() => own.create(), isClosed)
    session.data.n = 2
    for (const call of [
      () => own.open(session.id),
      () => own.open('malformed'),
      () => own.update(session.id, () => undefined),
      () => own.destroy(session.id),
      () => own.destroyWhere({ n: 1 }),
      () => list(undefined, own),
      () => iterator.next(),
      () => session.commit(),
      () => session.destroy(),
      () => session.reload(),
      () => session.rotateId(),
    ]) {
      await assert.rejects(async () => call(), isClosed)
    }
    assert.deepEqual(await arrived(session), { n: 1 })
    session.discard()
    assert.deepEqual(session.changes(), [])
  })

  test('close() leaves the store open, for others', async () => {
    const own = createSessions<Data>({ store })
    const session = await stored({ n: 1 }, own)
    await own.close()
    assert.deepEqual(await arrived(session), { n: 1 })
  })

  test('close() does not fail because a call does', async () => {
    const slow = waiting('load')
    const opening = slow.sessions.open(createId())
    opening.catch(() => undefined)
    const closing = slow.sessions.close()
    ;(await slow.next())(new StoreError('load the session', 'the disk is full, make room'))
    await closing
    await assert.rejects(opening, StoreError)
  })
})
