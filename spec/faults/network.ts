/**
 * A network that fails as it is told: a TCP proxy before a server, which knows where each message of
 * MongoDB's wire protocol ends.
 */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { MongoClient } from 'mongodb'

/** One message of the wire protocol. */
export interface Message {
  readonly bytes: Buffer
  readonly id: number
  /** The id of the request, if it is a reply. */
  readonly answers: number
  /** The name of the command, if it is the request of one. */
  readonly command: string
  /** Whether the connection is one between two servers. */
  readonly internal: boolean
}

/**
 * What becomes of a message. A message that is cut is lost, and the connection with it; a message that
 * is swallowed is lost, and nobody hears of it; a promise delays it and all that follow; a request
 * that is delivered twice gives one reply.
 */
export type Fate = 'deliver' | 'swallow' | 'cut' | 'twice' | Promise<unknown>

/** What becomes of messages. */
export interface Weather {
  request?(message: Message): Fate
  reply?(message: Message, request: Message | undefined): Fate
}

/** A network between clients and one server. */
export interface Network {
  /** Where clients find the server. */
  readonly address: string
  /** What happens now. An empty object is good weather. */
  weather: Weather
  /** Loses all connections, now. Later ones come through, if the weather is good. */
  cutAll(): void
  close(): Promise<void>
}

/** What stands before the hosts of an address, and they. */
const HOSTS = /^(mongodb:\/\/(?:[^@/]*@)?)([^/?]+)/
const OP_MSG = 2013
/** After the header (16 bytes), the flags (4), the kind of section (1), its size (4) and a type (1). */
const COMMAND_NAME = 26

/** Starts a network before the server that listens at `port`. */
export async function startNetwork(port: number, host = '127.0.0.1'): Promise<Network> {
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const upstream = connect(port, host)
    carry(client, upstream, network)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.once('close', () => sockets.delete(socket))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const network: Network = {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    weather: {},
    cutAll() {
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      network.cutAll()
      await closed
    },
  }
  return network
}

/** Starts a network before the primary of the MongoDB at `uri`; gives the address through it, too. */
export async function startNetworkBefore(uri: string): Promise<Network & { uri: string }> {
  const client = new MongoClient(uri)
  try {
    const { me, primary } = await client.db('admin').command({ hello: 1 })
    const [host, port] = String(primary ?? me ?? HOSTS.exec(uri)?.[2]).split(':')
    const network = await startNetwork(Number(port), host)
    const through = uri.replace(HOSTS, `$1${network.address}`)
    return Object.assign(network, {
      uri: through.replace(/replicaSet=[^&]+/, 'directConnection=true'),
    })
  } finally {
    await client.close()
  }
}

/** Carries the messages of one connection. */
function carry(client: Socket, upstream: Socket, network: Network): void {
  const asked = new Map<number, Message>()
  const copies = new Set<number>()
  let internal = false
  const cut = (): void => {
    client.destroy()
    upstream.destroy()
  }
  const toServer = createLane(upstream, cut)
  const toClient = createLane(client, cut)
  client.on('error', cut).on('close', toServer.end)
  upstream.on('error', cut).on('close', toClient.end)

  split(client, bytes => {
    // Servers present themselves to one another, and not to clients, by their wire versions.
    internal ||= bytes.includes('internalClient')
    const message = toMessage(bytes, internal)
    asked.set(message.id, message)
    const fate = network.weather.request?.(message) ?? 'deliver'
    toServer.send(bytes, fate)
    if (fate !== 'twice') return
    const copy = Buffer.from(bytes)
    copy.writeInt32LE(-message.id, 4)
    copies.add(-message.id)
    toServer.send(copy, 'deliver')
  })

  split(upstream, bytes => {
    const message = toMessage(bytes, internal)
    if (copies.delete(message.answers)) return
    const request = asked.get(message.answers)
    asked.delete(message.answers)
    toClient.send(bytes, network.weather.reply?.(message, request) ?? 'deliver')
  })
}

/** One direction of a connection: what goes through keeps its order. */
interface Lane {
  send(bytes: Buffer, fate: Fate): void
  /** Closes it, after what is still under way. */
  end(): void
}

function createLane(to: Socket, cut: () => void): Lane {
  let last: Promise<unknown> | undefined
  const inTurn = (wait: unknown, act: () => void): void => {
    const own = Promise.all([last, wait]).then(() => {
      if (!to.destroyed) act()
      if (last === own) last = undefined
    })
    last = own
  }
  return {
    send(bytes, fate) {
      if (fate === 'swallow') return
      if (fate === 'cut') cut()
      else if (typeof fate === 'string' && last === undefined) to.write(bytes)
      else inTurn(fate, () => to.write(bytes))
    },
    end: () => inTurn(undefined, () => to.end()),
  }
}

function toMessage(bytes: Buffer, internal: boolean): Message {
  const named = bytes.readInt32LE(12) === OP_MSG && bytes.readInt32LE(8) === 0
  const end = named ? bytes.indexOf(0, COMMAND_NAME) : 0
  const command = named ? bytes.toString('latin1', COMMAND_NAME, end) : ''
  return { bytes, id: bytes.readInt32LE(4), answers: bytes.readInt32LE(8), command, internal }
}

/** Hands over whole messages. */
function split(socket: Socket, handle: (bytes: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', chunk => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 4) {
      const size = rest.readInt32LE(0)
      if (rest.length < size) return
      // A copy: what is kept of a message must not keep all that came with it.
      handle(Buffer.from(rest.subarray(0, size)))
      rest = rest.subarray(size)
    }
  })
}

/** How messages are lost. */
export interface Loss {
  readonly of: 'request' | 'reply'
  readonly by: 'cut' | 'swallow'
  /** How many are lost. */
  readonly times: number
}

/** Loses the next messages that hold one of the texts; each list of texts counts by itself. */
export function losing({ of, by, times }: Loss, lists: readonly (readonly string[])[]): Weather {
  const targets = lists.map(texts => ({ texts, left: times }))
  const isLost = ({ command, bytes }: Message): boolean => {
    if (command === '') return false
    const hit = targets.filter(
      each => each.left > 0 && each.texts.some(text => bytes.includes(text)),
    )
    for (const target of hit) target.left--
    return hit.length > 0
  }
  if (of === 'request') return { request: message => (isLost(message) ? by : 'deliver') }
  const doomed = new WeakSet<Message>()
  return {
    request(message) {
      if (isLost(message)) doomed.add(message)
      return 'deliver'
    },
    reply: (_message, request) => (request && doomed.has(request) ? by : 'deliver'),
  }
}
