import assert from 'node:assert/strict'
import { suite } from 'uvu'
import type { Sessions, Store } from '../../lib/index.js'
import { memoryStore } from '../../lib/index.js'
import { canonical } from '../support/canonical.js'
import type { Data } from '../support/operations.js'
import { operations, start } from '../support/operations.js'
import { isSerial, operationOf } from '../support/serial.js'
import { createServers, createStored, openAll, storedData } from '../support/servers.js'

const triples = suite('three servers that change one session')
const names = Object.keys(operations)

for (const first of names) {
  triples(`"${first}" and then any two others end as in some order`, async () => {
    const store = memoryStore()
    const servers = createServers(store, 3)
    for (const second of names) {
      await Promise.all(names.map(third => changeInTurn(store, servers, [first, second, third])))
    }
  })
}

/** All open a session; then one after another changes it and commits. */
async function changeInTurn(
  store: Store,
  servers: readonly Sessions<Data>[],
  order: readonly string[],
): Promise<void> {
  const { id, key } = await createStored(servers[0] as Sessions<Data>, start())
  const sessions = await openAll(servers, id)
  for (const [index, session] of sessions.entries()) {
    operationOf(order[index] as string)(session.data, index + 1)
    await session.commit()
  }
  const stored = await storedData(store, key)
  assert.ok(isSerial(stored, order), `${order.join(', ')}: ${canonical(stored)}`)
}

triples.run()
