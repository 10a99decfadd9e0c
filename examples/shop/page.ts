/**
 * What all pages have: at the head who is logged in, and at the foot what was last sent to the store.
 */

import { inspect } from 'node:util'
import type { Commit } from 'dotset'
import { snapshot } from 'dotset'
import { toUpdate } from 'dotset/mongodb'
import { BSON } from 'mongodb'
import { escapeHtml, printForm } from './html.js'
import type { ShopData } from './servers.js'
import { style } from './style.js'

/** For whom a page is. */
export interface Visit {
  readonly data: ShopData
  /** What the forms of the page carry. */
  readonly token: string
  /** The last commit of a form of this session. */
  readonly last: Commit | undefined
}

/** Prints a page. */
export function printPage(visit: Visit, main: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A shop on dotset</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<header>
  <a href="/"><b>A shop on dotset</b></a>
  <nav>${printUser(visit)}</nav>
</header>
<main>${main}
</main>
<footer>
  <h2>What your last change sent</h2>${printCommit(visit)}
</footer>
`
}

function printUser({ data: { user }, token }: Visit): string {
  if (user === undefined) return '<a href="/login">Log in</a>'
  return `<span>${escapeHtml(user.name)}</span> <a href="/devices">My devices</a>
  ${printForm({ action: '/logout', token }, '<button>Log out</button>')}`
}

function printCommit({ data, last }: Visit): string {
  if (last === undefined) return '<p class="faint">Nothing yet.</p>'
  if (last.modifications.length === 0) return '<p class="faint">Nothing: it changed nothing.</p>'
  const { modifications } = last
  const { update } = toUpdate(modifications)
  const sent = BSON.calculateObjectSize(update)
  const whole = BSON.calculateObjectSize(snapshot(data))
  return `
  <p>${sent} bytes of changes${sent < whole ? `; the whole session has ${whole}.` : ': this time, all there is.'}</p>
  <div class="sent">
    <section>
      <h3>The modified subset</h3>
      <pre>${printValue(modifications)}</pre>
    </section>
    <section>
      <h3>The update document for MongoDB</h3>
      <pre>${printValue(update)}</pre>
    </section>
  </div>
  <p class="faint">The command also moves the session's expiry, and says what must still hold: that the
    session is there, and that nobody has meanwhile replaced or reordered what was changed in part.</p>`
}

function printValue(value: unknown): string {
  return escapeHtml(inspect(value, { depth: Number.POSITIVE_INFINITY, breakLength: 48 }))
}
