/**
 * The goods, and the cart.
 */

import { escapeHtml, printForm } from './html.js'
import type { Visit } from './page.js'
import type { CartLine } from './shop.js'
import { goods } from './shop.js'

/** Prints what there is to buy, and what is in the cart. */
export function printGoods({ data, token }: Visit): string {
  return `
  <h1>Goods</h1>
  <p class="faint">The cart is kept in the session. Fill it, and see below what is sent for that.</p>
  ${printForm({ action: '/cart', token, name: 'goods' }, [...goods].map(printGood).join(''))}
  <section class="card">
    <h2>Your cart</h2>${printCart(data.cart ?? [], token)}
  </section>`
}

function printGood([item, price]: [item: string, price: number]): string {
  const name = escapeHtml(item)
  return `
    <div><b>${name}</b> <span class="faint">${price} €</span>
      <button name="item" value="${name}" aria-label="Add ${name} to the cart">Add</button></div>`
}

function printCart(lines: readonly CartLine[], token: string): string {
  if (lines.length === 0) return '<p class="faint">There is nothing in it yet.</p>'
  const total = lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0)
  const table = `<table>${lines.map(printLine).join('')}
      <tr><td><b>Total</b></td><td></td><td><b>${total} €</b></td><td></td></tr>
    </table>`
  return printForm({ action: '/cart/remove', token }, table)
}

function printLine({ item, price, quantity }: CartLine): string {
  const name = escapeHtml(item)
  return `
      <tr><td>${name}</td><td>${quantity} × ${price} €</td><td>${quantity * price} €</td>
        <td><button name="item" value="${name}" aria-label="Remove ${name}">Remove</button></td></tr>`
}
