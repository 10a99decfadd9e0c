/**
 * A session as it lives on this server: client state, its benchmark, and what is known of its
 * document.
 *
 * @module
 */

import type { Clock } from './clock.js'
import { differenceGraph } from './difference/graph.js'
import { SHARED_LAYOUT } from './document.js'
import type { Benchmark } from './open/benchmark.js'
import { createBenchmark } from './open/benchmark.js'
import type { SessionDocument } from './open/document.js'
import { readDocument } from './open/document.js'
import { keyOf } from './open/identity.js'
import type { Settings } from './options.js'
import { copyValue } from './state/copy.js'
import type { Difference } from './state/difference.js'
import type { Node } from './state/node.js'
import { keysOf, sourceAt } from './state/read.js'
import { reset } from './state/reset.js'
import type { PlainObject } from './state/value.js'
import type { Deadline } from './synchronize/deadline.js'
import { readMarks } from './synchronize/marks.js'
import { rebaseRoot } from './synchronize/rebase.js'
import type { Knowledge } from './synchronize/statement.js'
import { knowledgeOf } from './synchronize/statement.js'
import type { Imported } from './track/stray.js'
import { createTree } from './track/tree.js'

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

/** A session as it lives on this server. */
export interface LiveSession {
  readonly context: Context
  id: string
  key: string
  life: Life
  root: Node
  benchmark: Benchmark
  knowledge: Knowledge
  /** Tokens of the commits that were made here. */
  readonly own: Set<bigint>
  /** Timeouts to be remembered by the next commit. */
  timeouts: { idle: number | undefined; endsAt: number } | undefined
  /** Whether the next commit moves the expiry, however little. */
  touched: boolean
  /** Set if the next commit leaves nothing of what is stored; each `clear()` sets another one. */
  cleared: object | undefined
  /** Throws if the browser could not be told a new id any more. */
  beforeNewId: () => void
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
export function newSession(context: Context, id: string): LiveSession {
  const { settings } = context
  const identity = { id, key: keyOf(id), life: 'new' } as const
  const live = createLive(context, identity, undefined, newKnowledge(context))
  const initial = settings.initial?.() ?? {}
  const { values } = live.benchmark
  for (const [name, value] of Object.entries(initial)) {
    if (value === undefined) continue
    values[name] =
      settings.schema === undefined ? copyValue(value) : settings.schema.decode(name, value)
  }
  live.initial = Object.keys(initial)
  return live
}

/** Gives a session that was rotated its new identity, and nothing but `data`. */
export function startAnew(live: LiveSession, life: Life, data: PlainObject): void {
  live.life = life
  live.benchmark = benchmarkOf(live.context, undefined, data)
  live.root = rootOf(live.context, live.benchmark, (root, key) => live.benchmark.resolve(root, key))
  live.initial = []
  live.timeouts = live.cleared = undefined
  live.touched = false
}

function createLive(
  context: Context,
  identity: Pick<LiveSession, 'id' | 'key' | 'life'>,
  document: SessionDocument | undefined,
  knowledge: Knowledge,
): LiveSession {
  const benchmark = benchmarkOf(context, document)
  const live: Omit<LiveSession, 'root'> & { root?: Node } = {
    ...identity,
    context,
    benchmark,
    knowledge,
    own: new Set(),
    timeouts: undefined,
    touched: false,
    cleared: undefined,
    beforeNewId: () => undefined,
    imported: [],
    initial: [],
  }
  // A rebase exchanges the benchmark, so it is looked up at each call.
  live.root = rootOf(context, benchmark, (root, key) => live.benchmark.resolve(root, key))
  return live as LiveSession
}

function rootOf({ settings }: Context, benchmark: Benchmark, resolve: Benchmark['resolve']): Node {
  return createTree(benchmark.values, {
    shape: settings.schema?.shape,
    stored: benchmark.stored,
    owned: true,
    decoded: settings.schema === undefined,
    resolve,
  })
}

function benchmarkOf(
  { settings }: Context,
  document: SessionDocument | undefined,
  data?: PlainObject,
): Benchmark {
  const policy = settings.onInvalid === 'unset' ? 'unset' : 'throw'
  return createBenchmark(document, settings.schema, policy, data)
}

/** Loads a document; null if there is none. */
export async function loadDocument(
  { settings, clock }: Context,
  key: string,
  deadline: Deadline,
  linearizable = false,
): Promise<SessionDocument | null> {
  const loaded = await deadline.persist('load the session', ({ timeout }) =>
    settings.store.load(key, { timeout, linearizable }),
  )
  if (loaded === null) return null
  const document = readDocument(loaded)
  clock.note(document.now)
  return document
}

/** Decodes and validates all attributes, as `validate: 'open'` asks for. */
export function validateAll(live: LiveSession): void {
  for (const key of keysOf(live.root)) sourceAt(live.root, key)
}

/** Whether client state departs from the benchmark. */
export function differencesOf(live: LiveSession): Difference[] {
  return differenceGraph(live.root, true)
}

/**
 * Puts what was written here on top of `document`, as it is now.
 *
 * @returns What became void, because others replaced or removed what it was written into.
 */
export function rebaseOnto(live: LiveSession, document: SessionDocument): Difference[] {
  const { knowledge, root, own } = live
  const raised = (attribute: string): number =>
    layoutOf(document.layout, attribute) - layoutOf(knowledge.layout, attribute)
  const superseded: Difference[] = []
  const marks = readMarks(document.marks, knowledge.seen, own, raised)
  const differencesBelow = (node: Node): Difference[] => differenceGraph(node, true)
  const benchmark = benchmarkOf(live.context, document)
  const theirs = rootOf(live.context, benchmark, benchmark.resolve)
  rebaseRoot({ tree: root.tree, marks, differencesBelow, superseded }, root, theirs)
  live.benchmark = benchmark
  live.knowledge = knowledgeOf(document)
  return superseded
}

function layoutOf(layout: ReadonlyMap<string, number>, attribute: string): number {
  return layout.get(attribute) ?? layout.get(SHARED_LAYOUT) ?? 0
}

/** Forgets what was written here since the last commit. */
export function discardChanges(live: LiveSession): void {
  reset(live.root)
  live.root.tree.adopted = undefined
  live.timeouts = undefined
  live.touched = false
  live.cleared = undefined
}
