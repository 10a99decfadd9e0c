import assert from 'node:assert/strict'
import type { Commit, Session, Sessions, Store } from '../../lib/index.js'
import { canonical } from '../support/canonical.js'
import type { Data } from '../support/operations.js'
import { furtherOperations, operations, start } from '../support/operations.js'
import { isSerial, operationOf } from '../support/serial.js'
import { createServers, createStored, openAll, storedData } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'
import { assertTold } from '../support/told.js'

forEachStore('two servers that change one session', (pairs, { name, create }) => {
  const store = create()
  const servers = createServers(store, 2)
  const names = Object.keys(operations)
  // MongoDB has each pair of those that requests do; the embedded store is fast enough for more.
  const all = name === 'embedded' ? [...names, ...Object.keys(furtherOperations)] : names

  const apart = [
    ['leaf', 'deep leaf'],
    ['leaf', 'new key'],
    ['leaf', 'scalar'],
    ['push', 'push'],
    ['push', 'two index writes'],
    ['two index writes', 'push'],
    ['two index writes', 'append in an element'],
    ['change and push', 'append in an element'],
    ['scalar element', 'scalar append'],
    ['splice', 'leaf'],
    ['whole object', 'push'],
    ['new attribute', 'object container'],
    ['object container', 'object container'],
    ['array container', 'array container'],
  ] as const

  for (const [first, second] of apart) {
    pairs(`"${second}" after "${first}" needs one attempt`, async () => {
      const { attempts } = await changeInTurn(store, servers, first, second)
      assert.equal(attempts, 1)
    })
  }

  for (const first of all) {
    pairs(`"${first}" and then any other end as in one order or the other`, async () => {
      await Promise.all(all.map(second => changeInTurn(store, servers, first, second)))
    })
  }
})

/** Both open a session, one changes it and commits, and then the other does. */
async function changeInTurn(
  store: Store,
  servers: readonly Sessions<Data>[],
  first: string,
  second: string,
): Promise<Commit> {
  const { id, key } = await createStored(servers[0] as Sessions<Data>, start())
  const [one, two] = (await openAll(servers, id)) as [Session<Data>, Session<Data>]
  operationOf(first)(one.data, 1)
  await one.commit()
  operationOf(second)(two.data, 2)
  const mine = canonical(two.data)
  const changes = two.changes()
  const commit = await two.commit()
  const stored = await storedData(store, key)
  const title = `${first}, ${second}: ${canonical(stored)}`
  assert.ok(isSerial(stored, [first, second]), title)
  assertTold(commit, changes, stored)
  // A commit that was sent once saw nothing of what the other did.
  const sent = commit.modifications.length > 0 ? 1 : 0
  assert.equal(canonical(two.data), commit.attempts > sent ? canonical(stored) : mine, title)
  for (const session of [one, two]) {
    assert.deepEqual(session.changes(), [], title)
    await session.reload()
    assert.equal(canonical(session.data), canonical(stored), title)
    assert.deepEqual(session.changes(), [], title)
  }
  return commit
}
