import assert from 'node:assert/strict'
import { suite } from 'uvu'
import { z } from 'zod'
import type { Store } from '../lib/index.js'
import { createSessions, memoryStore, SessionError } from '../lib/index.js'
import { settle } from '../lib/options.js'

const options = suite('options')

const store = memoryStore()

const using = (changes: Record<string, unknown>): unknown =>
  createSessions({ store, ...changes } as never)

function refuses(call: () => unknown, option: string, why: RegExp): void {
  assert.throws(call, error => {
    assert.ok(error instanceof SessionError, String(error))
    assert.equal(error.code, 'ERR_INVALID_OPTION')
    assert.equal(error.status, 500)
    assert.ok(error.message.startsWith(`Cannot use ${option}: `), error.message)
    assert.match(error.message, why)
    return true
  })
}

const DAY = 24 * 60 * 60 * 1000
const MIB = 2 ** 20

options('have defaults', () => {
  const { store: _, ...settings } = settle({ store })
  assert.deepEqual(settings, {
    schema: undefined,
    initial: undefined,
    idleTimeout: 30 * 60 * 1000,
    absoluteTimeout: 7 * DAY,
    touchAfter: 3 * 60 * 1000,
    validateOnOpen: false,
    tracking: 'writes',
    differencing: 'graph',
    granularity: 'path',
    isolation: 'last-write-wins',
    nameKey: undefined,
    onInvalid: 'throw',
    maxBytes: MIB,
    deadline: 10_000,
  })
})

options('touchAfter is a tenth of idleTimeout, if nobody says otherwise', () => {
  assert.equal(settle({ store, idleTimeout: 5000 }).touchAfter, 500)
  assert.equal(settle({ store, idleTimeout: 5000, touchAfter: 0 }).touchAfter, 0)
})

options('undefined is as good as left out', () => {
  const names = ['schema', 'initial', 'idleTimeout', 'absoluteTimeout', 'touchAfter', 'validate']
  const more = ['onInvalid', 'maxBytes', 'deadline', 'tracking', 'differencing', 'isolation']
  const none = Object.fromEntries([...names, ...more].map(name => [name, undefined]))
  assert.deepEqual(settle({ store, ...none } as never), settle({ store }))
})

options('are an object', () => {
  for (const none of [undefined, null, 'store', 5, true]) {
    refuses(() => createSessions(none as never), 'options', /an object with a store is needed/)
  }
})

options('a name that is none of them is refused, so that no typing error goes unnoticed', () => {
  for (const name of ['idleTimeOut', 'timeout', 'secret', 'cookie', 'ttl']) {
    refuses(() => using({ [name]: 1 }), name, /there is no such option/)
  }
})

// store

options('store must be a store', () => {
  const { load, ...half } = store
  for (const none of [undefined, null, {}, 'memory', { load }, half, new Map(), memoryStore]) {
    refuses(() => using({ store: none }), 'store', /memoryStore\(\) or mongoStore\(collection\)/)
  }
})

for (const method of Object.keys(store).filter(name => name !== 'now') as (keyof Store)[]) {
  options(`store must have the method ${method}`, () => {
    refuses(() => using({ store: { ...store, [method]: undefined } }), 'store', /a store/)
  })
}

// Durations

for (const name of ['idleTimeout', 'absoluteTimeout', 'deadline', 'touchAfter']) {
  const least = name === 'touchAfter' ? 0 : 1
  options(`${name} is a number of milliseconds, from ${least} on`, () => {
    const most = 100_000 * DAY - (name === 'touchAfter' ? 1 : 0)
    for (const duration of [least, 1.5, 1000, most]) {
      using({ idleTimeout: 100_000 * DAY, [name]: duration })
    }
    const unit = new RegExp(`it must be a number of milliseconds, from ${least} to 100,000 days`)
    for (const none of [-1, least - 0.5, Number.NaN, -Infinity, '1000', null, 1n, [5], {}, true]) {
      refuses(() => using({ [name]: none }), name, unit)
    }
    for (const long of [100_000 * DAY + 1, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE]) {
      refuses(() => using({ [name]: long }), name, unit)
    }
  })

  options(`${name} may ${name === 'absoluteTimeout' ? '' : 'not '}be infinite`, () => {
    const infinite = (): unknown => using({ [name]: Number.POSITIVE_INFINITY })
    if (name === 'absoluteTimeout') infinite()
    else refuses(infinite, name, /milliseconds/)
  })
}

options('touchAfter is less than idleTimeout, or a session would expire while it is used', () => {
  for (const touchAfter of [5000, 5001, DAY]) {
    refuses(
      () => using({ idleTimeout: 5000, touchAfter }),
      'touchAfter',
      /than idleTimeout \(5000 ms\)/,
    )
  }
  refuses(() => using({ touchAfter: DAY }), 'touchAfter', /less than idleTimeout \(1800000 ms\)/)
  using({ idleTimeout: 5000, touchAfter: 4999 })
})

options('a deadline of 0 is refused: nothing could be done in that time', () => {
  refuses(() => using({ deadline: 0 }), 'deadline', /from 1 to/)
})

options('absoluteTimeout tells that it may be infinite', () => {
  refuses(() => using({ absoluteTimeout: 0 }), 'absoluteTimeout', /, or Infinity for no end$/)
})

// maxBytes

options('maxBytes is a whole number up to 15 MiB', () => {
  for (const bytes of [1, 1000, 15 * MIB]) using({ maxBytes: bytes })
  for (const none of [0, -1, 1.5, 15 * MIB + 1, Infinity, Number.NaN, '1000', null]) {
    refuses(() => using({ maxBytes: none }), 'maxBytes', /a whole number of bytes up to 15 MiB/)
  }
})

// Choices

const choices: Record<string, string[]> = {
  tracking: ['none', 'accesses', 'mutable-attributes', 'writes'],
  differencing: ['graph', 'binary'],
  granularity: ['path', 'attribute', 'session'],
  isolation: ['last-write-wins', 'snapshot', 'serializable'],
  validate: ['touch', 'open'],
  onInvalid: ['throw', 'unset', 'new'],
}

for (const [name, allowed] of Object.entries(choices)) {
  options(`${name} is one of ${allowed.join(', ')}`, () => {
    for (const choice of allowed) using({ [name]: choice })
    for (const none of ['', 'no', 'toString', allowed[0]?.toUpperCase(), null, 1, [allowed[0]]]) {
      refuses(() => using({ [name]: none }), name, /it must be one of '/)
    }
    assert.throws(
      () => using({ [name]: 'no' }),
      new RegExp(allowed.map(each => `'${each}'`).join(', ')),
    )
  })
}

// initial

options('initial must be a function', () => {
  for (const none of [{}, { a: 1 }, 'a', null, 5]) {
    refuses(() => using({ initial: none }), 'initial', /it must be a function/)
  }
})

options('initial must give a plain object, when a session is created', () => {
  class Foo {}
  for (const none of ['a', 5, null, [], new Foo(), new Map(), Promise.resolve({})]) {
    if (none === null) continue
    const sessions = createSessions({ store, initial: () => none as never })
    refuses(() => sessions.create(), 'initial', /it must give a plain object, at once/)
  }
  assert.deepEqual(
    { ...createSessions({ store, initial: () => Object.create(null) }).create().data },
    {},
  )
})

options('a schema may come with any of them', () => {
  const schema = z.object({ a: z.string() })
  createSessions({ store, schema, initial: () => ({ a: 'x' }), validate: 'open', onInvalid: 'new' })
})

options("onInvalid: 'new' implies validate: 'open'", () => {
  assert.equal(settle({ store, onInvalid: 'new' } as never).validateOnOpen, true)
  assert.equal(settle({ store, onInvalid: 'new', validate: 'touch' } as never).validateOnOpen, true)
  assert.equal(settle({ store, onInvalid: 'unset' } as never).validateOnOpen, false)
})

// Of one session

options('the timeouts of one session are checked where they are given', () => {
  const session = createSessions({ store }).create()
  for (const none of [0, -1, Number.NaN, '1000', null, Number.MAX_VALUE]) {
    refuses(() => session.timeouts({ idle: none as never }), 'idle', /milliseconds, from 1 to/)
    refuses(() => session.timeouts({ absolute: none as never }), 'absolute', /or Infinity/)
  }
  refuses(() => session.timeouts({ idle: Infinity }), 'idle', /100,000 days$/)
  session.timeouts({ idle: 1, absolute: Infinity })
  session.timeouts({})
})

options.run()
