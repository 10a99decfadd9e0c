import assert from 'node:assert/strict'
import type { Sessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { nameOf, observing } from '../support/observing.js'
import type { Data } from '../support/operations.js'
import { createServers, createStored, openAll, openOn, storedData } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'

const who = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

forEachStore('many servers at once', (many, { name, create }) => {
  const kinds: [title: string, change: (data: Data, server: number) => void][] = [
    [
      'each its own attribute',
      (data, server) => {
        data[`own${server}`] = { server }
      },
    ],
    ['each an append', (data, server) => void data.log.push(server)],
    [
      'each its own element',
      (data, server) => {
        data.items.find(({ id }: Data) => id === server).by = server
      },
    ],
    [
      'each a page of views that nobody had counted before',
      (data, server) => {
        if (!data.views) data.views = {}
        data.views[`page${server}`] = (data.views[`page${server}`] ?? 0) + 1
      },
    ],
    [
      'each an element that leaves',
      (data, server) => {
        data.items = data.items.filter(({ id }: Data) => id !== server)
      },
    ],
    [
      'all of that',
      (data, server) => {
        for (const [, change] of kinds.slice(0, 5)) change(data, server)
      },
    ],
  ]

  for (const [title, change] of kinds) {
    many(`40 that write ${title}: nothing is lost, and nothing refused`, async () => {
      const store = create()
      const servers = createServers(store, 40)
      const data = { log: [], items: [...who(40), 99].map(id => ({ id })) }
      const { id, key } = await createStored(servers[0] as Sessions<Data>, data)
      const sessions = await openAll(servers, id)
      for (const [server, session] of sessions.entries()) change(session.data, server)
      const commits = await Promise.all(sessions.map(session => session.commit()))
      assert.deepEqual(
        commits.filter(({ status }) => status !== 'updated'),
        [],
      )
      const stored = await storedData(store, key)
      const expected: Data = structuredClone(data)
      for (const server of who(40)) change(expected, server)
      const isAll = title === 'all of that'
      assert.deepEqual(stored.log.sort(byNumber), expected.log)
      assert.deepEqual(stored.views, expected.views)
      for (const server of who(40)) {
        assert.deepEqual(stored[`own${server}`], expected[`own${server}`])
      }
      assert.deepEqual(stored.items, expected.items)
      if (!isAll) return
      // Each has seen its own changes accepted, and all see the same.
      await Promise.all(sessions.map(session => session.reload()))
      for (const session of sessions) assert.deepEqual(session.changes(), [])
    })
  }

  many('12 that write each its own attribute need 12 attempts', async () => {
    const store = create()
    const servers = createServers(store, 12)
    const { id } = await createStored(servers[0] as Sessions<Data>, { n: 1 })
    const sessions = await openAll(servers, id)
    const commits = await Promise.all(
      sessions.map((session, server) => {
        session.data[`own${server}`] = { server }
        return session.commit()
      }),
    )
    assert.deepEqual(
      commits.map(({ attempts }) => attempts),
      who(12).map(() => 1),
    )
  })

  if (name === 'MongoDB') {
    many('12 that write each its own attribute are 12 updates, and nothing is loaded', async () => {
      await observing({}, async ({ collection, commands }) => {
        const servers = createServers(mongoStore(collection, { indexes: false }), 12)
        const { id } = await createStored(servers[0] as Sessions<Data>, { n: 1 })
        const sessions = await openAll(servers, id)
        commands.length = 0
        await Promise.all(
          sessions.map((session, server) => {
            session.data[`own${server}`] = server
            return session.commit()
          }),
        )
        const updates = commands.flatMap(command => command.updates ?? [])
        assert.ok(commands.every(command => nameOf(command) === 'update'))
        assert.equal(updates.length, 12)
      })
    })

    many('a counter that each reads and writes in one call counts all', async () => {
      const store = create()
      const servers = createServers(store, 10)
      const { id, key } = await createStored(servers[0] as Sessions<Data>, { n: 0 })
      await Promise.all(servers.map(server => server.update(id, data => void data.n++)))
      assert.equal((await storedData(store, key)).n, 10)
    })
  }

  many('a session that was open all the while is rebased over all of them', async () => {
    const store = create()
    const servers = createServers(store, 2) as [Sessions<Data>, Sessions<Data>]
    const { id, key } = await createStored(servers[0], { log: ['first'], user: { id: 1 } })
    const stale = await openOn(servers[1], id)
    const other = await openOn(servers[0], id)
    for (const count of who(60)) {
      other.data.log.unshift(`other ${count}`)
      await other.commit()
    }
    stale.data.log.push('stale')
    stale.data.user.name = 'Ada'
    const { superseded } = await stale.commit()
    assert.deepEqual(superseded, [])
    const { log, user } = await storedData(store, key)
    assert.deepEqual(log.slice(-2), ['first', 'stale'])
    assert.equal(log.length, 62)
    assert.deepEqual(user, { id: 1, name: 'Ada' })
  })
})

const byNumber = (a: number, b: number): number => a - b
