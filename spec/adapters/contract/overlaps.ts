/**
 * What becomes of requests of one session that overlap.
 */

import assert from 'node:assert/strict'
import type { Test } from 'uvu'
import type { Handlers } from '../framework.js'
import { overlapRoutes, overlaps, race } from '../overlap.js'
import type { Serve } from './serve.js'

const ROUNDS = 50

/** Defines those rules. */
export function defineOverlaps(test: Test, serve: Serve): void {
  for (const overlap of overlaps) {
    test(`8 × ${ROUNDS} lose nothing, and none is refused: ${overlap.what}`, async () => {
      const handlers: Handlers = {}
      for (const [path, handle] of Object.entries(overlapRoutes(overlap))) {
        handlers[path] = async ({ data }) => ({
          body: JSON.stringify((await handle(data)) ?? null),
        })
      }
      await serve(handlers, async browser => {
        assert.deepEqual(await race(browser, overlap, ROUNDS), { lost: 0, refused: 0 })
      })
    })
  }
}
