/**
 * The options of `createSessions`, checked and completed.
 *
 * @module
 */

import type { z } from 'zod'
import { invalidOption } from './errors.js'
import type { InvalidPolicy } from './open/benchmark.js'
import type { SessionSchema } from './open/schema.js'
import { compileSchema } from './open/schema.js'
import type { Store } from './store/store.js'

/** Options of {@link createSessions} that have nothing to do with the schema. */
export interface BaseOptions {
  /** Where sessions are kept: {@link memoryStore}, or `mongoStore` of `dotset/mongodb`. */
  store: Store
  /**
   * How long a session lives after it was last used, in milliseconds. Each commit, and each touch,
   * starts it anew. Default: 30 minutes.
   */
  idleTimeout?: number
  /**
   * How long a session lives after it was created, however much it is used, in milliseconds;
   * `Infinity` for no end. Only {@link Session.timeouts} and a rotation move it. Default: 7 days.
   */
  absoluteTimeout?: number
  /**
   * By how much the expiry must move for that alone to be written, in milliseconds: a session that is
   * only read costs no more than one write in this time. 0 writes at every commit. Default: a tenth
   * of `idleTimeout`.
   */
  touchAfter?: number
  /** How large a session may become, in bytes of BSON. Default: 1 MiB (1,048,576). */
  maxBytes?: number
  /**
   * How long one call (an open, a commit, …) may take at most, in milliseconds, whatever happens to
   * the network. Default: 10,000.
   */
  deadline?: number
}

/** Options of {@link createSessions} with a schema, which gives `session.data` its type. */
export interface SchemaOptions<S extends z.ZodObject> extends BaseOptions {
  /**
   * What a session holds: a `z.object()`. Every attribute is optional or has a default, unless
   * `initial` gives it. Keys that it does not know stay in the store.
   */
  schema: S
  /** What a new session holds, beside the schema's defaults. */
  initial?: () => z.input<S>
  /**
   * When stored data is checked: an attribute when it is first touched (`'touch'`), or all of them by
   * {@link Sessions.open} (`'open'`). Default: `'touch'`.
   */
  validate?: 'touch' | 'open'
  /**
   * What becomes of stored data that does not fit the schema: reading it throws a
   * {@link ValidationError} (`'throw'`); it reads as absent, and is removed by the next commit with
   * changes (`'unset'`); or the session counts as unknown, so that a new one begins (`'new'`, which
   * implies `validate: 'open'`). Default: `'throw'`.
   */
  onInvalid?: InvalidPolicy
}

/** Options of {@link createSessions} without a schema: the type of `session.data` is only claimed. */
export interface PlainOptions<T extends object> extends BaseOptions {
  /** A schema has options of its own: {@link SchemaOptions}. */
  schema?: undefined
  /** What a new session holds. */
  initial?: () => Partial<T>
}

/** Options, checked, and with their defaults. */
export interface Settings {
  readonly store: Store
  readonly schema: SessionSchema | undefined
  readonly initial: (() => Record<string, unknown>) | undefined
  readonly idleTimeout: number
  readonly absoluteTimeout: number
  readonly touchAfter: number
  readonly validateOnOpen: boolean
  readonly onInvalid: InvalidPolicy
  readonly maxBytes: number
  readonly deadline: number
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/**
 * Checks options and completes them.
 *
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` that says which one, and what to do.
 */
export function settle(options: SchemaOptions<z.ZodObject> | PlainOptions<object>): Settings {
  if (typeof options !== 'object' || options === null)
    throw invalidOption('options', 'an object with a store is needed')
  const { store, schema, initial, idleTimeout = 30 * MINUTE } = options
  const { absoluteTimeout = 7 * DAY, touchAfter = idleTimeout / 10 } = options
  const { maxBytes = 2 ** 20, deadline = 10_000 } = options
  const { validate = 'touch', onInvalid = 'throw' } = options as SchemaOptions<z.ZodObject>
  if (typeof store?.load !== 'function') {
    throw invalidOption(
      'store',
      'it must be a store, memoryStore() or mongoStore(collection) for example',
    )
  }
  duration('idleTimeout', idleTimeout)
  if (absoluteTimeout !== Number.POSITIVE_INFINITY) duration('absoluteTimeout', absoluteTimeout)
  duration('touchAfter', touchAfter, 0)
  duration('deadline', deadline)
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 15 * 2 ** 20) {
    throw invalidOption(
      'maxBytes',
      'it must be a whole number of bytes up to 15 MiB, for MongoDB keeps no more than 16',
    )
  }
  oneOf('validate', validate, ['touch', 'open'])
  oneOf('onInvalid', onInvalid, ['throw', 'unset', 'new'])
  const compiled = schema === undefined ? undefined : compileSchema(schema)
  if (initial !== undefined && typeof initial !== 'function') {
    throw invalidOption('initial', 'it must be a function that gives what a new session holds')
  }
  if (compiled !== undefined && !compiled.acceptsEmpty && initial === undefined) {
    throw invalidOption(
      'schema',
      'it rejects {}, which is what a new session is; make every attribute optional, give it a default, or give initial()',
    )
  }
  return {
    store,
    schema: compiled,
    initial: initial as Settings['initial'],
    idleTimeout,
    absoluteTimeout,
    touchAfter,
    validateOnOpen: validate === 'open' || onInvalid === 'new',
    onInvalid,
    maxBytes,
    deadline,
  }
}

/** Refuses what is no duration: less than `least`, or not finite. */
export function duration(option: string, value: unknown, least = 1): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return
  throw invalidOption(option, `it must be a number of milliseconds, ${least} or more`)
}

function oneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return
  throw invalidOption(option, `it must be one of ${allowed.map(each => `'${each}'`).join(', ')}`)
}
