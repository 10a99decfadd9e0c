/**
 * Finding what a request changed: dotset in each of its eight combinations, and what others do.
 *
 * Each contender gets a session as its store keeps it, changes it, and makes what it would send. The
 * network and the store are left out.
 */

import { deepEqual } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { deserialize, serialize } from 'bson'
import fastJsonPatch from 'fast-json-patch'
import diff from 'microdiff'
import type { DifferencingName, TrackingName } from '../../lib/index.js'
import { differencings, trackings } from '../../spec/support/strategies.js'
import type { SessionData } from '../save/sessions.js'
import { IN_CART } from '../save/sessions.js'
import type { AsyncWork } from '../support/asynchronous.js'
import { createSessions } from '../support/built.js'
import { ANY_ID, standingStore } from '../support/store.js'

/** What the incumbent does: JSON, a hash of it before and after, and all of it written. */
export const INCUMBENT = 'express-session: JSON, hash, whole write'

/** The name of a combination. */
export const combination = (tracking: TrackingName, differencing: DifferencingName): string =>
  `${tracking} × ${differencing}`

/** How many numbers a request changes. */
export const CHANGES = [0, 1, 10] as const

type Change = (data: SessionData) => void

/** Reads the user, and changes so many numbers: one in the cart, the others in the history. */
export function changing(count: number): Change {
  return data => {
    if (data.user.id !== 7) throw new Error('the session is another one')
    if (count > 0) IN_CART.increase(data)
    for (let index = 1; index < count; index++) {
      const visit = data.history[index]
      if (visit !== undefined) visit.rating += 0.25
    }
  }
}

/** The contenders for a session of `data`, each checked. */
export async function contenders(data: SessionData, changes: number): Promise<AsyncWork[]> {
  const change = changing(changes)
  const works = [
    ...trackings.flatMap(tracking =>
      differencings.map(each => dotset(data, change, tracking, each)),
    ),
    expressSession(data, change),
    snapshotComparison(data, change),
    library('microdiff', fromBson(data), change, diff),
    // It takes every Date for changed, so it gets a session without any.
    library('fast-json-patch', fromJson(data), change, fastJsonPatch.compare),
  ]
  for (const work of works)
    deepEqual((await work.run()) === 0, changes === 0, `${work.name} is wrong`)
  return works
}

function dotset(
  data: SessionData,
  change: Change,
  tracking: TrackingName,
  differencing: DifferencingName,
): AsyncWork {
  const sessions = createSessions<SessionData>({
    store: standingStore(data),
    tracking,
    differencing,
    touchAfter: 60 * 60 * 1000,
    maxBytes: 8 * 2 ** 20,
  })
  return {
    name: combination(tracking, differencing),
    async run() {
      const session = await sessions.open(ANY_ID)
      if (session === null) throw new Error('there is no session')
      change(session.data)
      const { modifications } = await session.commit()
      return modifications.length
    },
  }
}

function expressSession(data: SessionData, change: Change): AsyncWork {
  const stored = JSON.stringify(data)
  const hash = (state: unknown): string =>
    createHash('sha1').update(JSON.stringify(state), 'utf8').digest('hex')
  return {
    name: INCUMBENT,
    run() {
      const state = JSON.parse(stored) as SessionData
      const before = hash(state)
      change(state)
      // It hashes once more: to decide on a touch, or to know what was saved.
      const [after, again] = [hash(state), hash(state)]
      if (after === before && again === before) return 0
      return serialize({ $set: { session: JSON.stringify(state), expires: new Date() } }).length
    },
  }
}

/** As an ORM with a snapshot of each entity does: attributes that differ are written whole. */
function snapshotComparison(data: SessionData, change: Change): AsyncWork {
  const stored = serialize(data)
  return {
    name: 'snapshot comparison',
    run() {
      const state = deserialize(stored) as SessionData
      const snapshot = structuredClone(state)
      change(state)
      const names = Object.keys(state) as (keyof SessionData)[]
      const changed = names.filter(name => !isDeepStrictEqual(state[name], snapshot[name]))
      if (changed.length === 0) return 0
      const $set = Object.fromEntries(changed.map(name => [name, state[name]]))
      return serialize({ $set }).length
    },
  }
}

type Load = () => SessionData

function fromBson(data: SessionData): Load {
  const stored = serialize(data)
  return () => deserialize(stored) as SessionData
}

function fromJson(data: SessionData): Load {
  const stored = JSON.stringify(data)
  return () => JSON.parse(stored) as SessionData
}

function library(
  name: string,
  load: Load,
  change: Change,
  compare: (before: SessionData, after: SessionData) => readonly { path: unknown }[],
): AsyncWork {
  return {
    name,
    run() {
      const state = load()
      const snapshot = structuredClone(state)
      change(state)
      const found = compare(snapshot, state)
      return found.length === 0 ? 0 : serialize({ $set: { found } }).length
    },
  }
}
