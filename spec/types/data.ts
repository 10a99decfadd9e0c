/**
 * The type of `session.data`, with a schema and without one.
 */

import { createSessions, memoryStore, merge, snapshot } from 'dotset'
import { z } from 'zod'
import { claim, type Same } from './exactly.js'

const store = memoryStore()

interface Line {
  item: string
  quantity: number
}

const schema = z.object({
  user: z.object({ id: z.number(), name: z.string() }).optional(),
  cart: z.array(z.object({ item: z.string(), quantity: z.int() })).default([]),
  since: z.date().default(() => new Date()),
  prices: z.map(z.string(), z.number()).optional(),
  seen: z.set(z.string()).optional(),
  balance: z.bigint().optional(),
})

/** With a schema, data has the schema's output type, without a cast. */
export function inferredFromTheSchema(): void {
  const { data } = createSessions({ store, schema }).create()
  claim<Same<typeof data, z.output<typeof schema>>>()
  claim<Same<typeof data.cart, Line[]>>()
  claim<Same<typeof data.since, Date>>()
  claim<Same<typeof data.prices, Map<string, number> | undefined>>()
  claim<Same<typeof data.seen, Set<string> | undefined>>()
  claim<Same<typeof data.balance, bigint | undefined>>()
}

/** An attribute that may be absent has to be looked at before it is used. */
export function absentAttributes(): void {
  const { data } = createSessions({ store, schema }).create()
  // @ts-expect-error the user may not be logged in
  data.user.name = 'Ada'
  data.user = { id: 7, name: 'Ada' }
  data.user.name = 'Ada Lovelace'
}

/** A write that does not fit the schema does not compile. */
export function wrongWrites(): void {
  const { data } = createSessions({ store, schema }).create()
  // @ts-expect-error a number is no string
  data.user = { id: 7, name: 7 }
  // @ts-expect-error a line has a quantity
  data.cart.push({ item: 'tea' })
  // @ts-expect-error an array is not an object
  data.cart = {}
  // @ts-expect-error there is no such attribute
  data.basket = []
  // @ts-expect-error an attribute with a default is never absent
  data.cart = undefined
}

/** Sessions with a schema are opened, updated and listed with its type. */
export async function everyWayToASession(): Promise<void> {
  const sessions = createSessions({ store, schema })
  const opened = await sessions.open('an id')
  // @ts-expect-error there may be no such session
  opened.data
  claim<Same<NonNullable<typeof opened>['data'], z.output<typeof schema>>>()
  await sessions.update('an id', data => {
    claim<Same<typeof data.cart, Line[]>>()
    // @ts-expect-error a number is no line
    data.cart.push(1)
  })
  for await (const { data, key } of sessions.list({ 'user.id': 7 })) {
    claim<Same<typeof data, z.output<typeof schema>>>()
    claim<Same<typeof key, string>>()
  }
}

/** What a new session begins with has to fit the schema. */
export function initialData(): void {
  const sessions = createSessions({ store, schema, initial: () => ({ cart: [] }) })
  sessions.create({ user: { id: 7, name: 'Ada' } })
  // @ts-expect-error a string is no number
  sessions.create({ user: { id: '7', name: 'Ada' } })
  // @ts-expect-error a string is no array
  createSessions({ store, schema, initial: () => ({ cart: 'tea' }) })
}

/** The schema is an object. */
export function otherSchemas(): void {
  // @ts-expect-error a session has attributes
  createSessions({ store, schema: z.string() })
}

/** Options that only a schema gives a meaning to need one. */
export function optionsOfASchema(): void {
  createSessions({ store, schema, validate: 'open', onInvalid: 'unset' })
  // @ts-expect-error there is nothing to validate
  createSessions({ store, validate: 'open' })
}

/** A merge intent changes nothing about the type of what it marks. */
export function mergeIntents(): void {
  const counters = z.object({ views: z.int().default(0).register(merge, 'increment') })
  const { data } = createSessions({ store, schema: counters }).create()
  claim<Same<typeof data, { views: number }>>()
}

/** Only choices that there are compile. */
export function choices(): void {
  createSessions({ store, tracking: 'none', differencing: 'binary', granularity: 'attribute' })
  createSessions({ store, schema, isolation: 'serializable' })
  // @ts-expect-error there is no such tracking
  createSessions({ store, tracking: 'reads' })
  // @ts-expect-error there is no such differencing
  createSessions({ store, differencing: 'text' })
  // @ts-expect-error there is no such granularity
  createSessions({ store, granularity: 'leaf' })
  // @ts-expect-error there is no such isolation
  createSessions({ store, isolation: 'none' })
}

/** Without a schema, data has the type that is claimed. */
export function claimedWithoutASchema(): void {
  const { data } = createSessions<{ user?: { id: number }; views: number }>({ store }).create()
  claim<Same<typeof data, { user?: { id: number }; views: number }>>()
  data.views++
  // @ts-expect-error a string is no number
  data.views = 'one'
}

/** An interface can be claimed as well as a type literal. */
export function claimedInterface(): void {
  const { data } = createSessions<Line>({ store }).create()
  claim<Same<typeof data, Line>>()
}

/** Where nothing is claimed, nothing is known of a value. */
export function nothingClaimed(): void {
  const { data } = createSessions({ store }).create()
  claim<Same<typeof data, Record<string, unknown>>>()
  data.views = 1
  // @ts-expect-error it can be anything
  data.views.toFixed()
}

/** A new id keeps all, none, or attributes that there are. */
export async function rotation(): Promise<void> {
  const session = createSessions({ store, schema }).create()
  await session.rotateId()
  await session.rotateId({ keep: false })
  await session.rotateId({ keep: ['cart', 'user'] })
  // @ts-expect-error there is no such attribute
  await session.rotateId({ keep: ['basket'] })
}

/** What a session is and knows cannot be assigned. */
export async function readonlyMembers(): Promise<void> {
  await using session = createSessions({ store, schema }).create()
  // @ts-expect-error an id is given by rotateId()
  session.id = 'mine'
  // @ts-expect-error attributes are assigned one by one
  session.data = { cart: [], since: new Date() }
  // @ts-expect-error the store decides it
  session.expiresAt = new Date()
}

/** A snapshot has the type of what it was taken of. */
export function snapshots(): void {
  const { data } = createSessions({ store, schema }).create()
  const cart = snapshot(data.cart)
  claim<Same<typeof cart, Line[]>>()
}
