/**
 * The sessions that are saved: much that is kept for later, and the little that a request touches.
 */

import { calculateObjectSize } from 'bson'

/** What one session holds. */
export interface SessionData {
  user: { id: number; name: string; email: string }
  cart: { sku: string; title: string; quantity: number; price: number }[]
  history: { id: number; title: string; url: string; rating: number; at: Date }[]
}

/** One number of a session, and how it is reached. */
export interface Place {
  /** Its path in the session, as MongoDB writes it. */
  readonly path: string
  /** Adds 1 to it. */
  increase(data: SessionData): void
  /** What it is. */
  read(data: SessionData): number
}

/** Sizes of sessions in bytes of BSON, by name. */
export const SIZES = {
  '1 KB': 1000,
  '10 KB': 10_000,
  '100 KB': 100_000,
  '1 MB': 1_000_000,
} as const

/** The name of a size. */
export type Size = keyof typeof SIZES

/** Creates a session of about `size`. Its history is what makes it large. */
export function createData(size: Size): SessionData {
  const data: SessionData = {
    user: { id: 7, name: 'Ada Lovelace', email: 'ada@example.org' },
    cart: [0, 1, 2].map(index => {
      return { sku: `sku-${index}`, title: `item ${index}`, quantity: 1, price: 9.5 + index }
    }),
    history: [],
  }
  const visit = (id: number): SessionData['history'][number] => {
    const at = new Date(Date.UTC(2026, 0, 1) + id * 60_000)
    return { id, title: `page number ${id}`, url: `/pages/${id}`, rating: 3, at }
  }
  const room = SIZES[size] - calculateObjectSize(data)
  const length = Math.floor(room / calculateObjectSize({ 1000: visit(1000) }))
  data.history = Array.from({ length }, (_, id) => visit(id))
  return data
}

/** A number in a small attribute: the history is not touched. */
export const IN_CART: Place = {
  path: 'cart.1.quantity',
  increase: ({ cart }) => {
    const [, item] = cart
    if (item !== undefined) item.quantity++
  },
  read: ({ cart }) => cart[1]?.quantity ?? Number.NaN,
}

/** A number of the attribute that makes the session large. */
export const IN_HISTORY: Place = {
  path: 'history.3.rating',
  increase: ({ history }) => {
    const visit = history[3]
    if (visit !== undefined) visit.rating++
  },
  read: ({ history }) => history[3]?.rating ?? Number.NaN,
}
