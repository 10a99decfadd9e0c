/**
 * Trials: what a program asks of sessions, many times at once, over a network that loses messages.
 */

import assert from 'node:assert/strict'
import type { Collection, Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import type { Store } from '../../lib/store/store.js'
import { closeMongo, freshCollection, mongoClient, mongoUri } from '../support/stores.js'
import type { Loss, Network } from './network.js'
import { losing, startNetworkBefore } from './network.js'
import type { Trial } from './trial.js'
import { attempt, calmly, figures, PATIENCE } from './trial.js'

interface Data {
  trial: string
  log: string[]
  n: number
}

const TRIALS = 50
/** A driver that loses a connection takes its server for lost, and with it the calls of others. */
const CLIENTS = 10
export const DEADLINE = 900
/**
 * A deadline that gives this machine, with whatever else it has to do, the time for some attempts; and
 * how many trials it makes at the same time.
 */
let [pace, width] = [DEADLINE, 3 * TRIALS]
const SLOWEST = 32 * DEADLINE

let network: Network & { uri: string }
const clients: MongoClient[] = []
const stores: Store[] = []
/** Sessions that are given all the time they need. */
let patient: Sessions<Data>
/** The same collection over a network without faults. */
let stored: Collection<Document & { _id: string }>

/** Lays the network to the MongoDB of this run. */
export async function before(): Promise<void> {
  if (mongoUri === '') return
  network = await startNetworkBefore(mongoUri)
  const { dbName, collectionName } = freshCollection()
  for (let number = 0; number < CLIENTS; number++) {
    const client = new MongoClient(network.uri)
    const store = mongoStore(client.db(dbName).collection(collectionName), { indexes: false })
    clients.push(client)
    stores.push(store)
  }
  patient = createSessions<Data>({ store: stores[0] as Store, deadline: PATIENCE })
  stored = mongoClient().db(dbName).collection(collectionName)
}

/** Takes it away. */
export async function after(): Promise<void> {
  if (mongoUri === '') return
  // The clients take leave of the server, and would wait for an answer.
  await network.close()
  await Promise.all(clients.map(client => client.close()))
  await closeMongo()
}

/** One session, and what is done to it under the fault. */
interface Subject {
  /** One of these is found in each message about it that may be lost. */
  readonly texts: readonly string[]
  act(): Promise<unknown>
  /** How often that was done, by what is stored. */
  applied(): Promise<number>
}

let made = 0

/** Opens a new session, without haste. */
async function open(sessions: Sessions<Data>, expiresAt?: Date): Promise<Session<Data>> {
  const session = patient.create({ trial: `trial-${made++}.`, log: [], n: 0 })
  await session.commit()
  if (expiresAt !== undefined) await stored.updateOne({ _id: session.key }, { $set: { expiresAt } })
  return (await calmly(() => sessions.open(session.id))) as Session<Data>
}

const documentOf = async (key: string): Promise<Document> =>
  (await stored.findOne({ _id: key })) as Document

/** What a program asks of sessions, each with a subject of its own. */
const asked: Record<string, (sessions: Sessions<Data>) => Promise<Subject>> = {
  async 'an append'(sessions) {
    const session = await open(sessions)
    const { key } = session
    session.data.log.push('entry')
    const applied = async (): Promise<number> => {
      const { data, rev } = await documentOf(key)
      assert.equal(data.log.length, rev - 1)
      return data.log.length
    }
    return { texts: [key], act: () => session.commit(), applied }
  },
  async 'a set'(sessions) {
    const session = await open(sessions)
    const { key } = session
    session.data.n = 5
    const applied = async (): Promise<number> => {
      const { data, rev } = await documentOf(key)
      assert.equal(data.n, rev === 1 ? 0 : 5)
      return rev - 1
    }
    return { texts: [key], act: () => session.commit(), applied }
  },
  async 'a creation'(sessions) {
    // To have the time told, which is the first thing that a creation needs.
    await open(sessions)
    const session = sessions.create({ trial: 'new', log: ['entry'], n: 0 })
    const { key } = session
    const applied = (): Promise<number> => stored.countDocuments({ _id: key })
    return { texts: [key], act: () => session.commit(), applied }
  },
  'a rotation': sessions => rotation(sessions, (key, trial) => [key, trial]),
  'the end of an old id': sessions => rotation(sessions, key => [key]),
  async 'a destruction'(sessions) {
    const session = await open(sessions)
    const { key } = session
    const applied = async (): Promise<number> => 1 - (await stored.countDocuments({ _id: key }))
    return { texts: [key], act: () => session.destroy(), applied }
  },
  async 'a touch'(sessions) {
    const before = new Date(Date.now() + 60_000)
    const session = await open(sessions, before)
    const { key } = session
    const applied = async (): Promise<number> => {
      const { expiresAt, rev } = await documentOf(key)
      assert.equal(rev, 1)
      return Number(expiresAt > before)
    }
    return { texts: [key], act: () => session.commit(), applied }
  },
  async 'an update'(sessions) {
    const { id, key } = await open(sessions)
    const act = (): Promise<unknown> => sessions.update(id, data => void data.n++)
    const applied = async (): Promise<number> => (await documentOf(key)).data.n
    return { texts: [key], act, applied }
  },
  async 'an opening'(sessions) {
    const { id, key } = await open(sessions)
    let opened: Session<Data> | null
    const act = async (): Promise<void> => {
      opened = await sessions.open(id)
    }
    const applied = async (): Promise<number> => Number(opened?.key === key)
    return { texts: [key], act, applied }
  },
}

/** @param meant Which of the messages: those about the old document, and those with its data. */
async function rotation(
  sessions: Sessions<Data>,
  meant: (key: string, trial: string) => string[],
): Promise<Subject> {
  const session = await open(sessions)
  const [{ key, id }, { trial }] = [session, session.data]
  session.data.log.push('entry')
  const applied = async (): Promise<number> => {
    const { data, retiredBy } = await documentOf(key)
    if (retiredBy === undefined) {
      assert.deepEqual([session.id, data.trial, data.log], [id, trial, []])
      return 0
    }
    assert.equal((await patient.open(id))?.data.trial, undefined)
    // Where it was acknowledged, the new id has what the old one had, and what was pending.
    if (session.id !== id) assert.deepEqual((await documentOf(session.key)).data.log, ['entry'])
    return stored.countDocuments({ 'data.trial': trial })
  }
  return { texts: meant(key, trial), act: () => session.rotateId(), applied }
}

/**
 * Makes trials of some kinds at the same time, under a fault. What has to hold is checked in any case.
 *
 * @returns What is known of more of them only if there is more time.
 */
export async function tryAll(
  kinds: readonly string[],
  loss: Loss,
  deadline: number,
): Promise<string[]> {
  network.weather = {}
  const servers = stores.map(store => createSessions<Data>({ store, deadline, touchAfter: 60_000 }))
  const wanted = kinds.flatMap(kind => Array.from({ length: TRIALS }, () => kind))
  const subjects = await inSteps(wanted, CLIENTS, async (kind, number) => {
    const prepare = asked[kind] as (typeof asked)[string]
    return { kind, ...(await prepare(servers[number % CLIENTS] as Sessions<Data>)) }
  })
  network.weather = losing(
    loss,
    subjects.map(({ texts }) => texts),
  )
  const trials = await inSteps(subjects, width, ({ act }) => attempt(deadline, act))
  network.weather = {}
  const times = await inSteps(subjects, CLIENTS, ({ applied }) => applied())
  for (const [index, { kind }] of subjects.entries()) {
    const { outcome, late, error } = trials[index] as Trial
    if (outcome === 'ok') assert.equal(times[index], 1, `${kind}: acknowledged`)
    if (outcome === 'fail') assert.equal(times[index], 0, `${kind}: refused, ${error}`)
    assert.ok((times[index] as number) <= 1, `${kind}: ${times[index]} times`)
    assert.equal(late, 0, `${kind}: ${late} ms late`)
  }
  return kinds.flatMap(kind => {
    const own = trials.filter((_, index) => subjects[index]?.kind === kind)
    const line = `${kind}, ${loss.of} lost by ${loss.by} ${loss.times}×: ${figures(own)} of ${deadline}`
    if (process.env.FIGURES !== undefined) console.log(line)
    const known = own.filter(({ outcome }) => outcome === 'ok').length
    if (loss.times !== Number.POSITIVE_INFINITY) return known < TRIALS - 1 ? [line] : []
    assert.equal(known, 0, line)
    return []
  })
}

/** Does something with all items, `step` of them at the same time. */
async function inSteps<T, R>(
  items: readonly T[],
  step: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  while (results.length < items.length) {
    const from = results.length
    const next = items.slice(from, from + step)
    results.push(...(await Promise.all(next.map((item, index) => work(item, from + index)))))
  }
  return results
}

/** Makes trials under a fault that ends: no more than one in fifty is not known to be done. */
export async function areDone(kinds: readonly string[], loss: Loss): Promise<void> {
  for (;;) {
    const failures = await tryAll(kinds, loss, pace)
    if (failures.length === 0) return
    assert.ok(pace < SLOWEST, failures.join('\n'))
    pace *= 2
    width = Math.ceil(width / 2)
  }
}

/** What is asked for, by name. */
export const kinds: readonly string[] = Object.keys(asked)
