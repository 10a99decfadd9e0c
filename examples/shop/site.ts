/**
 * The shop as a browser sees it: its pages, and forms that no other site can submit.
 */

import { csrfSync } from 'csrf-sync'
import type { Commit, Sessions } from 'dotset'
import type { ExpressSession } from 'dotset/express'
import type { Express, NextFunction, Request, Response } from 'express'
import { openAccount } from './account.js'
import { printRefused } from './account-pages.js'
import { printGoods } from './goods-page.js'
import type { Visit } from './page.js'
import { printPage } from './page.js'
import type { ShopData } from './servers.js'
import { fieldOf, openShop } from './shop.js'

/** What the pages' handlers need. */
export interface Site {
  /** Answers with a page. */
  show(request: Request, response: Response, print: (visit: Visit) => string): void
  /** Commits what a form changed, to show it at the foot of the next page. */
  commit(request: Request): Promise<void>
  /** Forgets what was committed, before the session gets another id or none. */
  forget(request: Request): void
}

/** An error that a browser can be told of. */
interface Refused {
  readonly code?: string
  readonly status?: number
}

/** Why a request is refused, by the code of the error. */
const refusals: Record<string, string> = {
  EBADCSRFTOKEN: 'That form was made for a session that has ended.',
  ERR_SESSION_GONE: 'Meanwhile you have logged in or out in another window.',
}

/** Adds the shop to `app`, with pages. Forms that are not theirs are refused. */
export function openSite(
  app: Express,
  sessions: Sessions<ShopData>,
  web: ExpressSession<ShopData>,
): void {
  const last = new Map<string, Commit>()
  const { generateToken, csrfSynchronisedProtection } = csrfSync({
    size: 16,
    getTokenFromRequest: request => fieldOf(request, 'csrfToken'),
    getTokenFromState: request => web.of(request).data.csrfToken,
    storeTokenInState(request, token) {
      web.of(request).data.csrfToken = token ?? undefined
    },
  })
  const site: Site = {
    show(request, response, print) {
      const token = generateToken(request)
      const { data, key } = web.of(request)
      const visit = { data, token, last: last.get(key) }
      response.send(printPage(visit, print(visit)))
    },
    async commit(request) {
      const session = web.of(request)
      last.set(session.key, await session.commit())
    },
    forget(request) {
      last.delete(web.of(request).key)
    },
  }
  app.use(csrfSynchronisedProtection)
  app.get('/', (request, response) => site.show(request, response, printGoods))
  openAccount(app, sessions, web, site)
  openShop(app, request => web.of(request).data, site.commit)
  app.use((error: Refused, request: Request, response: Response, next: NextFunction) => {
    const why = refusals[error.code ?? '']
    if (why === undefined) return next(error)
    response.status(error.status ?? 500)
    site.show(request, response, () => printRefused(why))
  })
}
