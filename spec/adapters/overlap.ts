/**
 * Requests of one session that overlap, in the ways in which applications write to sessions.
 */

import { setTimeout as wait } from 'node:timers/promises'
import flash from 'connect-flash'
import type { Data } from '../support/operations.js'
import type { Browser } from './browser.js'

/** What eight requests do at the same time, each in its own place. */
export interface Overlap {
  readonly what: string
  /** What the request of number `who` does. */
  change(data: Data, who: number): void | Promise<void>
  /** How many of its changes are in the session. */
  kept(data: Data, who: number): number
}

/** What became of the requests. */
export interface Outcome {
  /** How many were answered as if all were well, and are not in the session. */
  readonly lost: number
  /** How many were answered with an error. */
  readonly refused: number
}

const REQUESTS = 8

/** Long enough for the other seven requests to have opened the session. */
const slowly = (): Promise<void> => wait(2)

const count = (list: readonly Data[] | undefined, fits: (element: Data) => boolean): number =>
  list?.filter(fits).length ?? 0

/** The ways. */
export const overlaps: readonly Overlap[] = [
  {
    what: 'own attribute',
    async change(data, who) {
      await slowly()
      data[`own${who}`] = (data[`own${who}`] ?? 0) + 1
    },
    kept: (data, who) => data[`own${who}`],
  },
  {
    what: 'append',
    async change(data, who) {
      data.log ??= []
      await slowly()
      data.log.push(who)
    },
    kept: (data, who) => count(data.log, each => each === who),
  },
  {
    what: 'different items of one array',
    async change(data, who) {
      await slowly()
      data.items[who].n++
    },
    kept: (data, who) => data.items[who].n,
  },
  {
    what: 'leaves of one object',
    async change(data, who) {
      await slowly()
      data.user[`leaf${who}`] = (data.user[`leaf${who}`] ?? 0) + 1
    },
    kept: (data, who) => data.user[`leaf${who}`],
  },
  {
    what: 'views per page under a first `if (!s.views) s.views = {}`',
    async change(data, who) {
      if (!data.views) data.views = {}
      await slowly()
      data.views[`page${who}`] = (data.views[`page${who}`] ?? 0) + 1
    },
    kept: (data, who) => data.views[`page${who}`],
  },
  {
    what: '`(s.cart ??= []).push`',
    async change(data, who) {
      await slowly()
      ;(data.cart ??= []).push({ who })
    },
    kept: (data, who) => count(data.cart, line => line.who === who),
  },
  {
    what: 'connect-flash',
    async change(data, who) {
      await slowly()
      const request: Data = { session: data }
      flash()(request, {} as never, () => undefined)
      request.flash('info', `message ${who}`)
    },
    kept: (data, who) => count(data.flash?.info, text => text === `message ${who}`),
  },
]

/** What has to be served for {@link race}: handlers of the session's data, by path. */
export function overlapRoutes({ change }: Overlap): Record<string, (data: Data) => unknown> {
  const routes: Record<string, (data: Data) => unknown> = {
    '/': data => data,
    '/begin'(data) {
      data.items = Array.from({ length: REQUESTS }, (_, id) => ({ id, n: 0 }))
      data.user = { name: 'Ada' }
    },
  }
  for (let who = 0; who < REQUESTS; who++) routes[`/${who}`] = data => change(data, who)
  return routes
}

/** Sends eight requests of one session at the same time, `rounds` times. */
export async function race(browser: Browser, { kept }: Overlap, rounds: number): Promise<Outcome> {
  await browser.get('/begin')
  const acknowledged = Array.from({ length: REQUESTS }, () => 0)
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      acknowledged.map(async (_, who) => {
        const { status } = await browser.get(`/${who}`)
        if (status === 200) acknowledged[who] = (acknowledged[who] as number) + 1
      }),
    )
  }
  const data: Data = JSON.parse((await browser.get('/')).body)
  const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0)
  return {
    lost: sum(acknowledged.map((answered, who) => answered - (kept(data, who) ?? 0))),
    refused: REQUESTS * rounds - sum(acknowledged),
  }
}
