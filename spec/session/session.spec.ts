import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Document } from 'bson'
import { calculateObjectSize, deserialize } from 'bson'
import fc from 'fast-check'
import { applyPatches, enablePatches } from 'immer'
import type { Session, Sessions } from '../../lib/index.js'
import {
  createSessions,
  SessionError,
  SessionGoneError,
  SessionTooLargeError,
  StoreError,
  snapshot,
  UnsupportedValueError,
} from '../../lib/index.js'
import { recordCalls } from '../adapters/framework.js'
import { canonical } from '../support/canonical.js'
import { mutation, Pair, plainState } from '../support/mutations.js'
import { holds } from '../support/property.js'
import { forEachStore } from '../support/stores.js'
import { trackings } from '../support/strategies.js'
import { gated } from '../support/wrapped.js'

// biome-ignore lint/suspicious/noExplicitAny: the specs write what the types forbid
type Data = any

enablePatches()

const start = (): Data => ({
  user: { name: 'Ada', address: { city: 'London' } },
  cart: [
    { id: 1, qty: 1 },
    { id: 2, qty: 2 },
  ],
  n: 1,
  when: new Date(0),
})

forEachStore('a session', (test, { create, name }) => {
  const store = create()
  const calls: string[] = []
  const recorded = recordCalls(store, calls)
  const sessions = createSessions<Data>({ store: recorded })

  async function stored(data: Data = start()): Promise<Session<Data>> {
    const session = sessions.create(data)
    await session.commit()
    calls.length = 0
    return session
  }

  async function reopen(
    { id }: Session<Data>,
    from: Sessions<Data> = sessions,
  ): Promise<Session<Data>> {
    const session = await from.open(id)
    assert.ok(session, 'the session is there')
    return session
  }

  const arrived = async (session: Session<Data>): Promise<Data> =>
    snapshot((await reopen(session)).data)

  async function document({ key }: Session<Data>): Promise<Document> {
    const loaded = await store.load(key, { timeout: 10_000 })
    return deserialize(loaded?.bytes ?? new Uint8Array())
  }

  /** Sessions over the same store, one method of which waits. */
  const waiting = (method: Parameters<typeof gated>[1]) => {
    const gate = gated(store, method)
    return { next: gate.next, sessions: createSessions<Data>({ store: gate.store }) }
  }

  // Its life

  test('is new until its first commit, which stores it', async () => {
    const session = sessions.create()
    assert.equal(session.isNew, true)
    session.data.n = 1
    calls.length = 0
    const commit = await session.commit()
    assert.deepEqual(commit, {
      status: 'created',
      modifications: [{ op: 'set', path: ['n'], value: 1 }],
      superseded: [],
      attempts: 1,
    })
    assert.equal(session.isNew, false)
    assert.deepEqual(calls, ['insert'])
    assert.deepEqual(await arrived(session), { n: 1 })
  })

  test('is not stored while it holds nothing', async () => {
    const session = sessions.create()
    calls.length = 0
    assert.deepEqual(await session.commit(), {
      status: 'unchanged',
      modifications: [],
      superseded: [],
      attempts: 0,
    })
    session.data.n = 1
    delete session.data.n
    session.touch()
    assert.equal((await session.commit()).status, 'unchanged')
    assert.equal(session.isNew, true)
    assert.deepEqual(calls, [])
    assert.equal(await sessions.open(session.id), null)
  })

  test('no change is no write', async () => {
    const session = await stored()
    session.data.n = 2
    session.data.n = 1
    session.data.user = { address: { city: 'London' }, name: 'Ada' }
    session.data.when.setTime(5)
    session.data.when.setTime(0)
    assert.equal((await session.commit()).status, 'unchanged')
    assert.deepEqual(calls, [])
  })

  test('a commit is one write, and tells what it wrote', async () => {
    const session = await stored()
    session.data.user.name = 'Eve'
    session.data.cart.push({ id: 3, qty: 3 })
    delete session.data.n
    session.data.when.setTime(5)
    const { status, modifications, attempts } = await session.commit()
    assert.deepEqual([status, attempts], ['updated', 1])
    assert.deepEqual(
      new Set(modifications),
      new Set([
        { op: 'set', path: ['user', 'name'], value: 'Eve' },
        { op: 'append', path: ['cart'], values: [{ id: 3, qty: 3 }] },
        { op: 'unset', path: ['n'] },
        { op: 'set', path: ['when'], value: new Date(5) },
      ]),
    )
    assert.deepEqual(calls, ['write'])
    assert.deepEqual(await arrived(session), snapshot(session.data))
  })

  test('what a commit tells is detached from the session', async () => {
    const session = await stored()
    session.data.user = { name: 'Eve' }
    const [modification] = session.changes() as Data
    modification.value.name = 'X'
    const { modifications } = (await session.commit()) as Data
    modifications[0].value.name = 'Y'
    assert.equal(session.data.user.name, 'Eve')
    assert.deepEqual(session.changes(), [])
    session.data.user.name = 'Bob'
    await session.commit()
    assert.equal(modifications[0].value.name, 'Y')
    assert.equal((await arrived(session)).user.name, 'Bob')
  })

  test('a refused value keeps the other changes', async () => {
    const session = await stored()
    session.data.n = 2
    assert.throws(() => {
      session.data.user.f = () => 1
    }, UnsupportedValueError)
    const raw: Data = { ok: 1 }
    session.data.raw = raw
    raw.late = Symbol('s')
    await assert.rejects(session.commit(), UnsupportedValueError)
    assert.deepEqual(calls, [])
    delete raw.late
    await session.commit()
    assert.deepEqual(await arrived(session), { ...start(), n: 2, raw: { ok: 1 } })
  })

  // changes, patches, change, discard

  test('changes() compares now, and sends nothing', async () => {
    const session = await stored()
    assert.deepEqual(session.changes(), [])
    session.data.cart[1].qty = 5
    session.data.cart[1].qty = 6
    assert.deepEqual(session.changes(), [{ op: 'set', path: ['cart', 1, 'qty'], value: 6 }])
    assert.deepEqual(session.changes(), [{ op: 'set', path: ['cart', 1, 'qty'], value: 6 }])
    assert.deepEqual(calls, [])
  })

  test("patches() are immer's", async () => {
    const session = await stored()
    session.data.user.name = 'Eve'
    session.data.extra = { a: 1 }
    session.data.cart.push({ id: 3 })
    delete session.data.n
    assert.deepEqual(
      new Set(session.patches()),
      new Set([
        { op: 'replace', path: ['user', 'name'], value: 'Eve' },
        { op: 'add', path: ['extra'], value: { a: 1 } },
        { op: 'add', path: ['cart', 2], value: { id: 3 } },
        { op: 'remove', path: ['n'] },
      ]),
    )
  })

  /** immer does not write 0 where -0 is. */
  const asImmer = (value: unknown): string => canonical(value).replaceAll('"the number -0"', '0')

  test('patches, applied to what was loaded, give client state', async () => {
    await holds(
      fc.asyncProperty(
        plainState,
        fc.array(mutation, { maxLength: 8 }),
        fc.boolean(),
        async (state, steps, opens) => {
          const created = sessions.create({ ...structuredClone(state), created: true })
          await created.commit()
          const session = opens ? await reopen(created) : created
          const benchmark = { ...structuredClone(state), created: true }
          const pair = new Pair(structuredClone(benchmark), session.data)
          for (const step of steps) pair.apply(step)
          const patches = session.patches()
          // immer refuses such paths.
          fc.pre(!patches.some(({ path }) => path.includes('constructor')))
          assert.equal(asImmer(applyPatches(benchmark, patches)), asImmer(pair.plain))
          assert.equal(canonical(session.data), canonical(pair.plain))
        },
      ),
      name === 'embedded' ? 400 : 40,
    )
  })

  test('change() changes everything or nothing', async () => {
    const session = await stored()
    const { cart, user, when } = session.data
    session.data.n = 5
    when.setTime(1)
    const before = snapshot(session.data)
    const failure = new RangeError('no')
    assert.throws(
      () =>
        session.change(data => {
          data.n++
          data.user.name = 'Eve'
          delete data.user.address
          data.cart.reverse()
          data.cart.pop()
          data.when.setTime(9)
          data.added = { in: [1] }
          throw failure
        }),
      error => error === failure,
    )
    assert.deepEqual(snapshot(session.data), before)
    assert.equal(session.data.when, when)
    assert.deepEqual(
      session
        .changes()
        .map(({ path }) => path)
        .sort(),
      [['n'], ['when']],
    )
    cart[1].qty = 7
    user.address.city = 'Rome'
    session.change(data => {
      data.n++
    })
    await session.commit()
    assert.deepEqual(await arrived(session), {
      user: { name: 'Ada', address: { city: 'Rome' } },
      cart: [
        { id: 1, qty: 1 },
        { id: 2, qty: 7 },
      ],
      n: 6,
      when: new Date(1),
    })
  })

  test('change() that fails leaves what it was given as that is', async () => {
    const session = await stored()
    const when = new Date(0)
    const raw = { when }
    assert.throws(() =>
      session.change(data => {
        data.raw = raw
        data.raw.when.setTime(5)
        data.raw.more = 1
        throw new RangeError('no')
      }),
    )
    assert.deepEqual(raw, { when: new Date(0) })
    session.data.raw = raw
    session.data.direct = when
    assert.deepEqual(snapshot(session.data.raw), { when: new Date(0) })
    assert.deepEqual(session.data.direct, new Date(0))
  })

  test('change() inside of change() fails by itself, or with the whole', async () => {
    const session = await stored()
    session.change(data => {
      data.n = 2
      assert.throws(() =>
        session.change(inner => {
          inner.n = 3
          throw new RangeError('inner')
        }),
      )
      assert.equal(data.n, 2)
      session.change(inner => {
        inner.m = 4
      })
    })
    assert.deepEqual([session.data.n, session.data.m], [2, 4])
    assert.throws(() =>
      session.change(data => {
        session.change(inner => {
          inner.n = 9
        })
        data.m = 9
        throw new RangeError('outer')
      }),
    )
    assert.deepEqual([session.data.n, session.data.m], [2, 4])
  })

  test('an asynchronous recipe is refused, and changes nothing', async () => {
    const session = await stored()
    const rejections: unknown[] = []
    const listener = (reason: unknown): void => {
      rejections.push(reason)
    }
    process.on('unhandledRejection', listener)
    try {
      for (const recipe of [
        async (data: Data) => {
          data.n = 2
        },
        async (data: Data) => {
          data.n = 2
          throw new Error('too late')
        },
        (data: Data) => {
          data.n = 2
          // biome-ignore lint/suspicious/noThenProperty: what looks like a promise is one
          return { then: () => undefined }
        },
      ]) {
        assert.throws(() => session.change(recipe as never), /TypeError: .*must not be async/)
      }
      await new Promise(resolve => setImmediate(resolve))
    } finally {
      process.off('unhandledRejection', listener)
    }
    assert.deepEqual(rejections, [])
    assert.equal(session.data.n, 1)
    assert.deepEqual(session.changes(), [])
  })

  test('discard() makes it what it was, and handles live on', async () => {
    const session = await stored()
    const { cart } = session.data
    const [first] = cart
    session.data.n = 5
    session.data.when.setTime(9)
    cart.reverse()
    first.qty = 9
    delete session.data.user
    session.discard()
    assert.deepEqual(snapshot(session.data), start())
    assert.deepEqual(session.changes(), [])
    assert.equal(session.data.cart, cart)
    assert.equal(session.data.cart[0], first)
    first.qty = 3
    await session.commit()
    assert.equal((await arrived(session)).cart[0].qty, 3)
  })

  // One after another

  test('of two commits at once the second waits for the first, and sees it', async () => {
    const slow = waiting('write')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    const first = session.commit()
    const letGo = await slow.next()
    session.data.n = 3
    session.data.m = 1
    const second = session.commit()
    letGo()
    assert.deepEqual((await first).modifications, [{ op: 'set', path: ['n'], value: 2 }])
    ;(await slow.next())()
    assert.deepEqual((await second).modifications, [
      { op: 'set', path: ['n'], value: 3 },
      { op: 'set', path: ['m'], value: 1 },
    ])
    assert.deepEqual(await arrived(session), { ...start(), n: 3, m: 1 })
  })

  test('the first commits of one session are one insert', async () => {
    const session = sessions.create({ n: 1 })
    calls.length = 0
    const commits = await Promise.all([session.commit(), session.commit(), session.commit()])
    assert.deepEqual(
      commits.map(({ status }) => status),
      ['created', 'unchanged', 'unchanged'],
    )
    assert.deepEqual(calls, ['insert'])
  })

  test('a commit sends at least the state at its call, and what comes later stays pending', async () => {
    const slow = waiting('write')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    session.data.cart.push({ id: 3 })
    const commit = session.commit()
    const letGo = await slow.next()
    session.data.n = 3
    session.data.cart.push({ id: 4 })
    session.data.when.setTime(7)
    letGo()
    await commit
    const { n, cart, when } = await arrived(session)
    assert.deepEqual([n, cart.length, when], [2, 3, new Date(0)])
    assert.deepEqual(
      new Set(session.changes().map(({ path }) => path[0])),
      new Set(['n', 'cart', 'when']),
    )
    const next = session.commit()
    ;(await slow.next())()
    await next
    assert.deepEqual(await arrived(session), snapshot(session.data))
    assert.equal((await arrived(session)).cart.length, 4)
  })

  test('what is asked for while the first commit is under way stays pending', async () => {
    const slow = waiting('insert')
    const session = slow.sessions.create({ n: 1, m: 1 })
    const commit = session.commit()
    const letGo = await slow.next()
    session.timeouts({ idle: 5_000_000 })
    session.clear()
    session.data.n = 2
    letGo()
    await commit
    await session.commit()
    assert.deepEqual(await arrived(session), { n: 2 })
    assert.equal((await document(session)).idle, 5_000_000)
  })

  test('a commit that fails does not stop the next one', async () => {
    const slow = waiting('write')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    const [first, second] = [session.commit(), session.commit()]
    ;(await slow.next())(new StoreError('commit the session', 'the disk is full, make room'))
    await assert.rejects(first, StoreError)
    ;(await slow.next())()
    assert.equal((await second).status, 'updated')
    assert.equal((await arrived(session)).n, 2)
  })

  test('discard() while a commit is under way keeps what that sends', async () => {
    const slow = waiting('write')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    session.data.user.name = 'Eve'
    const commit = session.commit()
    const letGo = await slow.next()
    session.data.n = 3
    session.data.user.name = 'Bob'
    session.data.cart.length = 0
    session.discard()
    assert.deepEqual(
      [session.data.n, session.data.user.name, session.data.cart.length],
      [2, 'Eve', 2],
    )
    letGo()
    await commit
    assert.deepEqual(session.changes(), [])
    assert.deepEqual(await arrived(session), snapshot(session.data))
    assert.equal(session.data.n, 2)
    session.data.n = 1
    assert.deepEqual(session.changes(), [{ op: 'set', path: ['n'], value: 1 }])
  })

  test('discard() while a commit is under way that fails leaves nothing of it', async () => {
    const slow = waiting('write')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    const commit = session.commit()
    const letGo = await slow.next()
    session.data.n = 3
    session.discard()
    letGo(new StoreError('commit the session', 'the disk is full, make room'))
    await assert.rejects(commit, StoreError)
    assert.equal(session.data.n, 1)
    assert.deepEqual(session.changes(), [])
  })

  test('a failed commit keeps the changes', async () => {
    const slow = waiting('write')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    session.data.cart.shift()
    const changes = session.changes()
    const commit = session.commit()
    ;(await slow.next())(new StoreError('commit the session', 'the disk is full, make room'))
    await assert.rejects(commit, StoreError)
    assert.deepEqual(session.changes(), changes)
    assert.deepEqual(await arrived(session), start())
    const again = session.commit()
    ;(await slow.next())()
    assert.equal((await again).status, 'updated')
    assert.deepEqual(await arrived(session), snapshot(session.data))
  })

  test('await using discards what was not committed', async () => {
    const session = await stored()
    {
      await using scoped = await reopen(session)
      scoped.data.n = 2
    }
    assert.equal((await arrived(session)).n, 1)
    let escaped: Session<Data> | undefined
    await assert.rejects(async () => {
      await using scoped = await reopen(session)
      escaped = scoped
      scoped.data.n = 2
      await scoped.commit()
      scoped.data.n = 3
      throw new RangeError('the handler failed')
    }, RangeError)
    assert.equal(escaped?.data.n, 2)
    assert.deepEqual(escaped?.changes(), [])
    assert.equal((await arrived(session)).n, 2)
  })

  test('await using waits for a commit that is under way', async () => {
    const slow = waiting('write')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    const commit = session.commit()
    const letGo = await slow.next()
    let disposed = false
    const disposing = session[Symbol.asyncDispose]().then(() => {
      disposed = true
    })
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(disposed, false)
    letGo()
    await Promise.all([commit, disposing])
    assert.equal((await arrived(session)).n, 2)
  })

  // Gone

  test('a commit without changes of what is gone is gone, and one with changes an error', async () => {
    const session = await stored()
    const [reader, writer, toucher] = [
      await reopen(session),
      await reopen(session),
      await reopen(session, createSessions<Data>({ store, touchAfter: 0 })),
    ]
    await session.destroy()
    assert.equal((await reader.commit()).status, 'unchanged', 'nothing had to be asked')
    assert.equal((await toucher.commit()).status, 'gone')
    writer.data.n = 2
    await assert.rejects(writer.commit(), SessionGoneError)
    await assert.rejects(writer.commit(), SessionGoneError)
    assert.deepEqual(writer.changes(), [{ op: 'set', path: ['n'], value: 2 }])
    writer.discard()
    assert.deepEqual(await writer.commit(), {
      status: 'gone',
      modifications: [],
      superseded: [],
      attempts: 0,
    })
    assert.equal(await sessions.open(session.id), null, 'nothing brought it back')
  })

  test('once known to be gone, the store is not asked again', async () => {
    const session = await stored()
    const writer = await reopen(session)
    await session.destroy()
    writer.data.n = 2
    await assert.rejects(writer.commit(), SessionGoneError)
    calls.length = 0
    await assert.rejects(writer.commit(), SessionGoneError)
    assert.deepEqual(calls, [])
  })

  test('destroy() ends it everywhere, and writes to it are refused', async () => {
    const session = await stored()
    session.data.n = 5
    await session.destroy()
    assert.equal(session.isNew, false)
    assert.equal(await sessions.open(session.id), null)
    assert.equal((await session.commit()).status, 'gone')
    session.data.n = 2
    await assert.rejects(session.commit(), SessionGoneError)
    await session.destroy()
    assert.equal(await sessions.open(session.id), null)
  })

  test('destroy() of a new session stores nothing, then or later', async () => {
    const session = sessions.create({ n: 1 })
    calls.length = 0
    await session.destroy()
    assert.deepEqual(calls, [])
    session.data.n = 2
    await assert.rejects(session.commit(), SessionGoneError)
    assert.deepEqual(calls, [])
  })

  test('destroy() after a commit that is under way ends what that wrote', async () => {
    const slow = waiting('write')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    const commit = session.commit()
    const letGo = await slow.next()
    const destroyed = session.destroy()
    letGo()
    await Promise.all([commit, destroyed])
    assert.equal(await sessions.open(session.id), null)
  })

  test('destroy() that fails leaves the session as it is', async () => {
    const slow = waiting('remove')
    const session = await reopen(await stored(), slow.sessions)
    session.data.n = 2
    const destroying = session.destroy()
    ;(await slow.next())(new StoreError('destroy the session', 'the disk is full, make room'))
    await assert.rejects(destroying, StoreError)
    assert.equal((await session.commit()).status, 'updated')
    assert.equal((await arrived(session)).n, 2)
  })

  // clear

  test('clear() leaves nothing', async () => {
    const session = await stored()
    session.clear()
    assert.deepEqual({ ...session.data }, {})
    session.data.n = 7
    await session.commit()
    assert.deepEqual(await arrived(session), { n: 7 })
    assert.equal(session.isNew, false)
  })

  test('clear() of what other servers wrote meanwhile, too', async () => {
    const session = await stored()
    const other = await reopen(session)
    other.data.theirs = { secret: 1 }
    other.data.user.role = 'admin'
    other.data.list = [1]
    await other.commit()
    session.clear()
    session.data.user = { name: 'Eve' }
    ;(session.data.theirs ??= {}).mine = 1
    ;(session.data.list ??= []).push(2)
    const commit = await session.commit()
    assert.equal(commit.attempts, 2)
    const expected = { user: { name: 'Eve' }, theirs: { mine: 1 }, list: [2] }
    assert.deepEqual(snapshot(session.data), expected)
    assert.deepEqual(await arrived(session), expected)
    assert.deepEqual(session.changes(), [])
  })

  for (const tracking of trackings) {
    test(`clear() once more than one other server wrote: tracking '${tracking}'`, async () => {
      const { store: gate, next } = gated(store, 'write')
      const slow = createSessions<Data>({ store: gate, tracking })
      const session = await reopen(await stored(), slow)
      session.clear()
      const commit = session.commit()
      for (const attribute of ['a', 'b']) {
        const letGo = await next()
        const other = await reopen(session)
        other.data[attribute] = { secret: 1 }
        other.data.user = { name: attribute }
        await other.commit()
        letGo()
      }
      ;(await next())()
      assert.equal((await commit).attempts, 3)
      assert.deepEqual(await arrived(session), {})
      assert.deepEqual({ ...session.data }, {})
    })
  }

  test('what another server writes below what was cleared is void', async () => {
    const session = await stored()
    const other = await reopen(session)
    session.clear()
    await session.commit()
    other.data.user.name = 'Eve'
    other.data.cart.push({ id: 9 })
    other.data.fresh = 1
    const { superseded } = await other.commit()
    assert.deepEqual(new Set(superseded.map(({ path }) => path[0])), new Set(['user', 'cart']))
    assert.deepEqual(await arrived(session), { fresh: 1 })
  })

  test('discard() takes clear() back', async () => {
    const session = await stored()
    session.clear()
    session.discard()
    assert.deepEqual(snapshot(session.data), start())
    assert.equal((await session.commit()).status, 'unchanged')
    session.data.n = 2
    await session.commit()
    assert.deepEqual(await arrived(session), { ...start(), n: 2 })
  })

  test('clear() with keys that no path can name', async () => {
    const session = await stored({ 'a.b': 1, $c: { d: 1 }, '': [1] })
    session.clear()
    await session.commit()
    assert.deepEqual(await arrived(session), {})
  })

  // reload

  test('reload() loads it again, and loses what was not committed', async () => {
    const session = await stored()
    const { cart, user } = session.data
    const other = await reopen(session)
    other.data.cart.unshift({ id: 0, qty: 0 })
    other.data.user.name = 'Eve'
    await other.commit()
    session.data.n = 5
    session.data.user.address.city = 'Rome'
    await session.reload()
    assert.deepEqual(snapshot(session.data), await arrived(session))
    assert.deepEqual(session.changes(), [])
    assert.equal(session.data.cart, cart)
    assert.equal(user.name, 'Eve')
    cart[0].qty = 8
    await session.commit()
    assert.equal((await arrived(session)).cart[0].qty, 8)
  })

  test('reload({ keepChanges: true }) puts them on top of what was loaded', async () => {
    const session = await stored()
    const second = session.data.cart[1]
    const raw = { late: 1 }
    session.data.raw = raw
    const other = await reopen(session)
    other.data.cart.unshift({ id: 0, qty: 0 })
    other.data.n = 5
    other.data.m = 6
    await other.commit()
    second.qty = 9
    session.data.user.name = 'Bob'
    session.data.n = 7
    raw.late = 2
    await session.reload({ keepChanges: true })
    assert.equal(session.data.cart[2], second)
    assert.deepEqual(
      new Set(session.changes()),
      new Set([
        { op: 'set', path: ['raw'], value: { late: 2 } },
        { op: 'set', path: ['cart', 2, 'qty'], value: 9 },
        { op: 'set', path: ['user', 'name'], value: 'Bob' },
        { op: 'set', path: ['n'], value: 7 },
      ]),
    )
    assert.equal(session.data.m, 6)
    assert.equal((await session.commit()).attempts, 1)
    assert.deepEqual(await arrived(session), snapshot(session.data))
  })

  test('reload() of what is gone is an error, and then it is gone', async () => {
    const session = await stored()
    const other = await reopen(session)
    await session.destroy()
    other.data.n = 2
    await assert.rejects(other.reload(), SessionGoneError)
    await assert.rejects(other.reload({ keepChanges: true }), SessionGoneError)
    await assert.rejects(other.commit(), SessionGoneError)
    const [one, two] = [await stored(), await stored()]
    const [oldOne, oldTwo] = [await reopen(one), await reopen(two)]
    await Promise.all([one.rotateId(), two.rotateId()])
    await assert.rejects(oldOne.reload(), SessionGoneError)
    oldTwo.data.n = 5
    await assert.rejects(oldTwo.reload({ keepChanges: true }), SessionGoneError)
    await assert.rejects(oldTwo.commit(), SessionGoneError)
  })

  test('reload() of a new session asks nobody', async () => {
    const session = sessions.create({ n: 1 })
    calls.length = 0
    await session.reload({ keepChanges: true })
    assert.deepEqual({ ...session.data }, { n: 1 })
    await session.reload()
    assert.deepEqual({ ...session.data }, {})
    assert.deepEqual(calls, [])
  })

  test('reload() that fails changes nothing', async () => {
    const slow = waiting('load')
    const opening = slow.sessions.open((await stored()).id)
    ;(await slow.next())()
    const session = (await opening) as Session<Data>
    session.data.n = 2
    const reloading = session.reload()
    ;(await slow.next())(new StoreError('load the session', 'the disk is full, make room'))
    await assert.rejects(reloading, StoreError)
    assert.deepEqual(session.changes(), [{ op: 'set', path: ['n'], value: 2 }])
  })

  // Size

  const limited = createSessions<Data>({ store, maxBytes: 1000 })
  const sizeOf = (data: Data): number => calculateObjectSize(data)

  test('a session that would be too large is refused, with its size and the limit', async () => {
    const session = limited.create({ text: 'x'.repeat(2000) })
    await assert.rejects(session.commit(), error => {
      assert.ok(error instanceof SessionTooLargeError)
      assert.equal(error.bytes, sizeOf(session.data))
      assert.equal(error.limit, 1000)
      assert.equal(error.status, 413)
      return true
    })
    assert.equal(session.isNew, true)
    assert.equal(await limited.open(session.id), null)
  })

  test('one that grows too large is refused with nothing written and the changes kept', async () => {
    const session = limited.create({ text: 'x'.repeat(500), other: 1 })
    await session.commit()
    session.data.more = 'y'.repeat(500)
    session.data.other = 2
    await assert.rejects(session.commit(), error => {
      assert.ok(error instanceof SessionTooLargeError)
      assert.equal(error.bytes, sizeOf(session.data))
      return true
    })
    assert.deepEqual(await arrived(session), { text: 'x'.repeat(500), other: 1 })
    assert.equal(session.changes().length, 2)
    session.data.more = 'y'.repeat(100)
    assert.equal((await session.commit()).status, 'updated')
  })

  test('the limit is exact, for a new session and for one that grows', async () => {
    const overhead = sizeOf({ text: '' })
    const fits = limited.create({ text: 'x'.repeat(1000 - overhead) })
    assert.equal(sizeOf(fits.data), 1000)
    await fits.commit()
    const grows = limited.create({ text: '' })
    await grows.commit()
    grows.data.text = 'x'.repeat(1000 - overhead)
    await grows.commit()
    for (const session of [fits, grows, await reopen(grows, limited)]) {
      session.data.text += 'x'
      await assert.rejects(session.commit(), SessionTooLargeError)
      session.discard()
      // The bound exceeds the limit, and what is exact does not.
      session.data.text = `y${session.data.text.slice(1)}`
      assert.equal((await session.commit()).status, 'updated')
    }
  })

  test('many small changes in the same place never add up to too much', async () => {
    const session = limited.create({ text: 'x'.repeat(300) })
    await session.commit()
    for (let round = 0; round < 20; round++) {
      session.data.text = String(round).repeat(150)
      assert.equal((await session.commit()).status, 'updated')
    }
  })

  test('many appended elements do, however long their indexes are', async () => {
    const maxBytes = 5000
    const session = createSessions<Data>({ store, maxBytes }).create({ list: [0] })
    await session.commit()
    const commit = async (): Promise<void> => {
      for (;;) {
        session.data.list.push(...new Array(100).fill(true))
        await session.commit()
        assert.ok(sizeOf(await arrived(session)) <= maxBytes)
      }
    }
    await assert.rejects(commit(), SessionTooLargeError)
    assert.ok(sizeOf(await arrived(session)) > maxBytes - 600)
  })

  test('other attributes are decoded only if the bound exceeds the limit', async () => {
    const { id } = await stored({ date: new Date(0), n: 1 })
    const far = createSessions<Data>({ store })
    const near = createSessions<Data>({ store, maxBytes: 150 })
    const spoil = (from: Sessions<Data>) => from.open(id) as Promise<Session<Data>>
    const one = await spoil(far)
    one.data.n = 2
    await one.commit()
    const two = await spoil(near)
    two.data.n = 3
    await two.commit()
    assert.deepEqual(await arrived(two), { date: new Date(0), n: 3 })
  })

  // Odds and ends

  test('the id cannot be enumerated, and neither it nor the key be set', async () => {
    const session = await stored()
    assert.equal(Object.keys(session).includes('id'), false)
    for (const property of ['id', 'key', 'data', 'isNew', 'expiresAt']) {
      assert.throws(() => {
        ;(session as Data)[property] = 'x'
      }, TypeError)
    }
    const { expiresAt } = session
    expiresAt.setTime(0)
    assert.notEqual(session.expiresAt.getTime(), 0)
  })

  test('a session is one object that many can share', async () => {
    const session = await stored()
    const emitter = new EventEmitter()
    emitter.on('request', (each: Session<Data>) => each.data.n++)
    for (let request = 0; request < 5; request++) emitter.emit('request', session)
    await Promise.all([session.commit(), session.commit()])
    assert.equal((await arrived(session)).n, 6)
  })

  test('rotateId() checks what is to be kept', async () => {
    const session = await stored()
    for (const keep of ['user', 5, null, {}] as never[]) {
      await assert.rejects(session.rotateId({ keep }), error => {
        return error instanceof SessionError && error.code === 'ERR_INVALID_ARGUMENT'
      })
    }
    assert.ok(await sessions.open(session.id))
  })
})
