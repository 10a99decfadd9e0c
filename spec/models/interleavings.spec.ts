/**
 * Two and three servers on one session, in any interleaving of their requests and answers, beside plain
 * JavaScript that runs one after another.
 */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import type { Isolation, Session, Sessions, Store } from '../../lib/index.js'
import {
  ConflictError,
  createSessions,
  memoryStore,
  SessionGoneError,
  snapshot,
} from '../../lib/index.js'
import { canonical } from '../support/canonical.js'
import type { Data, Operation } from '../support/operations.js'
import { operations, start } from '../support/operations.js'
import { holds } from '../support/property.js'
import { isSerial } from '../support/serial.js'
import { scheduledStore } from './scheduled.js'

const models = suite('servers in any interleaving')

interface Server {
  readonly run: (data: Data, who: number) => void
}

/**
 * What servers of one session do, each opening, changing and committing it once.
 *
 * @param opensFirst Whether all have opened it before the first of them changes it.
 */
async function race(
  scheduler: fc.Scheduler,
  isolation: Isolation,
  servers: readonly Server[],
  opensFirst = false,
): Promise<{ stored: Data; refused: Set<number> }> {
  const store = memoryStore()
  const created = createSessions<Data>({ store }).create(start())
  await created.commit()
  const refused = new Set<number>()
  const sessions: Sessions<Data> = createSessions<Data>({
    store: scheduledStore(store, scheduler),
    isolation,
    deadline: 60_000,
  })
  const open = async (): Promise<Session<Data>> =>
    (await sessions.open(created.id)) as Session<Data>
  const opened = opensFirst ? await scheduler.waitFor(Promise.all(servers.map(open))) : []
  const serve = async ({ run }: Server, who: number): Promise<void> => {
    const session = opened[who - 1] ?? (await open())
    try {
      run(session.data, who)
    } catch {
      // What it writes into was removed before it came.
      return fc.pre(false)
    }
    try {
      await session.commit()
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
      refused.add(who)
    }
  }
  await scheduler.waitFor(Promise.all(servers.map((server, index) => serve(server, index + 1))))
  await created.reload()
  return { stored: snapshot(created.data), refused }
}

const names = fc.constantFrom(...Object.keys(operations))

models(
  "'last-write-wins': single operations end in some serial order, and none is refused",
  async () => {
    await holds(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(names, { minLength: 2, maxLength: 3 }),
        async (scheduler, chosen) => {
          // An insertion whose neighbours have left is one at the end, where others append meanwhile.
          fc.pre(chosen.length < 3 || !chosen.includes('insert in the middle'))
          const servers = chosen.map(name => ({ run: operations[name] as Operation }))
          // What an operation means where its elements have moved is known for those of the beginning.
          const { stored, refused } = await race(scheduler, 'last-write-wins', servers, true)
          assert.equal(refused.size, 0)
          assert.ok(isSerial(stored, chosen), `${chosen.join(', ')} left ${canonical(stored)}`)
        },
      ),
      300,
    )
  },
)

models('the check is no ornament: without fences it finds a write to another element', async () => {
  const store = memoryStore()
  const careless: Store = {
    ...store,
    write: (statement, options) =>
      store.write({ ...statement, rev: { below: 2 ** 31 - 1 }, layout: new Map() }, options),
  }
  const sessions = createSessions<Data>({ store: careless })
  const created = sessions.create(start())
  await created.commit()
  const chosen = ['splice', 'two index writes']
  const open = await Promise.all(
    chosen.map(async () => (await sessions.open(created.id)) as Session<Data>),
  )
  for (const [index, session] of open.entries()) {
    operations[chosen[index] as string]?.(session.data, index + 1)
    await session.commit()
  }
  await created.reload()
  assert.ok(!isSerial(snapshot(created.data), chosen))
})

/** Steps that depend on what they read. */
const steps: Record<string, Operation> = {
  'n becomes twice itself': d => {
    d.n *= 2
  },
  'n grows': d => {
    d.n++
  },
  'n goes into the user': d => {
    d.user.visits = d.n
  },
  'the user goes into n': d => {
    d.n = (d.user.visits ?? 0) + 3
  },
  'a tag for each tag': (d, who) => {
    d.tags.push(`${d.tags.length} of ${who}`)
  },
  'the quantity of the first goes to the last': d => {
    d.cart.at(-1).qty += d.cart[0].qty
    d.cart[0].qty = 0
  },
  'the cart loses what is one': d => {
    d.cart = d.cart.filter((item: Data) => item.qty !== 1)
  },
  'a key for each key': (d, who) => {
    d.user[`key${Object.keys(d.user).length}`] = who
  },
  'a view, if there is none': (d, who) => {
    if (!d.views) d.views = { first: who }
  },
  'the name, if it is Ada': (d, who) => {
    if (d.user.name === 'Ada') d.user.name = `Eve ${who}`
  },
}

const transaction = fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 3 })

models(
  "'serializable': whole commits end in some serial order of those that were not refused",
  async () => {
    await holds(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(transaction, { minLength: 2, maxLength: 3 }),
        async (scheduler, transactions) => {
          const servers = transactions.map(chosen => ({
            run: (data: Data, who: number) => {
              for (const name of chosen) (steps[name] as Operation)(data, who)
            },
          }))
          const { stored, refused } = await race(scheduler, 'serializable', servers)
          const committed = servers
            .map((server, index) => ({ ...server, who: index + 1 }))
            .filter(({ who }) => !refused.has(who))
          const found = canonical(stored)
          const serial = permutations(committed).some(order => {
            const data = start()
            for (const { run, who } of order) run(data, who)
            return canonical(data) === found
          })
          assert.ok(committed.length > 0, 'nobody committed')
          assert.ok(serial, `${JSON.stringify(transactions)} left ${found}`)
        },
      ),
      400,
    )
  },
)

models("'snapshot': no write is lost, whoever is not refused", async () => {
  await holds(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 3 }), async (scheduler, count) => {
      const servers = Array.from({ length: count }, () => ({
        run: (data: Data) => {
          data.n += 10
        },
      }))
      const { stored, refused } = await race(scheduler, 'snapshot', servers)
      assert.equal(stored.n, 1 + 10 * (count - refused.size))
    }),
    200,
  )
})

models('a destroyed session stays destroyed, whatever is under way', async () => {
  await holds(
    fc.asyncProperty(fc.scheduler(), names, async (scheduler, name) => {
      const store = memoryStore()
      const created = createSessions<Data>({ store }).create(start())
      await created.commit()
      const sessions = createSessions<Data>({ store: scheduledStore(store, scheduler) })
      const write = async (): Promise<void> => {
        const session = await sessions.open(created.id)
        if (session === null) return
        operations[name]?.(session.data, 1)
        await session
          .commit()
          .catch((error: unknown) => assert.ok(error instanceof SessionGoneError))
      }
      const ended = Promise.all([write(), write(), sessions.destroy(created.id)])
      await scheduler.waitFor(ended)
      assert.equal(await createSessions({ store }).open(created.id), null)
    }),
    200,
  )
})

models('two rotations have one winner, and the old id is dead', async () => {
  await holds(
    fc.asyncProperty(fc.scheduler(), async scheduler => {
      const store = memoryStore()
      const created = createSessions<Data>({ store }).create(start())
      await created.commit()
      const sessions = createSessions<Data>({ store: scheduledStore(store, scheduler) })
      const rotate = async (): Promise<string | undefined> => {
        const session = await sessions.open(created.id)
        // An id that was just rotated opens an empty session, which begins anew.
        if (session === null || session.data.n === undefined) return undefined
        try {
          await session.rotateId()
          return session.id
        } catch (error) {
          assert.ok(error instanceof SessionGoneError, String(error))
          return undefined
        }
      }
      const ids = Promise.all([rotate(), rotate(), rotate()])
      await scheduler.waitFor(ids)
      const winners = (await ids).filter(id => id !== undefined)
      assert.equal(winners.length, 1)
      const after = createSessions<Data>({ store })
      assert.equal((await after.open(winners[0]))?.data.n, 1)
      assert.equal((await after.open(created.id))?.data.n, undefined)
    }),
    150,
  )
})

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((first, index) => {
    const others = [...list.slice(0, index), ...list.slice(index + 1)]
    return permutations(others).map(order => [first, ...order])
  })
}

models.run()
