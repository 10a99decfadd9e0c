/**
 * How the rules of the contract serve handlers.
 */

import type { AdapterOptions } from '../../../lib/adapters/request.js'
import type { Sessions, Store } from '../../../lib/index.js'
import type { Data } from '../../support/operations.js'
import type { Browser } from '../browser.js'
import type { Handlers } from '../framework.js'

/** How handlers are served, if not by default. */
export interface ServeOptions {
  readonly adapter?: AdapterOptions
  readonly settings?: { readonly idleTimeout?: number; readonly touchAfter?: number }
  /** Default: an empty store of the kind that the contract is run over. */
  readonly store?: Store
  /** Puts something in front of the store. */
  wrap?(store: Store): Store
}

/** Serves `handlers` while `use` runs. `calls` tells what the store was asked. */
export type Serve = (
  handlers: Handlers,
  use: (browser: Browser, context: { sessions: Sessions<Data>; calls: string[] }) => Promise<void>,
  options?: ServeOptions,
) => Promise<void>
