/**
 * Sessions that are opened by a name.
 */

import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions, SessionError, SessionGoneError } from '../../lib/index.js'
import { storedData } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'

const CALL = { timeout: 1000 }

const nameKey = 'a secret that only the servers know'

interface Data {
  log?: string[]
  n?: number
  user?: { id?: number; name?: string }
}

forEachStore('a session with a name', (named, { create }) => {
  const store = create()
  const [one, two]: [Sessions<Data>, Sessions<Data>] = [
    createSessions<Data>({ store, nameKey }),
    createSessions<Data>({ store, nameKey }),
  ]
  let count = 0
  const newName = (): string => `chat:${++count}`

  async function openTwice(name = newName()): Promise<[Session<Data>, Session<Data>]> {
    return [await one.at(name), await two.at(name)]
  }

  named('is new at first, and found by its name from then on', async () => {
    const name = newName()
    const first = await one.at(name)
    assert.equal(first.isNew, true)
    first.data.n = 1
    assert.equal((await first.commit()).status, 'created')
    const later = await two.at(name)
    assert.equal(later.isNew, false)
    assert.deepEqual(later.data, { n: 1 })
    assert.equal(later.key, first.key)
    later.data.n = 2
    assert.equal((await later.commit()).status, 'updated')
    assert.deepEqual((await one.open(first.id))?.data, { n: 2 })
  })

  named('stores nothing as long as it holds nothing', async () => {
    const name = newName()
    assert.equal((await (await one.at(name)).commit()).status, 'unchanged')
    assert.equal((await two.at(name)).isNew, true)
  })

  named('is another one with another name or another secret', async () => {
    const name = newName()
    const others = createSessions<Data>({ store, nameKey: nameKey.toUpperCase() })
    const keys = [await one.at(name), await one.at(`${name} `), await others.at(name)]
    assert.equal(new Set(keys.map(({ key }) => key)).size, 3)
    assert.doesNotMatch(JSON.stringify(keys), /chat|secret/)
  })

  named('stored by two servers at once for the first time, keeps what both wrote', async () => {
    for (let trial = 0; trial < 20; trial++) {
      const both = await openTwice()
      for (const [index, { data }] of both.entries()) {
        ;(data.log ??= []).push(`from ${index}`)
        data.user ??= {}
        if (index === 0) data.user.id = 7
        else data.user.name = 'Ada'
      }
      const statuses = await Promise.all(both.map(async each => (await each.commit()).status))
      assert.deepEqual(statuses.sort(), ['created', 'updated'])
      for (const session of both) {
        assert.deepEqual(session.changes(), [])
        await session.reload()
        const { log, user } = session.data
        assert.deepEqual([...(log ?? [])].sort(), ['from 0', 'from 1'])
        assert.deepEqual(user, { id: 7, name: 'Ada' })
      }
    }
  })

  named('of 20 messages at once loses none', async () => {
    const name = newName()
    const done = Array.from({ length: 20 }, async (_, index) => {
      const session = await (index % 2 === 0 ? one : two).at(name)
      ;(session.data.log ??= []).push(`${index}`)
      await session.commit()
    })
    await Promise.all(done)
    assert.equal((await one.at(name)).data.log?.length, 20)
  })

  named('under stricter isolation refuses the second, until that has looked', async () => {
    for (const isolation of ['snapshot', 'serializable'] as const) {
      const strict = createSessions<Data>({ store, nameKey, isolation })
      const name = newName()
      const [first, second] = [await strict.at(name), await strict.at(name)]
      first.data.n = 1
      second.data.n = 2
      await first.commit()
      await assert.rejects(second.commit(), { name: 'ConflictError', paths: [['n']] })
      await assert.rejects(second.commit(), { name: 'ConflictError' })
      assert.equal(second.data.n, 2)
      await second.reload()
      assert.equal(second.data.n, 1)
      second.data.n = 3
      await second.commit()
      assert.deepEqual(await storedData(store, second.key), { n: 3 })
    }
  })

  named('that was not there shows by a reload what others have stored', async () => {
    const [first, second] = await openTwice()
    await second.reload()
    assert.equal(second.isNew, true)
    first.data.n = 1
    await first.commit()
    second.data.log = ['mine']
    await second.reload({ keepChanges: true })
    assert.deepEqual(second.data, { n: 1, log: ['mine'] })
    await second.reload()
    assert.deepEqual(second.data, { n: 1 })
  })

  named('destroyed and begun anew takes nothing of what was decided on the old one', async () => {
    const name = newName()
    const first = await one.at(name)
    first.data.n = 1
    await first.commit()
    const late = await two.at(name)
    await first.destroy()
    const before = await store.time(CALL)
    while ((await store.time(CALL)) <= before) await nextTurn()
    const anew = await one.at(name)
    assert.equal(anew.isNew, true)
    anew.data.log = ['new']
    await anew.commit()
    late.data.n = 2
    await assert.rejects(late.commit(), SessionGoneError)
    assert.deepEqual(await storedData(store, anew.key), { log: ['new'] })
  })

  named('goes on being counted where its numbers outgrow 32 bits', async () => {
    const session = await one.at(newName())
    session.data.n = 0
    await session.commit()
    for (let n = 1; n <= 40; n++) {
      session.data.n = n
      assert.equal((await session.commit()).attempts, 1)
    }
    assert.deepEqual(await storedData(store, session.key), { n: 40 })
  })

  named('cannot be rotated', async () => {
    const session = await one.at(newName())
    session.data.n = 1
    for (const commits of [true, false]) {
      await assert.rejects(session.rotateId(), { code: 'ERR_INVALID_ARGUMENT' })
      if (commits) await session.commit()
    }
    assert.deepEqual(await storedData(store, session.key), { n: 1 })
  })

  named('that does not fit the schema any more begins anew where that is asked for', async () => {
    const name = newName()
    const old = await one.at(name)
    old.data.log = ['a']
    await old.commit()
    const schema = z.object({ log: z.string().optional(), n: z.number().optional() })
    const sessions = createSessions({ store, nameKey, schema, onInvalid: 'new' })
    const session = await sessions.at(name)
    assert.deepEqual([session.isNew, session.data], [true, {}])
    session.data.n = 1
    await session.commit()
    assert.deepEqual(await storedData(store, session.key), { n: 1 })
  })

  named('needs a secret, and a name', async () => {
    const none = createSessions<Data>({ store })
    await assert.rejects(none.at('chat:1'), { code: 'ERR_INVALID_OPTION', message: /nameKey/ })
    for (const name of ['', undefined, 7, {}]) {
      await assert.rejects(one.at(name as string), { code: 'ERR_INVALID_ARGUMENT' })
    }
    for (const bad of ['short', 7, '', new Uint8Array(32)]) {
      assert.throws(
        () => createSessions({ store, nameKey: bad as string }),
        (error: unknown) =>
          error instanceof SessionError &&
          error.code === 'ERR_INVALID_OPTION' &&
          /nameKey/.test(error.message),
      )
    }
  })

  named('that was destroyed refuses what comes late', async () => {
    const [first, second] = await openTwice()
    first.data.n = 1
    await first.commit()
    await second.reload()
    await first.destroy()
    second.data.n = 2
    await assert.rejects(second.commit(), SessionGoneError)
  })
})
