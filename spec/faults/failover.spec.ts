/**
 * A replica set that loses its primary, in each way there is, while fifty requests a second come in.
 */

import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Collection, Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { mongoUri } from '../support/stores.js'
import { altered } from './altered.js'
import { startCluster } from './cluster.js'
import type { Ledger } from './history.js'
import { check, emptyLedger, enter, History, tally } from './history.js'
import { serve } from './request.js'
import type { Trial } from './trial.js'
import { attempt, figures, PATIENCE } from './trial.js'

const DEADLINE = 6000
/** Fifty a second. */
const INTERVAL = 20
const SESSIONS = 10

const test = suite('a replica set that loses its primary')
const cluster = mongoUri === '' ? undefined : await startCluster()
const mongo = cluster === undefined ? test.skip : test

type Cluster = NonNullable<typeof cluster>
const { uri, primary, healthy, command } = cluster ?? ({} as Cluster)
/** The process of a member, as it is now. */
const pidOf = (member: number): number => cluster?.pids[member] as number

/** Two application servers. */
const clients = cluster === undefined ? [] : [new MongoClient(uri), new MongoClient(uri)]
const collections = clients.map(client => client.db('faults').collection<Document>('sessions'))

const sessionsOf = (collection: Collection<Document>, deadline = DEADLINE): Sessions<Ledger> =>
  createSessions<Ledger>({ store: mongoStore(collection, { indexes: false }), deadline })

test.after(async () => {
  await Promise.all(clients.map(client => client.close()))
  await cluster?.stop()
})

/** New sessions, which a majority has. */
async function create(count: number): Promise<string[]> {
  const [sessions] = collections.map(collection => sessionsOf(collection, PATIENCE))
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const session = (sessions as Sessions<Ledger>).create(emptyLedger())
    await session.commit()
    ids.push(session.id)
  }
  return ids
}

/** Compares a history with what a majority holds in the end. */
async function checkAll(history: History, ids: readonly string[]): ReturnType<typeof checked> {
  await healthy()
  return checked(history, ids)
}

async function checked(
  history: History,
  ids: readonly string[],
): Promise<ReturnType<typeof check>> {
  const sessions = sessionsOf(collections[0] as Collection<Document>, PATIENCE)
  const stored = new Map<string, Ledger | undefined>()
  for (const id of ids) stored.set(id, (await sessions.open(id))?.data)
  return check(history.operations, id => stored.get(id))
}

/**
 * Makes a fault while requests come in, and for some time after it. What was acknowledged must be
 * there once, nothing twice, and no call may outlive its deadline.
 */
async function underLoad(name: string, fault: () => Promise<void>, after: number): Promise<void> {
  await healthy()
  const ids = await create(SESSIONS)
  const servers = collections.map(collection => sessionsOf(collection))
  const history = new History()
  const running: Promise<Trial[]>[] = []
  const start = performance.now()
  const load = setInterval(() => {
    // As many as there should have been by now: a timer may be late.
    while (running.length * INTERVAL < performance.now() - start) {
      const number = running.length
      running.push(
        serve({
          sessions: servers[number % servers.length] as Sessions<Ledger>,
          history,
          id: ids[Math.floor(Math.random() * ids.length)] as string,
          tag: `${name}.${number}`,
          deadline: DEADLINE,
        }),
      )
    }
  }, INTERVAL)
  try {
    await wait(500)
    await fault()
    await wait(after)
  } finally {
    clearInterval(load)
  }
  const trials = (await Promise.all(running)).flat()
  await healthy()
  // All is well again, so all is served.
  const recovered = sessionsOf(collections[0] as Collection<Document>, PATIENCE)
  for (const [number, id] of ids.entries()) {
    const calm = { sessions: recovered, history, id, deadline: PATIENCE }
    for (const { outcome } of await serve({ ...calm, tag: `${name} is over.${number}` })) {
      assert.equal(outcome, 'ok')
    }
  }
  const violations = await checked(history, ids)
  const { operations } = history
  if (process.env.FIGURES !== undefined) {
    console.log(`${name}: ${tally(operations)}; ${figures(trials)} of ${DEADLINE}`)
  }
  assert.deepEqual(violations, [])
  assert.deepEqual(
    trials.filter(({ late }) => late > 0),
    [],
  )
}

mongo('the primary steps down: nothing acknowledged is lost, and nothing applied twice', () =>
  underLoad(
    'step down',
    async () => {
      const stepsDown = { replSetStepDown: 2, force: true }
      // On a slow machine another one may have taken over, just now.
      while (!(await command(await primary(), stepsDown).catch(() => false))) await wait(50)
    },
    3000,
  ),
)

mongo('the primary is killed and started again: the same', () =>
  underLoad(
    'kill',
    async () => {
      const member = await primary()
      process.kill(pidOf(member), 'SIGKILL')
      await wait(3000)
      await (cluster as Cluster).restart(member)
    },
    1000,
  ),
)

mongo('the primary freezes, and awakes as one that has been replaced: the same', () =>
  underLoad(
    'freeze',
    async () => {
      const pid = pidOf(await primary())
      process.kill(pid, 'SIGSTOP')
      await wait(4000)
      process.kill(pid, 'SIGCONT')
    },
    1000,
  ),
)

mongo('the primary stands still time and again, as with a slow disk: the same', () =>
  underLoad(
    'slow disk',
    async () => {
      const pid = pidOf(await primary())
      for (let pulse = 0; pulse < 12; pulse++) {
        process.kill(pid, 'SIGSTOP')
        await wait(120)
        process.kill(pid, 'SIGCONT')
        await wait(60)
      }
    },
    500,
  ),
)

mongo('the primary is cut off from the others: the same', () =>
  underLoad(
    'partition',
    async () => {
      const member = await primary()
      cluster?.isolate(member)
      await wait(4000)
      cluster?.heal()
    },
    1000,
  ),
)

/** Opens a session over a client of the primary alone, cuts that one off, and changes the session. */
async function commitCutOff(
  history: History,
  storeOf: (collection: Collection<Document>) => Sessions<Ledger>,
): Promise<{ trial: Trial; ids: string[] }> {
  await healthy()
  const ids = await create(1)
  const [id] = ids as [string]
  const member = await primary()
  const beside = new MongoClient((cluster as Cluster).direct(member))
  try {
    const sessions = storeOf(beside.db('faults').collection('sessions'))
    const session = (await sessions.open(id)) as Session<Ledger>
    enter(session.data, 'cut off')
    cluster?.isolate(member)
    history.invoke('cut off', id)
    const trial = await attempt(DEADLINE, () => session.commit())
    history.end('cut off', trial.outcome)
    // The others have a primary of their own by now, or soon.
    const others = sessionsOf(collections[1] as Collection<Document>, PATIENCE)
    history.invoke('others', id)
    await others.update(id, data => enter(data, 'others'))
    history.end('others', 'ok')
    return { trial, ids }
  } finally {
    cluster?.heal()
    await beside.close()
  }
}

mongo('a commit to a primary that is cut off is never acknowledged', async () => {
  const history = new History()
  const { trial, ids } = await commitCutOff(history, collection => sessionsOf(collection, 2000))
  assert.notEqual(trial.outcome, 'ok')
  assert.deepEqual(await checkAll(history, ids), [])
})

mongo('control: with w: 1 it is acknowledged and lost, and the checker sees that', async () => {
  const weak = (collection: Collection<Document>): Sessions<Ledger> =>
    sessionsOf(
      altered(collection, (filter, change, options) => {
        return collection.updateOne(filter, change, { ...options, writeConcern: { w: 1 } })
      }),
      2000,
    )
  for (let tries = 1; ; tries++) {
    const history = new History()
    const { trial, ids } = await commitCutOff(history, weak)
    const violations = await checkAll(history, ids)
    // A primary that is cut off steps down by itself, and may do so before it is asked.
    if (trial.outcome !== 'ok' && tries < 5) continue
    assert.equal(trial.outcome, 'ok')
    assert.deepEqual(
      violations.map(({ what, tag }) => [what, tag]),
      [['lost', 'cut off']],
    )
    return
  }
})

mongo('a majority that is away: what was written is not acknowledged, and done once', async () => {
  await healthy()
  const ids = await create(10)
  const history = new History()
  const own = await primary()
  const others = [0, 1, 2].filter(member => member !== own).map(pidOf)
  const sessions = sessionsOf(collections[0] as Collection<Document>, 1200)
  const opened = await Promise.all(ids.map(id => sessions.open(id)))
  let trials: Trial[]
  try {
    for (const pid of others) process.kill(pid, 'SIGSTOP')
    trials = await Promise.all(
      ids.map(async (id, number) => {
        const session = opened[number] as Session<Ledger>
        enter(session.data, `away.${number}`)
        history.invoke(`away.${number}`, id)
        const trial = await attempt(1200, () => session.commit())
        history.end(`away.${number}`, trial.outcome)
        return trial
      }),
    )
  } finally {
    for (const pid of others) process.kill(pid, 'SIGCONT')
  }
  if (process.env.FIGURES !== undefined) console.log(`away: ${figures(trials)}`)
  assert.ok(trials.every(({ outcome, late }) => outcome === 'unknown' && late === 0))
  assert.deepEqual(await checkAll(history, ids), [])
})

mongo('what was committed is read at once, although the client asks for secondaries', async () => {
  await healthy()
  const [id] = (await create(1)) as [string]
  const own = [1, 2].map(() => new MongoClient(`${uri}&readPreference=secondary`))
  try {
    const [writer, reader] = own.map(client =>
      sessionsOf(client.db('faults').collection('sessions')),
    ) as [Sessions<Ledger>, Sessions<Ledger>]
    for (let n = 1; n <= 100; n++) {
      const session = (await writer.open(id)) as Session<Ledger>
      session.data.log.push(`${n}`)
      await session.commit()
      assert.equal((await reader.open(id))?.data.log.length, n)
    }
  } finally {
    await Promise.all(own.map(client => client.close()))
  }
})

test.run()
