/**
 * Opening a session from its bytes, and reading of it.
 */

import { equal } from 'node:assert/strict'
import { deserialize, serialize } from 'bson'
import type { SessionData } from '../save/sessions.js'
import type { AsyncWork } from '../support/asynchronous.js'
import { createSessions } from '../support/built.js'
import { ANY_ID, standingStore } from '../support/store.js'

export const ONE = 'dotset: open, read one attribute'
export const ALL = 'dotset: open, read everything'
export const DRIVER = 'the driver: decode the document'

/** The contenders for a session of `data`. */
export async function contenders(data: SessionData): Promise<AsyncWork[]> {
  const store = standingStore(data)
  const bytes = (await store.load(ANY_ID, { timeout: 1000 }))?.bytes ?? serialize({})
  const sessions = createSessions<SessionData>({ store })
  const works: AsyncWork[] = [
    {
      name: ONE,
      async run() {
        return (await sessions.open(ANY_ID))?.data.user.id
      },
    },
    {
      name: ALL,
      async run() {
        const session = await sessions.open(ANY_ID)
        if (session === null) return undefined
        let sum = session.data.user.id
        for (const { quantity } of session.data.cart) sum += quantity
        for (const { rating } of session.data.history) sum += rating
        return sum > 0 ? 7 : 0
      },
    },
    { name: DRIVER, run: () => deserialize(bytes).data.user.id },
  ]
  for (const work of works) equal(await work.run(), 7, `${work.name} is wrong`)
  return works
}
