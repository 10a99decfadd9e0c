/**
 * What every adapter does, checked over real sockets with the real framework.
 *
 * The spec of an adapter calls {@link defineContract} for each kind of store.
 */

import type { Test } from 'uvu'
import type { Store } from '../../lib/index.js'
import { createSessions } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { Browser } from './browser.js'
import { defineCommits } from './contract/commits.js'
import { defineCookies } from './contract/cookies.js'
import { defineIdentity } from './contract/identity.js'
import { defineOverlaps } from './contract/overlaps.js'
import type { Serve } from './contract/serve.js'
import { defineStreams } from './contract/streams.js'
import type { Framework } from './framework.js'
import { recordCalls } from './framework.js'

/** Defines the rules that hold for `framework` over `createStore`. */
export function defineContract(test: Test, framework: Framework, createStore: () => Store): void {
  const serve: Serve = async (
    handlers,
    use,
    { wrap = (store: Store) => store, ...options } = {},
  ) => {
    const calls: string[] = []
    const { store = createStore(), adapter, settings } = options
    const recorded = wrap(recordCalls(store, calls))
    const sessions = createSessions<Data>({ store: recorded, ...settings })
    const server = await framework.serve(sessions, handlers, adapter)
    try {
      await use(new Browser(server.url), { sessions, calls })
    } finally {
      await server.close()
    }
  }
  defineCommits(test, serve)
  defineStreams(test, serve)
  defineIdentity(test, serve)
  defineCookies(test, serve, createStore)
  defineOverlaps(test, serve)
}
