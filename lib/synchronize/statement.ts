/**
 * What a session knows of primary state, and the statement that brings writes there.
 *
 * @module
 */

import type { Bookkeeping } from '../document.js'
import { KEPT, SHARED_LAYOUT, TRIM_FROM } from '../document.js'
import type { Statement, Timeouts } from '../store/store.js'
import { countersOf, hasOwnCounter, isFull } from './layout.js'
import type { Write } from './plan.js'

/** What a session knows of its document, from the last load and its own commits since. */
export interface Knowledge {
  /** A lower bound: it counts one's own commits since the load, and not those of others. */
  rev: number
  /** What it was at the last load. */
  readonly loadedRev: number
  readonly layout: Map<string, number>
  /** How many tokens and marks the document holds, at least. */
  tokens: number
  marks: number
  /** Whose marks were there at the last load: a rebase needs those of others only once. */
  readonly seen: ReadonlySet<bigint>
  createdAt: number
  expiresAt: number
  endsAt: number
  idle: number | undefined
  /** An upper bound of the document's size, in bytes. */
  bytes: number
}

/** What is known of a document that was just loaded, or made. */
export function knowledgeOf(document: Bookkeeping & { readonly bytes: number }): Knowledge {
  const { rev, layout, tokens, marks, createdAt, expiresAt, endsAt, idle, bytes } = document
  return {
    rev,
    loadedRev: rev,
    layout: new Map(layout),
    tokens: tokens.length,
    marks: marks.length,
    seen: new Set(marks.map(mark => mark.by)),
    createdAt,
    expiresAt,
    endsAt,
    idle,
    bytes,
  }
}

/** What a commit is made of beside its writes. */
export interface Commitment {
  readonly key: string
  readonly token: bigint
  readonly expiresAt: number
  readonly timeouts: Timeouts | undefined
  /** How large the writes are, in bytes. */
  readonly bytes: number
  /** Whether the commit is void if anybody else committed since the load. */
  readonly exact: boolean
}

/** The statement for `writes`: each of them, and what all of them require together. */
export function toStatement(
  writes: readonly Write[],
  knowledge: Knowledge,
  { key, token, expiresAt, timeouts, bytes, exact }: Commitment,
): Statement {
  const rev = exact || timeouts !== undefined || writes.some(write => write.requires === 'rev')
  const raised = new Set(writes.flatMap(write => write.raises))
  const at = writes.flatMap(write => write.marks)
  return {
    key,
    token,
    rev: rev ? { exactly: knowledge.rev } : { below: knowledge.rev + KEPT },
    // Where nobody else committed at all, no layout has changed either.
    layout: rev ? new Map() : requiredLayout(writes, knowledge.layout),
    modifications: writes.map(write => write.modification),
    bytes,
    raises: countersOf(raised, knowledge.layout),
    mark: at.length === 0 ? undefined : { by: token, at },
    trim: trimOf(knowledge),
    expiresAt,
    timeouts,
  }
}

/** Marks are trimmed only where there are some: MongoDB would make an empty list of none. */
function trimOf({ tokens, marks }: Knowledge): Statement['trim'] {
  if (tokens < TRIM_FROM && marks < TRIM_FROM) return false
  return marks > KEPT || 'tokens'
}

function requiredLayout(
  writes: readonly Write[],
  layout: ReadonlyMap<string, number>,
): Map<string, number> {
  const required = new Map<string, number>()
  for (const { requires, modification } of writes) {
    if (requires !== 'layout') continue
    const attribute = String(modification.path[0])
    const known = hasOwnCounter(attribute) && layout.has(attribute)
    if (hasOwnCounter(attribute)) required.set(attribute, layout.get(attribute) ?? 0)
    // Whoever raises it may count it by itself, or with the others if there are many.
    if (!known || isFull(layout)) required.set(SHARED_LAYOUT, layout.get(SHARED_LAYOUT) ?? 0)
  }
  return required
}

/** Takes note that `statement` was applied. */
export function noteApplied(knowledge: Knowledge, statement: Statement, bytes: number): void {
  knowledge.rev += statement.timeouts === undefined ? 1 : KEPT
  for (const name of statement.raises) {
    knowledge.layout.set(name, (knowledge.layout.get(name) ?? 0) + 1)
  }
  knowledge.tokens = statement.trim === false ? knowledge.tokens + 1 : KEPT
  if (statement.mark !== undefined) knowledge.marks++
  if (statement.trim === true) knowledge.marks = Math.min(knowledge.marks, KEPT)
  knowledge.bytes += bytes
  noteExpiry(knowledge, statement)
}

/** Takes note of an expiry that was written. */
export function noteExpiry(
  knowledge: Knowledge,
  { expiresAt, timeouts }: Pick<Statement, 'expiresAt' | 'timeouts'>,
): void {
  if (timeouts === undefined) {
    knowledge.expiresAt = Math.max(knowledge.expiresAt, expiresAt)
  } else {
    knowledge.expiresAt = expiresAt
    knowledge.endsAt = timeouts.endsAt
    knowledge.idle = timeouts.idle
  }
}
