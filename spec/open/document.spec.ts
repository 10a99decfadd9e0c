import assert from 'node:assert/strict'
import type { Document } from 'bson'
import { Double, Int32, Long, ObjectId, serialize, Timestamp } from 'bson'
import fc from 'fast-check'
import { suite } from 'uvu'
import { z } from 'zod'
import type { InvalidPolicy, Session, Sessions, Store } from '../../lib/index.js'
import { createSessions, InvalidDocumentError, SessionError } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { readDocument } from '../../lib/open/document.js'
import { recordCalls } from '../adapters/framework.js'
import { holds } from '../support/property.js'
import { forEachStore, freshCollection } from '../support/stores.js'
import { tampered } from '../support/wrapped.js'

// biome-ignore lint/suspicious/noExplicitAny: the specs write what the types forbid
type Data = any

type Edit = (document: Document) => Document | Uint8Array | undefined

// Reading a document

const reading = suite('a document')

const books = (): Document => ({
  _id: 'key',
  data: { a: 1, b: { c: 'x' } },
  rev: 3,
  layout: { b: 2 },
  tokens: [Long.fromNumber(5), Long.fromBigInt(2n ** 62n)],
  marks: [{ by: Long.fromNumber(5), at: ['rb'] }],
  createdAt: new Date(1000),
  expiresAt: new Date(2000),
  endsAt: new Date(3000),
  idle: 500,
})

const read = (document: Document) => readDocument({ bytes: serialize(document), now: 1500 })

reading('tells its bookkeeping, and where its attributes are', () => {
  const { reader, attributes, bytes, ...rest } = read(books())
  assert.deepEqual(rest, {
    key: 'key',
    rev: 3,
    layout: new Map([['b', 2]]),
    tokens: [5n, 2n ** 62n],
    marks: [{ by: 5n, at: ['rb'] }],
    createdAt: 1000,
    expiresAt: 2000,
    endsAt: 3000,
    idle: 500,
    retiredBy: undefined,
    now: 1500,
  })
  assert.equal(bytes, serialize(books()).length)
  assert.deepEqual([...attributes.keys()], ['a', 'b'])
  assert.equal(reader.bytes.length, bytes)
})

reading('needs no more than its key, a revision and an expiry', () => {
  const { attributes, ...document } = read({ _id: 'key', rev: 1, expiresAt: new Date(2000) })
  assert.equal(attributes.size, 0)
  assert.deepEqual(document.layout, new Map())
  assert.deepEqual([document.tokens, document.marks], [[], []])
  assert.equal(document.endsAt, Number.POSITIVE_INFINITY)
  assert.equal(document.idle, undefined)
})

reading('that only marks a rotation needs no revision', () => {
  const mark = { _id: 'key', retiredBy: Long.fromNumber(7), expiresAt: new Date(2000) }
  assert.equal(read(mark).retiredBy, 7n)
})

reading('tells the time that the store put into it', () => {
  const bytes = serialize({ ...books(), now: new Date(1700) })
  assert.equal(readDocument({ bytes }).now, 1700)
})

reading('may have counters in any width', () => {
  const document = read({ ...books(), rev: new Double(3), layout: { b: Long.fromNumber(2) } })
  assert.equal(document.rev, 3)
  assert.deepEqual(document.layout, new Map([['b', 2]]))
})

/** A field that somebody edited by hand. */
const wrong: Record<string, unknown[]> = {
  _id: [5, new ObjectId(), null, {}],
  data: ['x', [1], 5, null, new Date()],
  rev: ['3', 1.5, Number.NaN, new Date(), {}, null, undefined],
  layout: [[1], 'x', { b: 'x' }, { b: 1.5 }, { b: Long.fromBigInt(2n ** 60n) }],
  tokens: [5, 'x', { a: 1 }, ['x'], [1.5], [[1]]],
  marks: ['x', {}, [5], [{ by: 1 }], [{ by: 'x', at: [] }], [{ by: 1, at: [5] }], [null]],
  createdAt: ['2020-01-01', 5, {}],
  expiresAt: ['2020-01-01', 5, {}, null, undefined, new Timestamp({ t: 1, i: 1 })],
  endsAt: ['x', 5],
  idle: ['x', 0, -5, Number.NaN, Number.POSITIVE_INFINITY, {}],
  retiredBy: ['x', 1.5, {}],
}

for (const [field, values] of Object.entries(wrong)) {
  for (const value of values) {
    reading(`is refused if a field is of another type: ${field} ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => read({ ...books(), [field]: value }),
        error => {
          assert.ok(error instanceof InvalidDocumentError)
          assert.deepEqual(error.path, [field])
          assert.match(error.message, new RegExp(`^Cannot read ${field}: the stored document has`))
          return true
        },
      )
    })
  }
}

reading('is refused or read, whatever its bytes are', async () => {
  const whole = serialize(books())
  await holds(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1 }),
      each => {
        const bytes = Buffer.from(whole)
        for (const [at, byte] of each) bytes[at] = byte
        try {
          readDocument({ bytes, now: 0 })
        } catch (error) {
          if (!(error instanceof InvalidDocumentError)) throw error
        }
      },
    ),
    3000,
  )
})

reading.run()

// Opening a session

const truncated =
  (length: number): Edit =>
  document => {
    const bytes = serialize(document)
    return bytes.subarray(0, length < 0 ? bytes.length + length : length)
  }

/** Renames keys in the raw bytes, to what no program would write. */
const renamed =
  (from: string, to: string): Edit =>
  document => {
    const bytes = Buffer.from(serialize(document))
    const at = bytes.indexOf(from)
    assert.ok(at > 0 && from.length === to.length)
    bytes.write(to, at)
    return bytes
  }

const setData =
  (change: (data: Document) => void): Edit =>
  document => {
    change(document.data)
    return undefined
  }

function deep(levels: number): Document {
  let document: Document = {}
  for (let level = 0; level < levels; level++) document = { a: document }
  return document
}

/** What spoils a document as a whole. */
const spoiled: Record<string, Edit> = {
  'no bytes at all': truncated(0),
  'three bytes': truncated(3),
  'half of it': truncated(60),
  'the last byte missing': truncated(-1),
  'data that is no document': document => ({ ...document, data: 'x' }),
  'data that is an array': document => ({ ...document, data: [1] }),
  'no data, but null': document => ({ ...document, data: null }),
  'a revision of another type': document => ({ ...document, rev: 'x' }),
  'tokens of another type': document => ({ ...document, tokens: { a: 1 } }),
  'an attribute that is there twice': renamed('right', 'wrong'),
  'an attribute named __proto__': renamed('_xproto__', '__proto__'),
  'an attribute of a type that BSON does not know': document => {
    const bytes = Buffer.from(serialize(document))
    bytes[bytes.indexOf('right') - 1] = 0x7e
    return bytes
  },
  'a length that lies': document => {
    const bytes = Buffer.from(serialize(document))
    bytes.writeInt32LE(2 ** 31 - 1)
    return bytes
  },
}

/** What spoils one attribute, named "wrong". */
const spoiledAttribute: Record<string, Edit> = {
  'a key twice': setDataRenamed({ wrong: { same_key: 1, some_key: 2 } }, 'some_key', 'same_key'),
  __proto__: setDataRenamed(
    { wrong: { in: [{ _xproto__: { evil: 1 } }] } },
    '_xproto__',
    '__proto__',
  ),
  _bsontype: setDataRenamed({ wrong: { $bsontype: 'Long' } }, '$bsontype', '_bsontype'),
  'more levels than anybody writes': setData(data => {
    data.wrong = deep(120)
  }),
  'a thousand levels': setData(data => {
    data.wrong = deep(1000)
  }),
  'a Date beyond those of JavaScript': document => {
    document.data.wrong = new Date(0)
    const bytes = Buffer.from(serialize(document))
    bytes.fill(0x7f, bytes.indexOf('wrong') + 6, bytes.indexOf('wrong') + 14)
    return bytes
  },
  'what is no UTF-8': document => {
    document.data.wrong = 'text'
    const bytes = Buffer.from(serialize(document))
    bytes[bytes.indexOf('text')] = 0xff
    return bytes
  },
}

function setDataRenamed(changes: Document, from: string, to: string): Edit {
  return document => {
    Object.assign(document.data, changes)
    return renamed(from, to)(document)
  }
}

forEachStore('a document that somebody spoiled', (test, { create, name }) => {
  const store = create()
  const plain = createSessions<Data>({ store })

  const using = (edit: Edit, options: { onInvalid?: InvalidPolicy; store?: Store } = {}) =>
    createSessions({
      schema: z.looseObject({}),
      ...options,
      store: tampered(options.store ?? store, edit),
      deadline: 2000,
    } as never) as unknown as Sessions<Data>

  async function stored(): Promise<string> {
    const session = plain.create({ right: 1, wrong: 1, _xproto__: 1, n: 1 })
    await session.commit()
    return session.id
  }

  async function open(sessions: Sessions<Data>, id: string): Promise<Session<Data>> {
    const session = await sessions.open(id)
    assert.ok(session)
    return session
  }

  const raw = async (id: string): Promise<Data> => ({ ...(await open(plain, id)).data })

  const isInvalid = (error: unknown): true => {
    assert.ok(error instanceof InvalidDocumentError, String(error))
    assert.equal(error.code, 'ERR_INVALID_DOCUMENT')
    assert.equal(error.status, 500)
    return true
  }

  for (const [what, edit] of Object.entries(spoiled)) {
    test(`cannot be opened, and is not written: ${what}`, async () => {
      const id = await stored()
      const before = await raw(id)
      const calls: string[] = []
      const recorded = recordCalls(store, calls)
      for (const onInvalid of ['throw', 'unset'] as const) {
        const sessions = using(edit, { onInvalid, store: recorded })
        await assert.rejects(sessions.open(id), isInvalid)
        await assert.rejects(
          sessions.update(id, () => assert.fail('the recipe ran')),
          isInvalid,
        )
      }
      assert.equal(await using(edit, { onInvalid: 'new', store: recorded }).open(id), null)
      assert.ok(calls.every(call => call === 'load'))
      assert.deepEqual(await raw(id), before)
    })

    test(`met by a commit or a reload, leaves the changes: ${what}`, async () => {
      const id = await stored()
      let spoils = false
      const sessions = using(document => (spoils ? edit(document) : undefined))
      const session = await open(sessions, id)
      const elsewhere = await open(plain, id)
      elsewhere.data.wrong = { other: 1 }
      await elsewhere.commit()
      spoils = true
      session.data.n = 2
      await assert.rejects(session.reload({ keepChanges: true }), SessionError)
      assert.deepEqual(session.changes(), [{ op: 'set', path: ['n'], value: 2 }])
      delete session.data.wrong
      session.clear()
      session.data.n = 3
      await assert.rejects(session.commit(), SessionError)
      assert.equal(session.data.n, 3)
      spoils = false
      await session.commit()
      assert.deepEqual(await raw(id), { n: 3 })
    })
  }

  for (const [what, edit] of Object.entries(spoiledAttribute)) {
    test(`is told where it is touched, and the rest can be used: ${what}`, async () => {
      const id = await stored()
      for (const onInvalid of ['throw', 'new'] as const) {
        const opened = using(edit, { onInvalid }).open(id)
        if (onInvalid === 'new') {
          assert.equal(await opened, null)
          continue
        }
        const session = (await opened) as Session<Data>
        assert.throws(() => session.data.wrong, isInvalid)
        assert.throws(() => JSON.stringify(session.data), isInvalid)
        assert.equal(session.data.right, 1)
        session.data.n++
        assert.equal((await session.commit()).status, 'updated')
        assert.equal((await raw(id)).n, 2)
        assert.equal((await raw(id)).wrong, 1)
      }
    })

    test(`reads as absent and is removed with onInvalid: 'unset': ${what}`, async () => {
      const id = await stored()
      const session = await open(using(edit, { onInvalid: 'unset' }), id)
      assert.equal(session.data.wrong, undefined)
      session.data.n++
      await session.commit()
      const { wrong: _, _xproto__: __, ...expected } = await raw(id)
      assert.deepEqual(expected, { right: 1, n: 2 })
      assert.equal('wrong' in (await raw(id)), false)
    })

    test(`can be written over without a look: ${what}`, async () => {
      const id = await stored()
      const session = await open(using(edit), id)
      session.data.wrong = { mended: true }
      session.data.n++
      await session.commit()
      const { wrong, n } = await raw(id)
      assert.deepEqual([wrong, n], [{ mended: true }, 2])
    })

    test(`can be removed without a look: ${what}`, async () => {
      const id = await stored()
      const session = await open(using(edit), id)
      delete session.data.wrong
      await session.commit()
      assert.equal('wrong' in (await raw(id)), false)
    })
  }

  test('without a schema, too', async () => {
    const id = await stored()
    const edit = spoiledAttribute['a Date beyond those of JavaScript'] as Edit
    const sessions = createSessions<Data>({ store: tampered(store, edit) })
    const session = await open(sessions, id)
    assert.throws(() => session.data.wrong, isInvalid)
    assert.equal(session.data.right, 1)
    session.data.wrong = 'mended'
    await session.commit()
    assert.equal((await raw(id)).wrong, 'mended')
  })

  test('numbers keep the width that somebody gave them', async () => {
    const id = await stored()
    const widths = tampered(store, ({ data }) => {
      Object.assign(data, { right: new Double(5), wrong: Long.fromNumber(6), n: new Int32(7) })
      return undefined
    })
    const { data } = await open(createSessions<Data>({ store: widths }), id)
    assert.deepEqual([data.right, data.wrong, data.n], [5, 6, 7])
  })

  if (name === 'MongoDB') {
    test('edited in the database itself', async () => {
      const collection = freshCollection()
      const sessions = createSessions<Data>({ store: mongoStore(collection) })
      const edited = async (change: Document): Promise<string> => {
        const session = sessions.create({ n: 1 })
        await session.commit()
        await collection.updateOne({ _id: session.key as never }, change)
        return session.id
      }
      for (const change of [
        { $set: { rev: 'x' } },
        { $unset: { rev: '' } },
        { $set: { data: 'x' } },
        { $set: { tokens: 5 } },
        { $set: { layout: { a: 'x' } } },
        { $set: { createdAt: 'x' } },
        { $set: { idle: -1 } },
      ]) {
        await assert.rejects(sessions.open(await edited(change)), isInvalid)
      }
      // What is no date has no time to live.
      for (const expiresAt of ['x', 5, {}]) {
        assert.equal(await sessions.open(await edited({ $set: { expiresAt } })), null)
      }
      assert.equal(await sessions.open(await edited({ $unset: { expiresAt: '' } })), null)
      const big = await sessions.open(await edited({ $set: { 'data.big': Long.MAX_VALUE } }))
      assert.equal(big?.data.big, 2n ** 63n - 1n)
    })
  }
})
