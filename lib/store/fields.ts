/**
 * The fields of a session's document beside its data, as they are stored and updated.
 *
 * @module
 */

import { Long } from 'bson'
import type { PlainObject } from '../state/value.js'
import { withWidths } from '../state/width.js'
import type { NewDocument } from './store.js'

/** The document to insert for a new session. */
export function toDocument(session: NewDocument): PlainObject & { _id: string } {
  return {
    _id: session.key,
    data: withWidths(session.data),
    rev: session.rev,
    layout: Object.fromEntries(session.layout),
    tokens: session.tokens.map(toLong),
    createdAt: new Date(session.createdAt),
    expiresAt: new Date(session.expiresAt),
    ...endOf(session.endsAt),
    ...(session.idle !== undefined && { idle: session.idle }),
  }
}

/** The field for the time when a session ends for good; none if it never does. */
export function endOf(endsAt: number): { endsAt?: Date } {
  return Number.isFinite(endsAt) ? { endsAt: new Date(endsAt) } : {}
}

/** An int64 as BSON writes it. */
export const toLong = (integer: bigint): Long => Long.fromBigInt(integer)
