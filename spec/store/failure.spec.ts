/**
 * Failures of a server, and of the network before it: what they mean, how long they may take, and what
 * errors show of them.
 */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { MongoClientOptions } from 'mongodb'
import {
  BSON,
  MongoClient,
  MongoClientClosedError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
} from 'mongodb'
import { suite } from 'uvu'
import type { Session } from '../../lib/index.js'
import { createSessions, SessionError, StoreError } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import { isFenceMiss, toStoreError } from '../../lib/store/failure.js'
import type { Failing } from '../support/fail-point.js'
import { hasFailPoints, withFailures } from '../support/fail-point.js'
import type { Observed } from '../support/observing.js'
import {
  deadAddress,
  nameOf,
  needingMongo,
  observing,
  proxied,
  unobserved,
} from '../support/observing.js'
import { closeMongo } from '../support/stores.js'

type Data = Record<string, unknown>

const test = suite('failures of MongoDB')
const mongo = needingMongo(test)

/** A test that needs a server which fails as it is told. */
const failing: typeof mongo = (await hasFailPoints()) ? mongo : (name, run) => test.skip(name, run)

// What they mean

const serverError = (code: number): MongoServerError => new MongoServerError({ message: 'x', code })

for (const code of [13, 14, 15, 18, 34, 40, 52, 56, 66, 121, 11_000, 17_419]) {
  test(`after server error ${code}, nothing was written`, () => {
    assert.equal(toStoreError('commit', serverError(code)).uncertain, false)
  })
}

for (const [what, cause] of [
  ...[50, 91, 189, 10_107, 11_600, 11_602].map(code => {
    return [`server error ${code}`, serverError(code)] as const
  }),
  ['a lost connection', new MongoNetworkError('x')],
  ['a connection without an answer', new MongoNetworkTimeoutError('x')],
  [
    'a write concern that was not met',
    new MongoWriteConcernError({ ok: 1, writeConcernError: { code: 64, errmsg: 'x' } } as never),
  ],
] as const) {
  test(`after ${what}, something may have been written`, () => {
    assert.equal(toStoreError('commit', cause).uncertain, true)
  })
}

for (const [code, misses] of [
  [2, true],
  [28, true],
  [40_400, true],
  [11_000, false],
  [50, false],
] as const) {
  test(`server error ${code} is ${misses ? 'a' : 'no'} fence miss`, () => {
    assert.equal(isFenceMiss(toStoreError('commit', serverError(code))), misses)
  })
}

test('what the driver refuses to encode was not written', () => {
  for (const cause of [new RangeError('x'), new TypeError('x'), new BSON.BSONError('x')]) {
    const error = toStoreError('commit', cause)
    assert.deepEqual([error.uncertain, error.cause], [false, cause])
  }
})

test('what was not sent was not written, whatever the driver says', () => {
  for (const cause of [
    new MongoNetworkError('x'),
    new MongoServerSelectionError('x', {} as never),
    new MongoClientClosedError(),
    serverError(91),
    new MongoWriteConcernError({ ok: 1, writeConcernError: { code: 64, errmsg: 'x' } } as never),
  ]) {
    assert.equal(toStoreError('commit', cause, false).uncertain, false, cause.name)
    assert.equal(toStoreError('commit', cause, true).uncertain, true, cause.name)
  }
})

for (const [what, cause, transient] of [
  ['a lost connection', new MongoNetworkError('x'), true],
  ['a primary that stepped down', serverError(189), true],
  ['a write conflict', serverError(112), true],
  ['a lock timeout', serverError(24), true],
  ['a server that nobody finds', new MongoServerSelectionError('x', {} as never), false],
  ['a user without rights', serverError(13), false],
  ['a duplicate key', serverError(11_000), false],
] as const) {
  test(`after ${what}, another try is ${transient ? 'worth it' : 'in vain'}`, () => {
    assert.equal(toStoreError('commit', cause, false).transient, transient)
  })
}

test('an error that a server calls retryable may have been written; not, if it says so', () => {
  const labelled = (...errorLabels: string[]): MongoServerError =>
    new MongoServerError({ message: 'x', code: 8, errorLabels })
  assert.equal(toStoreError('commit', labelled('RetryableWriteError')).uncertain, true)
  const error = toStoreError('commit', labelled('RetryableWriteError', 'NoWritesPerformed'))
  assert.deepEqual([error.uncertain, error.transient], [false, true])
  assert.equal(toStoreError('commit', labelled()).transient, false)
})

test('an error of ours stays what it is', () => {
  const error = new StoreError('commit', 'x', { uncertain: true })
  assert.equal(toStoreError('load', error), error)
})

// How long they may take

mongo('a lost answer is not taken for a failure, although the server is gone then', () =>
  proxied(({ uri, silence, close }) =>
    observing(
      { serverSelectionTimeoutMS: 200 },
      async ({ client, collection }) => {
        const sessions = createSessions<Data>({ store: mongoStore(collection), deadline: 2000 })
        const session = sessions.create({ n: 1 })
        await session.commit()
        session.data.n = 2
        const stored = unobserved(collection)
        const changes = stored.watch([{ $match: { operationType: 'update' } }])
        await changes.tryNext()
        client.on('commandStarted', event => event.commandName === 'update' && silence())
        const commit = session.commit()
        const outcome = commit.then(
          () => 'applied',
          (error: SessionError) => error.code,
        )
        await changes.next()
        await changes.close()
        close()
        assert.equal((await stored.findOne({ _id: session.key as never }))?.data.n, 2)
        assert.equal(await outcome, 'ERR_UNCERTAIN_COMMIT')
        assert.equal(session.data.n, 2)
        assert.equal(session.changes().length, 1)
      },
      uri,
    ),
  ),
)

mongo('a silent network ends a call at its deadline', () =>
  proxied(({ uri, silence, reopen }) =>
    observing(
      {},
      async ({ collection }) => {
        const sessions = createSessions<Data>({ store: mongoStore(collection), deadline: 1500 })
        const session = sessions.create({ n: 1 })
        await session.commit()
        silence()
        session.data.n = 2
        const start = performance.now()
        await assert.rejects(session.commit(), { code: 'ERR_UNCERTAIN_COMMIT', status: 503 })
        await assert.rejects(sessions.open(session.id), { code: 'ERR_STORE', status: 503 })
        await assert.rejects(sessions.destroy(session.id), { code: 'ERR_STORE' })
        // Three calls; a machine that is busy may take its time.
        assert.ok(performance.now() - start < 10_000)
        // The client takes leave of the server, and would wait for an answer.
        await reopen()
      },
      uri,
    ),
  ),
)

for (const [what, options] of [
  ['gives up at once', { serverSelectionTimeoutMS: 20 }],
  ['would wait longer', {}],
] as [string, MongoClientOptions][]) {
  test(`an unreachable server is a StoreError in time, if the driver ${what}`, async () => {
    const client = new MongoClient(await deadAddress(), options)
    try {
      const store = mongoStore(client.db('none').collection('none'))
      const sessions = createSessions<Data>({ store, deadline: 300 })
      const start = performance.now()
      const session = sessions.create({ n: 1 })
      for (const call of [
        () => sessions.open('A'.repeat(43)),
        () => session.commit(),
        () => sessions.destroy('A'.repeat(43)),
        () => sessions.destroyWhere({ a: 1 }),
        () => sessions.update('A'.repeat(43), () => undefined),
      ]) {
        await assert.rejects(call, error => {
          assert.ok(error instanceof StoreError)
          assert.deepEqual([error.code, error.status], ['ERR_STORE', 503])
          return true
        })
      }
      assert.ok(performance.now() - start < 10_000)
      assert.equal(session.changes().length, 1)
    } finally {
      await client.close()
    }
  })
}

mongo('a list of a server that is unreachable is a StoreError', async () => {
  const client = new MongoClient(await deadAddress(), { serverSelectionTimeoutMS: 20 })
  try {
    const store = mongoStore(client.db('none').collection('none'))
    const list = createSessions<Data>({ store }).list()[Symbol.asyncIterator]()
    await assert.rejects(async () => list.next(), StoreError)
  } finally {
    await client.close()
  }
})

mongo('a commit that found no server in time was not sent, and never is', () =>
  proxied(({ uri, close, reopen }) =>
    observing(
      {},
      async ({ client, collection, commands }) => {
        const store = mongoStore(collection, { indexes: false })
        const sessions = createSessions<Data>({ store, deadline: 300 })
        const session = sessions.create({ log: [] })
        await session.commit()
        const lost = new Promise(resolve => client.once('serverDescriptionChanged', resolve))
        close()
        await lost
        commands.length = 0
        ;(session.data.log as string[]).push('once')
        await assert.rejects(session.commit(), error => {
          assert.ok(error instanceof StoreError)
          assert.deepEqual([error.code, error.uncertain], ['ERR_STORE', false])
          assert.match(error.message, /^Cannot commit the session: .+ nothing was sent$/)
          return true
        })
        await reopen()
        // What waits for a server goes first.
        await client.db('admin').command({ ping: 1 })
        await collection.findOne()
        assert.equal((await unobserved(collection).findOne())?.rev, 1)
        await session.commit()
        assert.deepEqual((await unobserved(collection).findOne())?.data.log, ['once'])
      },
      uri,
    ),
  ),
)

mongo('a commit that found no connection in time was not sent, and never is', () =>
  observing({ maxPoolSize: 1 }, async ({ client, collection, commands }) => {
    const store = mongoStore(collection, { indexes: false })
    const sessions = createSessions<Data>({ store, deadline: 300 })
    const session = sessions.create({ log: [] })
    await session.commit()
    ;(session.data.log as string[]).push('once')
    const occupied = collection.findOne({ $where: 'sleep(900) || true' })
    await assert.rejects(session.commit(), { code: 'ERR_STORE', uncertain: false })
    await occupied
    await client.db('admin').command({ ping: 1 })
    assert.equal((await collection.findOne())?.rev, 1)
    await session.commit()
    assert.deepEqual((await collection.findOne())?.data.log, ['once'])
    assert.equal(commands.filter(each => nameOf(each) === 'update').length >= 1, true)
  }),
)

mongo('a silent network ends a list', () =>
  proxied(({ uri, silence, reopen }) =>
    observing(
      {},
      async ({ collection }) => {
        const store = mongoStore(collection, { indexes: false })
        const sessions = createSessions<Data>({ store, deadline: 300 })
        for (let n = 0; n < 3; n++) await sessions.create({ n }).commit()
        silence()
        const list = sessions.list()[Symbol.asyncIterator]()
        await assert.rejects(async () => list.next(), { code: 'ERR_STORE', status: 503 })
        assert.deepEqual(await list.next(), { done: true, value: undefined })
        // The client takes leave of the server, and would wait for an answer.
        await reopen()
      },
      uri,
    ),
  ),
)

// A server that fails as it is told

/** A session with one entry more than is stored. */
async function pending({ collection }: Observed, deadline = 5000): Promise<Session<Data>> {
  const store = mongoStore(collection, { indexes: false })
  const session = createSessions<Data>({ store, deadline }).create({ log: [] })
  await session.commit()
  ;(session.data.log as string[]).push('entry')
  return session
}

/** What a server does to a commit, which comes through all the same. */
const mishaps: Record<string, Failing> = {
  'a connection that is lost once': { failCommands: ['update'], closeConnection: true, times: 1 },
  'a connection that is lost three times': {
    failCommands: ['update'],
    closeConnection: true,
    times: 3,
  },
  'a primary that steps down': { failCommands: ['update'], errorCode: 189, times: 3 },
  'a server that shuts down': { failCommands: ['update'], errorCode: 91, times: 3 },
  'a write conflict': { failCommands: ['update'], errorCode: 112, times: 2 },
  'a write that holds, but not on a majority yet': {
    failCommands: ['update'],
    writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' },
    times: 1,
  },
  'the same twice': {
    failCommands: ['update'],
    writeConcernError: { code: 91, errmsg: 'shutting down' },
    times: 3,
  },
  'a read after it that takes too long': {
    failCommands: ['find'],
    errorCode: 50,
    times: 2,
  },
}

for (const [what, failure] of Object.entries(mishaps)) {
  for (const retryWrites of [true, false]) {
    const drivers = retryWrites ? 'a driver that tries again' : 'a driver that does not'
    failing(`a commit is applied once: ${what}, with ${drivers}`, () =>
      withFailures({ retryWrites }, async (observed, fail) => {
        const session = await pending(observed)
        await fail(failure)
        assert.equal((await session.commit()).status, 'updated')
        const document = await unobserved(observed.collection).findOne()
        assert.deepEqual([document?.data.log, document?.rev], [['entry'], 2])
        ;(session.data.log as string[]).push('another')
        assert.equal((await session.commit()).status, 'updated')
        assert.deepEqual((await unobserved(observed.collection).findOne())?.data.log, [
          'entry',
          'another',
        ])
      }),
    )
  }
}

failing('a server that is alone is read as it is, for it knows no linearizable reads', () =>
  withFailures({}, async ({ collection, commands }, fail) => {
    const store = mongoStore(collection, { indexes: false })
    const session = createSessions<Data>({ store }).create({ n: 1 })
    await session.commit()
    commands.length = 0
    await fail({ failCommands: ['find'], errorCode: 123, times: 1 })
    assert.ok(await store.load(session.key, { timeout: 5000, linearizable: true }))
    assert.deepEqual(
      commands.map(({ readConcern }) => readConcern.level),
      ['linearizable', 'local'],
    )
  }),
)

failing('a session is stored once, although the answer is lost', () =>
  withFailures({ retryWrites: false }, async ({ collection }, fail) => {
    const store = mongoStore(collection, { indexes: false })
    const session = createSessions<Data>({ store, deadline: 5000 }).create({ n: 1 })
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' }
    await fail({ failCommands: ['insert'], writeConcernError, times: 2 })
    assert.equal((await session.commit()).status, 'created')
    assert.equal(await unobserved(collection).countDocuments(), 1)
  }),
)

failing('a commit whose answers are all lost is uncertain', () =>
  withFailures({}, async (observed, fail) => {
    const session = await pending(observed, 600)
    await fail({ failCommands: ['update', 'find'], closeConnection: true })
    await assert.rejects(session.commit(), { code: 'ERR_UNCERTAIN_COMMIT', status: 503 })
    assert.equal(session.changes().length, 1)
  }),
)

/** What a program asks of sessions that are stored. */
const calls: Record<string, (session: Session<Data>, observed: Observed) => Promise<unknown>> = {
  'an opening': (session, { collection }) =>
    createSessions({ store: mongoStore(collection) }).open(session.id),
  'a commit': session => session.commit(),
  'a rotation': session => session.rotateId(),
  'a destruction': session => session.destroy(),
  'a first commit': (_session, { collection }) =>
    createSessions<Data>({ store: mongoStore(collection, { indexes: false }) })
      .create({ n: 1 })
      .commit(),
  'a destruction by a filter': (_session, { collection }) =>
    createSessions<Data>({ store: mongoStore(collection) }).destroyWhere({ n: 1 }),
  'a list': async (_session, { collection }) => {
    for await (const each of createSessions<Data>({ store: mongoStore(collection) }).list()) {
      assert.ok(each.key)
    }
  },
}

for (const [what, call] of Object.entries(calls)) {
  failing(`${what} without rights is refused at once, and says what to do`, () =>
    withFailures({}, async (observed, fail) => {
      const session = await pending(observed)
      const { length } = observed.commands
      await fail({ failCommands: ['find', 'insert', 'update', 'delete'], errorCode: 13 })
      await assert.rejects(call(session, observed), error => {
        assert.ok(error instanceof StoreError)
        assert.deepEqual([error.code, error.status, error.uncertain], ['ERR_STORE', 503, false])
        assert.match(error.message, /: MongoDB denied access; give the user readWrite /)
        assert.deepEqual((error.cause as MongoServerError).code, 13)
        return true
      })
      const sent = observed.commands.slice(length).filter(each => nameOf(each) !== 'createIndexes')
      assert.equal(sent.length, 1)
    }),
  )
}

mongo('a user whom the server does not know is refused at once', () =>
  observing({ auth: { username: 'nobody', password: 'hunter2' } }, async ({ collection }) => {
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    await assert.rejects(sessions.open('A'.repeat(43)), error => {
      assert.ok(error instanceof StoreError)
      assert.match(error.message, /^Cannot load the session: MongoDB denied access; /)
      assert.ok(!shown(error).includes('hunter2'))
      return true
    })
  }),
)

failing('a user who may not create indexes is warned, and sessions are stored', () =>
  withFailures({}, async ({ client, collection }, fail) => {
    await fail({ failCommands: ['createIndexes'], errorCode: 13 })
    const failed = new Promise<void>(resolve => {
      client.on('commandFailed', event => event.commandName === 'createIndexes' && resolve())
    })
    const warned = new Promise<Error>(resolve => {
      process.on('warning', (warning: Error & { code?: string }) => {
        if (warning.code === 'DOTSET_INDEX') resolve(warning)
      })
    })
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    assert.equal((await sessions.create({ n: 1 }).commit()).status, 'created')
    await failed
    assert.match((await warned).message, /the user may not create indexes; run db\./)
  }),
)

// What errors show

const SECRET = 'hunter2-of-ada'

/** Everything that a logger could show of an error. */
function shown(error: unknown): string {
  const own = Object.getOwnPropertyNames(error).map(name => (error as Data)[name])
  return [String(error), inspect(error, { depth: 20 }), JSON.stringify(error), inspect(own)].join()
}

/** Calls that a server refuses with a message that holds the value. */
const refusals: Record<string, (observed: Observed) => Promise<unknown>> = {
  'an index that wants unique values': async ({ collection }) => {
    await collection.createIndex({ 'data.secret': 1 }, { unique: true })
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    await sessions.create({ secret: SECRET }).commit()
    return sessions.create({ secret: SECRET }).commit()
  },
  'the same index, met by a change': async ({ collection }) => {
    await collection.createIndex({ 'data.secret': 1 }, { unique: true })
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    await sessions.create({ secret: SECRET }).commit()
    const session = sessions.create({ secret: 'other' })
    await session.commit()
    session.data.secret = SECRET
    return session.commit()
  },
  'a validator of the collection': async ({ collection, client }) => {
    const { dbName, collectionName } = collection
    const validator = {
      $jsonSchema: {
        properties: { data: { properties: { secret: { maxLength: 3, bsonType: 'string' } } } },
      },
    }
    await client.db(dbName).createCollection(collectionName, { validator })
    return createSessions<Data>({ store: mongoStore(collection) })
      .create({ secret: SECRET })
      .commit()
  },
  'a document that became too large': async ({ collection }) => {
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    const session = sessions.create({ secret: SECRET })
    await session.commit()
    const filling = 'x'.repeat(16 * 2 ** 20 - 600_000)
    await collection.updateOne({ _id: session.key as never }, { $set: { filling } })
    session.data.more = SECRET + 'y'.repeat(900_000)
    return session.commit()
  },
}

for (const [what, refuse] of Object.entries(refusals)) {
  mongo(`an error shows no value: ${what}`, () =>
    observing({}, async observed => {
      await assert.rejects(refuse(observed), error => {
        assert.ok(error instanceof SessionError)
        assert.ok(!shown(error).includes(SECRET), 'the error shows an attribute')
        return true
      })
    }),
  )
}

mongo('an error shows no id', () =>
  observing({}, async ({ collection }) => {
    const sessions = createSessions<Data>({ store: mongoStore(collection) })
    const session = sessions.create({ n: 1 })
    await session.commit()
    await collection.updateOne({ _id: session.key as never }, { $set: { rev: 'x' } })
    await assert.rejects(sessions.open(session.id), error => {
      assert.ok(!shown(error).includes(session.id) && !shown(error).includes(session.key))
      return true
    })
  }),
)

mongo('the cause of an error tells which index, and no value', () =>
  observing({}, async observed => {
    const refuse = refusals['an index that wants unique values'] as (typeof refusals)[string]
    await assert.rejects(refuse(observed), error => {
      const { cause } = error as { cause?: unknown }
      assert.ok(cause instanceof MongoServerError)
      assert.deepEqual([cause.code, cause.keyPattern], [11_000, { 'data.secret': 1 }])
      assert.ok(!shown(cause).includes(SECRET))
      return true
    })
  }),
)

failing('the cause of an error without an answer shows no value either', () =>
  withFailures({ retryWrites: false }, async ({ collection }, fail) => {
    const store = mongoStore(collection, { indexes: false })
    const session = createSessions<Data>({ store, deadline: 300 }).create({ n: 1 })
    await session.commit()
    session.data.secret = SECRET
    const writeConcernError = { code: 64, errmsg: SECRET, errInfo: { secret: SECRET } }
    await fail({ failCommands: ['update', 'find'], writeConcernError, errorCode: 189 })
    await assert.rejects(session.commit(), error => {
      assert.ok(error instanceof SessionError)
      assert.equal(error.code, 'ERR_UNCERTAIN_COMMIT')
      assert.ok(!shown(error).includes(SECRET))
      assert.ok(!shown(error).includes(session.id) && !shown(error).includes(session.key))
      return true
    })
  }),
)

test.after(closeMongo)
test.run()
