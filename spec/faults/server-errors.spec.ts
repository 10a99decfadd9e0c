/**
 * A server that fails: it says so, or only goes away, once, some times or always.
 */

import assert from 'node:assert/strict'
import type { Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import type { Session } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { startMongo } from '../support/mongod.js'
import { mongoUri } from '../support/stores.js'
import type { Trial } from './trial.js'
import { attempt, calmly, figures, PATIENCE } from './trial.js'

interface Data {
  log: string[]
}

const test = suite('a server that fails')
const running = mongoUri === '' ? undefined : await startMongo(console.log, { own: true })
const mongo = running === undefined ? test.skip : test

const client = new MongoClient(running?.uri ?? 'mongodb://127.0.0.1:1', {
  // The driver believes a server that says it goes, and waits for news of it, which here never come.
  heartbeatFrequencyMS: 500,
})
const collection = client.db('faults').collection<Document & { _id: string }>('sessions')
const store = mongoStore(collection as never, { indexes: false })

test.after(async () => {
  await client.close()
  await running?.stop()
})

/** Has the server fail these commands. */
async function failing(
  data: Document,
  mode: 'alwaysOn' | 'off' | { times: number },
): Promise<void> {
  await client.db('admin').command({ configureFailPoint: 'failCommand', mode, data })
}

/** Ways to fail, as fail points tell them. */
const failures: Record<string, Document> = {
  'it is no primary any more (10107)': { errorCode: 10107 },
  'it steps down (189)': { errorCode: 189 },
  'it shuts down (91)': { errorCode: 91 },
  'it was interrupted by a change of state (11602)': { errorCode: 11602 },
  'it was interrupted by a shutdown (11600)': { errorCode: 11600 },
  'another write was in the way (112)': { errorCode: 112 },
  'it took too long (50)': { errorCode: 50 },
  'it closes the connection': { closeConnection: true },
}

/** What the server did, and says that it may not last. */
const doubts: Record<string, Document> = {
  'the write concern failed (64)': { writeConcernError: { code: 64, errmsg: 'waiting timed out' } },
  'the write concern was interrupted (91)': { writeConcernError: { code: 91, errmsg: 'going' } },
}

/** A call, the command that it sends, and how often it was done. */
interface Subject {
  readonly command: string
  act(): Promise<unknown>
  applied(): Promise<number>
}

async function create(deadline: number): Promise<Session<Data>> {
  const session = createSessions<Data>({ store, deadline: PATIENCE }).create({ log: [] })
  await session.commit()
  const sessions = createSessions<Data>({ store, deadline })
  return (await calmly(() => sessions.open(session.id))) as Session<Data>
}

const asked: Record<string, (deadline: number) => Promise<Subject>> = {
  async 'an append'(deadline) {
    const session = await create(deadline)
    session.data.log.push('entry')
    const applied = async (): Promise<number> => {
      const { data, rev } = (await collection.findOne({ _id: session.key })) as Document
      assert.equal(data.log.length, rev - 1)
      return data.log.length
    }
    return { command: 'update', act: () => session.commit(), applied }
  },
  async 'a creation'(deadline) {
    const sessions = createSessions<Data>({ store, deadline })
    const session = sessions.create({ log: ['entry'] })
    const applied = (): Promise<number> => collection.countDocuments({ _id: session.key })
    return { command: 'insert', act: () => session.commit(), applied }
  },
  async 'a rotation'(deadline) {
    const session = await create(deadline)
    const [{ key }, mark] = [session, `rotation ${Math.random()}`]
    session.data.log.push(mark)
    const applied = async (): Promise<number> => {
      const old = await collection.findOne({ _id: key })
      return old?.retiredBy === undefined ? 0 : collection.countDocuments({ 'data.log': mark })
    }
    return { command: 'update', act: () => session.rotateId(), applied }
  },
  async 'a destruction'(deadline) {
    const session = await create(deadline)
    const applied = async (): Promise<number> =>
      1 - (await collection.countDocuments({ _id: session.key }))
    return { command: 'delete', act: () => session.destroy(), applied }
  },
  async 'an opening'(deadline) {
    const { id } = await create(deadline)
    const sessions = createSessions<Data>({ store, deadline })
    let opened: Session<Data> | null = null
    const act = async (): Promise<void> => {
      opened = await sessions.open(id)
    }
    return { command: 'find', act, applied: async () => Number(opened !== null) }
  },
}

/** One call under a failure. What has to hold in any case is checked. */
async function under(
  failure: Document,
  mode: 'alwaysOn' | { times: number },
  kind: string,
  deadline: number,
): Promise<Trial & { times: number }> {
  const { command, act, applied } = await (asked[kind] as (typeof asked)[string])(deadline)
  await failing({ failCommands: [command], ...failure }, mode)
  const trial = await attempt(deadline, act)
  await failing({ failCommands: [command] }, 'off')
  const times = await applied()
  const line = `${kind}: ${figures([trial])}, done ${times}×, ${trial.error}`
  assert.equal(trial.late, 0, line)
  if (trial.outcome === 'ok') assert.equal(times, 1, line)
  if (trial.outcome === 'fail') assert.equal(times, 0, line)
  assert.ok(times <= 1, line)
  return { ...trial, times }
}

for (const [what, failure] of Object.entries({ ...failures, ...doubts })) {
  // After each word of a shutdown the driver waits for news.
  for (const times of /shutdown|shuts down|interrupted \(91\)/.test(what) ? [1, 2] : [1, 2, 3]) {
    mongo(`${what}, ${times}×: what was asked for is done once`, async () => {
      for (const kind of Object.keys(asked)) {
        if (what in doubts && kind === 'an opening') continue
        const { outcome, error } = await under(failure, { times }, kind, PATIENCE)
        assert.equal(outcome, 'ok', `${kind}: ${error}`)
      }
    })
  }
}

for (const [what, failure] of Object.entries(failures)) {
  mongo(`${what}, always: nothing is taken for done, in time`, async () => {
    for (const kind of ['an append', 'a destruction']) {
      // What is under way at the deadline may reach the server when it does not fail any more.
      const { outcome } = await under(failure, 'alwaysOn', kind, 500)
      assert.notEqual(outcome, 'ok')
    }
  })
}

for (const [what, failure] of Object.entries(doubts)) {
  mongo(`${what}, always: it is done, and nobody can tell whether that lasts`, async () => {
    for (const kind of ['an append', 'a destruction']) {
      const { outcome, times } = await under(failure, 'alwaysOn', kind, 500)
      assert.deepEqual([outcome, times], ['unknown', 1])
    }
  })
}

test.run()
