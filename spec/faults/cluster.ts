/**
 * A replica set of three members of its own, with a network before each of them.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Document } from 'mongodb'
import { MongoClient } from 'mongodb'
import { startMongo } from '../support/mongod.js'
import type { Network, Weather } from './network.js'
import { startNetwork } from './network.js'
import { PATIENCE } from './trial.js'

/** A replica set that faults are made in. */
export interface Cluster {
  /** The address for clients, through the networks. */
  readonly uri: string
  /** The processes of the members. */
  readonly pids: readonly number[]
  /** The address of one member alone, past its network. */
  direct(member: number): string
  /** Runs a command on one member. */
  command(member: number, command: Document): Promise<Document>
  /** Which member is the primary; waits until there is one. */
  primary(): Promise<number>
  /** Waits until there are a primary and two secondaries. */
  healthy(): Promise<void>
  /** Starts a member again that has ended. */
  restart(member: number): Promise<void>
  /** Takes a member's connections to other members, and those of clients through the network. */
  isolate(member: number): void
  /** Gives all connections back. */
  heal(): void
  stop(): Promise<void>
}

/** Starts a replica set; undefined if no MongoDB can be had on this machine. */
export async function startCluster(): Promise<Cluster | undefined> {
  const networks: Network[] = []
  const running = await startMongo(line => console.log(line), {
    own: true,
    members: 3,
    async addressOf(port) {
      const network = await startNetwork(port)
      networks.push(network)
      return network.address
    },
  })
  if (running === undefined) return undefined
  const { uri, ports } = running
  const direct = (member: number): string =>
    `mongodb://127.0.0.1:${ports[member]}/?directConnection=true`

  async function command(member: number, command: Document): Promise<Document> {
    const client = new MongoClient(direct(member), {
      serverSelectionTimeoutMS: 1000,
      connectTimeoutMS: 1000,
      socketTimeoutMS: 5000,
    })
    try {
      return await client.db('admin').command(command)
    } finally {
      await client.close()
    }
  }

  /** What the members say that they are. A member that does not answer is nothing. */
  const states = (): Promise<(Document | undefined)[]> =>
    Promise.all(ports.map((_, member) => command(member, { hello: 1 }).catch(() => undefined)))

  /** Waits until what the members say is what is wanted. */
  async function until<T>(wanted: (states: (Document | undefined)[]) => T | false): Promise<T> {
    for (const end = performance.now() + PATIENCE; performance.now() < end; await wait(50)) {
      const found = wanted(await states())
      if (found !== false) return found
    }
    throw new Error('the replica set does not recover')
  }

  const primary = (): Promise<number> =>
    until(all => {
      const found = all.findIndex(state => state?.isWritablePrimary === true)
      return found >= 0 && found
    })

  async function healthy(): Promise<void> {
    await until(all => {
      const count = (role: string): number => all.filter(state => state?.[role] === true).length
      return count('isWritablePrimary') === 1 && count('secondary') === 2
    })
  }

  return {
    uri,
    get pids() {
      return running.pids
    },
    direct,
    command,
    primary,
    healthy,
    restart: member => running.restart(member),
    isolate(member) {
      const address = networks[member]?.address as string
      networks.forEach((network, other) => {
        network.weather = other === member ? BLOCKED : blockedFrom(address)
        if (other === member) network.cutAll()
      })
    },
    heal() {
      for (const network of networks) network.weather = {}
    },
    async stop() {
      await running.stop()
      for (const network of networks) await network.close()
    },
  }
}

/** Nothing gets through to this member. */
const BLOCKED: Weather = { request: () => 'cut' }

/** Nothing gets through from the member with this address, which it names in its heartbeats. */
const blockedFrom = (address: string): Weather => ({
  request: ({ internal, bytes }) => (internal && bytes.includes(address) ? 'cut' : 'deliver'),
})
