/**
 * The login, and where a user is logged in.
 */

import { escapeHtml, printForm } from './html.js'
import type { Visit } from './page.js'

/** Opens every account: this is a demo, and it says so. */
export const DEMO_PASSWORD = 'tea'

/** A browser in which a user is logged in. */
export interface Device {
  readonly name: string
  readonly lastUsed: Date
  /** Whether it is the one that asks. */
  readonly isThis: boolean
}

/** Prints the login, and what was wrong with the last try. */
export function printLogin({ token }: Visit, wrong = ''): string {
  const fields = `
    <label>Name <input name="name" required maxlength="40" autocomplete="username" autofocus></label>
    <label>Password
      <input name="password" type="password" required autocomplete="current-password"></label>
    <label><input name="remember" type="checkbox"> Remember me for 30 days</label>
    <p role="alert">${wrong}</p>
    <button>Log in</button>`
  return `
  <h1>Log in</h1>
  <p class="faint">A demo: any name will do, and the password is <b>${DEMO_PASSWORD}</b>.</p>
  ${printForm({ action: '/login', token, name: 'card login' }, fields)}`
}

/** Prints where a user is logged in. */
export function printDevices({ token }: Visit, devices: readonly Device[]): string {
  const others = printForm(
    { action: '/devices/logout', token },
    '<button>Log out everywhere else</button>',
  )
  return `
  <h1>My devices</h1>
  <p class="faint">Each of them has a session of its own.</p>
  <section class="card">
    <table>${devices.map(printDevice).join('')}
    </table>
    ${devices.length > 1 ? others : ''}
  </section>`
}

function printDevice({ name, lastUsed, isThis }: Device): string {
  const time = `<time datetime="${lastUsed.toISOString()}">${printAge(lastUsed)}</time>`
  return `
      <tr><td>${escapeHtml(name)}${isThis ? ' <b>(this one)</b>' : ''}</td><td>last used ${time}</td></tr>`
}

function printAge(time: Date): string {
  const minutes = Math.floor((Date.now() - time.getTime()) / 60_000)
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
  if (minutes < 1) return 'just now'
  if (minutes < 60) return format.format(-minutes, 'minute')
  if (minutes < 24 * 60) return format.format(-Math.floor(minutes / 60), 'hour')
  return format.format(-Math.floor(minutes / 60 / 24), 'day')
}

/** Prints why a form was not taken. */
export function printRefused(why: string): string {
  return `
  <h1>Once more, please</h1>
  <p>${why} <a href="/">Back to the shop</a></p>`
}
