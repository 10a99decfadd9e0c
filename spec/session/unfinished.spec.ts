/**
 * What comes after an UncertainCommitError: whatever is called next brings to its end what was sent,
 * and it is applied once.
 */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { createSessions, memoryStore, SessionGoneError, StoreError } from '../../lib/index.js'
import { holds } from '../support/property.js'
import { intercepted, storedData } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'

interface Data {
  log?: string[]
  n?: number
  other?: number
}

const uncertain = { name: 'UncertainCommitError' }

/** A store that can be cut off: what is sent then is carried out or lost, and has no answer. */
function cuttable(stored: Store): {
  store: Store
  /** What ends an id, and all else unless `only` that. */
  cut(carriesOut: boolean, only?: 'retire'): void
  heal(): void
} {
  let cut: 'all' | 'retire' | undefined
  let carriesOut = false
  const lost = (): StoreError => new StoreError('reach it', 'cut off', { uncertain: true })
  const meet = async (call: () => Promise<unknown>): Promise<unknown> => {
    if (cut === undefined) return call()
    if (carriesOut) await call()
    carriesOut = false
    throw lost()
  }
  const store = intercepted(stored, {
    write: meet,
    insert: proceed => (cut === 'retire' ? proceed() : meet(proceed)),
    retire: meet,
    remove: meet,
    load: proceed => (cut === undefined ? proceed() : Promise.reject(lost())),
  })
  return {
    store,
    cut(carries, only) {
      cut = only ?? 'all'
      carriesOut = carries
    },
    heal() {
      cut = undefined
    },
  }
}

const KINDS = ['commit', 'creation', 'rotation'] as const

forEachStore('after an uncertain commit', (after, { create, name }) => {
  const stored = create()
  const { store, cut, heal } = cuttable(stored)
  // The attempts of a call that is in vain go on until then.
  const embedded = name === 'embedded'
  const deadline = embedded ? 60 : 900
  const sessions: Sessions<Data> = createSessions<Data>({ store, deadline })
  const others: Sessions<Data> = createSessions<Data>({ store: stored })

  /** A session with a call that was cut off, and something written since then. */
  async function cutOff(kind: (typeof KINDS)[number], carriedOut: boolean) {
    const begun = sessions.create({ log: ['a'], n: 1 })
    if (kind !== 'creation') await begun.commit()
    const session = kind === 'creation' ? begun : ((await sessions.open(begun.id)) as typeof begun)
    const { id, key } = session
    heal()
    session.data.log?.push('b')
    session.data.n = 2
    const call = () => (kind === 'rotation' ? session.rotateId() : session.commit())
    cut(carriedOut, kind === 'rotation' ? 'retire' : undefined)
    await assert.rejects(call(), uncertain)
    // Whoever tries again in vain learns no more, and does no harm.
    if (embedded) await assert.rejects(call(), uncertain)
    session.data.log?.push('c')
    heal()
    return { session, id, key }
  }

  const all = (log: string[], n = 2): Data => ({ log, n })

  for (const kind of KINDS) {
    for (const carriedOut of [true, false]) {
      const what = `a ${kind} that was ${carriedOut ? 'carried out' : 'lost'}`

      after(`${what}: a further commit applies each change once`, async () => {
        const { session, id } = await cutOff(kind, carriedOut)
        const { status } = await session.commit()
        assert.equal(status, kind === 'creation' ? 'created' : 'updated')
        assert.deepEqual(session.data, all(['a', 'b', 'c']))
        assert.deepEqual(session.changes(), [])
        assert.deepEqual(await storedData(stored, session.key), all(['a', 'b', 'c']))
        if (kind !== 'rotation') return assert.equal(session.id, id)
        assert.notEqual(session.id, id)
        assert.deepEqual((await others.open(id))?.data, {})
        session.data.log?.push('d')
        await session.commit()
        assert.deepEqual(await storedData(stored, session.key), all(['a', 'b', 'c', 'd']))
      })

      if (!embedded) continue

      after(`${what}: a commit of another server is kept`, async () => {
        const { session, key } = await cutOff(kind, carriedOut)
        const other = kind === 'rotation' ? null : await others.open(session.id)
        if (other !== null) {
          assert.equal(other.key, key)
          other.data.log?.push('x')
          other.data.other = 1
          await other.commit()
        }
        await session.commit()
        const { log, ...rest } = (await storedData(stored, session.key)) as Data
        assert.deepEqual(log?.sort(), other === null ? ['a', 'b', 'c'] : ['a', 'b', 'c', 'x'])
        assert.deepEqual(rest, other === null ? { n: 2 } : { n: 2, other: 1 })
      })

      after(`${what}: a reload brings it to its end, and loses what came later`, async () => {
        const { session } = await cutOff(kind, carriedOut)
        await session.reload()
        assert.deepEqual(session.data, all(['a', 'b']))
        assert.deepEqual(await storedData(stored, session.key), all(['a', 'b']))
      })

      after(`${what}: a reload that keeps changes keeps those, once`, async () => {
        const { session } = await cutOff(kind, carriedOut)
        await session.reload({ keepChanges: true })
        assert.deepEqual(session.data, all(['a', 'b', 'c']))
        await session.commit()
        assert.deepEqual(await storedData(stored, session.key), all(['a', 'b', 'c']))
      })

      after(`${what}: a rotation takes all of it along`, async () => {
        const { session, id } = await cutOff(kind, carriedOut)
        await session.rotateId()
        assert.notEqual(session.id, id)
        assert.deepEqual(await storedData(stored, session.key), all(['a', 'b', 'c']))
        assert.deepEqual((await others.open(id))?.data ?? {}, {})
      })

      after(`${what}: destroying it leaves nothing`, async () => {
        await others.destroyWhere({ n: 2 })
        const { session, id } = await cutOff(kind, carriedOut)
        await session.destroy()
        assert.deepEqual((await others.open(id))?.data ?? {}, {})
        assert.equal(await others.destroyWhere({ n: 2 }), 0)
        session.data.n = 7
        await assert.rejects(session.commit(), SessionGoneError)
      })

      after(`${what}: once discarded, it is left to its fate`, async () => {
        const { session } = await cutOff(kind, carriedOut)
        session.discard()
        session.data.other = 5
        if (kind === 'rotation' && carriedOut) {
          return assert.rejects(session.commit(), SessionGoneError)
        }
        await session.commit()
        const before = kind === 'creation' ? {} : { log: ['a'], n: 1 }
        const sent = carriedOut ? all(['a', 'b']) : before
        assert.deepEqual(await storedData(stored, session.key), { ...sent, other: 5 })
        await session.reload()
        assert.deepEqual(session.data, { ...sent, other: 5 })
      })
    }
  }

  after('a session that was ended although the answer was lost has been ended', async () => {
    for (const carriedOut of [true, false]) {
      const { id } = await committed(sessions)
      cut(carriedOut)
      const ended = sessions.destroy(id)
      heal()
      assert.equal(await ended, true)
      assert.equal(await sessions.destroy(id), false)
    }
  })

  async function committed(of: Sessions<Data>): Promise<Session<Data>> {
    const session = of.create({ n: 1 })
    await session.commit()
    return session
  }
})

interface Content {
  list?: number[]
  n?: number
}

interface Step {
  readonly op: 'push' | 'set' | 'shift' | 'remove' | 'replace'
  readonly value: number
  readonly call: 'none' | 'commit' | 'lost' | 'carried out' | 'reload' | 'rotate'
}

const property = suite('after uncertain commits')

property('any changes, with answers and requests lost in between, are applied once', async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    op: fc.constantFrom('push', 'set', 'shift', 'remove', 'replace'),
    value: fc.integer({ min: 0, max: 9 }),
    call: fc.constantFrom('none', 'commit', 'lost', 'carried out', 'reload', 'rotate'),
  })
  async function goes(steps: readonly Step[]): Promise<void> {
    const stored = memoryStore()
    const { store, cut, heal } = cuttable(stored)
    const sessions = createSessions<Content>({ store, deadline: 200 })
    const session = sessions.create()
    const plain: Content = {}
    for (const { op, value, call } of steps) {
      for (const data of [session.data, plain]) {
        if (op === 'push') (data.list ??= []).push(value)
        else if (op === 'set') data.n = value
        else if (op === 'shift') data.list?.shift()
        else if (op === 'remove') delete data.list
        else data.list = [value]
      }
      if (call === 'lost' || call === 'carried out') {
        cut(call === 'carried out')
        await session.commit().catch(error => assert.equal(error.name, uncertain.name))
        heal()
      } else if (call === 'reload') await session.reload({ keepChanges: true })
      else if (call === 'rotate') await session.rotateId()
      else if (call === 'commit') await session.commit()
      assert.deepEqual(session.data, plain)
    }
    await session.commit()
    assert.deepEqual(session.changes(), [])
    if (session.isNew) return assert.deepEqual(plain, {})
    assert.deepEqual(await storedData(stored, session.key), plain)
  }

  // Whoever is cut off waits, so that many are at once.
  const many = fc.array(fc.array(step, { maxLength: 6 }), { minLength: 20, maxLength: 20 })
  await holds(
    fc.asyncProperty(many, async sequences => {
      await Promise.all(sequences.map(goes))
    }),
    8,
  )
})

property.run()
