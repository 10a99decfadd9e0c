import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Collection, Document } from 'mongodb'
import { suite } from 'uvu'
import { Browser } from '../adapters/browser.js'
import type { Form } from '../adapters/connect-mongo-apps.js'
import {
  connectMongo,
  dotsetInPlace,
  forms,
  serveStore,
  storeSessions,
} from '../adapters/connect-mongo-apps.js'
import type { Data } from '../support/operations.js'
import { closeMongo, freshCollection, mongoUri } from '../support/stores.js'

const COUNT = 1000
const MAIN = join(import.meta.dirname, '../../lib/migrate/main.ts')

const migrate = suite('dotset migrate')
migrate.after(closeMongo)
/** There is no connect-mongo without MongoDB. */
const mongo = mongoUri === '' ? migrate.skip : migrate

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** Runs the command; `meanwhile` may end it. */
async function dotset(
  args: readonly string[],
  meanwhile: (kill: () => void) => Promise<void> = async () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args])
  const told = { output: '', errors: '' }
  child.stdout.on('data', chunk => {
    told.output += chunk
  })
  child.stderr.on('data', chunk => {
    told.errors += chunk
  })
  const closed = once(child, 'close')
  await meanwhile(() => child.kill('SIGKILL'))
  const [code] = await closed
  return { code, ...told }
}

const of = ({ dbName, collectionName }: Collection<Document>): string[] => [
  'migrate',
  ...['--uri', mongoUri, '--db', dbName, '--collection', collectionName],
]

const foreign = (collection: Collection<Document>): Promise<number> =>
  collection.countDocuments({ session: { $exists: true } })

const content = (n: number): Data => ({ n, user: { name: `user ${n}`, roles: ['a'] } })

mongo('counts, and writes nothing, unless it is told to', async () => {
  const collection = freshCollection()
  await storeSessions(connectMongo(collection, forms[0] as Form), 5, content)
  await collection.insertMany([
    { _id: 'encrypted' as never, session: 'AbC=', expires: new Date(Date.now() + 60_000) },
    { _id: 'expired' as never, session: '{"cookie":{}}', expires: new Date(0) },
  ])
  // The index that removes what is expired may be quicker.
  await collection.dropIndexes()
  const before = await collection.find({}).sort({ _id: 1 }).toArray()
  const { code, output, errors } = await dotset(of(collection))
  assert.equal(code, 0, errors)
  assert.match(output, /^to convert: 5\n/)
  assert.match(output, /damaged, left as they are: 1\nNothing was written/)
  const after = await collection.find({}).sort({ _id: 1 }).toArray()
  assert.deepEqual(
    after.filter(({ _id }) => String(_id) !== 'expired'),
    before.filter(({ _id }) => String(_id) !== 'expired'),
  )
})

for (const [index, form] of forms.entries()) {
  const converts = index > 1
  const servers = converts ? 'servers that convert' : 'servers that keep the form'
  mongo(
    `converts ${COUNT} sessions while requests of ${servers} run, and loses nothing: ${form.name}`,
    async () => {
      const collection = freshCollection()
      const cookies = await storeSessions(connectMongo(collection, form), COUNT, content)
      const used = cookies.slice(0, 40)
      const server = await serveStore(dotsetInPlace(collection, form, converts), {
        '/count': data => ++data.n,
        '/visit': data => {
          data.visits ??= []
          data.visits.push(data.n)
        },
        '/': data => data,
      })
      try {
        let ended = false
        const visits = used.map(() => 0)
        const visitAll = async (): Promise<void> => {
          while (!ended) {
            await Promise.all(
              used.map(async (cookie, index) => {
                const { status } = await new Browser(server.url, cookie).get('/visit')
                assert.equal(status, 200)
                visits[index] = (visits[index] as number) + 1
              }),
            )
          }
        }
        const visiting = visitAll()
        const { code, output, errors } = await dotset([...of(collection), '--write'])
        ended = true
        await visiting
        assert.equal(code, 0, errors)
        assert.match(output, /^converted: \d+\n/)
        assert.equal(await foreign(collection), 0)
        const documents = await collection.find({}).toArray()
        assert.deepEqual(
          documents.map(({ data }) => data.user.name).sort(),
          cookies.map((_, n) => `user ${n}`).sort(),
        )
        for (const [index, cookie] of used.entries()) {
          const { n, visits: kept } = JSON.parse(
            (await new Browser(server.url, cookie).get('/')).body,
          )
          assert.deepEqual([n, kept.length], [index, visits[index]])
        }
        for (const [index, cookie] of [...cookies.entries()].slice(-40)) {
          const { body } = await new Browser(server.url, cookie).get('/count')
          assert.equal(body, String(index + 1))
        }
      } finally {
        await server.close()
      }
    },
  )
}

mongo('is resumed after it was killed, and loses nothing', async () => {
  const collection = freshCollection()
  const cookie = { originalMaxAge: null, expires: null }
  const expires = new Date(Date.now() + 3_600_000)
  const documents = Array.from({ length: 10 * COUNT }, (_, n) => ({
    _id: `id ${n}` as never,
    session: JSON.stringify({ cookie, ...content(n) }),
    expires,
  }))
  await collection.insertMany(documents)
  const converted = (): Promise<number> => collection.countDocuments({ rev: { $gt: 0 } })
  await dotset([...of(collection), '--write'], async kill => {
    while ((await converted()) === 0);
    kill()
  })
  const left = await foreign(collection)
  assert.ok(left > 0 && left < documents.length, `${left} left`)
  const { output } = await dotset([...of(collection), '--write'])
  const [, resumed] = /^converted: (\d+)\n/.exec(output) ?? []
  // What the killed command had sent may have been done after the count.
  assert.ok(Number(resumed) > 0 && Number(resumed) <= left, output)
  assert.equal(await foreign(collection), 0)
  const all = await collection.find({}).toArray()
  assert.equal(all.length, documents.length)
  for (const { _id, data, session } of all) {
    assert.equal(session, undefined)
    assert.equal(`id ${data.n}`, String(_id))
    assert.equal(data.user.name, `user ${data.n}`)
  }
})

mongo('what no session could read is left as it is, and all others are converted', async () => {
  const collection = freshCollection()
  const expires = new Date(Date.now() + 60_000)
  const deep = `${'{"a":'.repeat(150)}1${'}'.repeat(150)}`
  const damaged: Document[] = [
    { _id: 'NUL', expires, session: '{"cookie":{},"a\\u0000b":1}' },
    { _id: 'prototype', expires, session: '{"cookie":{},"__proto__":{"a":1}}' },
    { _id: 'too deep', expires, session: `{"cookie":{},"a":${deep}}` },
    { _id: 'books', expires, session: '{"cookie":{"dotset":{}}}' },
    { _id: 'expiry', expires: 'tomorrow', session: '{"cookie":{}}' },
    { _id: 5, expires, session: '{"cookie":{}}' },
  ]
  const fine: Document[] = [
    { _id: 'no end', expires: null, session: '{"cookie":{},"n":1}' },
    { _id: 'odd creation', expires, createdAt: 'once', session: '{"cookie":{},"n":1}' },
    { _id: 'zzz', expires, session: '{"cookie":{},"n":1}' },
  ]
  await collection.insertMany([...damaged, ...fine])
  for (const args of [[], ['--write'], ['--write']]) {
    const { code, output, errors } = await dotset([...of(collection), ...args])
    assert.equal(code, 0, errors)
    assert.match(output, new RegExp(`left as they are: ${damaged.length}\n`))
  }
  const left = await collection.find({ session: { $exists: true } }).toArray()
  const byId = (documents: Document[]): unknown => new Map(documents.map(each => [each._id, each]))
  assert.deepEqual(byId(left), byId(damaged))
  assert.equal(await collection.countDocuments({ 'data.n': 1 }), fine.length)
})

const refused: readonly [args: string[], why: RegExp][] = [
  [[], /the command is missing/],
  [['convert'], /the command is missing or unknown/],
  [['migrate'], /--uri is missing/],
  [['migrate', '--uri', 'mongodb://127.0.0.1/shop'], /--collection is missing/],
  [
    ['migrate', '--uri', 'mongodb://127.0.0.1', '--db', 'a.b', '--collection', 'c'],
    /--db or --collection is no name/,
  ],
  [['migrate', '--wirte'], /an option is unknown/],
  [['migrate', '--uri', 'http://a:secret@b', '--collection', 'c'], /no address of MongoDB/],
  [
    ['migrate', '--uri', 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50', '--collection', 'c'],
    /no MongoDB server could be reached/,
  ],
]

for (const [args, why] of refused) {
  migrate(
    `refuses in one sentence: dotset ${args.slice(0, 2).join(' ')} (${why.source})`,
    async () => {
      const { code, output, errors } = await dotset(args)
      assert.equal(code, 1)
      assert.equal(output, '')
      assert.match(errors, why)
      assert.match(errors, /^Cannot [^\n]*\n$/)
      assert.ok(!errors.includes('secret'))
    },
  )
}

migrate('tells how it is used', async () => {
  const { code, output } = await dotset(['--help'])
  assert.equal(code, 0)
  assert.match(output, /^Usage: dotset migrate/)
})

migrate.run()
