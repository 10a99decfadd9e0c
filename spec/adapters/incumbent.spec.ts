/**
 * That the race of the adapters' contract can be lost: express-session loses it.
 */

import assert from 'node:assert/strict'
import MongoConnectStore from 'connect-mongo'
import type { Request } from 'express'
import express from 'express'
import session, { MemoryStore, type Store } from 'express-session'
import type { Data } from '../support/operations.js'
import { forEachStore, freshCollection, mongoClient } from '../support/stores.js'
import { Browser } from './browser.js'
import { listen } from './listen.js'
import { overlapRoutes, overlaps, race } from './overlap.js'

const ROUNDS = 10

const stores: Record<string, () => Store> = {
  embedded: () => new MemoryStore(),
  MongoDB() {
    const { dbName, collectionName } = freshCollection()
    return MongoConnectStore.create({ client: mongoClient(), dbName, collectionName })
  },
}

forEachStore('express-session under requests that overlap', (test, { name }) => {
  for (const overlap of overlaps) {
    test(`8 × ${ROUNDS} lose writes: ${overlap.what}`, async () => {
      const app = express()
      const store = stores[name]?.() as Store
      app.use(session({ store, secret: 'of a spec', resave: false, saveUninitialized: false }))
      for (const [path, handle] of Object.entries(overlapRoutes(overlap))) {
        app.get(path, async (request, response) => {
          response.json((await handle((request as Request & { session: Data }).session)) ?? null)
        })
      }
      const server = await listen(app)
      try {
        const { lost, refused } = await race(new Browser(server.url), overlap, ROUNDS)
        assert.equal(refused, 0)
        assert.ok(lost > ROUNDS, `${lost} lost`)
      } finally {
        await server.close()
      }
    })
  }
})
