/**
 * The shop's page: a cart, and at its foot what the last request sent to the store.
 */

import { inspect } from 'node:util'
import type { Commit } from 'dotset'
import { snapshot } from 'dotset'
import { toUpdate } from 'dotset/mongodb'
import { BSON } from 'mongodb'
import type { CartLine, ShopSession } from './shop.js'
import { goods } from './shop.js'
import { style } from './style.js'

/**
 * Prints the page.
 *
 * @param last The commit of the last request that changed the cart.
 */
export function printPage(session: ShopSession, last: Commit | undefined): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A shop on dotset</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<main>
  <h1>A shop on dotset</h1>
  <p class="faint">The cart is kept in the session. Fill it, and see below what is sent for that.</p>
  <form class="goods" method="post" action="/cart">${[...goods].map(printGood).join('')}
  </form>
  <section class="cart">
    <h2>Your cart</h2>${printCart(session.cart ?? [])}
  </section>
</main>
<footer>
  <h2>What the last request sent</h2>${printCommit(session, last)}
</footer>
`
}

function printGood([item, price]: [item: string, price: number]): string {
  const name = escapeHtml(item)
  return `
    <div><b>${name}</b> <span class="faint">${price} €</span>
      <button name="item" value="${name}" aria-label="Add ${name} to the cart">Add</button></div>`
}

function printCart(lines: readonly CartLine[]): string {
  if (lines.length === 0) return '<p class="faint">There is nothing in it yet.</p>'
  const total = lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0)
  return `
    <form method="post" action="/cart/remove"><table>${lines.map(printLine).join('')}
      <tr><td><b>Total</b></td><td></td><td><b>${total} €</b></td><td></td></tr>
    </table></form>`
}

function printLine({ item, price, quantity }: CartLine): string {
  const name = escapeHtml(item)
  return `
      <tr><td>${name}</td><td>${quantity} × ${price} €</td><td>${quantity * price} €</td>
        <td><button name="item" value="${name}" aria-label="Remove ${name}">Remove</button></td></tr>`
}

function printCommit(session: ShopSession, last: Commit | undefined): string {
  if (last === undefined) return '<p class="faint">Nothing yet.</p>'
  if (last.modifications.length === 0) return '<p class="faint">Nothing: it changed nothing.</p>'
  const { modifications } = last
  const { update } = toUpdate(modifications)
  const sent = BSON.calculateObjectSize(update)
  const whole = BSON.calculateObjectSize(snapshot(session))
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
    session is there, and that nobody has replaced or reordered the cart meanwhile.</p>`
}

function printValue(value: unknown): string {
  return escapeHtml(inspect(value, { depth: Number.POSITIVE_INFINITY, breakLength: 48 }))
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
