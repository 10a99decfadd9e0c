/**
 * A browser that does not wait: eight requests of one session at a time.
 */

import type { RunningShop } from './servers.js'
import type { CartLine } from './shop.js'

/** What became of the requests. */
export interface Outcome {
  /** How many requests were answered as if all were well. */
  readonly acknowledged: number
  /** How many of those are not in the cart. */
  readonly lost: number
  /** How many were answered with an error. */
  readonly refused: number
  readonly writes: number
  readonly bytes: number
}

/** Puts `rounds` times eight different goods into one cart, eight at the same time. */
export async function race(shop: RunningShop, rounds: number): Promise<Outcome> {
  const cookie = await firstVisit(shop)
  const before = { ...shop.traffic }
  const acknowledged: string[] = []
  let refused = 0
  for (let round = 1; round <= rounds; round++) {
    await Promise.all(
      Array.from({ length: 8 }, async (_, number) => {
        const item = `Tea ${round}.${number + 1}`
        const { status } = await request(shop, '/cart', cookie, item)
        if (status === 303) acknowledged.push(item)
        else refused++
      }),
    )
  }
  const cart = (await (await request(shop, '/cart', cookie)).json()) as CartLine[]
  const kept = new Set(cart.map(line => line.item))
  return {
    acknowledged: acknowledged.length,
    lost: acknowledged.filter(item => !kept.has(item)).length,
    refused,
    writes: shop.traffic.writes - before.writes,
    bytes: shop.traffic.bytes - before.bytes,
  }
}

/** Begins a session, and gives its cookie. */
async function firstVisit(shop: RunningShop): Promise<string> {
  const { headers, status } = await request(shop, '/goods/Tea', '')
  if (status !== 200) throw new Error(`Cannot begin a session of ${shop.name}: status ${status}`)
  return headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

function request(
  shop: RunningShop,
  path: string,
  cookie: string,
  item?: string,
): Promise<Response> {
  const post = { method: 'POST', body: new URLSearchParams({ item: item ?? '' }) }
  return fetch(shop.url + path, {
    ...(item !== undefined && post),
    headers: { cookie },
    redirect: 'manual',
  })
}
