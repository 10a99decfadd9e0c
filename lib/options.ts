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
import type { DifferencingName } from './state/differencing.js'
import type { Store } from './store/store.js'
import type { TrackingName } from './track/tracking.js'

/** How fine the modified subset is. */
export type Granularity = 'path' | 'attribute' | 'session'

/** What a commit does about what others committed since the session was read. */
export type Isolation = 'last-write-wins' | 'snapshot' | 'serializable'

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
   * only read costs no more than one write in this time, and may expire by so much earlier than
   * `idleTimeout` after its last use. It is less than that. 0 writes at every commit. Default: a tenth of
   * `idleTimeout`.
   */
  touchAfter?: number
  /**
   * Which accesses are tracked, and so what is compared at a commit: nothing is, so everything
   * (`'none'`); attributes that were read or written (`'accesses'`); those that were written, or read
   * while they held something mutable (`'mutable-attributes'`); paths that were written, at any depth
   * (`'writes'`). Only `'writes'` hands out proxies of what is in an attribute. Default: `'writes'`.
   */
  tracking?: TrackingName
  /**
   * How what is tracked is compared with the benchmark: value by value (`'graph'`), or by the bytes of
   * BSON (`'binary'`). Both find the same. Default: `'graph'`.
   */
  differencing?: DifferencingName
  /**
   * How fine the modified subset is: places at any depth (`'path'`), whole attributes (`'attribute'`) or
   * the whole session (`'session'`, as other stores do). What is coarser is written over nobody's
   * changes, but takes another round if there were any. Default: `'path'`.
   */
  granularity?: Granularity
  /**
   * What a commit does about what others committed since the session was read.
   *
   * - `'last-write-wins'`: different places all survive, and of one place the last commit; what others
   *   replaced or removed meanwhile is not written into. No commit is refused.
   * - `'snapshot'`: a commit that writes where others wrote is a {@link ConflictError}, and writes
   *   nothing.
   * - `'serializable'`: the same if others wrote what was read; reads are recorded for that. What is
   *   committed is what one request after another would have left.
   *
   * Load the session anew after a `ConflictError`, and decide again; {@link Sessions.update} does that
   * by itself, under each of them. Places with a {@link merge} intent never conflict by being written.
   * Default: `'last-write-wins'`.
   */
  isolation?: Isolation
  /**
   * The secret that the ids of named sessions are made with: at least 32 characters, the same on all
   * servers, and random. {@link Sessions.at} needs it; with another one, names have other sessions.
   */
  nameKey?: string
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
  readonly tracking: TrackingName
  readonly differencing: DifferencingName
  readonly granularity: Granularity
  readonly isolation: Isolation
  readonly onInvalid: InvalidPolicy
  readonly nameKey: string | undefined
  readonly maxBytes: number
  readonly deadline: number
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** The longest of durations, in milliseconds: longer ones would not fit into a Date. */
const LONGEST = 100_000 * DAY

/** What a store does. */
const METHODS = [
  'load',
  'insert',
  'write',
  'touch',
  'retire',
  'remove',
  'removeWhere',
  'list',
  'time',
] satisfies (keyof Store)[]

/**
 * Checks options and completes them.
 *
 * @param own Attributes that are kept beside those of the schema.
 * @throws {@link SessionError} with code `ERR_INVALID_OPTION` that says which one, and what to do.
 */
export function settle(
  options: SchemaOptions<z.ZodObject> | PlainOptions<object>,
  own: readonly string[] = [],
): Settings {
  if (typeof options !== 'object' || options === null)
    throw invalidOption('options', 'an object with a store is needed')
  const {
    store,
    schema,
    initial,
    idleTimeout = 30 * MINUTE,
    absoluteTimeout = 7 * DAY,
    touchAfter: step,
    maxBytes = 2 ** 20,
    deadline = 10_000,
    tracking = 'writes',
    differencing = 'graph',
    granularity = 'path',
    isolation = 'last-write-wins',
    validate = 'touch',
    onInvalid = 'throw',
    nameKey,
    ...others
  } = options as SchemaOptions<z.ZodObject>
  for (const option of Object.keys(others)) {
    throw invalidOption(option, 'there is no such option, see SchemaOptions and PlainOptions')
  }
  if (METHODS.some(method => typeof store?.[method] !== 'function')) {
    throw invalidOption(
      'store',
      'it must be a store, memoryStore() or mongoStore(collection) for example',
    )
  }
  duration('idleTimeout', idleTimeout)
  const touchAfter = step === undefined ? idleTimeout / 10 : step
  durationOrNone('absoluteTimeout', absoluteTimeout)
  duration('touchAfter', touchAfter, 0)
  if (touchAfter >= idleTimeout) {
    throw invalidOption(
      'touchAfter',
      `it must be less than idleTimeout (${idleTimeout} ms), or sessions that are only read expire while they are used`,
    )
  }
  duration('deadline', deadline)
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 15 * 2 ** 20) {
    throw invalidOption(
      'maxBytes',
      'it must be a whole number of bytes up to 15 MiB, for MongoDB keeps no more than 16',
    )
  }
  oneOf('tracking', tracking, ['none', 'accesses', 'mutable-attributes', 'writes'])
  oneOf('differencing', differencing, ['graph', 'binary'])
  oneOf('granularity', granularity, ['path', 'attribute', 'session'])
  oneOf('isolation', isolation, ['last-write-wins', 'snapshot', 'serializable'])
  oneOf('validate', validate, ['touch', 'open'])
  oneOf('onInvalid', onInvalid, ['throw', 'unset', 'new'])
  if (nameKey !== undefined && !(typeof nameKey === 'string' && nameKey.length >= 32)) {
    throw invalidOption('nameKey', 'it must be a random text of at least 32 characters')
  }
  const compiled = schema === undefined ? undefined : compileSchema(schema, own)
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
    nameKey,
    validateOnOpen: validate === 'open' || onInvalid === 'new',
    onInvalid,
    tracking,
    differencing,
    granularity,
    isolation,
    maxBytes,
    deadline,
  }
}

/** Refuses what is no duration: less than `least`, or longer than any session. */
export function duration(option: string, value: unknown, least = 1, instead = ''): void {
  if (typeof value === 'number' && value >= least && value <= LONGEST) return
  throw invalidOption(
    option,
    `it must be a number of milliseconds, from ${least} to 100,000 days${instead}`,
  )
}

/** Refuses what is neither a duration nor `Infinity`, for none. */
export function durationOrNone(option: string, value: unknown): void {
  if (value !== Number.POSITIVE_INFINITY) duration(option, value, 1, ', or Infinity for no end')
}

function oneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return
  throw invalidOption(option, `it must be one of ${allowed.map(each => `'${each}'`).join(', ')}`)
}
