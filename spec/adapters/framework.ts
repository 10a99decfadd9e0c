/**
 * What the specs of adapters ask of a framework, and what they serve with it.
 */

import type { AdapterOptions } from '../../lib/adapters/request.js'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { memoryStore, SessionError, StoreError } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { intercepted } from '../support/servers.js'

/** What a handler answers. Chunks are streamed one by one. */
export interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string | AsyncIterable<string>
}

/** A handler, in the words of no framework. */
export type Handler = (session: Session<Data>) => Answer | Promise<Answer>

/** Handlers by path. */
export type Handlers = Record<string, Handler>

/** A framework with the adapter for it. */
export interface Framework {
  readonly name: string
  /** Serves handlers by path. */
  serve(sessions: Sessions<Data>, handlers: Handlers, options?: AdapterOptions): Promise<Served>
}

/** A server that runs. */
export interface Served {
  readonly url: string
  close(): Promise<void>
}

/** Answers with the session's data. */
export const view: Handler = ({ data }) => ({ body: JSON.stringify(data) })

/** Counts up. */
export const write: Handler = ({ data }) => {
  data.n = (data.n ?? 0) + 1
  return { body: String(data.n) }
}

/** Answers, and leaves the session alone. */
export const ignore: Handler = () => ({ body: 'nothing' })

/** Answers once `change` is done. */
export const after =
  (change: (session: Session<Data>) => unknown): Handler =>
  async session => {
    await change(session)
    return { body: 'done' }
  }

/** A store that records in `calls` what it is asked. */
export function recordCalls(store: Store, calls: string[]): Store {
  const names = ['load', 'insert', 'write', 'touch', 'retire', 'remove'] as const
  const recorded = names.map(name => [
    name,
    (...args: unknown[]) => {
      calls.push(name)
      return (store[name] as (...args: unknown[]) => unknown)(...args)
    },
  ])
  return { ...store, ...Object.fromEntries(recorded) } as Store
}

/** A store whose commits fail once `fail` was called, until `recover` is. */
export function failing(store: Store = memoryStore()): {
  store: Store
  fail(): void
  recover(): void
} {
  let fails = false
  const check = async (proceed: () => unknown): Promise<unknown> => {
    if (fails) throw new StoreError('commit the session', 'the spec says so')
    return proceed()
  }
  return {
    fail() {
      fails = true
    },
    recover() {
      fails = false
    },
    store: intercepted(store, { insert: check, write: check }),
  }
}

/** Whether an error is one of the library's with `code`. */
export const isErrorWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof SessionError && error.code === code

/** A promise to be resolved by somebody else. */
export function deferred(): { promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>(each => {
    resolve = each
  })
  return { promise, resolve: () => resolve() }
}
