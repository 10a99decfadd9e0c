/**
 * Several application servers over one store, each with its own `createSessions`.
 */

import { deserialize } from 'bson'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { createSessions, memoryStore } from '../../lib/index.js'
import type { PlainOptions } from '../../lib/options.js'
import type { Data } from './operations.js'

/** Creates `count` servers over `store`. */
export function createServers(
  store: Store,
  count: number,
  options: Omit<PlainOptions<Data>, 'store'> = {},
): Sessions<Data>[] {
  // Nobody is to be refused because the machine is busy.
  const deadline = 60_000
  return Array.from({ length: count }, () => createSessions<Data>({ deadline, ...options, store }))
}

/** Stores a session that holds `data`. */
export async function createStored(server: Sessions<Data>, data: Data): Promise<Session<Data>> {
  const session = server.create(data)
  await session.commit()
  return session
}

/** The same, and opens it anew. */
export async function openStored(server: Sessions<Data>, data: Data): Promise<Session<Data>> {
  return openOn(server, (await createStored(server, data)).id)
}

/** Opens a session on each of `servers`. */
export async function openAll(
  servers: readonly Sessions<Data>[],
  id: string,
): Promise<Session<Data>[]> {
  return Promise.all(servers.map(server => openOn(server, id)))
}

/** Opens a session that has to be there. */
export async function openOn(server: Sessions<Data>, id: string): Promise<Session<Data>> {
  const session = await server.open(id)
  if (session === null) throw new Error('the session is not there')
  return session
}

/** The whole document of a session, decoded by the bson package alone; undefined if there is none. */
export async function documentOf(store: Store, key: string): Promise<Data | undefined> {
  const loaded = await store.load(key, { timeout: 20_000 } as Parameters<Store['load']>[1])
  if (loaded === null) return undefined
  // MongoDB adds the time at which it was read.
  const { now: _now, ...document } = deserialize(loaded.bytes)
  return document
}

/** What a store holds of a session. */
export async function storedData(store: Store, key: string): Promise<Data> {
  return (await documentOf(store, key))?.data
}

/** A store that calls `hooks` in the place of its methods; each may go on with what it was called for. */
export function intercepted(store: Store, hooks: Hooks): Store {
  const calls = store as unknown as Record<string, Method>
  const replaced = Object.entries(hooks).map(([name, hook]) => {
    const proceed: Method = (...args) => (calls[name] as Method)(...args)
    return [name, (...args: unknown[]) => (hook as Method)(() => proceed(...args), ...args)]
  })
  return { ...store, ...Object.fromEntries(replaced) }
}

/** A store whose data writes are followed by `then`, before they end: insertions, too, or updates alone. */
export function followed(
  then: () => void | Promise<void>,
  store: Store = memoryStore(),
  methods: readonly ('insert' | 'write')[] = ['insert', 'write'],
): Store {
  const hook = async (proceed: Method): Promise<unknown> => {
    const result = await proceed()
    await then()
    return result
  }
  return intercepted(store, Object.fromEntries(methods.map(method => [method, hook])))
}

// biome-ignore lint/suspicious/noExplicitAny: a hook knows which call it is for
type Method = (...args: any[]) => any

/** By method, what is called in its place: with what it would have done, and its arguments. */
export type Hooks = {
  readonly [method in keyof Store]?: (
    // biome-ignore lint/suspicious/noExplicitAny: as above
    proceed: () => any,
    ...args: Parameters<Extract<Store[method], Method>>
  ) => unknown
}
