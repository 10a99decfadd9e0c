/**
 * What one save takes on the wire, and in the oplog that every member of the replica set applies.
 */

import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { MongoClient, Timestamp } from 'mongodb'
import type { Samples } from '../support/interleave.js'
import { figureOf, interleave } from '../support/interleave.js'
import { checkContender } from './check.js'
import type { Connection, Contender } from './contenders.js'
import { connectAll } from './contenders.js'
import type { Size } from './sessions.js'
import { createData, IN_CART, SIZES } from './sessions.js'

/** Bytes of each save, by size and contender. */
export interface SaveBytes {
  readonly size: Size
  readonly sent: Samples
  readonly oplog: Samples
}

/** The more saves, the longer the lists that dotset keeps in a document: 40 fill and trim them. */
const SAVES = 40

const sockets: Socket[] = []

/** Counts from now on what TCP clients of this process send. */
function countSent(): () => number {
  subscribe('net.client.socket', message => {
    sockets.push((message as { socket: Socket }).socket)
  })
  return () => sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0)
}

/** Measures 40 saves of one session by each contender and in each size. */
export async function measureBytes(
  connection: Connection,
  observer: MongoClient,
): Promise<SaveBytes[]> {
  const sent = countSent()
  // Nothing is sent but what a contender asks for: the server is looked at once.
  const quiet = { serverMonitoringMode: 'poll', heartbeatFrequencyMS: 3_600_000 } as const
  const contenders = await connectAll({ ...connection, options: quiet })
  const database = observer.db(connection.database)
  const results: SaveBytes[] = []
  for (const size of Object.keys(SIZES) as Size[]) {
    const ids = new Map<Contender, string>()
    for (const each of contenders) {
      await checkContender(each, database, size, IN_CART)
      ids.set(each, await each.create(createData(size)))
    }
    const taken = await interleave(contenders, { rounds: SAVES, warmUp: 1 }, async contender => {
      const save = await contender.load(ids.get(contender) as string, IN_CART)
      const from = await lastEntry(observer)
      const before = sent()
      await save()
      const bytes = sent() - before
      const namespace = `${connection.database}.${contender.collection}`
      return { sent: bytes, oplog: await oplogBytes(observer, from, namespace) }
    })
    for (const { collection } of contenders) await database.collection(collection).deleteMany()
    results.push({ size, sent: figureOf(taken, 'sent'), oplog: figureOf(taken, 'oplog') })
  }
  await Promise.all(contenders.map(contender => contender.close()))
  return results
}

interface Entry {
  ts: Timestamp
}

const oplogOf = (observer: MongoClient) => observer.db('local').collection<Entry>('oplog.rs')

async function lastEntry(observer: MongoClient): Promise<Timestamp> {
  const [entry] = await oplogOf(observer).find().sort({ $natural: -1 }).limit(1).toArray()
  if (entry === undefined) throw new Error('the oplog is empty')
  return entry.ts
}

async function oplogBytes(observer: MongoClient, from: Timestamp, ns: string): Promise<number> {
  const entries = oplogOf(observer).find({ ts: { $gt: from }, ns }, { raw: true })
  let bytes = 0
  for await (const entry of entries) bytes += (entry as unknown as Buffer).length
  return bytes
}
