import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Session, Sessions } from '../../lib/index.js'
import { ConflictError, SessionGoneError, StoreError } from '../../lib/index.js'
import { keyOf } from '../../lib/open/identity.js'
import type { Data } from '../support/operations.js'
import {
  createServers,
  createStored,
  documentOf,
  intercepted,
  openAll,
  openOn,
  storedData,
} from '../support/servers.js'
import { forEachStore } from '../support/stores.js'

const gone = { name: 'SessionGoneError' }

forEachStore('rotation', (rotation, { create }) => {
  const store = create()
  const [one, two] = createServers(store, 2) as [Sessions<Data>, Sessions<Data>]

  async function openTwice(): Promise<[Session<Data>, Session<Data>]> {
    const { id } = await createStored(one, { user: { id: 7 }, n: 0 })
    return (await openAll([one, two], id)) as [Session<Data>, Session<Data>]
  }

  /** The keys of all live sessions of the user. */
  async function liveKeys(server: Sessions<Data>, user = 7): Promise<string[]> {
    const keys: string[] = []
    for await (const { key } of server.list({ 'user.id': user })) keys.push(key)
    return keys
  }

  /** A server of its own, over a store whose `retire` or `insert` is intercepted. */
  const serverOver = (hooks: Parameters<typeof intercepted>[1], deadline = 1000): Sessions<Data> =>
    createServers(intercepted(store, hooks), 1, { deadline })[0] as Sessions<Data>

  rotation('of two at once, one wins, and the other one leaves nothing', async () => {
    for (let trial = 0; trial < 20; trial++) {
      const user = 1000 + trial
      const { id } = await createStored(one, { user: { id: user } })
      const sessions = await openAll([one, two], id)
      const results = await Promise.allSettled(sessions.map(session => session.rotateId()))
      const [winner, loser] =
        results[0]?.status === 'fulfilled' ? [0, 1] : ([1, 0] as [number, number])
      assert.equal(results[winner]?.status, 'fulfilled')
      assert.ok((results[loser] as PromiseRejectedResult).reason instanceof SessionGoneError)
      assert.deepEqual(await liveKeys(one, user), [sessions[winner]?.key])
    }
  })

  rotation('a late commit with the old id is refused, and nothing of it is stored', async () => {
    const [mine, late] = await openTwice()
    late.data.n = 1
    late.data.user.name = 'Eve'
    await mine.rotateId()
    await assert.rejects(late.commit(), gone)
    await assert.rejects(late.commit(), gone)
    assert.deepEqual(await storedData(store, mine.key), { user: { id: 7 }, n: 0 })
    assert.equal(late.data.n, 1)
    await mine.destroy()
  })

  rotation('a commit that came before is in the new session', async () => {
    const [mine, other] = await openTwice()
    mine.data.user.name = 'Ada'
    other.data.n = 1
    await other.commit()
    await mine.rotateId()
    assert.deepEqual(await storedData(store, mine.key), { user: { id: 7, name: 'Ada' }, n: 1 })
    assert.deepEqual(mine.data, { user: { id: 7, name: 'Ada' }, n: 1 })
    assert.deepEqual(mine.changes(), [])
    await mine.destroy()
  })

  rotation('a commit between its two steps is not lost', async () => {
    const [, other] = await openTwice()
    let isFirst = true
    const server = serverOver({
      async retire(proceed) {
        if (isFirst) {
          isFirst = false
          other.data.n = 1
          await other.commit()
        }
        return proceed()
      },
    })
    const mine = await openOn(server, other.id)
    mine.data.user.name = 'Ada'
    await mine.rotateId()
    assert.deepEqual(await storedData(store, mine.key), { user: { id: 7, name: 'Ada' }, n: 1 })
    assert.deepEqual(await liveKeys(one), [mine.key])
    await mine.destroy()
  })

  rotation(
    'a crash between its two steps leaves the old session, and one that nobody knows',
    async () => {
      const [old] = await openTwice()
      const inserted: string[] = []
      const server = serverOver({
        async insert(proceed, document) {
          await proceed()
          inserted.push(document.key)
          throw new StoreError('store the session', 'the process ended', { uncertain: false })
        },
      })
      const mine = await openOn(server, old.id)
      await assert.rejects(mine.rotateId(), StoreError)
      // Nobody was told the id of the new document, and no id leads to a key that is not its hash.
      assert.equal(mine.id, old.id)
      assert.equal(mine.key, keyOf(old.id))
      assert.equal(inserted.length, 1)
      assert.ok(!inserted.includes(mine.key))
      // It expires as any other.
      const orphan = await documentOf(store, inserted[0] as string)
      assert.ok(orphan?.expiresAt instanceof Date)
      // The old session is what it was, and can be rotated again.
      old.data.n = 1
      await old.commit()
      await old.rotateId()
      assert.deepEqual(await storedData(store, old.key), { user: { id: 7 }, n: 1 })
      assert.equal(await one.destroyWhere({ 'user.id': 7 }), 2)
    },
  )

  for (const step of ['insert', 'retire'] as const) {
    rotation(`who logs a user out everywhere wins, before the new session's ${step}`, async () => {
      const [old] = await openTwice()
      let destroyed = 0
      const server = serverOver({
        async [step](proceed: () => unknown) {
          destroyed += await one.destroyWhere({ 'user.id': 7 })
          return proceed()
        },
      })
      const mine = await openOn(server, old.id)
      await assert.rejects(mine.rotateId(), gone)
      assert.equal(destroyed, step === 'insert' ? 1 : 2)
      assert.deepEqual(await liveKeys(one), [])
      assert.equal(await one.open(old.id), null)
      assert.equal(await one.open(mine.id), null)
    })
  }

  rotation('a session that is destroyed between its two steps stays destroyed', async () => {
    const [old] = await openTwice()
    const server = serverOver({
      async retire(proceed) {
        assert.ok(await one.destroy(old.id))
        return proceed()
      },
    })
    const mine = await openOn(server, old.id)
    await assert.rejects(mine.rotateId(), gone)
    assert.deepEqual(await liveKeys(one), [])
    assert.equal(await one.open(mine.id), null)
  })

  rotation(
    'one that others never let finish is a conflict, and everything is as before',
    async () => {
      const [old, other] = await openTwice()
      // After the third of such attempts there is no time for another one.
      const server = serverOver(
        {
          async load(proceed) {
            await wait(600)
            return proceed()
          },
          async retire(proceed) {
            await wait(600)
            other.data.n++
            await other.commit()
            return proceed()
          },
        },
        4500,
      )
      const mine = await openOn(server, old.id)
      mine.data.user.name = 'Ada'
      await assert.rejects(mine.rotateId(), error => {
        assert.ok(error instanceof ConflictError, String(error))
        assert.deepEqual(error.paths, [['user', 'name']])
        return true
      })
      assert.deepEqual(await liveKeys(one), [mine.key])
      assert.deepEqual(mine.changes(), [{ op: 'set', path: ['user', 'name'], value: 'Ada' }])
      await mine.destroy()
    },
  )

  rotation(
    'an old id opens an empty session, of which nothing is stored but a new login',
    async () => {
      const [mine] = await openTwice()
      const oldId = mine.id
      await mine.rotateId()
      const late = await openOn(two, oldId)
      assert.equal(Object.keys(late.data).length, 0)
      assert.equal((await late.commit()).status, 'gone')
      late.data.n = 1
      await assert.rejects(late.commit(), gone)
      late.clear()
      late.data.user = { id: 8 }
      await late.rotateId()
      await late.commit()
      assert.deepEqual(await storedData(store, late.key), { user: { id: 8 } })
      assert.deepEqual(await storedData(store, mine.key), { user: { id: 7 }, n: 0 })
      assert.equal(await documentOf(store, keyOf(oldId)).then(each => each?.data), undefined)
      await Promise.all([mine.destroy(), late.destroy()])
    },
  )

  rotation('neither a touch nor a commit nor a destroyed copy brings an old id back', async () => {
    const [mine, late] = await openTwice()
    const oldKey = mine.key
    await mine.rotateId()
    late.touch()
    await late.commit()
    await late.destroy()
    late.data.n = 5
    await assert.rejects(late.commit(), gone)
    const mark = await documentOf(store, oldKey)
    assert.ok(mark === undefined || (mark.data === undefined && mark.rev === undefined))
    assert.deepEqual(await storedData(store, mine.key), { user: { id: 7 }, n: 0 })
    await mine.destroy()
    assert.deepEqual(await liveKeys(one), [])
  })
})
