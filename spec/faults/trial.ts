/**
 * A call under a fault: how it ended, how long it took, and how long it might have taken.
 */

import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import {
  ConflictError,
  SessionError,
  SessionGoneError,
  StoreError,
  UncertainCommitError,
} from '../../lib/index.js'

/** How a call ended: it did what it was to do, it did nothing, or nobody knows. */
export type Outcome = 'ok' | 'fail' | 'unknown'

/** A call that has ended. */
export interface Trial {
  readonly outcome: Outcome
  readonly error: unknown
  /** How long it took, in milliseconds. */
  readonly took: number
  /** By how much it outlived its deadline, all allowances made; 0 if it did not. */
  readonly late: number
}

/** What an error says of what was asked for. What dotset does not throw on purpose is thrown. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof UncertainCommitError) return 'unknown'
  if (error instanceof StoreError) return error.uncertain ? 'unknown' : 'fail'
  if (error instanceof ConflictError || error instanceof SessionGoneError) return 'fail'
  if (error instanceof SessionError && error.code === 'ERR_CLOSED') return 'fail'
  throw error
}

/** Makes a call that is to end within `deadline` milliseconds. */
export async function attempt(deadline: number, call: () => Promise<unknown>): Promise<Trial> {
  const start = performance.now()
  let outcome: Outcome = 'ok'
  let error: unknown
  try {
    await call()
  } catch (caught) {
    error = caught
    outcome = outcomeOf(caught)
  }
  const end = performance.now()
  const allowed = deadline * 1.1 + SCHEDULING + lagBetween(start, end)
  return { outcome, error, took: end - start, late: Math.max(0, end - start - allowed) }
}

/** A deadline for what is no trial: a machine with other things to do may take its time. */
export const PATIENCE = 60_000

/** Makes a call again until the store is there, without haste. */
export async function calmly<T>(call: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + PATIENCE; ; ) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof StoreError) || performance.now() > end) throw error
      await wait(TICK)
    }
  }
}

/** What a machine with other things to do may take to notice that a time is over. */
const SCHEDULING = 250
const TICK = 20

/** How late the event loop was, at which time. */
const lags: { at: number; lag: number }[] = []
let last = performance.now()
setInterval(() => {
  const now = performance.now()
  const lag = now - last - TICK
  if (lag > TICK) lags.push({ at: now, lag })
  last = now
}, TICK).unref()

/** The longest time in which the event loop stood still, and nothing could be noticed. */
function lagBetween(start: number, end: number): number {
  const seen = lags.filter(({ at, lag }) => at >= start && at - lag <= end).map(({ lag }) => lag)
  return Math.max(0, end - last - TICK, ...seen)
}

/** The figures of some trials, for one line of a report. */
export function figures(trials: readonly Trial[]): string {
  const count = (outcome: Outcome): number => trials.filter(each => each.outcome === outcome).length
  const worst = Math.max(0, ...trials.map(({ took }) => took))
  return `${trials.length} trials: ${count('ok')} ok, ${count('fail')} refused, ${count('unknown')} unknown, worst ${worst.toFixed(0)} ms`
}
