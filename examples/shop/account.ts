/**
 * Who is logged in, and where.
 */

import type { Sessions } from 'dotset'
import type { ExpressSession } from 'dotset/express'
import type { Express } from 'express'
import type { Device } from './account-pages.js'
import { DEMO_PASSWORD, printDevices, printLogin } from './account-pages.js'
import type { ShopData } from './servers.js'
import { fieldOf } from './shop.js'
import type { Site } from './site.js'

const MINUTE = 60_000
const MONTH = 30 * 24 * 60 * MINUTE

/** Adds login, logout and the user's devices to `app`. */
export function openAccount(
  app: Express,
  sessions: Sessions<ShopData>,
  web: ExpressSession<ShopData>,
  { show, commit, forget }: Site,
): void {
  app.use((request, _response, next) => {
    const { data } = web.of(request)
    // Once a minute is enough: a request that changes nothing else need not write.
    if (data.user && Date.now() - Number(data.lastUsed) >= MINUTE) data.lastUsed = new Date()
    next()
  })

  app.get('/login', (request, response) => show(request, response, printLogin))

  app.post('/login', async (request, response) => {
    const name = fieldOf(request, 'name').trim().slice(0, 40)
    if (name === '' || fieldOf(request, 'password') !== DEMO_PASSWORD) {
      response.status(401)
      return show(request, response, visit => printLogin(visit, 'That is not the password.'))
    }
    forget(request)
    const session = web.of(request)
    // The goods stay. Who knew the id before the login, or the token, knows nothing of what comes now.
    await session.rotateId({ keep: ['cart', 'views'] })
    const { data } = session
    data.user = { name }
    data.device = nameDevice(request.get('user-agent'))
    data.lastUsed = new Date()
    if (fieldOf(request, 'remember') === 'on') session.timeouts({ idle: MONTH, absolute: MONTH })
    await commit(request)
    response.redirect(303, '/')
  })

  app.post('/logout', async (request, response) => {
    forget(request)
    await web.of(request).destroy()
    response.redirect(303, '/')
  })

  app.get('/devices', async (request, response) => {
    const { data, key } = web.of(request)
    if (data.user === undefined) return response.redirect(303, '/login')
    const devices: Device[] = []
    for await (const session of sessions.list({ 'user.name': data.user.name })) {
      const { device = '', lastUsed = session.createdAt } = session.data
      devices.push({ name: device, lastUsed, isThis: session.key === key })
    }
    devices.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime())
    show(request, response, visit => printDevices(visit, devices))
  })

  app.post('/devices/logout', async (request, response) => {
    const { data, key } = web.of(request)
    if (data.user === undefined) return response.redirect(303, '/login')
    await sessions.destroyWhere({ 'user.name': data.user.name }, { except: key })
    response.redirect(303, '/devices')
  })
}

/** Browsers and systems by what their `User-Agent` header has, the more special ones first. */
const browsers = { 'Edg/': 'Edge', Firefox: 'Firefox', Chrome: 'Chrome', Safari: 'Safari' }
const systems = {
  Android: 'Android',
  iPhone: 'iPhone',
  Windows: 'Windows',
  Mac: 'Mac',
  Linux: 'Linux',
}

function nameDevice(agent = ''): string {
  const find = (names: Record<string, string>): string =>
    Object.entries(names).find(([sign]) => agent.includes(sign))?.[1] ?? 'something'
  return `${find(browsers)} on ${find(systems)}`
}
