/**
 * What requests do to a session: one operation each, on a plain object or on session data.
 */

// biome-ignore lint/suspicious/noExplicitAny: the operations run on plain objects and on handles
export type Data = any

/** An operation of one request; `who` makes its values differ from those of another request. */
export type Operation = (data: Data, who: number) => void

/** The session that all of them begin with. */
export const start = (): Data => ({
  user: { id: 1, name: 'Ada', address: { city: 'London', zip: 1 } },
  cart: [
    { id: 1, qty: 1 },
    { id: 2, qty: 2 },
    { id: 3, qty: 3 },
  ],
  tags: ['a', 'b'],
  n: 1,
})

/** The operations by name. */
export const operations: Record<string, Operation> = {
  leaf: (data, who) => {
    data.user.name = `name${who}`
  },
  'deep leaf': (data, who) => {
    data.user.address.city = `city${who}`
  },
  unset: data => {
    delete data.user.name
  },
  'new key': (data, who) => {
    data.user[`key${who}`] = who
  },
  'whole object': (data, who) => {
    data.user = { id: 10 + who, name: `other${who}` }
  },
  'spread object': (data, who) => {
    data.user = { ...data.user, spread: who }
  },
  'inner object': (data, who) => {
    data.user.address = { city: `inner${who}` }
  },
  'unset of the parent': data => {
    delete data.user
  },
  'unset of the inner object': data => {
    delete data.user.address
  },
  push: (data, who) => {
    data.cart.push({ id: 20 + who, qty: 1 })
  },
  'two index writes': (data, who) => {
    data.cart[0].qty = 100 + who
    data.cart[2].qty = 300 + who
  },
  'element replaced': (data, who) => {
    data.cart[1] = { id: 40 + who, qty: 4 }
  },
  splice: data => {
    data.cart.splice(1, 1)
  },
  'insert in the middle': (data, who) => {
    data.cart.splice(1, 0, { id: 50 + who, qty: 5 })
  },
  'array assignment': (data, who) => {
    data.cart = [{ id: 60 + who, qty: 6 }]
  },
  'filter and reassign': data => {
    data.cart = data.cart.filter((item: Data) => item.id !== 2)
  },
  'spread and reassign': (data, who) => {
    data.cart = [...data.cart, { id: 70 + who, qty: 7 }]
  },
  sort: data => {
    data.cart.sort((a: Data, b: Data) => b.id - a.id)
  },
  'length cut': data => {
    data.cart.length = Math.min(data.cart.length, 1)
  },
  unshift: (data, who) => {
    data.cart.unshift({ id: 80 + who, qty: 8 })
  },
  scalar: (data, who) => {
    data.n = 10 + who
  },
  'scalar element': (data, who) => {
    data.tags[0] = `tag${who}`
  },
  'scalar append': (data, who) => {
    data.tags.push(`tag${who}`)
  },
  'hostile key': (data, who) => {
    data.user[`a.b${who}`] = who
  },
  'hostile attribute': (data, who) => {
    data[`$x${who}`] = who
  },
  'new attribute': (data, who) => {
    data.extra = { who }
  },
  'object container': (data, who) => {
    data.views ??= {}
    data.views[`page${who}`] = (data.views[`page${who}`] ?? 0) + 1
  },
  'array container': (data, who) => {
    ;(data.log ??= []).push(`line${who}`)
  },
  'empty container': data => {
    data.log ??= []
  },
}

const find = (data: Data, id: number): number => data.cart.findIndex((item: Data) => item.id === id)

/**
 * The same operations on elements rather than on positions, where that differs: what a commit means
 * whose elements others moved meanwhile.
 */
export const byElement: Record<string, Operation> = {
  'two index writes': (data, who) => {
    const [first, third] = [find(data, 1), find(data, 3)]
    if (first >= 0) data.cart[first].qty = 100 + who
    if (third >= 0) data.cart[third].qty = 300 + who
  },
  'element replaced': (data, who) => {
    const second = find(data, 2)
    if (second >= 0) data.cart[second] = { id: 40 + who, qty: 4 }
  },
  splice: data => {
    data.cart = data.cart.filter((item: Data) => item.id !== 2)
  },
  'insert in the middle': (data, who) => {
    data.cart.splice(find(data, 1) + 1, 0, { id: 50 + who, qty: 5 })
  },
  'length cut': data => {
    data.cart = data.cart.filter((item: Data) => item.id !== 2 && item.id !== 3)
  },
}
