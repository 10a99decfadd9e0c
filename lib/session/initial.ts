/**
 * What a new session holds beside the defaults of the schema.
 *
 * @module
 */

import { invalidOption } from '../errors.js'
import type { Settings } from '../options.js'
import { copyValue } from '../state/copy.js'
import type { Node } from '../state/node.js'
import type { PlainObject } from '../state/value.js'
import { isPlainObject } from '../state/value.js'
import { checkValue } from '../track/check.js'

/** What a new session holds, as it is stored. */
export function storedInitial(settings: Settings, root: Node): PlainObject {
  const { schema } = settings
  const initial = initialData(settings, root)
  if (schema === undefined) return initial
  const stored = Object.entries(initial).map(([name, value]) => [name, schema.encode(name, value)])
  return copyValue(Object.fromEntries(stored)) as PlainObject
}

/** What a new session holds, as the application reads it. */
export function initialData({ schema, initial }: Settings, root: Node): PlainObject {
  const given: unknown = initial?.() ?? {}
  if (typeof given !== 'object' || given === null || !isPlainObject(given)) {
    throw invalidOption('initial', 'it must give a plain object, at once')
  }
  const data: PlainObject = {}
  for (const [name, input] of Object.entries(given)) {
    if (input === undefined) continue
    const value = schema === undefined ? input : schema.accept(name, input)
    checkValue(root, name, value)
    if (value !== undefined) data[name] = copyValue(value)
  }
  return data
}
