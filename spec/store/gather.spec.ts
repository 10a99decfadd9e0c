/**
 * Calls that come together are made as one.
 */

import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { suite } from 'uvu'
import { StoreError } from '../../lib/errors.js'
import { gather } from '../../lib/store/gather.js'

interface Call {
  readonly key: string
  readonly bytes?: number
}

/** Calls that are answered with their keys, when they are let go, and what was made of them. */
function gathered({ sameKey = false, fails }: { sameKey?: boolean; fails?: StoreError } = {}) {
  const made: string[] = []
  const gates: (() => void)[] = []
  const gate = (): Promise<void> => new Promise(resolve => gates.push(resolve))
  const call = gather<Call, string>({
    async one({ key }) {
      made.push(key)
      await gate()
      return key
    },
    async many(calls) {
      made.push(calls.map(({ key }) => key).join('+'))
      await gate()
      if (fails !== undefined) throw fails
      return calls.map(({ key }) => (key.startsWith('bad') ? refused(key) : key))
    },
    sameKey,
    bytes: ({ bytes = 0 }) => bytes,
  })
  const go = (): void => {
    for (const open of gates.splice(0)) open()
  }
  return { call, made, go }
}

const refused = (why: string): StoreError => new StoreError('call', why)
const keys = (count: number, name = 'k'): Call[] =>
  Array.from({ length: count }, (_, index) => ({ key: `${name}${index}` }))

const test = suite('gathering')

test('a call that is alone is made at once', async () => {
  const { call, made, go } = gathered()
  const one = call({ key: 'a' })
  assert.deepEqual(made, ['a'])
  go()
  assert.equal(await one, 'a')
  const two = call({ key: 'b' })
  assert.deepEqual(made, ['a', 'b'])
  go()
  assert.equal(await two, 'b')
})

test('what comes in one turn while a call is under way is made as one', async () => {
  const { call, made, go } = gathered()
  const answers = keys(4).map(call)
  assert.deepEqual(made, ['k0'])
  await nextTurn()
  assert.deepEqual(made, ['k0', 'k1+k2+k3'])
  const later = call({ key: 'later' })
  await nextTurn()
  assert.deepEqual(made, ['k0', 'k1+k2+k3', 'later'])
  go()
  assert.deepEqual(await Promise.all([...answers, later]), ['k0', 'k1', 'k2', 'k3', 'later'])
})

test('two for one key are made apart, unless that is no matter', async () => {
  for (const [sameKey, expected] of [
    [false, ['a', 'b+c', 'b+d']],
    [true, ['a', 'b+c+b+d']],
  ] as const) {
    const { call, made, go } = gathered({ sameKey })
    const answers = ['a', 'b', 'c', 'b', 'd'].map(key => call({ key }))
    await nextTurn()
    assert.deepEqual(made, expected)
    go()
    assert.deepEqual(await Promise.all(answers), ['a', 'b', 'c', 'b', 'd'])
  }
})

test('no more than 64 are made as one, nor more than 4 MiB', async () => {
  const { call, made, go } = gathered()
  const answers = keys(131).map(call)
  await nextTurn()
  assert.deepEqual(
    made.map(each => each.split('+').length),
    [1, 64, 64, 2],
  )
  const large = keys(5, 'large').map(({ key }) => call({ key, bytes: 1.5 * 2 ** 20 }))
  await nextTurn()
  assert.deepEqual(made.slice(4), ['large0+large1', 'large2+large3', 'large4'])
  go()
  assert.equal((await Promise.all([...answers, ...large])).length, 136)
})

test('each gets an answer of its own, or its own error', async () => {
  const { call, go } = gathered()
  const answers = ['first', 'a', 'bad one', 'b'].map(key => call({ key }))
  const settled = Promise.allSettled(answers)
  await nextTurn()
  go()
  const told = (await settled).map(each => (each.status === 'fulfilled' ? each.value : each.reason))
  assert.deepEqual(told, ['first', 'a', refused('bad one'), 'b'])
})

test('if all of them are refused, each is made by itself', async () => {
  const { call, made, go } = gathered({ fails: refused('one of them') })
  const answers = keys(3).map(call)
  await nextTurn()
  go()
  await nextTurn()
  assert.deepEqual(made, ['k0', 'k1+k2', 'k1', 'k2'])
  go()
  assert.deepEqual(await Promise.all(answers), ['k0', 'k1', 'k2'])
})

test('a failure that may pass is told to all of them', async () => {
  for (const options of [{ uncertain: true }, { transient: true }]) {
    const fails = new StoreError('call', 'lost', options)
    const { call, made, go } = gathered({ fails })
    const answers = Promise.allSettled(keys(3).map(call))
    await nextTurn()
    go()
    const [first, ...others] = await answers
    assert.deepEqual(first, { status: 'fulfilled', value: 'k0' })
    for (const other of others) assert.equal((other as PromiseRejectedResult).reason, fails)
    assert.deepEqual(made, ['k0', 'k1+k2'])
    const next = call({ key: 'next' })
    assert.deepEqual(made.at(-1), 'next')
    go()
    assert.equal(await next, 'next')
  }
})

test.run()
