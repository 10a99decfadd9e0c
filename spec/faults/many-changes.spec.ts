/**
 * A session that changes at so many places that a server would take long to find them all.
 */

import assert from 'node:assert/strict'
import type { CommandStartedEvent, Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import type { Session } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { closeMongo, freshCollection, mongoUri } from '../support/stores.js'
import { attempt } from './trial.js'

interface Data {
  pages: Record<string, { views: number }>
  mine?: number
  theirs?: number
}

const PLACES = 10_000
const DEADLINE = 60_000

const test = suite('many changes')
const mongo = mongoUri === '' ? test.skip : test
test.after(closeMongo)

mongo(
  'ten thousand changed places are few for the server, and take no other server’s away',
  async () => {
    const client = new MongoClient(mongoUri, { monitorCommands: true })
    try {
      const { dbName, collectionName } = freshCollection()
      const store = mongoStore(client.db(dbName).collection(collectionName), { indexes: false })
      const sessions = createSessions<Data>({ store, deadline: DEADLINE })
      const names = Array.from({ length: PLACES }, (_, number) => `page${number}`)
      const session = sessions.create({
        pages: Object.fromEntries(names.map(name => [name, { views: 0 }])),
      })
      await session.commit()
      const other = (await sessions.open(session.id)) as Session<Data>
      const last = names.at(-1) as string
      other.data.theirs = 1
      ;(other.data.pages[last] as { views: number }).views = 7
      await other.commit()

      const commands: Document[] = []
      client.on('commandStarted', ({ commandName, command }: CommandStartedEvent) => {
        if (commandName === 'update') commands.push(command)
      })
      for (const name of names.slice(0, -1)) (session.data.pages[name] as { views: number }).views++
      session.data.mine = 1
      const { outcome, late } = await attempt(DEADLINE, () => session.commit())
      assert.deepEqual([outcome, late], ['ok', 0])
      for (const { updates } of commands) {
        const paths = Object.values(updates[0].u as Document).flatMap(Object.keys)
        assert.ok(paths.length < 520, `${paths.length} paths`)
      }
      const { data } = (await sessions.open(session.id)) as Session<Data>
      assert.deepEqual([data.mine, data.theirs, data.pages[last]?.views], [1, 1, 7])
      assert.ok(names.slice(0, -1).every(name => data.pages[name]?.views === 1))
    } finally {
      await client.close()
    }
  },
)

test.run()
