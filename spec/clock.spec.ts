import assert from 'node:assert/strict'
import { suite } from 'uvu'
import { createClock } from '../lib/clock.js'
import type { Store } from '../lib/index.js'
import { memoryStore, StoreError } from '../lib/index.js'
import { Deadline } from '../lib/synchronize/deadline.js'

const clocks = suite('the time at the store')

const deadline = (): Deadline => new Deadline(1000)

/** A store on another machine, whose clock says something else. */
function remote(now: number): { store: Store; asked: () => number } {
  let asked = 0
  const { now: _, ...store } = memoryStore()
  const time = async (): Promise<number> => {
    asked++
    return now
  }
  return { store: { ...store, time }, asked: () => asked }
}

/** Runs `work` while the clock of this machine is wrong. */
async function withWrongClock(work: () => Promise<void>): Promise<void> {
  const { now } = Date
  Date.now = () => 0
  try {
    await work()
  } finally {
    Date.now = now
  }
}

clocks('is that of this machine, if the store is on it', async () => {
  let time = 5000
  const clock = createClock(memoryStore({ now: () => time }))
  assert.equal(clock.estimate(), 5000)
  clock.note(99)
  time = 6000
  assert.equal(clock.estimate(), 6000)
  assert.equal(await clock.now(deadline()), 6000)
})

clocks('is asked for once, where nobody told it yet', async () => {
  const { store, asked } = remote(1_000_000)
  const clock = createClock(store)
  await withWrongClock(async () => {
    const first = await clock.now(deadline())
    const second = await clock.now(deadline())
    assert.ok(first >= 1_000_000 && second >= first && second < 1_100_000)
    assert.ok(clock.estimate() >= second && clock.estimate() < 1_100_000)
  })
  assert.equal(asked(), 1)
})

clocks('is what the store told last, and the time since', async () => {
  const { store, asked } = remote(1)
  const clock = createClock(store)
  await withWrongClock(async () => {
    for (const told of [5_000_000, 2_000_000, 9_000_000]) {
      clock.note(told)
      const now = await clock.now(deadline())
      assert.ok(now >= told && now < told + 100_000)
      assert.ok(Number.isInteger(clock.estimate()))
    }
  })
  assert.equal(asked(), 0)
})

clocks('goes on, whatever happens to the clock of this machine', async () => {
  const clock = createClock(remote(0).store)
  clock.note(1_000_000)
  await withWrongClock(async () => {
    let before = clock.estimate()
    for (let look = 0; look < 1000; look++) {
      const now = clock.estimate()
      assert.ok(now >= before && now < 1_100_000)
      before = now
    }
  })
})

clocks('is guessed by this machine while it is not known', async () => {
  const clock = createClock(remote(0).store)
  await withWrongClock(async () => assert.equal(clock.estimate(), 0))
})

clocks('that cannot be asked for is an error, and is asked for again', async () => {
  const { store } = remote(7000)
  let fails = true
  const clock = createClock({
    ...store,
    time: async options => {
      if (fails) throw new StoreError('ask for the time', 'nobody answers')
      return store.time(options)
    },
  })
  await assert.rejects(clock.now(deadline()), StoreError)
  fails = false
  assert.ok((await clock.now(deadline())) >= 7000)
})

clocks.run()
