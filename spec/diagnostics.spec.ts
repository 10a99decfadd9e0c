import assert from 'node:assert/strict'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import type { Session, Sessions } from '../lib/index.js'
import {
  ConflictError,
  createSessions,
  SessionError,
  SessionGoneError,
  StoreError,
} from '../lib/index.js'
import { forEachStore } from './support/stores.js'
import { gated } from './support/wrapped.js'

// biome-ignore lint/suspicious/noExplicitAny: the specs write what the types forbid
type Data = any

const NAMES = ['dotset:commit', 'dotset:conflict', 'dotset:error'] as const

const SECRET = 'hunter2-of-ada'

/** Runs `work`, and gives the messages that were published meanwhile, by channel. */
async function listening(work: () => unknown): Promise<Record<string, Data[]>> {
  const heard: Record<string, Data[]> = { commit: [], conflict: [], error: [] }
  const listener = (message: unknown, name: string | symbol): void => {
    heard[String(name).slice('dotset:'.length)]?.push(message)
  }
  for (const name of NAMES) subscribe(name, listener)
  try {
    await work()
  } finally {
    for (const name of NAMES) unsubscribe(name, listener)
  }
  for (const message of Object.values(heard).flat()) {
    assert.ok(!inspect(message, { depth: 20, showHidden: true }).includes(SECRET))
    if (message.milliseconds === undefined) continue
    assert.ok(message.milliseconds >= 0)
    delete message.milliseconds
  }
  return heard
}

forEachStore('diagnostics', (test, { create }) => {
  const store = create()
  const sessions = createSessions<Data>({ store, touchAfter: 0 })

  async function stored(): Promise<Session<Data>> {
    const session = sessions.create({ secret: SECRET, n: 1, o: { a: 1 } })
    await session.commit()
    return session
  }

  const reopen = async ({ id }: Session<Data>, from: Sessions<Data> = sessions) =>
    (await from.open(id)) as Session<Data>

  test('every commit tells how it ended, and never what it wrote', async () => {
    const { commit, conflict, error } = await listening(async () => {
      const session = await stored()
      session.data.secret = `${SECRET} too`
      delete session.data.n
      await session.commit()
      await session.commit()
      await sessions.create().commit()
      const other = await reopen(session)
      await session.destroy()
      await other.commit()
    })
    const bytes = commit?.map(message => message.bytes)
    assert.deepEqual(
      commit?.map(({ bytes: _, ...message }) => message),
      [
        { status: 'created', modifications: 3, attempts: 1 },
        { status: 'updated', modifications: 2, attempts: 1 },
        { status: 'touched', modifications: 0, attempts: 1 },
        { status: 'unchanged', modifications: 0, attempts: 0 },
        { status: 'gone', modifications: 0, attempts: 1 },
      ],
    )
    assert.ok(bytes?.[0] > SECRET.length && bytes?.[1] > SECRET.length)
    assert.deepEqual(bytes?.slice(2), [0, 0, 0])
    assert.deepEqual([conflict, error], [[], []])
  })

  test('a conflict tells how much became void', async () => {
    const one = await stored()
    const two = await reopen(one)
    const { commit, conflict } = await listening(async () => {
      two.data.o = { b: SECRET }
      await two.commit()
      one.data.o.a = SECRET
      one.data.n = 2
      await one.commit()
    })
    assert.deepEqual(conflict, [{ paths: 2, superseded: 1, attempts: 1 }])
    assert.deepEqual(
      commit?.map(({ bytes: _, ...message }) => message),
      [
        { status: 'updated', modifications: 1, attempts: 1 },
        { status: 'updated', modifications: 1, attempts: 2 },
      ],
    )
  })

  test('an update that met others tells of a conflict each time', async () => {
    const session = await stored()
    const heard = await listening(async () => {
      const { store: slow, next } = gated(store, 'write')
      const update = createSessions<Data>({ store: slow }).update(session.id, data => data.n++)
      const letGo = await next()
      const other = await reopen(session)
      other.data.n = 5
      await other.commit()
      letGo()
      ;(await next())()
      assert.equal((await update).attempts, 2)
    })
    assert.deepEqual(heard.conflict, [{ paths: 1, superseded: 0, attempts: 1 }])
    assert.deepEqual(heard.error, [])
  })

  test('every call that fails tells its code, once', async () => {
    const session = await stored()
    const gone = await stored()
    const lost = await reopen(gone)
    await gone.destroy()
    const failing = (method: 'load' | 'remove' | 'touch') => {
      const failure = async () => {
        throw new StoreError('reach the store', 'the disk is full, make room')
      }
      return createSessions<Data>({ store: { ...store, [method]: failure }, touchAfter: 0 })
    }
    const calls: [code: string, call: () => Promise<unknown>][] = [
      [
        'ERR_UNSUPPORTED_VALUE',
        async () => {
          const raw: Data = {}
          session.data.raw = raw
          raw.late = () => SECRET
          await session.commit().finally(() => session.discard())
        },
      ],
      [
        'ERR_SESSION_GONE',
        () => {
          lost.data.n = 2
          return lost.commit()
        },
      ],
      ['ERR_SESSION_GONE', () => lost.reload()],
      ['ERR_SESSION_GONE', () => sessions.update(gone.id, () => undefined)],
      ['ERR_STORE', () => failing('load').open(session.id)],
      ['ERR_STORE', () => failing('load').update(session.id, () => undefined)],
      ['ERR_STORE', () => failing('remove').destroy(session.id)],
      ['ERR_STORE', async () => (await reopen(session, failing('remove'))).destroy()],
      ['ERR_STORE', async () => (await reopen(session, failing('touch'))).commit()],
      ['ERR_INVALID_ARGUMENT', () => sessions.destroyWhere({})],
      ['ERR_INVALID_ARGUMENT', () => sessions.update(session.id, () => {}, { attempts: 0 })],
    ]
    for (const [code, call] of calls) {
      const { error } = await listening(() => assert.rejects(call(), SessionError))
      assert.deepEqual(error, [{ code }], `${code} ${call}`)
    }
  })

  test('an update that gives up is an error', async () => {
    const session = await stored()
    const { store: slow, next } = gated(store, 'write')
    const slowly = createSessions<Data>({ store: slow })
    const { error, conflict } = await listening(async () => {
      const update = slowly.update(session.id, data => data.n++, { attempts: 1 })
      const letGo = await next()
      const other = await reopen(session)
      other.data.n = 5
      await other.commit()
      letGo()
      await assert.rejects(update, ConflictError)
    })
    assert.deepEqual(error, [{ code: 'ERR_CONFLICT' }])
    assert.equal(conflict?.length, 1)
  })

  test('what a recipe throws is no error of ours', async () => {
    const session = await stored()
    const { error } = await listening(async () => {
      const recipe = (): void => {
        throw new RangeError(SECRET)
      }
      await assert.rejects(sessions.update(session.id, recipe), RangeError)
    })
    assert.deepEqual(error, [])
  })

  test('when nobody listens, no message is even made', async () => {
    const channels = NAMES.map(name => channel(name))
    for (const each of channels) each.publish = () => assert.fail('it was published')
    try {
      const session = await stored()
      session.data.n++
      const other = await reopen(session)
      other.data.o = { c: 1 }
      await other.commit()
      session.data.o.a = 2
      await session.commit()
      await sessions.destroy(session.id)
      session.data.n++
      await assert.rejects(session.commit(), SessionGoneError)
    } finally {
      for (const each of channels) delete (each as { publish?: unknown }).publish
    }
  })

  test('a listener of one channel hears nothing of the others', async () => {
    const heard: unknown[] = []
    const listener = (message: unknown): void => {
      heard.push(message)
    }
    subscribe('dotset:error', listener)
    try {
      const session = await stored()
      session.data.n++
      await session.commit()
    } finally {
      unsubscribe('dotset:error', listener)
    }
    assert.deepEqual(heard, [])
  })
})
