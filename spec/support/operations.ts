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

/** More of them, for arrays and for values that change their kind. */
export const furtherOperations: Record<string, Operation> = {
  swap: data => {
    ;[data.cart[0], data.cart[1]] = [data.cart[1], data.cart[0]]
  },
  reverse: data => {
    data.cart.reverse()
  },
  pop: data => {
    data.cart.pop()
  },
  shift: data => {
    data.cart.shift()
  },
  'move to the front': data => {
    data.cart.unshift(data.cart.pop())
  },
  'change and push': (data, who) => {
    data.cart[0].qty = 500 + who
    data.cart.push({ id: 110 + who, qty: 1 })
  },
  'remove and change': (data, who) => {
    data.cart.splice(1, 1)
    data.cart[1].qty = 600 + who
  },
  'append in an element': (data, who) => {
    ;(data.cart[0].notes ??= []).push(`note${who}`)
  },
  'container in an element': (data, who) => {
    ;(data.cart[2].options ??= {})[`option${who}`] = who
  },
  'filter scalars': data => {
    data.tags = data.tags.filter((tag: string) => tag !== 'a')
  },
  'spread scalars': (data, who) => {
    data.tags = [...data.tags, `spread${who}`]
  },
  'splice scalars': data => {
    data.tags.splice(0, 1)
  },
  'null for an object': data => {
    data.user = null
  },
  'array for an object': (data, who) => {
    data.user = [who]
  },
  'scalar for an object': (data, who) => {
    data.user = who
  },
}

const find = (data: Data, id: number): number => data.cart.findIndex((item: Data) => item.id === id)

/** Runs `change` on the element with that id, if there is one. */
const withItem =
  (id: number, change: (item: Data, who: number, data: Data) => void): Operation =>
  (data, who) => {
    const index = find(data, id)
    if (index >= 0) change(data.cart[index], who, data)
  }

/** Gives elements this order among themselves, wherever others are. */
const inOrder =
  (ids: readonly number[]): Operation =>
  data => {
    const items = ids.map(id => data.cart[find(data, id)]).filter(item => item !== undefined)
    const places = items.map(item => data.cart.indexOf(item)).sort((a, b) => a - b)
    places.forEach((place, index) => {
      data.cart[place] = items[index]
    })
  }

const without =
  (...ids: readonly number[]): Operation =>
  data => {
    data.cart = data.cart.filter((item: Data) => !ids.includes(item.id))
  }

/**
 * What the same operations mean where that is not what they would do to what others made of the
 * session: on elements rather than on positions, and with the values that were seen.
 */
export const byElement: Record<string, Operation> = {
  'spread object': (data, who) => {
    data.user = { ...start().user, spread: who }
  },
  'two index writes': (data, who) => {
    const [first, third] = [find(data, 1), find(data, 3)]
    if (first >= 0) data.cart[first].qty = 100 + who
    if (third >= 0) data.cart[third].qty = 300 + who
  },
  'element replaced': (data, who) => {
    const second = find(data, 2)
    if (second >= 0) data.cart[second] = { id: 40 + who, qty: 4 }
  },
  splice: without(2),
  'insert in the middle': (data, who) => {
    data.cart.splice(find(data, 1) + 1, 0, { id: 50 + who, qty: 5 })
  },
  'length cut': without(2, 3),
  'scalar element': (data, who) => {
    const first = data.tags.indexOf('a')
    if (first >= 0) data.tags[first] = `tag${who}`
  },
  swap: inOrder([2, 1, 3]),
  reverse: inOrder([3, 2, 1]),
  pop: without(3),
  shift: without(1),
  'move to the front': inOrder([3, 1, 2]),
  'change and push': (data, who) => {
    withItem(1, item => {
      item.qty = 500 + who
    })(data, who)
    data.cart.push({ id: 110 + who, qty: 1 })
  },
  'remove and change': (data, who) => {
    without(2)(data, who)
    withItem(3, item => {
      item.qty = 600 + who
    })(data, who)
  },
  'append in an element': withItem(1, (item, who) => {
    ;(item.notes ??= []).push(`note${who}`)
  }),
  'container in an element': withItem(3, (item, who) => {
    ;(item.options ??= {})[`option${who}`] = who
  }),
  'splice scalars': data => {
    data.tags = data.tags.filter((tag: string) => tag !== 'a')
  },
}
