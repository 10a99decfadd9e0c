/**
 * Tracking `'none'`: the whole state is a plain object, and all of it is compared.
 *
 * @module
 */

import type { Node } from '../state/node.js'
import type { PlainObject } from '../state/value.js'
import { createCopies } from './copies.js'
import type { Tracking } from './tracking.js'

/** Hands out all of `root` as one plain object, which is made when it is first asked for. */
export function trackNone(root: Node): Tracking {
  const copies = createCopies(root)
  let data: PlainObject | undefined

  /** Makes `plain` what the copies are. */
  function fill(plain: PlainObject): PlainObject {
    const names = copies.keys()
    for (const name of Object.keys(plain)) if (!names.includes(name)) delete plain[name]
    for (const name of names) {
      const value = copies.get(name, () => true)
      // What is stored may not fit, and count as absent.
      if (value === undefined) delete plain[name]
      else plain[name] = value
    }
    return plain
  }

  return {
    get data() {
      data ??= fill({})
      return data
    },
    collect() {
      if (data === undefined) return
      for (const name of new Set([...copies.keys(), ...Object.keys(data)])) {
        const value = Object.hasOwn(data, name) ? data[name] : undefined
        if (
          !Object.is(
            value,
            copies.get(name, () => true),
          )
        )
          copies.replace(name, value)
      }
      copies.collect()
    },
    settled() {
      copies.settled()
      // What holds undefined is absent now.
      for (const [name, value] of Object.entries(data ?? {})) {
        if (value === undefined) delete data?.[name]
      }
    },
    drop(names) {
      for (const name of names) {
        // What was written there since then is another value.
        const kept = copies.get(name, () => true)
        if (data !== undefined && Object.is(data[name], kept)) delete data[name]
      }
      copies.drop(names)
    },
    project() {
      copies.project()
      if (data !== undefined) fill(data)
    },
  }
}
