/**
 * A small shop. Its handlers change the session like a plain object, and do not know who keeps it.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Express, Request } from 'express'

/** One line of a cart. */
export interface CartLine {
  item: string
  price: number
  quantity: number
}

/** What the shop keeps in a session. */
export interface ShopSession {
  cart?: CartLine[] | undefined
  views?: Record<string, number> | undefined
}

/** The goods and their prices. */
export const goods: ReadonlyMap<string, number> = new Map([
  ['Tea', 4],
  ['Coffee', 7],
  ['Cups', 12],
  ['Kettle', 35],
])

/**
 * Adds the shop's routes to `app`.
 *
 * @param sessionOf Gives the session of a request: dotset's or express-session's.
 * @param afterChange Is called when a handler has changed the session, before it responds.
 */
export function openShop(
  app: Express,
  sessionOf: (request: Request) => ShopSession,
  afterChange: (request: Request) => Promise<void> = async () => undefined,
): void {
  app.post('/cart', async (request, response) => {
    const item = fieldOf(request, 'item')
    const session = sessionOf(request)
    // Prices come from another service, so requests of one browser overlap.
    const price = await priceOf(item)
    const cart = (session.cart ??= [])
    const line = cart.find(each => each.item === item)
    if (line === undefined) cart.push({ item, price, quantity: 1 })
    else line.quantity++
    await afterChange(request)
    response.redirect(303, '/')
  })

  app.post('/cart/remove', async (request, response) => {
    const item = fieldOf(request, 'item')
    const session = sessionOf(request)
    session.cart = session.cart?.filter(line => line.item !== item)
    await afterChange(request)
    response.redirect(303, '/')
  })

  app.get('/goods/:item', (request, response) => {
    const { item } = request.params
    if (!goods.has(item)) return void response.sendStatus(404)
    const session = sessionOf(request)
    const views = (session.views ??= {})
    views[item] = (views[item] ?? 0) + 1
    response.json({ item, price: goods.get(item), views: views[item] })
  })

  app.get('/cart', (request, response) => {
    response.json(sessionOf(request).cart ?? [])
  })
}

/** A field of a form. Anything can come. */
export function fieldOf(request: Request, name: string): string {
  return String((request.body as Record<string, unknown> | undefined)?.[name] ?? '')
}

async function priceOf(item: string): Promise<number> {
  await wait(10 + Math.random() * 10)
  return goods.get(item) ?? 1
}
