/**
 * What an open session holds, in bytes: one of its attributes was read, and one number changed.
 */

import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { serialize } from 'bson'
import type { Session } from '../../lib/index.js'
import type { SessionData, Size } from '../save/sessions.js'
import { createData, IN_CART, SIZES } from '../save/sessions.js'
import { createSessions } from '../support/built.js'
import { ANY_ID, standingStore } from '../support/store.js'

/** The bytes that each session holds, as a multiple of its raw bytes. */
export async function measureMemory(size: Size): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const data = createData(size)
  const raw = serialize(data).length
  const standing = standingStore(data)
  // A driver gives each load bytes of its own.
  const sessions = createSessions<SessionData>({
    store: {
      ...standing,
      async load(key, options) {
        const loaded = await standing.load(key, options)
        return loaded && { ...loaded, bytes: Uint8Array.prototype.slice.call(loaded.bytes) }
      },
    },
  })
  const count = Math.min(2000, Math.max(20, Math.round(4e7 / SIZES[size])))
  const open = async (): Promise<Session<SessionData>> => {
    const session = (await sessions.open(ANY_ID)) as Session<SessionData>
    IN_CART.increase(session.data)
    return session
  }
  for (let warm = 0; warm < 20; warm++) await open()
  const settled = async (): Promise<number> => {
    for (let round = 0; round < 3; round++) {
      collect()
      await turn()
    }
    // External memory includes that of array buffers.
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = await settled()
  const held = []
  for (let index = 0; index < count; index++) held.push(await open())
  const bytes = ((await settled()) - before) / held.length
  return bytes / raw
}
