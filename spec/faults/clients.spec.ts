/**
 * Clients that run out of connections, or lose them all at once.
 */

import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import type { Session } from '../../lib/index.js'
import { createSessions, StoreError } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { closeMongo, freshCollection, mongoClient, mongoUri } from '../support/stores.js'
import { startNetworkBefore } from './network.js'
import { attempt, figures, PATIENCE } from './trial.js'

interface Data {
  log: string[]
}

const test = suite('clients in need of connections')
const mongo = mongoUri === '' ? test.skip : test
test.after(closeMongo)

mongo('without a connection nothing is sent, and a call says so', async () => {
  const network = await startNetworkBefore(mongoUri)
  const client = new MongoClient(network.uri, { maxPoolSize: 1, waitQueueTimeoutMS: 100 })
  try {
    const { dbName, collectionName } = freshCollection()
    const store = mongoStore(client.db(dbName).collection(collectionName), { indexes: false })
    const sessions = createSessions<Data>({ store, deadline: PATIENCE })
    const session = sessions.create({ log: [] })
    await session.commit()
    let release = (): void => undefined
    const held = new Promise<void>(resolve => (release = resolve))
    let arrived = (): void => undefined
    const busy = new Promise<void>(resolve => (arrived = resolve))
    network.weather = {
      request({ command }) {
        if (command === 'find') arrived()
        return command === 'find' ? held : 'deliver'
      },
    }
    const opening = sessions.open(session.id)
    await busy
    session.data.log.push('entry')
    const { outcome, error, late } = await attempt(PATIENCE, () => session.commit())
    assert.ok(error instanceof StoreError)
    assert.deepEqual([outcome, late, error.code, error.status], ['fail', 0, 'ERR_STORE', 503])
    release()
    assert.deepEqual((await opening)?.data.log, [])
    // The changes were kept, and there is a connection again.
    await session.commit()
    assert.deepEqual((await sessions.open(session.id))?.data.log, ['entry'])
  } finally {
    await network.close()
    await client.close()
  }
})

mongo('two hundred sessions whose connections are all cut at once are committed once', async () => {
  const DEADLINE = PATIENCE
  const network = await startNetworkBefore(mongoUri)
  const clients = Array.from({ length: 20 }, () => new MongoClient(network.uri))
  const { dbName, collectionName } = freshCollection()
  const stored = mongoClient().db(dbName).collection(collectionName)
  try {
    const sessions: Session<Data>[] = []
    for (const client of clients) {
      const store = mongoStore(client.db(dbName).collection(collectionName), { indexes: false })
      const server = createSessions<Data>({ store, deadline: DEADLINE })
      sessions.push(...Array.from({ length: 10 }, () => server.create({ log: [] })))
    }
    await Promise.all(sessions.map(session => session.commit()))
    for (const session of sessions) session.data.log.push('entry')
    const commits = sessions.map(session => attempt(DEADLINE, () => session.commit()))
    for (let cuts = 0; cuts < 5; cuts++) {
      await wait(10)
      network.cutAll()
    }
    const trials = await Promise.all(commits)
    if (process.env.FIGURES !== undefined) console.log(figures(trials))
    assert.ok(
      trials.every(({ outcome, late }) => outcome === 'ok' && late === 0),
      figures(trials),
    )
    for await (const { data } of stored.find() as AsyncIterable<Document>) {
      assert.deepEqual(data.log, ['entry'])
    }
    assert.equal(await stored.countDocuments(), sessions.length)
  } finally {
    await network.close()
    await Promise.all(clients.map(client => client.close()))
  }
})

test.run()
