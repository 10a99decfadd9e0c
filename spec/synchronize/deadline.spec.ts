import assert from 'node:assert/strict'
import { suite } from 'uvu'
import { StoreError } from '../../lib/errors.js'
import type { Attempt, CallOptions } from '../../lib/store/store.js'
import { Deadline, inTime } from '../../lib/synchronize/deadline.js'

/** A call that nobody ever answers. */
const silence = (): Promise<never> => new Promise(() => undefined)

const uncertain = (): StoreError => new StoreError('ask', 'lost', { uncertain: true })
const transient = (): StoreError => new StoreError('ask', 'busy', { transient: true })
const refused = (): StoreError => new StoreError('ask', 'refused')

/** A call that ends in one way after another. */
function ending<T>(...ends: (Error | T)[]): { call: () => Promise<T>; left: () => number } {
  const call = async (): Promise<T> => {
    const end = ends.shift()
    if (end instanceof Error) throw end
    return end as T
  }
  return { call, left: () => ends.length }
}

/** Asserts that a call ends in a StoreError, and gives it. */
async function failureOf(call: () => Promise<unknown>): Promise<StoreError> {
  let caught: unknown
  await assert.rejects(call, error => {
    caught = error
    return error instanceof StoreError
  })
  return caught as StoreError
}

const call = suite('a call')

call('gives the answer', async () => {
  assert.equal(await new Deadline(1000).call('ask', async () => 5), 5)
  assert.equal(await new Deadline(1000).call('ask', () => 6), 6)
})

call('throws what the store throws, at once or later', async () => {
  const error = new TypeError('x')
  await assert.rejects(
    new Deadline(1000).call('ask', () => {
      throw error
    }),
    each => each === error,
  )
  await assert.rejects(
    new Deadline(1000).call('ask', () => Promise.reject(error)),
    each => each === error,
  )
})

call('without an answer in time is uncertain', async () => {
  const error = await failureOf(() => new Deadline(30).call('ask', silence))
  assert.equal(error.message, 'Cannot ask: the store did not answer in time')
  assert.deepEqual([error.uncertain, error.transient], [true, true])
})

call('that was not sent in time is withdrawn, and did nothing', async () => {
  let attempt: Attempt | undefined
  const error = await failureOf(() =>
    new Deadline(30).call('ask', options => {
      attempt = options.attempt as Attempt
      attempt.stage = 'waiting'
      return silence()
    }),
  )
  assert.match(error.message, /^Cannot ask: .+ nothing was sent$/)
  assert.deepEqual([error.uncertain, error.transient], [false, true])
  assert.equal(attempt?.stage, 'withdrawn')
})

call('that was sent is withdrawn, too, so that it is not sent again', async () => {
  let attempt: Attempt | undefined
  const error = await failureOf(() =>
    new Deadline(30).call('ask', options => {
      attempt = options.attempt as Attempt
      attempt.stage = 'sent'
      return silence()
    }),
  )
  assert.deepEqual([error.uncertain, attempt?.stage], [true, 'withdrawn'])
})

call('may wait a third of the whole, and no longer than what is left', async () => {
  const timeouts: number[] = []
  const note = async ({ timeout, deadline = 0 }: CallOptions): Promise<void> => {
    timeouts.push(timeout)
    assert.ok(deadline >= timeout && deadline <= 60)
  }
  const deadline = new Deadline(60)
  await deadline.call('ask', note)
  await failureOf(() => deadline.call('ask', silence))
  await failureOf(() => deadline.call('ask', silence))
  await deadline.call('ask', note).catch(() => undefined)
  assert.equal(timeouts[0], 20)
  assert.ok((timeouts[1] ?? 0) < 20)
})

call('is not made after the deadline', async () => {
  const deadline = new Deadline(1)
  await failureOf(() => deadline.call('ask', silence, 5))
  let asked = false
  const error = await failureOf(() =>
    deadline.call('ask', () => {
      asked = true
    }),
  )
  assert.equal(error.message, 'Cannot ask: the deadline has passed')
  assert.deepEqual([error.uncertain, asked], [false, false])
})

call('has time, however far away the deadline is', async () => {
  const deadline = new Deadline(Number.MAX_SAFE_INTEGER)
  assert.equal(
    await deadline.call('ask', () => new Promise(resolve => setTimeout(resolve, 20, 5))),
    5,
  )
})

call('that fails after its time is up ends nothing', async () => {
  let fail: (error: Error) => void = () => undefined
  const late = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  await failureOf(() => new Deadline(30).call('ask', () => late))
  fail(new Error('late'))
  // What nobody handles ends a process in one of the next turns.
  await new Promise(resolve => setImmediate(resolve))
})

call.run()

const persist = suite('a call that is repeated')

persist('goes on as long as it may go well', async () => {
  const { call } = ending<number>(uncertain(), transient(), uncertain(), 5)
  assert.equal(await new Deadline(5000).persist('ask', call), 5)
})

persist('ends with what is refused', async () => {
  const error = refused()
  const { call, left } = ending<number>(transient(), error, 5)
  await assert.rejects(new Deadline(5000).persist('ask', call), each => each === error)
  assert.equal(left(), 1)
})

persist('ends with what is no failure of the store', async () => {
  const error = new TypeError('x')
  const { call, left } = ending<number>(error, 5)
  await assert.rejects(new Deadline(5000).persist('ask', call), each => each === error)
  assert.equal(left(), 1)
})

persist('stays uncertain, whatever came later', async () => {
  const lost = uncertain()
  const { call } = ending<number>(lost, transient(), refused())
  await assert.rejects(new Deadline(5000).persist('ask', call), each => each === lost)
})

persist('ends at the deadline, uncertain if an answer was lost', async () => {
  const lost = uncertain()
  let calls = 0
  const once = async (): Promise<never> => {
    throw calls++ === 0 ? lost : transient()
  }
  await assert.rejects(new Deadline(60).persist('ask', once), each => each === lost)
  assert.ok(calls > 1)
  const error = await failureOf(() =>
    new Deadline(60).persist('ask', () => Promise.reject(transient())),
  )
  assert.equal(error.uncertain, false)
})

persist.run()

const list = suite('items in time')

async function* items(...waits: Promise<unknown>[]): AsyncGenerator<number> {
  for (const [index, wait] of waits.entries()) {
    await wait
    yield index
  }
}

async function read<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const each of all) found.push(each)
  return found
}

list('come as they are', async () => {
  assert.deepEqual(await read(inTime('list', items(), 1000)), [])
  assert.deepEqual(
    await read(inTime('list', items(Promise.resolve(), Promise.resolve()), 1000)),
    [0, 1],
  )
})

list('may take their time one by one, and the reader, too', async () => {
  const pause = (): Promise<unknown> => new Promise(resolve => setTimeout(resolve, 30))
  let count = 0
  for await (const _ of inTime('list', items(pause(), pause(), pause()), 200)) {
    count++
    await new Promise(resolve => setTimeout(resolve, 80))
  }
  assert.equal(count, 3)
})

list('of which one does not come are a failure', async () => {
  const found: number[] = []
  const error = await failureOf(async () => {
    for await (const each of inTime('list', items(Promise.resolve(), silence()), 30))
      found.push(each)
  })
  assert.deepEqual([found, error.message], [[0], 'Cannot list: the store did not answer in time'])
})

list('that are left take leave', async () => {
  let left = false
  async function* endless(): AsyncGenerator<number> {
    try {
      for (;;) yield 1
    } finally {
      left = true
    }
  }
  for await (const _ of inTime('list', endless(), 1000)) break
  await new Promise(resolve => setImmediate(resolve))
  assert.ok(left)
})

list.run()
