/**
 * What was sent and not answered yet: what is written meanwhile stays apart from it, and if its answer
 * is lost, the next call of the session brings it to its end.
 *
 * @module
 */

import type { StoreError } from '../errors.js'
import { UncertainCommitError } from '../errors.js'
import type { Journal } from '../state/node.js'
import type { Reads } from '../state/reads.js'
import { mergeReads } from '../state/reads.js'
import type { Call } from '../synchronize/deliver.js'
import type { LiveSession } from './live.js'
import type { Landing, Result } from './outcome.js'

/** What is kept while a commit is under way. */
export interface Flight {
  /** The nodes that are written meanwhile, as they were when the state was taken. */
  readonly journal: Journal
  /** The objects of callers that the commit imported: they are not read any more. */
  readonly imported: readonly object[]
  /** What was read until then. */
  readonly reads: Reads
}

/** Sends it, and accepts it if it was applied; `lost` is why an earlier attempt has no answer. */
export type Send = (call: Call, flight: Flight, lost: StoreError | undefined) => Promise<Landing>

/**
 * Sends what was prepared, and accepts what became of it.
 *
 * If that is not known in time it stays in flight, and is sent again, unchanged, by the next call.
 *
 * @param newKey The key that it gives the session, if it does.
 * @throws {@link UncertainCommitError} if it is not known what became of it.
 */
export function fly(live: LiveSession, call: Call, send: Send, newKey?: string): Promise<Landing> {
  const flight = takeOff(live)
  const attempt = async (each: Call, lost?: StoreError): Promise<Landing> => {
    live.unfinished = undefined
    try {
      return await send(each, flight, lost)
    } catch (error) {
      if (error instanceof UncertainCommitError) {
        live.unfinished = {
          finish: next => attempt(next, error.cause as StoreError),
          abandon: () => land(live, flight),
          newKey,
        }
      }
      throw error
    } finally {
      if (live.unfinished === undefined) land(live, flight)
    }
  }
  return attempt(call)
}

/** Brings to its end what an earlier call left in flight; tells what of it was applied. */
export async function finishEarlier(live: LiveSession, call: Call): Promise<Result | undefined> {
  return (await live.unfinished?.finish(call))?.result
}

/** Begins to keep what is written from now on. */
export function takeOff(live: LiveSession): Flight {
  const { tree } = live.root
  const journal: Journal = new Map()
  tree.journals = [...tree.journals, journal]
  const reads: Reads = tree.reads ?? new Map()
  if (tree.reads !== undefined) tree.reads = new Map()
  live.sending = journal
  return { journal, imported: [...(tree.adopted?.keys() ?? [])], reads }
}

/** Ends that, whatever became of the commit. */
export function land(live: LiveSession, { journal, reads }: Flight): void {
  const { tree } = live.root
  tree.journals = tree.journals.filter(open => open !== journal)
  for (const [node, keys] of reads) mergeReads(tree, node, keys)
  live.sending = undefined
}
