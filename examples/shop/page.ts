/**
 * The shop's page: a cart, and at its foot what the last request sent to the store.
 */

import type { Modification } from 'dotset'
import { toUpdate } from 'dotset/mongodb'
import type { ShopSession } from './shop.js'
import { goods } from './shop.js'

/** Prints the page. */
export function printPage(session: ShopSession, last: readonly Modification[] | undefined): string {
  const lines = session.cart ?? []
  const total = lines.reduce((sum, line) => sum + line.price * line.quantity, 0)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A shop on dotset</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
  form { display: inline } td { padding: .2rem 1rem .2rem 0 } button { font: inherit }
  footer { margin-top: 3rem; border-top: 1px solid #bbb; color: #444 }
  pre { background: #f4f4f4; padding: .8rem; overflow-x: auto; font-size: .85rem }
</style>
<h1>A shop on dotset</h1>
<p>${Object.keys(goods)
    .map(item => button('/cart', item, `Add ${item}`))
    .join(' ')}</p>
<table>
  ${lines.map(printLine).join('\n  ')}
  <tr><td colspan="2"><b>Total</b></td><td><b>${total} €</b></td></tr>
</table>
<footer>
  <h2>What the last request changed</h2>
  ${last === undefined || last.length === 0 ? '<p>Nothing was sent.</p>' : printChange(last)}
</footer>
`
}

function printLine({
  item,
  price,
  quantity,
}: {
  item: string
  price: number
  quantity: number
}): string {
  const remove = button('/cart/remove', item, 'Remove')
  return `<tr><td>${escapeHtml(item)}</td><td>${quantity} × ${price} €</td><td>${quantity * price} €</td><td>${remove}</td></tr>`
}

function printChange(modifications: readonly Modification[]): string {
  const { update } = toUpdate(modifications)
  return `<p>The modified subset:</p>
  <pre>${escapeHtml(JSON.stringify(modifications, null, 2))}</pre>
  <p>The update document, before the fences and the bookkeeping are added:</p>
  <pre>${escapeHtml(JSON.stringify(update, null, 2))}</pre>`
}

function button(action: string, item: string, label: string): string {
  return `<form method="post" action="${action}"><input type="hidden" name="item" value="${escapeHtml(item)}"><button>${escapeHtml(label)}</button></form>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
