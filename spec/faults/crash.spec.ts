/**
 * Application servers that end in the middle of their work: killed at any moment, or asked to go.
 */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Collection, Document } from 'mongodb'
import { suite } from 'uvu'
import { createSessions } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { closeMongo, freshCollection, mongoUri } from '../support/stores.js'
import type { Assignment } from './application.js'
import type { Ledger, Operation } from './history.js'
import { check, emptyLedger, History, tally } from './history.js'
import { PATIENCE } from './trial.js'

const KILLS = 30
const AT_ONCE = 5
const DEADLINE = 10_000

const test = suite('application servers that end')
const mongo = mongoUri === '' ? test.skip : test

const folder = await mkdtemp(join(tmpdir(), 'dotset-crash-'))
test.after(async () => {
  await rm(folder, { recursive: true, force: true })
  await closeMongo()
})

/** No application server outlives the spec. */
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Sessions that application servers share, and what those servers did to them. */
interface Shared {
  start(name: string): ChildProcess
  /** What all servers did, once they are gone, after what is stored was compared with it. */
  checked(): Promise<readonly Operation[]>
}

async function share(count: number): Promise<Shared> {
  const collection: Collection<Document> = freshCollection()
  const store = mongoStore(collection, { indexes: false })
  const sessions = createSessions<Ledger>({ store, deadline: PATIENCE })
  const ids: string[] = []
  for (let number = 0; number < count; number++) {
    const session = sessions.create(emptyLedger())
    await session.commit()
    ids.push(session.id)
  }
  const files: string[] = []
  return {
    start(name) {
      const file = join(folder, name)
      files.push(file)
      const { dbName: database, collectionName } = collection
      const shared = { uri: mongoUri, database, collection: collectionName, ids }
      const assignment: Assignment = { ...shared, name, file, deadline: DEADLINE, requests: 4 }
      const child = fork(
        join(import.meta.dirname, 'application.ts'),
        [JSON.stringify(assignment)],
        {
          execArgv: ['--import', 'tsx'],
        },
      )
      children.add(child)
      return child
    },
    async checked() {
      const { operations } = History.read(files)
      const stored = new Map<string, Ledger | undefined>()
      for (const id of ids) stored.set(id, (await sessions.open(id))?.data)
      assert.deepEqual(
        check(operations, id => stored.get(id)),
        [],
      )
      return operations
    },
  }
}

/** Waits until a server has work in hand. */
async function busy(child: ChildProcess): Promise<void> {
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  assert.equal(message, 'busy', 'the application server ended by itself')
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

mongo(
  'no commit of a server that is killed is torn, lost once acknowledged, or applied twice',
  async () => {
    const shared = await share(8)
    let killed = 0
    async function keepKilling(): Promise<void> {
      while (killed < KILLS) {
        const child = shared.start(`killed${killed++}`)
        await busy(child)
        await wait(Math.random() * 150)
        child.kill('SIGKILL')
        await ended(child)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, keepKilling))
    const operations = await shared.checked()
    if (process.env.FIGURES !== undefined) console.log(`${killed} kills, ${tally(operations)}`)
    // Of each server, only what was in flight can be unknown.
    const open = operations.filter(({ outcome }) => outcome === 'unknown')
    assert.ok(open.length <= killed * 4)
    assert.ok(operations.length > killed)
  },
)

mongo('a server that is asked to go ends what it has in hand, and nothing is unknown', async () => {
  const shared = await share(4)
  const servers = ['going', 'going too'].map(name => shared.start(name))
  await Promise.all(servers.map(busy))
  await wait(Math.random() * 100)
  for (const child of servers) {
    child.kill('SIGTERM')
    const [{ drained }] = await once(child, 'message')
    assert.ok(drained <= DEADLINE * 1.1 + 250, `${drained} ms`)
    await ended(child)
    assert.equal(child.exitCode, 0)
  }
  const operations = await shared.checked()
  if (process.env.FIGURES !== undefined) console.log(`asked to go: ${tally(operations)}`)
  assert.ok(operations.some(({ outcome }) => outcome === 'ok'))
  assert.deepEqual(
    operations.filter(({ outcome }) => outcome === 'unknown'),
    [],
  )
})

test.run()
