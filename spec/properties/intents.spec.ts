import assert from 'node:assert/strict'
import fc from 'fast-check'
import { z } from 'zod'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { createSessions, merge, snapshot } from '../../lib/index.js'
import type { BaseOptions } from '../../lib/options.js'
import type { Data } from '../support/operations.js'
import { holds } from '../support/property.js'
import { createStored, openAll, openOn } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'

const counter = () => z.number().register(merge, 'increment')
const union = () => z.array(z.string()).register(merge, 'union')

const schema = z.object({
  views: counter().default(0),
  left: counter().default(10),
  credits: counter().optional(),
  pages: z.record(z.string(), counter()).default({}),
  cart: z.array(z.object({ id: z.number(), qty: counter(), tags: union().optional() })).optional(),
  best: z.number().register(merge, 'max').optional(),
  worst: z.number().register(merge, 'min').optional(),
  log: z.array(z.string()).register(merge, 'append').optional(),
  tags: union().optional(),
  roles: z.set(z.string()).register(merge, 'union').optional(),
  codes: z.map(z.string(), counter()).optional(),
})

const begin = (): Data => ({
  cart: [1, 2, 3].map(id => ({ id, qty: id, tags: [] })),
  codes: new Map([['code0', 1]]),
  roles: new Set(['role0']),
})

/** What is to be in the session in the end, whatever the order was. */
interface Wanted extends Data {
  readonly log: string[]
}

/** What a server does, and what that is to leave. Each value is like no other, where that counts. */
type Step = (data: Data, wanted: Wanted, pick: number, count: number) => void

const add = (counters: Data, name: string, by: number): void => {
  counters[name] = (counters[name] ?? 0) + by
}
const item = (data: Data, pick: number): Data =>
  data.cart.find(({ id }: Data) => id === 1 + (pick % 3))

const STEPS: Record<string, Step> = {
  'count up': (data, wanted) => {
    data.views++
    wanted.views++
  },
  'count down': (data, wanted) => {
    data.left -= 2
    wanted.left -= 2
  },
  'count what was absent': (data, wanted) => {
    data.credits = (data.credits ?? 0) + 3
    add(wanted, 'credits', 3)
  },
  'count in a record': ({ pages }, wanted, pick) => {
    add(pages, `page${pick}`, 1)
    add(wanted.pages, `page${pick}`, 1)
  },
  'count in a Map': ({ codes }, wanted, pick) => {
    codes.set(`code${pick}`, (codes.get(`code${pick}`) ?? 0) + 2)
    wanted.codes.set(`code${pick}`, (wanted.codes.get(`code${pick}`) ?? 0) + 2)
  },
  'count in an element': (data, wanted, pick) => {
    item(data, pick).qty += 5
    item(wanted, pick).qty += 5
  },
  'the greatest and the least': (data, wanted, _pick, count) => {
    const value = (count * 7) % 50
    for (const each of [data, wanted]) {
      each.best = Math.max(each.best ?? value, value)
      each.worst = Math.min(each.worst ?? value, value)
    }
  },
  append: (data, wanted, _pick, count) => {
    ;(data.log ??= []).push(`line${count}`)
    wanted.log.push(`line${count}`)
  },
  'append by assignment': (data, wanted, _pick, count) => {
    data.log = [...(data.log ?? []), `line${count}`]
    wanted.log.push(`line${count}`)
  },
  'add to a union': (data, wanted, _pick, count) => {
    ;(data.tags ??= []).push(`tag${count}`)
    wanted.tags.push(`tag${count}`)
  },
  'add to a union what others add': (data, wanted, pick) => {
    for (const each of [data, wanted]) {
      each.tags = [...new Set([...(each.tags ?? []), `shared${pick}`])]
    }
  },
  'add to a union in an element': (data, wanted, pick, count) => {
    item(data, pick).tags.push(`tag${count}`)
    item(wanted, pick).tags.push(`tag${count}`)
  },
  'add to a Set': ({ roles }, wanted, pick) => {
    roles.add(`role${pick}`)
    wanted.roles.add(`role${pick}`)
  },
  'move an element': ({ cart }) => cart.push(...cart.splice(0, 1)),
}

const steps = fc.array(fc.tuple(fc.constantFrom(...Object.keys(STEPS)), fc.nat(3)), {
  maxLength: 4,
})

/** What one server does before all commit at once, and while they do. */
const turn = fc.record({ opens: fc.boolean(), reloads: fc.boolean(), steps, late: steps })
const rounds = fc.array(fc.tuple(turn, turn, turn), { minLength: 1, maxLength: 4 })

/** A session without the order that nothing says anything about. */
function unordered(data: Data): Data {
  const cart = data.cart.map((each: Data) => ({ ...each, tags: [...each.tags].sort() }))
  return {
    ...data,
    cart: cart.sort((a: Data, b: Data) => a.id - b.id),
    log: [...(data.log ?? [])].sort(),
    tags: [...(data.tags ?? [])].sort(),
    roles: [...data.roles].sort(),
    codes: [...data.codes].sort(),
  }
}

const choices: Partial<BaseOptions>[] = [
  {},
  { tracking: 'accesses' },
  { tracking: 'mutable-attributes', differencing: 'binary' },
  { granularity: 'attribute' },
  { granularity: 'session' },
]

forEachStore('merge intents of three servers', (intents, { name, create }) => {
  for (const options of name === 'embedded' ? choices : [{}]) {
    const isDefault = Object.keys(options).length === 0
    const title = isDefault ? '' : `: ${Object.values(options).join(', ')}`
    intents(`are exact, whatever is done while commits are under way${title}`, async () => {
      const all = { store: create(), schema, deadline: 60_000, ...options } as { store: Store }
      const servers = [1, 2, 3].map(() => createSessions(all) as unknown as Sessions<Data>)
      const runs = name === 'embedded' ? (isDefault ? 150 : 50) : 15
      await holds(
        fc.asyncProperty(rounds, async rounds => {
          const { id } = await createStored(servers[0] as Sessions<Data>, begin())
          const open = await openAll(servers, id)
          const wanted: Wanted = { ...begin(), views: 0, left: 10, pages: {}, log: [], tags: [] }
          let count = 0
          const act = (who: number, chosen: readonly (readonly [string, number])[]): void => {
            const { data } = open[who] as Session<Data>
            for (const [name, pick] of chosen) STEPS[name]?.(data, wanted, pick, ++count)
          }
          for (const round of rounds) {
            for (const [who, { opens, reloads, steps }] of round.entries()) {
              if (opens) open[who] = await openOn(servers[who] as Sessions<Data>, id)
              act(who, steps)
              if (reloads) await open[who]?.reload({ keepChanges: true })
            }
            const commits = open.map(session => session.commit())
            for (const [who, { late }] of round.entries()) act(who, late)
            await Promise.all(commits)
            commits.push(...open.map(session => session.commit()))
            const told = await Promise.all(commits)
            assert.deepEqual(
              told.flatMap(({ superseded }) => superseded),
              [],
            )
          }
          const stored = snapshot((await openOn(servers[0] as Sessions<Data>, id)).data)
          assert.deepEqual(unordered(stored), unordered(wanted))
          for (const session of open) {
            await session.reload()
            assert.deepEqual(snapshot(session.data), stored)
          }
        }),
        runs,
      )
    })
  }
})
