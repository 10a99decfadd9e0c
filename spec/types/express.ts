/**
 * The types of the Express adapter.
 */

import type { IncomingMessage } from 'node:http'
import type { Session } from 'dotset'
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/express'
import express from 'express'
import { z } from 'zod'
import { claim, type Same } from './exactly.js'

const schema = z.object({ views: z.number().default(0), name: z.string().optional() })
const web = session(createSessions({ store: memoryStore(), schema }))
declare const request: IncomingMessage

/** The session of a request has the type of the schema, without declaration merging. */
export function sessionOfARequest(): void {
  claim<Same<ReturnType<typeof web.of>, Session<z.output<typeof schema>>>>()
  const { data } = web.of(request)
  claim<Same<typeof data.views, number>>()
  data.views++
  // @ts-expect-error a number is no string
  data.name = 1
}

/** Two middlewares of one program can have sessions of two types. */
export function twoKindsOfSession(): void {
  const admin = session(createSessions<{ level: number }>({ store: memoryStore() }))
  claim<Same<ReturnType<typeof admin.of>['data'], { level: number }>>()
  claim<Same<ReturnType<typeof web.of>['data'], z.output<typeof schema>>>()
}

/** It is mounted, and used in handlers, as Express types them. */
export function mounted(): void {
  const app = express()
  app.use(web)
  app.use('/admin', web)
  app.get('/:name', (request, response) => {
    web.of(request).data.name = request.params.name
    response.send('ok')
  })
  app.use(web.errors)
}

/** Outside of the middleware there may be no session. */
export async function outsideOfTheMiddleware(): Promise<void> {
  const opened = await web.open(request)
  claim<Same<typeof opened, Session<z.output<typeof schema>> | null>>()
  await web.open('session=an-id')
}

/** Options that there are not, or that are of another type, do not compile. */
export function options(): void {
  const sessions = createSessions({ store: memoryStore(), schema })
  session(sessions, { requestProperty: 'session', cookie: { sameSite: 'strict' } })
  // @ts-expect-error there is no such policy
  session(sessions, { cookie: { sameSite: 'Lax' } })
  // @ts-expect-error the option is called keys
  session(sessions, { cookie: { secret: 'a key of sixteen' } })
}
