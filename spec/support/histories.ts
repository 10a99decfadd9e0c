/**
 * Random histories: what servers do to one session, and what must never be seen of it whatever they do.
 *
 * Everything in the session says whose it is, so that a write that went astray is recognised.
 */

import fc from 'fast-check'
import type { Data } from './operations.js'

/** One step of a history, told by numbers so that it fits any state. */
export interface Step {
  readonly act: 'open' | 'change' | 'commit' | 'overtake' | 'reload' | 'rebase' | 'others'
  readonly server: number
  /**
   * What is changed; of others, what they change one after another, with a commit after each. A commit is
   * overtaken by changes that are made while it is under way.
   */
  readonly changes: readonly Choice[]
}

/** A change, and which of the things that there are it is done to. */
export interface Choice {
  readonly name: string
  readonly pick: number
}

/** What a change is done to, beside the session. */
interface Scene {
  /** Gives another number each time. */
  readonly next: () => number
  /** The name of what tells an element from others: only `id` helps the library. */
  readonly key: string
  /** Handles of elements that were taken before. */
  readonly held: Data[]
}

type Change = (data: Data, pick: number, scene: Scene) => void

/** A value that is written to a thing: it tells whose it is, and is like no other. */
const mark = (thing: Data, { next }: Scene): string => `${thing.owner} ${next()}`

const newItem = ({ next, key }: Scene): Data => {
  const name = `item${next()}`
  return { [key]: name, owner: name, notes: [] }
}

const newAddress = ({ next }: Scene): Data => {
  const id = `address${next()}`
  return { id, owner: id }
}

const newUser = (scene: Scene): Data => {
  const id = `user${scene.next()}`
  return { id, owner: id, address: newAddress(scene) }
}

/** The session that a history begins with. */
export function begin(scene: Scene): Data {
  const cart = Array.from({ length: 4 }, () => newItem(scene))
  return { user: newUser(scene), cart, flags: {}, log: ['first'], when: new Date(0) }
}

const item = (data: Data, pick: number): Data => data.cart?.[pick % data.cart.length]

/** Does something to the cart, if there is one with anything in it. */
const inCart =
  (change: (cart: Data, index: number, scene: Scene, data: Data) => void): Change =>
  (data, pick, scene) => {
    if (data.cart?.length > 0) change(data.cart, pick % data.cart.length, scene, data)
  }

const changes: Record<string, Change> = {
  'write a leaf of the user': (data, _pick, scene) => {
    if (data.user) data.user.name = mark(data.user, scene)
  },
  'write a leaf of the address': (data, _pick, scene) => {
    if (data.user?.address) data.user.address.seen = mark(data.user.address, scene)
  },
  'replace the user': (data, _pick, scene) => {
    data.user = newUser(scene)
  },
  'spread the user': (data, _pick, scene) => {
    if (data.user) data.user = { ...data.user, spread: mark(data.user, scene) }
  },
  'replace the address': (data, _pick, scene) => {
    if (data.user) data.user.address = newAddress(scene)
  },
  'remove the address': data => {
    delete data.user?.address
  },
  'remove the user': data => {
    delete data.user
  },
  push: (data, _pick, scene) => {
    ;(data.cart ??= []).push(newItem(scene))
  },
  'write to an element': inCart((cart, index, scene) => {
    cart[index].touched = mark(cart[index], scene)
  }),
  'append in an element': inCart((cart, index, scene) => {
    ;(cart[index].notes ??= []).push(mark(cart[index], scene))
  }),
  'container in an element': inCart((cart, index, scene) => {
    ;(cart[index].options ??= {})[`option${index}`] = mark(cart[index], scene)
  }),
  'hold an element': (data, pick, { held }) => {
    if (item(data, pick)) held.push(item(data, pick))
  },
  'write to a held element': (_data, pick, scene) => {
    const handle = scene.held[pick % scene.held.length]
    if (handle === undefined) return
    handle.held = mark(handle, scene)
    handle.notes?.push(mark(handle, scene))
  },
  'replace an element': inCart((cart, index, scene) => {
    cart[index] = newItem(scene)
  }),
  splice: inCart((cart, index) => cart.splice(index, 2)),
  insert: inCart((cart, index, scene) => cart.splice(index, 0, newItem(scene))),
  move: inCart((cart, index) => cart.push(...cart.splice(index, 1))),
  swap: inCart((cart, index) => {
    ;[cart[0], cart[index]] = [cart[index], cart[0]]
  }),
  sort: inCart(cart => cart.sort((a: Data, b: Data) => (a.owner < b.owner ? 1 : -1))),
  reverse: inCart(cart => cart.reverse()),
  pop: inCart(cart => cart.pop()),
  shift: inCart(cart => cart.shift()),
  unshift: inCart((cart, _index, scene) => cart.unshift(newItem(scene))),
  cut: inCart((cart, index) => {
    cart.length = index
  }),
  filter: inCart((cart, index, _scene, data) => {
    const { owner } = cart[index]
    data.cart = cart.filter((each: Data) => each.owner !== owner)
  }),
  'spread the cart': (data, _pick, scene) => {
    data.cart = [...(data.cart ?? []), newItem(scene)]
  },
  'replace the cart': (data, _pick, scene) => {
    data.cart = [newItem(scene)]
  },
  'remove the cart': data => {
    delete data.cart
  },
  'one node at two places': inCart((cart, index, _scene, data) => {
    data.last = cart[index]
  }),
  'write to that node': (data, _pick, scene) => {
    if (data.last) data.last.touched = mark(data.last, scene)
  },
  'append to the log': (data, _pick, { next }) => {
    ;(data.log ??= []).push(`line${next()}`)
  },
  'filter the log': (data, pick) => {
    const line = data.log?.[pick % data.log.length]
    if (line !== undefined) data.log = data.log.filter((each: string) => each !== line)
  },
  'set a flag': (data, pick, { next }) => {
    data.flags[`flag${pick % 4}`] = next()
  },
  'unset a flag': (data, pick) => {
    delete data.flags[`flag${pick % 4}`]
  },
  'set a hostile flag': (data, pick, { next }) => {
    data.flags[`a.${pick % 3}`] = next()
  },
  'count a page': (data, pick, { next }) => {
    if (!data.views) data.views = {}
    data.views[`page${pick % 3}`] = next()
  },
  'count deep down': (data, pick, { next }) => {
    const deep = (data.deep ??= {})
    ;(deep[`a${pick % 2}`] ??= {})[`b${pick % 3}`] = next()
  },
  'change a date in place': (data, _pick, { next }) => {
    data.when.setTime(next())
  },
}

/** Makes a change. */
export function change(data: Data, { name, pick }: Choice, scene: Scene): void {
  changes[name]?.(data, pick, scene)
}

/** A history of three servers, without the changes that are named. */
export function historyWithout(...names: readonly string[]): fc.Arbitrary<Step[]> {
  const choice: fc.Arbitrary<Choice> = fc.record({
    name: fc.constantFrom(...Object.keys(changes).filter(name => !names.includes(name))),
    pick: fc.nat(11),
  })
  const few = fc.array(choice, { minLength: 1, maxLength: 2 })
  return fc.array(
    fc.oneof(
      { weight: 2, arbitrary: stepOf('open') },
      { weight: 14, arbitrary: stepOf('change', fc.tuple(choice)) },
      { weight: 8, arbitrary: stepOf('commit') },
      { weight: 3, arbitrary: stepOf('overtake', few) },
      { weight: 1, arbitrary: stepOf('reload') },
      { weight: 1, arbitrary: stepOf('rebase') },
      // More than the marks that a document keeps.
      { weight: 1, arbitrary: stepOf('others', fc.array(choice, { minLength: 5, maxLength: 40 })) },
    ),
    { minLength: 3, maxLength: 22 },
  )
}

function stepOf(
  act: Step['act'],
  choices: fc.Arbitrary<readonly Choice[]> = fc.constant([]),
): fc.Arbitrary<Step> {
  return fc.record({ act: fc.constant(act), server: fc.nat(2), changes: choices })
}

/** What is wrong with a session that no serial order can have made; undefined if nothing is. */
export function faultOf(
  { user, cart = [], last, log = [] }: Data,
  key: string,
): string | undefined {
  const owners = cart.map((each: Data) => each?.owner)
  if (new Set(owners).size < owners.length) return 'one element is there twice'
  if (new Set(log).size < log.length) return 'one line is there twice'
  if (user && !isOneThing(user, 'id', ['name', 'spread'])) return 'the user is two users'
  if (user?.address && !isOneThing(user.address, 'id', ['seen']))
    return 'the address is of two users'
  for (const element of [...cart, ...(last ? [last] : [])]) {
    if (!isOneThing(element, key, ['touched', 'held'])) return 'an element is another one in part'
    const { owner, notes = [], options = {} } = element
    const marks = [...notes, ...Object.values(options)] as string[]
    if (!marks.every(mark => isOf(mark, owner))) return 'a note is of another element'
    if (new Set(notes).size < notes.length) return 'one note is there twice'
  }
  return undefined
}

/** Whether all that a thing says of itself is about one thing. */
function isOneThing(thing: Data, key: string, names: readonly string[]): boolean {
  if (typeof thing !== 'object' || thing === null || thing[key] !== thing.owner) return false
  return names.every(name => thing[name] === undefined || isOf(thing[name], thing.owner))
}

const isOf = (mark: string, owner: string): boolean => mark.startsWith(`${owner} `)
