/**
 * A session as it lives on this server: client state, its benchmark, and what is known of its
 * document.
 *
 * @module
 */

import type { Clock } from '../clock.js'
import { binaryDifferencing } from '../difference/binary.js'
import { findDifferences } from '../difference/candidates.js'
import { graphDifferencing } from '../difference/graph.js'
import { withIntents } from '../difference/intent.js'
import type { Modification } from '../modification.js'
import type { Benchmark } from '../open/benchmark.js'
import { createBenchmark } from '../open/benchmark.js'
import type { SessionDocument } from '../open/document.js'
import { keyOf } from '../open/identity.js'
import type { Settings } from '../options.js'
import type { Difference } from '../state/difference.js'
import type { Leaves } from '../state/equal.js'
import { restore } from '../state/journal.js'
import type { Journal, Node } from '../state/node.js'
import { reset } from '../state/reset.js'
import type { PlainObject } from '../state/value.js'
import type { Call } from '../synchronize/deliver.js'
import type { Knowledge } from '../synchronize/statement.js'
import { knowledgeOf } from '../synchronize/statement.js'
import { createTracking } from '../track/strategies.js'
import type { Imported } from '../track/stray.js'
import type { Tracking } from '../track/tracking.js'
import { createTree } from '../track/tree.js'
import type { SessionTimeouts } from './expiry.js'
import { initialData } from './initial.js'
import type { Landing } from './outcome.js'

/** What the sessions of one `createSessions` share. */
export interface Context {
  readonly settings: Settings
  readonly clock: Clock
}

/**
 * Where a session is in its life: not stored yet, stored, known to be gone, or known by an id that was
 * rotated.
 */
export type Life = 'new' | 'stored' | 'gone' | 'retired'

/** What gives a session an id that the browser does not know: its first commit, or a rotation. */
export type NewIdCause = 'commit' | 'rotation'

/** What was sent by an earlier call, and whose end is not known. */
export interface Unfinished {
  /** Sends it again, unchanged, and accepts what becomes of it. */
  readonly finish: (call: Call) => Promise<Landing>
  /** Leaves it to its fate. */
  readonly abandon: () => void
  /** The key that it may have given the session. */
  readonly newKey: string | undefined
}

/** A session as it lives on this server. */
export interface LiveSession {
  readonly context: Context
  id: string
  key: string
  life: Life
  /** Whether the id is made of a name, so that others may store a session with the same key. */
  named: boolean
  root: Node
  tracking: Tracking
  benchmark: Benchmark
  knowledge: Knowledge
  /** Tokens of the commits that were made here. */
  readonly own: Set<bigint>
  /** Timeouts to be remembered by the next commit. */
  timeouts: SessionTimeouts | undefined
  /** While something is being sent: what was written since then. */
  sending: Journal | undefined
  /** What was sent, and whose end is not known: it comes before whatever else is sent. */
  unfinished: Unfinished | undefined
  /** Whether what is being sent was discarded meanwhile, so that it goes if that fails. */
  discarded: boolean
  /** Whether the next commit moves the expiry, however little. */
  touched: boolean
  /** Set if the next commit leaves nothing of what is stored; each `clear()` sets another one. */
  cleared: object | undefined
  /** Throws if the browser could not be told a new id any more. */
  beforeNewId: (cause: NewIdCause) => void
  /** What was written in vain, and not told yet: the next commit lists it. */
  superseded: Modification[]
  /** Objects of the application that were imported, to notice writes that miss the session. */
  readonly imported: Imported[]
  /** Attributes of a new session that are stored although they are no change. */
  initial: readonly string[]
}

/** A session that was loaded. */
export function loadedSession(
  context: Context,
  id: string,
  document: SessionDocument,
): LiveSession {
  const life = document.retiredBy === undefined ? 'stored' : 'retired'
  return createLive(context, { id, key: document.key, life }, document, knowledgeOf(document))
}

/** What is known of a session that is not stored yet. */
export function newKnowledge({ settings, clock }: Context): Knowledge {
  const now = clock.estimate()
  return {
    rev: 0,
    loadedRev: 0,
    layout: new Map(),
    tokens: 0,
    marks: 0,
    seen: new Set(),
    createdAt: now,
    expiresAt: now + settings.idleTimeout,
    endsAt: now + settings.absoluteTimeout,
    idle: undefined,
    bytes: 0,
  }
}

/** A session that is not stored yet. */
export function newSession(context: Context, id: string, key: string = keyOf(id)): LiveSession {
  const identity = { id, key, life: 'new' } as const
  const live = createLive(context, identity, undefined, newKnowledge(context))
  fillInitial(live)
  return live
}

/** Gives a session that begins what the application has new sessions hold. */
function fillInitial(live: LiveSession): void {
  const initial = initialData(live.context.settings, live.root)
  Object.assign(live.benchmark.values, initial)
  live.initial = Object.keys(initial)
}

/** Gives a session that was rotated its new identity, and nothing but `data`. */
export function startAnew(live: LiveSession, life: Life, data: PlainObject): void {
  live.life = life
  live.benchmark = benchmarkOf(live.context, undefined, data)
  live.root = rootOf(live.context, () => live.benchmark)
  live.tracking = createTracking[live.context.settings.tracking](live.root)
  live.initial = []
  if (life === 'new') fillInitial(live)
  live.timeouts = live.cleared = undefined
  live.touched = false
}

function createLive(
  context: Context,
  { id, key, life }: Pick<LiveSession, 'id' | 'key' | 'life'>,
  document: SessionDocument | undefined,
  knowledge: Knowledge,
): LiveSession {
  const live: LiveSession = {
    context,
    id,
    key,
    life,
    named: false,
    benchmark: benchmarkOf(context, document),
    // Both need the session itself.
    root: undefined as never,
    tracking: undefined as never,
    knowledge,
    own: new Set(),
    timeouts: undefined,
    sending: undefined,
    unfinished: undefined,
    discarded: false,
    touched: false,
    cleared: undefined,
    beforeNewId: () => undefined,
    superseded: [],
    imported: [],
    initial: [],
  }
  // A rebase exchanges the benchmark, so it is looked up at each call.
  live.root = rootOf(context, () => live.benchmark)
  live.tracking = createTracking[context.settings.tracking](live.root)
  return live
}

/** A tree of client state over a benchmark, which a rebase may exchange. */
export function rootOf({ settings }: Context, benchmark: () => Benchmark): Node {
  return createTree(benchmark().values, {
    differencing:
      settings.differencing === 'graph'
        ? graphDifferencing
        : tree => binaryDifferencing(tree, path => benchmark().rawAt(path)),
    shape: settings.schema?.shape,
    stored: benchmark().stored,
    owned: true,
    decoded: settings.schema === undefined,
    reads: settings.isolation === 'serializable',
    resolve: (root, key) => benchmark().resolve(root, key),
  })
}

/** What a document holds, or nothing but `data` of a session that is not stored. */
export function benchmarkOf(
  { settings }: Context,
  document: SessionDocument | undefined,
  data?: PlainObject,
): Benchmark {
  const policy = settings.onInvalid === 'unset' ? 'unset' : 'throw'
  return createBenchmark(document, settings.schema, policy, data)
}

/** Where client state departs from the benchmark. */
export function differencesOf(live: LiveSession, leaves?: Leaves): Difference[] {
  const differences = findDifferences(live.root, true, leaves)
  const { schema } = live.context.settings
  return schema?.hasIntents === true ? withIntents(live.root, differences) : differences
}

/** Forgets what was written here since the last commit, or since the one that is under way. */
export function discardChanges(live: LiveSession): void {
  live.unfinished?.abandon()
  live.unfinished = undefined
  live.root.tree.reads?.clear()
  if (live.sending === undefined) {
    reset(live.root)
    live.root.tree.adopted = undefined
  } else {
    restore(live.sending)
    live.discarded = true
  }
  live.tracking.project()
  live.timeouts = undefined
  live.touched = false
  live.cleared = undefined
  live.superseded = []
  live.root.tree.writtenDetached.length = 0
}
