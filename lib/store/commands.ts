/**
 * What is sent to MongoDB for a statement, and for a filter of the application.
 *
 * @module
 */

import type { Document } from 'mongodb'
import { KEPT } from '../document.js'
import { endOf, toLong } from './fields.js'
import { importScalar } from './filter.js'
import type { Filter, Statement } from './store.js'
import type { UpdateDocument } from './update.js'
import { toUpdate } from './update.js'

/** What a commit requires of the document, as a filter. */
export function fencesOf({ rev, token, layout }: Statement): Document {
  const fences: Document = {
    rev: 'exactly' in rev ? rev.exactly : { $lt: rev.below },
    tokens: { $ne: toLong(token) },
  }
  // In a filter, null is what is absent, too.
  for (const [name, count] of layout) fences[`layout.${name}`] = count === 0 ? null : count
  return fences
}

/** What a commit writes: the modified subset, the expiry, and the books. */
export function updateOf(statement: Statement): UpdateDocument {
  const { token, mark, trim, raises, timeouts } = statement
  const { update } = toUpdate(statement.modifications)
  const change: Document = {
    ...update,
    $inc: {
      ...update.$inc,
      rev: timeouts === undefined ? 1 : KEPT,
      ...Object.fromEntries(raises.map(name => [`layout.${name}`, 1])),
    },
    $push: { ...update.$push, ...booksOf(token, mark, trim) },
  }
  const expiresAt = new Date(statement.expiresAt)
  if (timeouts === undefined) {
    change.$max = { ...update.$max, expiresAt }
  } else {
    const { idle, endsAt } = timeouts
    change.$set = {
      ...update.$set,
      expiresAt,
      ...endOf(endsAt),
      ...(idle !== undefined && { idle }),
    }
    const removed = {
      ...(idle === undefined && { idle: '' }),
      ...(endOf(endsAt).endsAt === undefined && { endsAt: '' }),
    }
    if (Object.keys(removed).length > 0) change.$unset = { ...update.$unset, ...removed }
  }
  return change as UpdateDocument
}

/** What is appended to the token and mark lists, which are trimmed by that. */
function booksOf(
  token: Statement['token'],
  mark: Statement['mark'],
  trim: Statement['trim'],
): Document {
  const latest = { $slice: -KEPT }
  const marks = mark === undefined ? [] : [{ by: toLong(mark.by), at: mark.at }]
  return {
    tokens: trim === false ? toLong(token) : { $each: [toLong(token)], ...latest },
    ...((mark !== undefined || trim === true) && {
      marks: { $each: marks, ...(trim === true && latest) },
    }),
  }
}

/** The conditions of a filter that came from the application. */
export function conditionsOf(filter: Filter): Document {
  return Object.fromEntries(
    Object.entries(filter).map(([path, value]) => [`data.${path}`, { $eq: importScalar(value) }]),
  )
}
