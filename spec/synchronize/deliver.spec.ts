/**
 * How a statement is brought to a store whose answers get lost: what is stored is the real thing, by
 * the embedded store.
 */

import assert from 'node:assert/strict'
import { deserialize } from 'bson'
import { suite } from 'uvu'
import { KEPT, TRIM_FROM } from '../../lib/document.js'
import { StoreError, UncertainCommitError } from '../../lib/errors.js'
import { memoryStore } from '../../lib/index.js'
import type { SessionDocument } from '../../lib/open/document.js'
import { readDocument } from '../../lib/open/document.js'
import { createToken } from '../../lib/open/identity.js'
import type { NewDocument, Statement, Store } from '../../lib/store/store.js'
import { Deadline } from '../../lib/synchronize/deadline.js'
import type { Delivery } from '../../lib/synchronize/deliver.js'
import { deliver, deliverNew } from '../../lib/synchronize/deliver.js'

const CALL = { timeout: 1000 }
const KEY = 'key'

const uncertain = (): StoreError => new StoreError('commit', 'lost', { uncertain: true })
const transient = (): StoreError => new StoreError('commit', 'busy', { transient: true })
const refused = (): StoreError => new StoreError('commit', 'refused')

const newDocument = (): NewDocument => ({
  ...{ key: KEY, data: { log: [] }, rev: 1, layout: new Map(), tokens: [createToken()], marks: [] },
  ...{ createdAt: 0, expiresAt: Date.now() + 60_000, endsAt: Number.POSITIVE_INFINITY },
  idle: undefined,
})

const append = (entry: string, changes: Partial<Statement> = {}): Statement => ({
  ...{ key: KEY, token: createToken(), rev: { below: 1 + KEPT }, layout: new Map(), raises: [] },
  ...{ modifications: [{ op: 'append', path: ['log'], values: [entry] }], mark: undefined },
  ...{ trim: false, expiresAt: 0, timeouts: undefined, bytes: 40 },
  ...changes,
})

/** What happens to one call: the store does it or not, and then answers or not. */
interface Fate {
  readonly done: boolean
  readonly error?: StoreError
  /** What others do before the next call. */
  readonly after?: (store: Store) => Promise<unknown>
}

/** A store whose writes and insertions have these fates, one after another; later ones go well. */
function storeWith(...fates: Fate[]): { store: Store; stored: Store } {
  const stored = memoryStore()
  async function meet<T>(call: () => Promise<T>): Promise<T> {
    const { done, error, after } = fates.shift() ?? { done: true }
    const answer = done ? await call() : undefined
    await after?.(stored)
    if (error !== undefined) throw error
    return answer as T
  }
  const store: Store = {
    ...stored,
    write: (...args) => meet(() => stored.write(...args)),
    insert: (...args) => meet(() => stored.insert(...args)),
  }
  return { store, stored }
}

interface Delivered {
  readonly outcome: Delivery<SessionDocument>
  readonly attempts: number
  /** Whether each load had to be linearizable. */
  readonly loads: readonly boolean[]
  readonly log: unknown
}

/** Delivers one append to a session that is stored. */
async function delivered(
  fates: Fate[],
  {
    deadline = 5000,
    statement = append('mine'),
  }: { deadline?: number; statement?: Statement } = {},
): Promise<Delivered> {
  const { store, stored } = storeWith(...fates)
  await stored.insert(newDocument(), CALL)
  const attempts = { count: 0 }
  const loads: boolean[] = []
  const load = async (
    _deadline: Deadline,
    linearizable: boolean,
  ): Promise<SessionDocument | null> => {
    loads.push(linearizable)
    const loaded = await stored.load(KEY, CALL)
    return loaded && readDocument(loaded)
  }
  const result = { attempts: () => attempts.count, log: () => logOf(stored) }
  try {
    const outcome = await deliver(store, statement, load, {
      deadline: new Deadline(deadline),
      attempts,
    })
    return { outcome, attempts: attempts.count, loads, log: await logOf(stored) }
  } catch (error) {
    throw Object.assign(error as Error, { seen: [result.attempts(), await result.log()] })
  }
}

async function logOf(stored: Store): Promise<unknown> {
  const loaded = await stored.load(KEY, CALL)
  return loaded && deserialize(loaded.bytes).data?.log
}

/** Asserts that a delivery fails, after so many attempts, and with this in the store. */
async function fails(
  call: Promise<unknown>,
  type: typeof StoreError | typeof UncertainCommitError,
  attempts: number,
  log: unknown,
): Promise<void> {
  await assert.rejects(call, error => {
    assert.ok(error instanceof type, String(error))
    const { seen } = error as { seen?: unknown[] }
    if (attempts > 0) assert.equal(seen?.[0], attempts)
    assert.deepEqual(seen?.[1], log)
    return true
  })
}

/** What others commit, `count` times. */
const others =
  (count: number) =>
  async (stored: Store): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const loaded = await stored.load(KEY, CALL)
      assert.ok(loaded)
      const { rev, tokens } = readDocument(loaded)
      const trim = tokens.length >= TRIM_FROM
      assert.ok(await stored.write(append('other', { rev: { exactly: rev }, trim }), CALL))
    }
  }

const entries = (count: number): string[] => Array.from({ length: count }, () => 'other')

const test = suite('a statement')

test('that fits is sent once, and nothing is read', async () => {
  const { outcome, attempts, loads, log } = await delivered([])
  assert.deepEqual([outcome, attempts, loads, log], [{ applied: true }, 1, [], ['mine']])
})

test('that does not fit is told with what is stored', async () => {
  const statement = append('mine', { rev: { exactly: 9 } })
  const { outcome, attempts, loads, log } = await delivered([], { statement })
  assert.equal(outcome.applied, false)
  assert.equal((outcome as { document: SessionDocument }).document.rev, 1)
  assert.deepEqual([attempts, loads, log], [1, [false], []])
})

test('whose request was lost is sent again', async () => {
  const { outcome, attempts, log } = await delivered([
    { done: false, error: uncertain() },
    { done: false, error: uncertain() },
  ])
  assert.deepEqual([outcome, attempts, log], [{ applied: true }, 3, ['mine']])
})

test('whose answer was lost is found to be applied, and not applied again', async () => {
  const { outcome, attempts, loads, log } = await delivered([{ done: true, error: uncertain() }])
  assert.deepEqual([outcome, attempts, loads, log], [{ applied: true }, 2, [true], ['mine']])
})

test('whose answer was lost is found behind the commits of others', async () => {
  const { outcome, log } = await delivered([{ done: true, error: uncertain(), after: others(15) }])
  assert.deepEqual([outcome, log], [{ applied: true }, ['mine', ...entries(15)]])
})

test('whose answer was lost, and its token has left the list since, is uncertain', async () => {
  const fates = [{ done: true, error: uncertain(), after: others(60) }]
  await fails(delivered(fates), UncertainCommitError, 2, ['mine', ...entries(60)])
})

test('whose request was lost, and others have trimmed the list since, is uncertain', async () => {
  const fates = [{ done: false, error: uncertain(), after: others(60) }]
  await fails(delivered(fates), UncertainCommitError, 2, entries(60))
})

test('whose request was lost, but the list shows all commits since, was not applied', async () => {
  const fates = [{ done: false, error: uncertain(), after: others(KEPT) }]
  const { outcome, log } = await delivered(fates)
  assert.deepEqual([outcome.applied, log], [false, entries(KEPT)])
})

test('that requires rev exactly is judged by that', async () => {
  const statement = append('mine', { rev: { exactly: 1 } })
  const missed = await delivered([{ done: false, error: uncertain(), after: others(3) }], {
    statement,
  })
  assert.deepEqual([missed.outcome.applied, missed.log], [false, entries(3)])
  const fates = [{ done: true, error: uncertain(), after: others(60) }]
  await fails(delivered(fates, { statement }), UncertainCommitError, 2, ['mine', ...entries(60)])
})

test('that was lost before the session was rotated is told by the tokens that are left', async () => {
  const retire = (rev: number) => (stored: Store) =>
    stored.retire({ key: KEY, rev, token: 7n, expiresAt: Date.now() + 60_000 }, CALL)
  const applied = await delivered([{ done: true, error: uncertain(), after: retire(2) }])
  assert.deepEqual([applied.outcome.applied, applied.attempts], [true, 2])
  const missed = await delivered([{ done: false, error: uncertain(), after: retire(1) }])
  assert.deepEqual([missed.outcome.applied, missed.attempts], [false, 2])
})

test('whose session is gone was not applied, for all that anybody will see', async () => {
  const remove = (stored: Store): Promise<boolean> => stored.remove(KEY, CALL)
  const { outcome } = await delivered([{ done: true, error: uncertain(), after: remove }])
  assert.deepEqual(outcome, { applied: false, document: null })
})

test('that is refused is not sent again', async () => {
  await fails(delivered([{ done: false, error: refused() }]), StoreError, 1, [])
})

test('that meets a busy store is sent again, and is no failure', async () => {
  const { outcome, attempts, log } = await delivered([{ done: false, error: transient() }])
  assert.deepEqual([outcome, attempts, log], [{ applied: true }, 2, ['mine']])
})

test('that meets a busy store until the deadline was not applied', async () => {
  const fates = Array.from({ length: 99 }, () => ({ done: false, error: transient() }))
  await fails(delivered(fates, { deadline: 60 }), StoreError, 0, [])
})

test('whose answer was lost stays uncertain, whatever comes later', async () => {
  const later = Array.from({ length: 99 }, (_, n) => {
    return { done: false, error: n % 2 === 0 ? refused() : transient() }
  })
  const fates = [{ done: true, error: uncertain() }, ...later]
  await fails(delivered(fates, { deadline: 60 }), UncertainCommitError, 0, ['mine'])
})

test('is not swallowed if the store fails otherwise', async () => {
  const { store } = storeWith()
  const error = new TypeError('x')
  const broken: Store = { ...store, write: () => Promise.reject(error) }
  const load = async (): Promise<null> => null
  await assert.rejects(
    deliver(broken, append('mine'), load, {
      deadline: new Deadline(1000),
      attempts: { count: 0 },
    }),
    each => each === error,
  )
})

test.run()

const insertion = suite('a new document')

async function inserted(
  fates: Fate[],
  deadline = 5000,
): Promise<{ attempts: number; log: unknown }> {
  const { store, stored } = storeWith(...fates)
  const attempts = { count: 0 }
  const load = async (): Promise<SessionDocument | null> => {
    const loaded = await stored.load(KEY, CALL)
    return loaded && readDocument(loaded)
  }
  try {
    await deliverNew(store, newDocument(), load, { deadline: new Deadline(deadline), attempts })
  } catch (error) {
    throw Object.assign(error as Error, { seen: [attempts.count, await logOf(stored)] })
  }
  return { attempts: attempts.count, log: await logOf(stored) }
}

insertion('is inserted once', async () => {
  assert.deepEqual(await inserted([]), { attempts: 1, log: [] })
})

insertion('is inserted again, if the request was lost', async () => {
  assert.deepEqual(await inserted([{ done: false, error: uncertain() }]), { attempts: 2, log: [] })
})

insertion('is found, if the answer was lost', async () => {
  assert.deepEqual(await inserted([{ done: true, error: uncertain() }]), { attempts: 2, log: [] })
})

insertion('is found, if a request that was taken for lost comes through late', async () => {
  const late = async (stored: Store): Promise<void> => {
    await stored.insert(newDocument(), CALL)
  }
  const fates = [
    { done: false, error: uncertain() },
    { done: false, after: late, error: refused() },
  ]
  assert.deepEqual(await inserted(fates), { attempts: 3, log: [] })
})

insertion('that is refused is not sent again', async () => {
  await fails(inserted([{ done: false, error: refused() }]), StoreError, 1, null)
})

insertion('that meets a busy store is sent again, until the deadline', async () => {
  assert.deepEqual(await inserted([{ done: false, error: transient() }]), { attempts: 2, log: [] })
  const fates = Array.from({ length: 99 }, () => ({ done: false, error: transient() }))
  await fails(inserted(fates, 60), StoreError, 0, null)
})

insertion('whose answer was lost stays uncertain', async () => {
  const fates = Array.from({ length: 99 }, () => ({ done: false, error: uncertain() }))
  await fails(inserted(fates, 60), UncertainCommitError, 0, null)
})

insertion.run()
