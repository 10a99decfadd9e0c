/**
 * A session as express-session hands it out: its own object, with the attributes of a tracked one.
 *
 * @module
 */

import { inspect } from 'node:util'

/**
 * Shows `data` as properties of `target`. What `target` has itself, or inherits (`id`, `cookie`,
 * `save`, …), stays its own and is no data; so does what is defined not to be enumerated, as
 * express-session does with the methods that it wraps.
 *
 * @param target An object of express-session's, which has a cookie.
 * @param data Tells the attributes.
 */
export function createView(target: object, data: () => object): object {
  const isMember = (key: string | symbol): boolean =>
    typeof key === 'symbol' || key === 'cookie' || (key !== '__proto__' && key in target)
  const holderOf = (key: string | symbol): object => (isMember(key) ? target : data())
  const names = (): string[] => Object.keys(data()).filter(key => !isMember(key))
  // Node prints what a proxy stands for, not what it shows.
  Object.defineProperty(target, inspect.custom, {
    configurable: true,
    value: () => Object.assign(Object.create(Object.getPrototypeOf(target)), view),
  })
  const view: object = new Proxy(target, {
    get: (_target, key) => Reflect.get(holderOf(key), key),
    set: (_target, key, value) => Reflect.set(holderOf(key), key, value),
    has: (_target, key) => Reflect.has(holderOf(key), key),
    deleteProperty: (_target, key) => Reflect.deleteProperty(holderOf(key), key),
    ownKeys: () => [...Reflect.ownKeys(target), ...names()],
    getOwnPropertyDescriptor: (_target, key) =>
      Reflect.getOwnPropertyDescriptor(holderOf(key), key),
    defineProperty(_target, key, descriptor) {
      const holder = descriptor.enumerable === true ? holderOf(key) : target
      return Reflect.defineProperty(holder, key, descriptor)
    },
  })
  return view
}
