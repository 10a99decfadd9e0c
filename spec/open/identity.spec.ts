import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import type { Sessions } from '../../lib/index.js'
import { createSessions, memoryStore, SessionGoneError } from '../../lib/index.js'
import { createId, createToken, isId, keyOf } from '../../lib/open/identity.js'
import { recordCalls } from '../adapters/framework.js'
import { holds } from '../support/property.js'
import { forEachStore } from '../support/stores.js'

type Data = Record<string, unknown>

const ids = suite('identity')

ids('an id is 32 random bytes in base64url, 43 characters', () => {
  const made = Array.from({ length: 1000 }, createId)
  for (const id of made) {
    assert.match(id, /^[A-Za-z0-9_-]{43}$/)
    assert.equal(Buffer.from(id, 'base64url').length, 32)
  }
  assert.equal(new Set(made).size, made.length)
})

ids('every bit of an id is random', () => {
  const all = Buffer.concat(Array.from({ length: 512 }, () => Buffer.from(createId(), 'base64url')))
  for (let bit = 0; bit < 256; bit++) {
    const ones = Array.from({ length: 512 }, (_, index) => {
      return ((all[index * 32 + (bit >> 3)] as number) >> (bit & 7)) & 1
    }).reduce((sum, each) => sum + each, 0)
    // Eight standard deviations off is no chance.
    assert.ok(Math.abs(ones - 256) < 8 * Math.sqrt(128), `bit ${bit}`)
  }
})

ids('the key is the SHA-256 of the id, in base64url', () => {
  const id = createId()
  assert.equal(keyOf(id), createHash('sha256').update(id).digest('base64url'))
  assert.equal(keyOf('a'), 'ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs')
})

ids('a token is an int64', () => {
  const tokens = Array.from({ length: 1000 }, createToken)
  assert.ok(tokens.every(token => BigInt.asIntN(64, token) === token))
  assert.ok(tokens.some(token => token < 0n) && tokens.some(token => token > 2n ** 62n))
  assert.equal(new Set(tokens).size, tokens.length)
})

const valid = createId()

/** What can arrive in a cookie, a header or a JSON body instead of an id. */
const hostile: Record<string, unknown> = {
  nothing: undefined,
  null: null,
  'an empty string': '',
  'a number': 1,
  'a bigint': 1n,
  true: true,
  'a symbol': Symbol(valid),
  'a function': () => valid,
  'an object': {},
  'an operator': { $ne: null },
  'an operator with a string': { $gt: '' },
  'a regular expression': /.*/,
  'an array': [],
  'an array with an id': [valid],
  'a String object': new String(valid),
  'an object that turns into an id': { toString: () => valid, valueOf: () => valid },
  'an object with the methods of a string': { length: 43, match: () => true, test: () => true },
  bytes: Buffer.from(valid),
  'one character less': valid.slice(1),
  'one character more': `${valid}A`,
  'padded base64': `${valid.slice(1)}=`,
  'plain base64, +': `+${valid.slice(1)}`,
  'plain base64, /': `/${valid.slice(1)}`,
  'a dot': `.${valid.slice(1)}`,
  'a leading dollar': `$${valid.slice(1)}`,
  'a NUL': `\0${valid.slice(1)}`,
  'a trailing newline': `${valid}\n`,
  'a newline in its place': `${valid.slice(1)}\n`,
  'a leading space': ` ${valid.slice(1)}`,
  'a full-width letter': `Ａ${valid.slice(1)}`,
  'an emoji': `😀${valid.slice(2)}`,
  'a lone surrogate': `\ud800${valid.slice(1)}`,
  'an accented letter': `é${valid.slice(1)}`,
  'percent-encoded': `%41${valid.slice(3)}`,
  'a megabyte': 'A'.repeat(2 ** 20),
  'a megabyte that ends in an id': `${' '.repeat(2 ** 20)}${valid}`,
  __proto__: '__proto__',
}

for (const [what, value] of Object.entries(hostile)) {
  ids(`what has not the form of an id is none: ${what}`, () => {
    assert.equal(isId(value), false)
  })
}

ids('what has not the form of an id never reaches the store', async () => {
  const calls: string[] = []
  const sessions = createSessions<Data>({ store: recordCalls(memoryStore(), calls) })
  for (const value of Object.values(hostile)) {
    assert.equal(await sessions.open(value), null)
    assert.equal(await sessions.destroy(value as string), false)
    assert.equal(await sessions.destroy({ key: value as string }), false)
    await assert.rejects(
      sessions.update(value as string, () => assert.fail('the recipe ran')),
      SessionGoneError,
    )
  }
  assert.deepEqual(calls, [])
})

ids('anything else neither', async () => {
  const calls: string[] = []
  const sessions = createSessions<Data>({ store: recordCalls(memoryStore(), calls) })
  await holds(
    fc.asyncProperty(fc.oneof(fc.anything(), fc.string({ maxLength: 50 })), async value => {
      fc.pre(!(typeof value === 'string' && /^[\w-]{43}$/.test(value)))
      assert.equal(await sessions.open(value), null)
      assert.deepEqual(calls, [])
    }),
    500,
  )
})

ids.run()

forEachStore('ids in a store', (test, { create }) => {
  const calls: string[] = []
  const store = create()
  const sessions: Sessions<Data> = createSessions<Data>({ store: recordCalls(store, calls) })

  test('the store knows a session by its key, and nothing of its id', async () => {
    const session = sessions.create({ n: 1 })
    assert.equal(session.key, keyOf(session.id))
    await session.commit()
    const loaded = await store.load(session.key, { timeout: 10_000 })
    const bytes = Buffer.from(loaded?.bytes ?? [])
    assert.ok(bytes.includes(session.key))
    assert.ok(!bytes.includes(session.id))
    assert.ok(!bytes.includes(Buffer.from(session.id, 'base64url')))
  })

  test('a key opens nothing', async () => {
    const session = sessions.create({ n: 1 })
    await session.commit()
    assert.equal(await sessions.open(session.key), null)
  })

  test('an unknown id is never adopted', async () => {
    const id = createId()
    assert.equal(await sessions.open(id), null)
    await assert.rejects(
      sessions.update(id, data => {
        data.n = 1
      }),
      SessionGoneError,
    )
    assert.equal(await sessions.open(id), null)
    assert.equal(await sessions.destroy(id), false)
  })

  test('an id with the right form costs one look-up', async () => {
    calls.length = 0
    await sessions.open(createId())
    assert.deepEqual(calls, ['load'])
  })
})
