/**
 * What the figures were taken on, in general terms.
 */

import { cpus } from 'node:os'

/** For example: `4 CPUs (AMD EPYC), Node 20.20.2, 2026-01-31`. */
export function describeMachine(): string {
  const all = cpus()
  const family = all[0]?.model.replace(/\s+(Processor|CPU)?\s*(@.*)?$/, '').trim() ?? 'unknown'
  const date = new Date().toISOString().slice(0, 10)
  return `${all.length} CPUs (${family}), Node ${process.versions.node}, ${date}`
}
