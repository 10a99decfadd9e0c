import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Commit, Session, Sessions } from '../../lib/index.js'
import { canonical } from '../support/canonical.js'
import type { Data } from '../support/operations.js'
import { furtherOperations, operations, start } from '../support/operations.js'
import { holds } from '../support/property.js'
import { isSerial, operationOf } from '../support/serial.js'
import { createServers, createStored, openAll, storedData } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'
import { assertTold } from '../support/told.js'

/** The operations by the attribute that they are about; those of hostile attributes have several. */
const byAttribute = new Map<string, string[]>()
for (const name of [...Object.keys(operations), ...Object.keys(furtherOperations)]) {
  const changed = start()
  operationOf(name)(changed, 1)
  const names = new Set([...Object.keys(start()), ...Object.keys(changed)])
  const [attribute, ...others] = [...names].filter(each => {
    return canonical(changed[each] ?? null) !== canonical(start()[each] ?? null)
  })
  if (attribute === undefined || others.length > 0 || attribute.startsWith('$')) continue
  byAttribute.set(attribute, [...(byAttribute.get(attribute) ?? []), name])
}

/**
 * What one server does: one operation, or none, for each attribute.
 *
 * @param isOne Which operations there are.
 */
const commitOf = (
  isOne: (operation: string) => boolean,
): fc.Arbitrary<Record<string, string | undefined>> =>
  fc.record(
    Object.fromEntries(
      Array.from(byAttribute, ([attribute, names]) => [
        attribute,
        fc.option(fc.constantFrom(...names.filter(isOne)), { nil: undefined }),
      ]),
    ),
  )

/**
 * By number of servers. Of three, two may remove an element and replace another one; nobody can tell then
 * which of those that are gone made room for the new one, and where a third that sorts would have it.
 */
const commitsOf: Record<number, fc.Arbitrary<Record<string, string | undefined>>> = {
  2: commitOf(() => true),
  3: commitOf(operation => operation in operations),
}

forEachStore('commits of several operations', (several, { name, create }) => {
  const store = create()
  const servers = createServers(store, 3)

  several('there are some for each of seven attributes', () => {
    assert.deepEqual([...byAttribute.keys()].sort(), [
      ...['cart', 'extra', 'log', 'n', 'tags', 'user', 'views'],
    ])
    assert.equal((byAttribute.get('cart')?.length ?? 0) > 12, true)
  })

  for (const count of [2, 3]) {
    several(
      `of ${count} servers leave in each attribute what some order leaves there`,
      async () => {
        const commit = commitsOf[count] as (typeof commitsOf)[number]
        const commits = fc.array(commit, { minLength: count, maxLength: count })
        await holds(
          fc.asyncProperty(commits, fc.boolean(), async (commits, atOnce) => {
            const { id, key } = await createStored(servers[0] as Sessions<Data>, start())
            const open = await openAll(servers.slice(0, count), id)
            const change = (session: Session<Data>, who: number): void => {
              for (const each of Object.values(commits[who] ?? {})) {
                if (each !== undefined) operationOf(each)(session.data, who + 1)
              }
            }
            if (atOnce) {
              for (const [who, session] of open.entries()) change(session, who)
              await Promise.all(open.map(session => session.commit()))
            } else {
              for (const [who, session] of open.entries()) {
                change(session, who)
                const changes = session.changes()
                const told: Commit = await session.commit()
                assertTold(told, changes, await storedData(store, key))
              }
            }
            const stored = await storedData(store, key)
            for (const attribute of byAttribute.keys()) {
              const names = commits.map(each => each[attribute])
              const text = `${attribute}: ${names.join(', ')}: ${canonical(stored[attribute] ?? null)}`
              assert.equal(isSerial(stored, names, attribute), true, text)
            }
            for (const session of open) {
              await session.reload()
              assert.equal(canonical(session.data), canonical(stored))
            }
          }),
          name === 'embedded' ? 400 : 40,
        )
      },
    )
  }
})
