/**
 * The login of an app with the real Passport.
 */

import type { Express, Request } from 'express'
import express from 'express'
import passport from 'passport'
import { Strategy } from 'passport-local'
import type { Data } from '../support/operations.js'

passport.use(
  new Strategy((user, password, done) => done(null, password === 'right' ? { id: user } : false)),
)
passport.serializeUser((user, done) => done(null, (user as { id: string }).id))
passport.deserializeUser((id, done) => done(null, { id } as Express.User))

/** Logs in and out, in both of Passport's ways. */
export function definePassport(app: Express, dataOf: (request: Request) => Data): void {
  app.use(express.urlencoded({ extended: false }), passport.session())
  app.get('/cart', (request, response) => {
    dataOf(request).cart = ['tea']
    response.send('filled')
  })
  app.get('/me', (request, response) => {
    response.json({ user: request.user ?? null, data: dataOf(request) })
  })
  for (const keepSessionInfo of [true, false]) {
    const suffix = keepSessionInfo ? '/keep' : ''
    app.post(
      `/login${suffix}`,
      passport.authenticate('local', { failureRedirect: '/wrong', keepSessionInfo }),
      (_request, response) => response.redirect('/me'),
    )
    app.post(`/logout${suffix}`, (request, response, next) => {
      request.logout({ keepSessionInfo }, error => (error ? next(error) : response.redirect('/me')))
    })
  }
}
