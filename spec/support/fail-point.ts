/**
 * Commands that the server fails on purpose, for one client alone.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Document, MongoClientOptions } from 'mongodb'
import type { Observed } from './observing.js'
import { observing } from './observing.js'
import { mongoClient, mongoUri } from './stores.js'

/** Which commands fail, how, and how often. */
export interface Failing extends Document {
  readonly failCommands: readonly string[]
  /** How often; always, if it is not told. */
  readonly times?: number
}

let made = 0

/** Whether the server of this run can be told to fail: it takes test commands. */
export async function hasFailPoints(): Promise<boolean> {
  if (mongoUri === '') return false
  const parameter = { getParameter: 1, enableTestCommands: 1 }
  const answer = await mongoClient()
    .db('admin')
    .command(parameter)
    .catch(() => undefined)
  return Boolean(answer?.enableTestCommands)
}

/** What makes the commands of one client fail, once it is called. */
type Fail = (failing: Failing) => Promise<void>

/** Runs `work` with a client of its own, whose commands can be made to fail. */
export function withFailures(
  options: MongoClientOptions,
  work: (observed: Observed, fail: Fail) => Promise<void>,
): Promise<void> {
  const appName = `dotset-${process.pid}-${made++}`
  return observing({ ...options, appName }, observed =>
    alone(async () => {
      const fail: Fail = async ({ times, ...data }) => {
        const mode = times === undefined ? 'alwaysOn' : { times }
        await configure(mode, { ...data, appName })
      }
      try {
        await work(observed, fail)
      } finally {
        await configure('off')
      }
    }),
  )
}

async function configure(mode: unknown, data?: Document): Promise<void> {
  const command = { configureFailPoint: 'failCommand', mode, ...(data && { data }) }
  await mongoClient().db('admin').command(command)
}

/** How long another process may have its turn, in milliseconds, before it is taken to be dead. */
const TURN = 60_000

/** Runs `work` while no other process does: a server has one fail point of this kind. */
async function alone(work: () => Promise<void>): Promise<void> {
  const turns = mongoClient().db('dotset_turns').collection<Document & { _id: string }>('turns')
  const _id = 'failCommand'
  for (;;) {
    await turns.deleteOne({ _id, $expr: { $lt: ['$at', { $subtract: ['$$NOW', TURN] }] } })
    const taken = await turns.insertOne({ _id, at: new Date() }).catch(error => {
      if (error.code !== 11_000) throw error
    })
    if (taken !== undefined) break
    await wait(20)
  }
  try {
    await work()
  } finally {
    await turns.deleteOne({ _id })
  }
}
