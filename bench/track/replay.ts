/**
 * Applying a modified subset to plain data, to see that it tells all that was changed.
 */

import type { Modification } from '../../lib/index.js'

/** A copy of `base` with `modifications` applied to it. */
export function replay<T extends object>(base: T, modifications: readonly Modification[]): T {
  const root = { state: structuredClone(base) }
  for (const modification of modifications) {
    const path = ['state', ...modification.path]
    const key = path.pop() as string
    const parent = path.reduce<Container>((at, name) => at[name] as Container, root)
    if (modification.op === 'set') parent[key] = modification.value
    else if (modification.op === 'unset') delete parent[key]
    else if (modification.op === 'append') (parent[key] as unknown[]).push(...modification.values)
  }
  return root.state
}

type Container = Record<string | number, unknown>
