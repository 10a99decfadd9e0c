/**
 * A network that is slow, stands still or delivers twice, and a process that stands still itself.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Collection, Document, MongoClientOptions } from 'mongodb'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions, UncertainCommitError } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { closeMongo, freshCollection, mongoClient, mongoUri } from '../support/stores.js'
import type { Ledger } from './history.js'
import { check, emptyLedger, History } from './history.js'
import type { Network } from './network.js'
import { startNetworkBefore } from './network.js'
import { serve } from './request.js'
import { attempt, calmly, figures, PATIENCE } from './trial.js'

interface Data {
  log: string[]
  n: number
}

const DEADLINE = 900

const test = suite('a slow network')
const mongo = mongoUri === '' ? test.skip : test
test.after(closeMongo)

interface Rig<T extends object> {
  readonly network: Network
  readonly client: MongoClient
  readonly sessions: Sessions<T>
  /** The same collection over a network without faults. */
  readonly stored: Collection<Document & { _id: string }>
}

/** Runs `work` with a network, and a client of it. */
async function withNetwork<T extends object = Data>(
  work: (rig: Rig<T>) => Promise<void>,
  { deadline = DEADLINE, ...options }: MongoClientOptions & { deadline?: number } = {},
): Promise<void> {
  const network = await startNetworkBefore(mongoUri)
  const client = new MongoClient(network.uri, options)
  const { dbName, collectionName } = freshCollection()
  const store = mongoStore(client.db(dbName).collection(collectionName), { indexes: false })
  const sessions = createSessions<T>({ store, deadline })
  const stored: Rig<T>['stored'] = mongoClient().db(dbName).collection(collectionName)
  try {
    await work({ network, client, sessions, stored })
  } finally {
    // The client takes leave of the server, and would wait for an answer.
    await network.close()
    await client.close()
  }
}

/** A session that was stored in good weather, by whoever has the time. */
async function create({ stored, sessions }: Rig<Data>): Promise<Session<Data>> {
  const store = mongoStore(stored as never, { indexes: false })
  const patient = createSessions<Data>({ store, deadline: PATIENCE })
  const session = patient.create({ log: [], n: 0 })
  await session.commit()
  return (await calmly(() => sessions.open(session.id))) as Session<Data>
}

const WRITES = new Set(['insert', 'update', 'delete'])

mongo('each write that is delivered twice is done once', () =>
  withNetwork(
    async rig => {
      const { network, sessions, stored } = rig
      let twice = 0
      network.weather = {
        request({ command }) {
          if (!WRITES.has(command)) return 'deliver'
          twice++
          return 'twice'
        },
      }
      const session = sessions.create({ log: [], n: 0 })
      assert.equal((await session.commit()).status, 'created')
      for (let n = 1; n <= 20; n++) {
        session.data.log.push(`entry ${n}`)
        await session.commit()
        await sessions.update(session.id, data => void data.n++)
      }
      const { data, rev } = (await stored.findOne({ _id: session.key })) as Document
      assert.deepEqual([data.log.length, data.n, rev], [20, 20, 41])
      await session.reload()
      await session.rotateId()
      assert.equal(session.data.n, 20)
      assert.equal(await sessions.destroy(session.id), true)
      assert.ok(twice >= 1 + 40 + 2 + 1)
    },
    { deadline: PATIENCE },
  ),
)

mongo('a slow network keeps the order of commits, and loses none', () =>
  withNetwork<Ledger>(
    async ({ network, sessions }) => {
      const ids: string[] = []
      for (let n = 0; n < 3; n++) {
        const session = sessions.create(emptyLedger())
        await session.commit()
        ids.push(session.id)
      }
      let seed = 1
      const jitter = (): Promise<void> => {
        seed = (seed * 48271) % 2147483647
        return wait(2 + (seed % 40))
      }
      network.weather = { request: jitter, reply: jitter }
      const history = new History()
      const requests = async (name: string): Promise<void> => {
        for (let n = 0; n < 10; n++) {
          const id = ids[n % ids.length] as string
          const request = { sessions, history, id, tag: `${name}.${n}`, deadline: PATIENCE }
          for (const { late } of await serve(request)) assert.equal(late, 0)
        }
      }
      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(requests))
      network.weather = {}
      const stored = new Map<string, Ledger | undefined>()
      for (const id of ids) stored.set(id, (await sessions.open(id))?.data)
      assert.deepEqual(
        check(history.operations, id => stored.get(id)),
        [],
      )
      assert.ok(history.operations.every(({ outcome }) => outcome === 'ok'))
    },
    { deadline: PATIENCE },
  ),
)

mongo('a network that stands still for a while keeps a commit waiting, no more', () =>
  withNetwork(
    async rig => {
      const session = await create(rig)
      session.data.log.push('entry')
      const pause = wait(700)
      rig.network.weather = { request: () => pause, reply: () => pause }
      assert.equal((await session.commit()).status, 'updated')
      const { data } = (await rig.stored.findOne({ _id: session.key })) as Document
      assert.deepEqual(data.log, ['entry'])
    },
    { deadline: 6000 },
  ),
)

mongo('what comes through after its caller was told that nobody can tell is done once', () =>
  withNetwork(async rig => {
    const { network, stored } = rig
    const session = await create(rig)
    session.data.log.push('entry')
    let release = (): void => undefined
    const held = new Promise<void>(resolve => (release = resolve))
    let attempts = 0
    let arrived = 0
    network.weather = {
      request({ command }) {
        if (command !== 'update') return 'deliver'
        attempts++
        return held
      },
      reply: (_reply, request) => {
        if (request?.command === 'update') arrived++
        return 'deliver'
      },
    }
    const { outcome, error, late } = await attempt(DEADLINE, () => session.commit())
    assert.deepEqual([outcome, late], ['unknown', 0])
    assert.ok(error instanceof UncertainCommitError)
    assert.equal((await stored.findOne({ _id: session.key }))?.rev, 1)
    release()
    while (arrived < attempts) await wait(5)
    assert.ok(attempts >= 2)
    const { data, rev } = (await stored.findOne({ _id: session.key })) as Document
    assert.deepEqual([data.log, rev], [['entry'], 2])
    // Whoever is told so can look.
    network.weather = {}
    await calmly(() => session.reload())
    assert.deepEqual(session.data.log, ['entry'])
  }),
)

mongo('calls that were never answered do not use up the connections of the client', () =>
  withNetwork(
    async rig => {
      const { network, sessions } = rig
      const all = []
      for (let n = 0; n < 6; n++) all.push(await create(rig))
      const calls = all.flatMap(session => {
        session.data.n = 1
        return [() => session.commit(), () => sessions.open(session.id)]
      })
      network.weather = {
        request: ({ command }) =>
          WRITES.has(command) || command === 'find' ? 'swallow' : 'deliver',
      }
      for (const call of calls.splice(0, 6)) {
        const { outcome, late } = await attempt(DEADLINE, call)
        assert.notEqual(outcome, 'ok')
        assert.equal(late, 0)
      }
      network.weather = {}
      for (const call of calls) {
        // A connection may be held for as long as an answer might yet come, and once again.
        const trials = []
        do trials.push(await attempt(DEADLINE, call))
        while (trials.at(-1)?.outcome !== 'ok' && trials.length < 10)
        assert.equal(trials.at(-1)?.outcome, 'ok', figures(trials))
      }
    },
    { maxPoolSize: 3 },
  ),
)

mongo('a list whose answer never comes ends in time', () =>
  withNetwork(
    async rig => {
      await create(rig)
      rig.network.weather = {
        request: ({ command }) => (command === 'find' ? 'swallow' : 'deliver'),
      }
      const { outcome, late } = await attempt(DEADLINE, async () => {
        for await (const each of rig.sessions.list()) assert.ok(each)
      })
      assert.deepEqual([outcome, late], ['unknown', 0])
    },
    // The driver looks for the server in the end, to close a cursor there.
    { serverSelectionTimeoutMS: 500 },
  ),
)

mongo('a first session is created although the server cannot be asked for its time at once', () =>
  withNetwork(
    async ({ client, network, sessions }) => {
      await client.connect()
      let lost = 0
      network.weather = {
        reply: (_reply, of) =>
          of?.bytes.includes('lsid') && of.command === 'hello' && lost++ < 2 ? 'cut' : 'deliver',
      }
      const session = sessions.create({ log: [], n: 1 })
      assert.equal((await session.commit()).status, 'created')
      assert.equal(lost, 3)
    },
    { deadline: PATIENCE },
  ),
)

/** Lets nothing happen in this process for a while. */
function standStill(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

mongo('a process that stands still does not take an answer that has come for lost', async () => {
  const client = new MongoClient(mongoUri, { monitorCommands: true })
  try {
    const { dbName, collectionName } = freshCollection()
    const store = mongoStore(client.db(dbName).collection(collectionName), { indexes: false })
    const sessions = createSessions<Data>({ store, deadline: 1500 })
    const session = sessions.create({ log: [], n: 0 })
    await session.commit()
    session.data.n = 1
    const sent = once(client, 'commandStarted')
    const commit = session.commit()
    await sent
    // The driver tells of a command just before it writes it.
    await new Promise(resolve => setImmediate(resolve))
    standStill(2500)
    const { status, attempts } = await commit
    assert.deepEqual([status, attempts], ['updated', 1])
    assert.equal((await sessions.open(session.id))?.data.n, 1)
  } finally {
    await client.close()
  }
})

test.run()
