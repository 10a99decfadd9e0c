/**
 * Apps of Express with dotset's middleware.
 */

import type { Express, NextFunction, Request, Response } from 'express'
import express from 'express'
import type { ExpressOptions, ExpressSession } from '../../lib/adapters/express.js'
import { session } from '../../lib/adapters/express.js'
import type { Store } from '../../lib/index.js'
import { createSessions, memoryStore } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { Browser } from './browser.js'
import { listen } from './listen.js'

/** Options of {@link withApp}. */
export interface AppOptions extends ExpressOptions {
  readonly store?: Store
}

/** Answers errors without printing them. */
export function answerErrors(
  error: { status?: number; code?: string },
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  if (response.headersSent) return next(error)
  // As Express does: some middleware sets the status itself.
  if (error.status !== undefined) response.status(error.status)
  else if (response.statusCode < 400) response.status(500)
  response.send(`error ${error.code}`)
}

/** Serves an app while `use` runs. `/begin` sets `n` to 1, `/n` tells what it is. */
export async function withApp(
  define: (app: Express, web: ExpressSession<Data>) => void,
  use: (browser: Browser) => Promise<void>,
  { store = memoryStore(), ...options }: AppOptions = {},
): Promise<void> {
  const web = session(createSessions<Data>({ store }), options)
  const app = express()
  app.use(web)
  app.get('/begin', (request, response) => {
    web.of(request).data.n = 1
    response.send('begun')
  })
  app.get('/n', (request, response) => void response.json(web.of(request).data.n ?? null))
  define(app, web)
  app.use(answerErrors)
  const server = await listen(app)
  try {
    await use(new Browser(server.url))
  } finally {
    await server.close()
  }
}
