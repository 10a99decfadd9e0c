/**
 * What each tracking takes for a candidate, and that all of them live with other servers.
 */

import assert from 'node:assert/strict'
import { ObjectId } from 'bson'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Session, TrackingName } from '../../lib/index.js'
import {
  createSessions,
  memoryStore,
  snapshot,
  track,
  UnsupportedValueError,
} from '../../lib/index.js'
import { canonical } from '../support/canonical.js'
import { operations, start } from '../support/operations.js'
import { isSerial } from '../support/serial.js'
import { differencings, trackings } from '../support/strategies.js'

// biome-ignore lint/suspicious/noExplicitAny: recipes run on plain objects and on session data
type Data = any

/** Something that changed although nobody wrote to the session: what is a candidate is found out. */
const behind: [title: string, change: (data: Data) => void, seen: readonly TrackingName[]][] = [
  ['a Date that was read', d => d.when.setTime(5), trackings],
  ['bytes that were read', d => d.bytes.fill(7), trackings],
  [
    'an ObjectId that was read',
    d => {
      d.owner.i0 ^= 1
    },
    ['none', 'accesses'],
  ],
]

const candidates = suite('the candidates of each tracking')

for (const [title, change, seen] of behind) {
  for (const tracking of trackings) {
    candidates(
      `'${tracking}' ${seen.includes(tracking) ? 'sees' : 'does not see'} ${title}`,
      () => {
        const state = { when: new Date(1), bytes: Buffer.from([1]), owner: new ObjectId(), n: 1 }
        const tracked = track<Data>(state, { tracking })
        change(tracked.data)
        assert.equal(tracked.changes().length, seen.includes(tracking) ? 1 : 0)
      },
    )
  }
}

for (const tracking of trackings) {
  candidates(`'${tracking}': what was not touched is compared only by 'none'`, () => {
    let compared = 0
    const attribute = {
      get leaf() {
        compared++
        return 1
      },
    }
    const tracked = track<Data>({ attribute, other: 1 }, { tracking })
    tracked.data.other = 2
    compared = 0
    tracked.changes()
    assert.equal(compared > 0, tracking === 'none')
  })

  candidates(`'${tracking}': what a codec made is compared once it was read`, async () => {
    class Money {
      cents: number
      constructor(cents: number) {
        this.cents = cents
      }
    }
    const money = z.codec(z.number(), z.instanceof(Money), {
      decode: cents => new Money(cents),
      encode: ({ cents }) => cents,
    })
    const schema = z.object({ price: money.optional(), n: z.number().optional() })
    const sessions = createSessions({ store: memoryStore(), schema, tracking })
    const session = sessions.create({ price: new Money(5) })
    await session.commit()
    const open = (await sessions.open(session.id)) as typeof session
    ;(open.data.price as Money).cents = 7
    assert.deepEqual(
      open.changes().map(({ path }) => path),
      [['price']],
    )
    await open.commit()
    assert.equal(((await sessions.open(session.id)) as typeof session).data.price?.cents, 7)
  })
}

candidates.run()

const reading = suite('what is read under every tracking')

for (const tracking of trackings) {
  reading(`'${tracking}': what was removed is not there any more`, () => {
    const { data } = track<Data>({ cart: [1], user: { a: 1 }, n: 1, toString: 'x' }, { tracking })
    delete data.cart
    data.user = undefined
    delete data.n
    delete data.toString
    assert.deepEqual([data.cart, data.user, data.n], [undefined, undefined, undefined])
    assert.equal(typeof data.toString, 'function')
    assert.deepEqual(['cart' in data, 'n' in data], [false, false])
    const { cart = 'none' } = data
    assert.equal(cart, 'none')
    ;(data.cart ??= []).push(2)
    assert.deepEqual(snapshot(data), { cart: [2] })
  })

  reading(`'${tracking}': 0 and -0 are two values, whatever was assigned before`, async () => {
    const sessions = createSessions<Data>({ store: memoryStore(), tracking })
    const session = sessions.create({ n: 0 })
    await session.commit()
    for (const n of [-0, 0, -0]) {
      session.data.n = n
      assert.equal((await session.commit()).status, 'updated')
      assert.equal(Object.is((await sessions.open(session.id))?.data.n, n), true)
    }
  })

  const again: [title: string, change: (data: Data) => unknown, expected: Data][] = [
    ['an array is cut', d => d.a.list.shift(), { a: { list: [2] }, b: { list: [2] } }],
    ['an array is turned', d => d.b.list.reverse(), { a: { list: [2, 1] }, b: { list: [2, 1] } }],
    ['a key is added', d => (d.a.n = 1), { a: { list: [1, 2], n: 1 }, b: { list: [1, 2], n: 1 } }],
    [
      'one is replaced, and changed later',
      d => (d.a = { list: [1, 2] }),
      { a: { list: [1, 2], n: 2 }, b: { list: [1, 2] } },
    ],
  ]
  for (const [title, change, expected] of again) {
    reading(`'${tracking}': one object at two places is stored in each: ${title}`, async () => {
      const sessions = createSessions<Data>({ store: memoryStore(), tracking })
      const session = sessions.create({ begun: true })
      await session.commit()
      session.data.a = { list: [1, 2] }
      session.data.b = session.data.a
      await session.commit()
      change(session.data)
      await session.commit()
      if (expected.a.n === 2) session.data.a.n = 2
      await session.commit()
      assert.deepEqual(session.changes(), [])
      for (const { data } of [session, (await sessions.open(session.id)) as Session<Data>]) {
        assert.deepEqual(snapshot(data), { begun: true, ...expected })
      }
    })
  }

  const looks: [title: string, change: (data: Data) => unknown][] = [
    ['removed', d => delete d.user],
    ['undefined', d => (d.user = undefined)],
    ['replaced', d => (d.user = { id: 9 })],
    ['changed', d => (d.user.name = 'Bob')],
    ['added', d => (d.more = [1])],
  ]
  for (const [title, change] of looks) {
    reading(
      `'${tracking}': who looks at changes during a commit takes none away: ${title}`,
      async () => {
        const sessions = createSessions<Data>({ store: memoryStore(), tracking })
        const session = sessions.create({ user: { id: 1, name: 'Ada' }, n: 1 })
        await session.commit()
        session.data.n = 2
        const commit = session.commit()
        change(session.data)
        session.changes()
        session.patches()
        await commit
        const expected = snapshot(session.data)
        if (expected.user === undefined) delete expected.user
        await session.commit()
        assert.deepEqual(snapshot((await sessions.open(session.id))?.data), expected)
      },
    )
  }
}

reading.run()

const plain = suite('plain copies')

for (const tracking of ['none', 'accesses', 'mutable-attributes'] as const) {
  plain(
    `'${tracking}': attributes are plain: structuredClone, private fields and identity work`,
    () => {
      const tracked = track<Data>({ cart: [{ id: 1 }], when: new Date(1) }, { tracking })
      const { cart } = tracked.data
      assert.deepEqual(structuredClone(cart), [{ id: 1 }])
      assert.equal(tracked.data.cart, cart)
      assert.equal(tracked.data.when, tracked.data.when)
      assert.deepEqual(Object.keys(tracked.data), ['cart', 'when'])
      assert.deepEqual({ ...tracked.data }, { cart: [{ id: 1 }], when: new Date(1) })
      assert.equal(
        JSON.stringify(tracked.data),
        '{"cart":[{"id":1}],"when":"1970-01-01T00:00:00.001Z"}',
      )
      assert.deepEqual(snapshot(tracked.data), { cart: [{ id: 1 }], when: new Date(1) })
    },
  )

  plain(`'${tracking}': the benchmark is never touched`, () => {
    const state = deepFreeze({ user: { tags: ['a'] }, n: 1 })
    const tracked = track<Data>(state, { tracking })
    tracked.data.user.tags.push('b')
    tracked.data.user.name = 'Ada'
    tracked.data.n = 2
    assert.equal(tracked.changes().length, 3)
    assert.deepEqual(state, { user: { tags: ['a'] }, n: 1 })
    tracked.accept()
    assert.deepEqual(tracked.benchmark, { user: { tags: ['a', 'b'], name: 'Ada' }, n: 2 })
    tracked.data.user.tags.push('c')
    tracked.discard()
    assert.deepEqual(tracked.data.user, { tags: ['a', 'b'], name: 'Ada' })
    assert.deepEqual(tracked.changes(), [])
  })

  plain(
    `'${tracking}': what a session cannot keep is refused at the commit, with its path`,
    async () => {
      for (const [value, path] of [
        [{ deep: [new Date(Number.NaN)] }, ['user', 'deep', 0]],
        [{ call: () => 1 }, ['user', 'call']],
        [{ 'a\0b': 1 }, ['user', 'a\0b']],
        [JSON.parse('{"__proto__":{"admin":true}}'), ['user', '__proto__']],
      ] as const) {
        const sessions = createSessions<Data>({ store: memoryStore(), tracking })
        const session = sessions.create({ user: {} })
        await session.commit()
        Object.defineProperty(session.data.user, Object.keys(value)[0] as string, {
          value: Object.values(value)[0],
          enumerable: true,
          configurable: true,
          writable: true,
        })
        await assert.rejects(session.commit(), error => {
          assert.ok(error instanceof UnsupportedValueError)
          assert.deepEqual(error.path, path)
          return true
        })
        delete session.data.user[Object.keys(value)[0] as string]
        session.data.user.ok = true
        assert.equal((await session.commit()).status, 'updated')
        assert.equal(({} as Data).admin, undefined)
      }
    },
  )

  plain(`'${tracking}': a recipe that throws changes nothing`, async () => {
    const session = createSessions<Data>({ store: memoryStore(), tracking }).create({
      user: { n: 1 },
    })
    await session.commit()
    const { user } = session.data
    user.n = 2
    assert.throws(() =>
      session.change(data => {
        data.user.n = 3
        data.more = 1
        throw new Error('no')
      }),
    )
    assert.deepEqual(snapshot(session.data), { user: { n: 2 } })
    assert.equal(session.data.user, user)
  })
}

plain.run()

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}

const servers = suite('two servers, under every tracking and differencing')

for (const tracking of trackings)
  for (const differencing of differencings) {
    const sessions = createSessions<Data>({ store: memoryStore(), tracking, differencing })

    async function openTwo(): Promise<[Session<Data>, Session<Data>, () => Promise<Data>]> {
      const session = sessions.create(start())
      await session.commit()
      const open = async () => (await sessions.open(session.id)) as Session<Data>
      return [await open(), await open(), async () => snapshot((await open()).data)]
    }

    servers(`${tracking} × ${differencing}: one reads what the other writes`, async () => {
      const [one, two, stored] = await openTwo()
      JSON.stringify(two.data)
      one.data.user.name = 'Eve'
      one.data.cart.push({ id: 4, qty: 4 })
      await one.commit()
      two.data.n = 7
      two.data.user.address.zip = 7
      await two.commit()
      const { user, cart, n } = await stored()
      assert.deepEqual([user.name, user.address.zip, cart.length, n], ['Eve', 7, 4, 7])
    })

    servers(
      `${tracking} × ${differencing}: what was handed out shows what others did, after a reload`,
      async () => {
        const [one, two] = await openTwo()
        const { user, cart } = two.data
        const [, second] = cart
        one.data.user.name = 'Eve'
        one.data.cart.shift()
        await one.commit()
        second.qty = 9
        await two.reload({ keepChanges: true })
        assert.equal(user.name, 'Eve')
        assert.equal(cart.length, 2)
        assert.equal(cart[0], second)
        assert.equal(two.data.cart, cart)
        second.qty = 10
        await two.commit()
        await one.reload()
        assert.deepEqual(snapshot(one.data.cart), [
          { id: 2, qty: 10 },
          { id: 3, qty: 3 },
        ])
      },
    )

    servers(
      `${tracking} × ${differencing}: what is done while a commit is under way stays pending`,
      async () => {
        const [one, , stored] = await openTwo()
        one.data.user.name = 'Eve'
        const commit = one.commit()
        one.data.user.name = 'Bob'
        one.data.cart.push({ id: 4, qty: 4 })
        one.data.extra = 1
        await commit
        assert.equal((await stored()).user.name, 'Eve')
        assert.equal(one.data.user.name, 'Bob')
        await one.commit()
        const { user, cart, extra } = await stored()
        assert.deepEqual([user.name, cart.length, extra], ['Bob', 4, 1])
      },
    )

    servers(
      `${tracking} × ${differencing}: an array that is edited by assignment during its commit keeps what others add`,
      async () => {
        const [one, two, stored] = await openTwo()
        two.data.cart[0].qty = 9
        two.data.cart.push({ id: 4, qty: 4 })
        await two.commit()
        one.data.cart.push({ id: 5, qty: 5 })
        await one.commit()
        two.data.cart.push({ id: 6, qty: 6 })
        const commit = two.commit()
        two.data.cart = two.data.cart.filter(({ id }: Data) => id !== 2)
        await commit
        await two.commit()
        assert.deepEqual(
          (await stored()).cart.map(({ id }: Data) => id),
          [1, 3, 4, 5, 6],
        )
      },
    )

    servers(
      `${tracking} × ${differencing}: an element that is put in the place of another one is no mixture of both`,
      async () => {
        for (const item of [{ id: 9, qty: 9 }, { name: 'nine' }]) {
          const [one, two, stored] = await openTwo()
          two.data.cart[1] = item
          one.data.cart[1].gift = true
          await one.commit()
          await two.commit()
          assert.deepEqual((await stored()).cart[1], item)
        }
      },
    )

    servers(
      `${tracking} × ${differencing}: each pair of operations ends in a serial order`,
      async () => {
        const failures: string[] = []
        for (const [first, a] of Object.entries(operations))
          for (const [second, b] of Object.entries(operations)) {
            // Nobody sees what a plain object was asked for, so that a container is a value there.
            if (tracking === 'none' && /container/.test(first) && /container/.test(second)) continue
            const [one, two, stored] = await openTwo()
            a(one.data, 1)
            b(two.data, 2)
            await one.commit()
            await two.commit()
            const found = await stored()
            await two.reload()
            if (!isSerial(found, [first, second]))
              failures.push(`${first}, ${second}: ${canonical(found)}`)
            else if (canonical(snapshot(two.data)) !== canonical(found)) {
              failures.push(`${first}, ${second}: the client has ${canonical(snapshot(two.data))}`)
            }
          }
        assert.deepEqual(failures.slice(0, 40), [])
      },
    )
  }

servers.run()
