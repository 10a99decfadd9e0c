/**
 * What handles inherit: the methods of plain objects and arrays, without a way to their prototypes.
 *
 * A path of property names through session data (`data.toString.constructor.prototype`, say, as a
 * deep merge of a hostile request body would walk) must never reach an object that is shared by the
 * whole process. So an inherited method is handed out as a function without a prototype.
 *
 * @module
 */

/** Methods by name. The table has no prototype either. */
export interface Methods {
  readonly [name: string]: object | undefined
}

type Method = (this: unknown, ...values: never[]) => unknown

function withoutPrototype(method: Method, looks: Method, own?: object): object {
  // A method definition has no `prototype` property, as the methods that it stands for.
  const { call } = {
    call(this: unknown, ...values: unknown[]): unknown {
      return Reflect.apply(method, this, values)
    },
  }
  Object.defineProperty(call, 'name', { value: looks.name })
  Object.defineProperty(call, 'length', { value: looks.length })
  return Object.freeze(Object.assign(Object.setPrototypeOf(call, null) as object, own))
}

/**
 * The method as a function without a prototype. It still has `call`, `apply` and `bind`.
 *
 * @param looks The method that it looks like.
 */
export function detachMethod(method: Method, looks: Method = method): object {
  const { call, apply, bind } = Function.prototype as unknown as Record<string, Method>
  const own = Object.fromEntries(
    [call, apply, bind].map(each => {
      const bound = (...values: unknown[]): unknown => Reflect.apply(each as Method, method, values)
      return [(each as Method).name, withoutPrototype(bound as Method, each as Method)]
    }),
  )
  return withoutPrototype(method, looks, own)
}

/** The methods of `prototype`, all but those that deal in prototypes and accessors. */
export function inheritedMethods(prototype: object, replaced: Record<string, unknown>): Methods {
  const methods = Object.create(null) as Record<string, object>
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name === 'constructor' || name.startsWith('__')) continue
    const inherited: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value
    if (typeof inherited !== 'function') continue
    const method = Object.hasOwn(replaced, name) ? replaced[name] : inherited
    methods[name] = detachMethod(method as Method, inherited as Method)
  }
  return methods
}
