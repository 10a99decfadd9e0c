import assert from 'node:assert/strict'
import type { Collection, Document } from 'mongodb'
import { suite } from 'uvu'
import { DotsetStore } from '../../lib/adapters/express-session.js'
import { memoryStore, SessionError } from '../../lib/index.js'
import { mongoStore } from '../../lib/mongodb.js'
import type { Data } from '../support/operations.js'
import { closeMongo, freshCollection, mongoUri } from '../support/stores.js'
import { Browser } from './browser.js'
import type { Form, Routes } from './connect-mongo-apps.js'
import {
  connectMongo,
  dotsetInPlace,
  forms,
  serveStore,
  storeSessions,
} from './connect-mongo-apps.js'
import type { Served } from './framework.js'
import type { Overlap } from './overlap.js'
import { overlapRoutes, overlaps, race } from './overlap.js'

const COUNT = 1000
const BATCH = 100

const inPlace = suite("express-session: DotsetStore in connect-mongo's place")
inPlace.after(closeMongo)

const content = (index: number): Data => ({
  user: { name: `user ${index}`, roles: ['a', 'b'] },
  n: index,
  'a.b': null,
})

const ROUTES: Routes = {
  '/': data => data,
  '/count': data => ++data.n,
  '/leave': data => new Promise(resolve => data.destroy(resolve)),
}

/** Serves apps while `use` runs. */
async function withServers(
  servers: Promise<Served>[],
  use: (...urls: string[]) => Promise<void>,
): Promise<void> {
  const started = await Promise.all(servers)
  try {
    await use(...started.map(({ url }) => url))
  } finally {
    for (const server of started) await server.close()
  }
}

/** Calls `act` for each cookie, some at a time. */
async function forEachCookie(
  cookies: readonly string[],
  act: (cookie: string, index: number) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < cookies.length; start += BATCH) {
    const batch = cookies.slice(start, start + BATCH)
    await Promise.all(batch.map((cookie, index) => act(cookie, start + index)))
  }
}

const foreign = (collection: Collection<Document>): Promise<number> =>
  collection.countDocuments({ session: { $exists: true } })

const withoutCookie = ({ cookie: _cookie, ...data }: Data): Data => data

/** There is no connect-mongo without MongoDB. */
const test = mongoUri === '' ? inPlace.skip : inPlace

for (const form of forms) {
  test(`${COUNT} sessions are open, and are converted by their first write: ${form.name}`, async () => {
    const collection = freshCollection()
    const cookies = await storeSessions(connectMongo(collection, form), COUNT, content)
    const store = dotsetInPlace(collection, form, true)
    await withServers([serveStore(store, ROUTES)], async url => {
      await forEachCookie(cookies, async (cookie, index) => {
        const page = await new Browser(url, cookie).get('/')
        const { cookie: kept, ...data } = JSON.parse(page.body)
        assert.deepEqual(data, content(index))
        assert.equal(kept.originalMaxAge, 3_600_000)
        assert.equal(page.cookies.length, 0)
      })
      assert.equal(await foreign(collection), COUNT)
      await forEachCookie(cookies, async (cookie, index) => {
        const page = await new Browser(url, cookie).get('/count')
        assert.equal(page.body, String(index + 1))
      })
      assert.equal(await foreign(collection), 0)
      const documents = await collection.find({}).sort({ 'data.n': 1 }).toArray()
      assert.deepEqual(
        documents.map(({ data }) => withoutCookie(data)),
        cookies.map((_, index) => ({ ...content(index), n: index + 1 })),
      )
    })
  })
}

for (const form of forms.slice(0, 2)) {
  for (const overlap of overlaps) {
    test(`first writes that overlap lose nothing: ${form.name}, ${overlap.what}`, async () => {
      const collection = freshCollection()
      const routes = overlapRoutes(overlap)
      const old = serveStore(connectMongo(collection, form), routes)
      const fresh = serveStore(dotsetInPlace(collection, form, true), routes)
      await withServers([old, fresh], async (before, after) => {
        for (let session = 0; session < 5; session++) {
          const { cookie } = await begun(before)
          await overlapOnce(overlap, [new Browser(after, cookie)])
        }
        assert.equal(await foreign(collection), 0)
      })
    })

    test(`in connect-mongo's form, two servers lose nothing: ${form.name}, ${overlap.what}`, async () => {
      const collection = freshCollection()
      const routes = overlapRoutes(overlap)
      const servers = [1, 2].map(() => serveStore(dotsetInPlace(collection, form, false), routes))
      const old = serveStore(connectMongo(collection, form), routes)
      await withServers([...servers, old], async (first, second, before) => {
        const { cookie } = await begun(before as string)
        const browsers = [first, second].map(url => new Browser(url as string, cookie))
        await overlapOnce(overlap, browsers)
        const shared = new Browser(first as string)
        assert.deepEqual(await race(shared, overlap, 10), { lost: 0, refused: 0 })
        assert.equal(await foreign(collection), 2)
        // What it says is what connect-mongo reads.
        const [told, read] = await Promise.all(
          [first, before].map(url => new Browser(url as string, shared.cookie).get('/')),
        )
        assert.deepEqual(
          withoutCookie(JSON.parse(read?.body as string)),
          withoutCookie(JSON.parse(told?.body as string)),
        )
      })
    })
  }

  test(`old and new servers side by side corrupt nothing: ${form.name}`, async () => {
    const collection = freshCollection()
    const items = (): Data[] => Array.from({ length: 8 }, (_, id) => ({ id, n: 0 }))
    const routes: Routes = {
      ...ROUTES,
      '/begin': data => void Object.assign(data, { items: items(), user: { name: 'Ada', id: 1 } }),
      '/shrink': data => void data.items.splice(0, 4),
      '/grow': data => {
        data.items = items()
      },
      '/last': data => void data.items[data.items.length - 1].n++,
      '/swap': data => {
        data.user = data.user.id === 1 ? { name: 'Bob', id: 2 } : { name: 'Ada', id: 1 }
      },
      '/rename': data => {
        data.user.seen = data.user.name
      },
    }
    const old = serveStore(connectMongo(collection, form), routes)
    const fresh = serveStore(dotsetInPlace(collection, form, false), routes)
    await withServers([old, fresh], async (before, after) => {
      const { cookie } = await begun(before)
      const olds = ['/shrink', '/grow', '/swap']
      const news = ['/last', '/rename', '/last']
      for (let round = 0; round < 20; round++) {
        const pages = await Promise.all([
          ...olds.map(path => new Browser(before, cookie).get(path)),
          ...news.map(path => new Browser(after, cookie).get(path)),
        ])
        for (const { status } of pages) assert.equal(status, 200)
        for (const url of [before, after]) {
          const data = JSON.parse((await new Browser(url, cookie).get('/')).body)
          for (const item of data.items) assert.deepEqual(Object.keys(item), ['id', 'n'])
          assert.equal(data.user.name, data.user.id === 1 ? 'Ada' : 'Bob')
          assert.ok([undefined, data.user.name].includes(data.user.seen), 'two users are mixed')
          if (data.items.length < 5) await new Browser(before, cookie).get('/grow')
        }
      }
    })
  })

  test(`a new session is one that old servers read: ${form.name}`, async () => {
    const collection = freshCollection()
    const routes: Routes = { ...ROUTES, '/begin': data => void (data.n = 1) }
    const old = serveStore(connectMongo(collection, form), routes)
    const fresh = serveStore(dotsetInPlace(collection, form, false), routes)
    const converting = serveStore(dotsetInPlace(collection, form, true), routes)
    await withServers([old, fresh, converting], async (before, after, last) => {
      const { cookie } = await begun(after)
      for (const url of [before, after, before, last, after]) {
        await new Browser(url as string, cookie).get('/count')
      }
      // A server that still keeps connect-mongo's form reads what another one converted.
      assert.equal(await foreign(collection), 0)
      const { body } = await new Browser(after, cookie).get('/')
      assert.equal(JSON.parse(body).n, 6)
    })
  })

  test(`all, length, clear and a logout: ${form.name}`, async () => {
    for (const convert of [true, false]) {
      const collection = freshCollection()
      const cookies = await storeSessions(connectMongo(collection, form), 4, content)
      const store = dotsetInPlace(collection, form, convert)
      await withServers([serveStore(store, ROUTES)], async url => {
        await new Browser(url, cookies[0]).get('/leave')
        await new Browser(url, cookies[1]).get('/count')
        assert.equal(JSON.parse((await new Browser(url, cookies[0]).get('/')).body).n, undefined)
        const length = await new Promise(resolve => store.length((_, count) => resolve(count)))
        assert.equal(length, 3)
        const all = await new Promise<Data[]>(resolve => {
          store.all((_, sessions) => resolve(sessions as Data[]))
        })
        assert.deepEqual(all.map(({ n }) => n).sort(), [2, 2, 3])
        await new Promise(resolve => store.clear(resolve))
        assert.equal(await collection.countDocuments({}), 0)
      })
    }
  })
}

test('what is expired is gone, and is not converted', async () => {
  const [form] = forms as [Form]
  const collection = freshCollection()
  const [cookie] = await storeSessions(connectMongo(collection, form), 1, content)
  await collection.updateMany({}, { $set: { expires: new Date(Date.now() - 1000) } })
  const store = dotsetInPlace(collection, form, true)
  await withServers([serveStore(store, ROUTES)], async url => {
    assert.equal(JSON.parse((await new Browser(url, cookie).get('/')).body).n, undefined)
  })
})

test('an encrypted session is refused, with what to do', async () => {
  const [form] = forms as [Form]
  const collection = freshCollection()
  const { dbName, collectionName } = collection
  const { default: MongoConnectStore, createWebCryptoAdapter } = await import('connect-mongo')
  const { mongoClient } = await import('../support/stores.js')
  for (const crypto of [
    { crypto: { secret: 'a secret' } },
    { cryptoAdapter: createWebCryptoAdapter({ secret: 'a secret' }) },
  ]) {
    const old = MongoConnectStore.create({
      client: mongoClient(),
      dbName,
      collectionName,
      ...crypto,
    })
    await storeSessions(old, 1, content)
    const [document] = await collection.find({}).toArray()
    const store = dotsetInPlace(collection, form, true)
    const error = await new Promise(resolve => store.get(String(document?._id), resolve))
    assert.ok(error instanceof SessionError)
    assert.equal(error.code, 'ERR_INVALID_DOCUMENT')
    assert.match(error.message, /encrypted/)
    await collection.deleteMany({})
  }
})

test('one that cannot be read keeps nobody from the others', async () => {
  const collection = freshCollection()
  const expires = new Date(Date.now() + 60_000)
  await collection.insertMany(
    ['{"cookie":{},"a\\u0000secret":1}', '{"cookie":{"dotset":{"rev":{}}}}', 'AbC='].map(
      (session, index) => ({ _id: `damaged ${index}` as never, session, expires }),
    ),
  )
  await storeSessions(connectMongo(collection, forms[0] as Form), 2, content)
  const from = { store: 'connect-mongo', convert: true } as const
  const sessions = { store: mongoStore(collection), from, onInvalid: 'new' } as const
  const store = new DotsetStore(sessions)
  const counted = new Promise((resolve, reject) => {
    store.length((error, count) => (error ? reject(error) : resolve(count)))
  })
  assert.equal(await counted, 5)
  const all = new Promise<unknown[]>((resolve, reject) => {
    store.all((error, sessions) => (error ? reject(error) : resolve(sessions as unknown[])))
  })
  assert.equal((await all).length, 2)
  const strict = new DotsetStore({ store: mongoStore(collection), from })
  for (const index of [0, 1, 2]) {
    const error = await new Promise(resolve => strict.get(`damaged ${index}`, resolve))
    assert.ok(error instanceof SessionError, String(error))
    assert.equal(error.code, 'ERR_INVALID_DOCUMENT')
    assert.doesNotMatch(error.message, /secret/)
  }
})

test('options that do not fit are refused', () => {
  const store = mongoStore(freshCollection())
  const refused: readonly Data[] = [
    { store: memoryStore(), from: { store: 'connect-mongo' } },
    { store, from: { store: 'connect-redis' } },
    { store, from: { store: 'connect-mongo', convert: 'yes' } },
    { store, from: { store: 'connect-mongo', convert: true, stringify: false } },
    { store, from: { store: 'connect-mongo', transformId: 'web' } },
    { store, from: { store: 'connect-mongo', ttl: 5 } },
    { store, absoluteTimeout: 5000, from: { store: 'connect-mongo' } },
  ]
  for (const options of refused) {
    assert.throws(
      () => new DotsetStore(options as never),
      (error: unknown) => error instanceof SessionError && error.code === 'ERR_INVALID_OPTION',
    )
  }
})

inPlace.run()

async function begun(url: string): Promise<Browser> {
  const browser = new Browser(url)
  await browser.get('/begin')
  return browser
}

/** Eight requests at once, of which none may be lost or refused. */
async function overlapOnce({ kept }: Overlap, browsers: readonly Browser[]): Promise<void> {
  const pages = await Promise.all(
    Array.from({ length: 8 }, (_, who) => {
      return (browsers[who % browsers.length] as Browser).get(`/${who}`)
    }),
  )
  for (const { status, body } of pages) assert.equal(status, 200, body)
  const data = JSON.parse((await (browsers[0] as Browser).get('/')).body)
  const missing = pages.map((_, who) => who).filter(who => kept(data, who) !== 1)
  assert.deepEqual(missing, [])
}
