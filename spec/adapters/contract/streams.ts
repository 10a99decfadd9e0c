/**
 * What becomes of changes that are made after the first byte of the response has left.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'uvu'
import type { Session, Store } from '../../../lib/index.js'
import { StoreError } from '../../../lib/index.js'
import type { Data } from '../../support/operations.js'
import { followed } from '../../support/servers.js'
import type { Handler } from '../framework.js'
import { deferred, view, write } from '../framework.js'
import type { Serve } from './serve.js'

/** Defines those rules. */
export function defineStreams(test: Test, serve: Serve): void {
  test('what a stream changes after its first byte is committed before its last', async () => {
    const events: string[] = []
    const { stream, firstByte } = streaming(({ data }) => {
      data.late = 1
    })
    const wrap = (store: Store): Store => ({
      ...store,
      async write(statement, options) {
        const result = await store.write(statement, options)
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        events.push('committed')
        return result
      },
    })
    await serve(
      { '/': view, '/write': write, '/stream': stream },
      async browser => {
        await browser.get('/write')
        const page = await browser.request('GET', '/stream', {}, { firstByte })
        events.push('ended')
        assert.equal(page.body, 'first last')
        assert.deepEqual(events, ['committed', 'ended'])
        assert.equal((await browser.get('/')).body, '{"n":1,"late":1}')
      },
      { wrap },
    )
  })

  test('a stream that changes nothing late asks the store nothing more', async () => {
    const { stream, firstByte } = streaming(() => undefined)
    await serve({ '/write': write, '/stream': stream }, async (browser, { calls }) => {
      await browser.get('/write')
      calls.splice(0)
      await browser.request('GET', '/stream', {}, { firstByte })
      assert.deepEqual(calls, ['load'])
    })
  })

  test('a new session that begins after the first byte is ERR_HEADERS_SENT, and never stored', async () => {
    const errors: unknown[] = []
    const { stream, firstByte } = streaming(({ data }) => {
      data.late = 1
    })
    await serve(
      { '/stream': stream },
      async (browser, { calls }) => {
        const response = await browser.request('GET', '/stream', {}, { firstByte })
        assert.equal(response.body, 'first last')
        assert.deepEqual(response.cookies, [])
        assert.deepEqual(calls, [])
        assert.deepEqual(errors.map(codeOf), ['ERR_HEADERS_SENT'])
      },
      { adapter: { onError: error => errors.push(error) } },
    )
  })

  test('a rotation after the first byte is ERR_HEADERS_SENT before the store is asked', async () => {
    const codes: unknown[] = []
    const { stream, firstByte } = streaming(async session => {
      for (const keep of [true, false]) {
        await session.rotateId({ keep }).catch(error => codes.push(codeOf(error)))
      }
    })
    await serve({ '/': view, '/write': write, '/stream': stream }, async (browser, { calls }) => {
      await browser.get('/write')
      calls.splice(0)
      await browser.request('GET', '/stream', {}, { firstByte })
      assert.deepEqual(codes, ['ERR_HEADERS_SENT', 'ERR_HEADERS_SENT'])
      assert.deepEqual(calls, ['load'])
      assert.equal((await browser.get('/')).body, '{"n":1}')
    })
  })

  const failing = (store: Store): Store => ({
    ...store,
    async write() {
      throw new StoreError('commit the session', 'the spec says so')
    },
  })

  test('a late commit that fails is told to onError, and the response ends', async () => {
    const errors: unknown[] = []
    const { stream, firstByte } = streaming(({ data }) => {
      data.late = 1
    })
    await serve(
      { '/': view, '/write': write, '/stream': stream },
      async browser => {
        await browser.get('/write')
        const { body } = await browser.request('GET', '/stream', {}, { firstByte })
        assert.equal(body, 'first last')
        assert.deepEqual(errors.map(codeOf), ['ERR_STORE'])
        assert.equal((await browser.get('/')).body, '{"n":1}')
      },
      { wrap: failing, adapter: { onError: error => errors.push(error) } },
    )
  })

  test('without onError, a warning tells the code and no value', async () => {
    const { stream, firstByte } = streaming(({ data }) => {
      data.late = 'the value'
    })
    await serve(
      { '/write': write, '/stream': stream },
      async browser => {
        await browser.get('/write')
        const warned = once(process, 'warning')
        await browser.request('GET', '/stream', {}, { firstByte })
        const [warning] = await warned
        assert.equal(warning.code, 'ERR_STORE')
        assert.doesNotMatch(String(warning.stack), /the value/)
      },
      { wrap: failing },
    )
  })

  test('a client that goes in the middle of a stream loses nothing that was changed before', async () => {
    const committed = deferred()
    const stream: Handler = session => ({
      body: (async function* () {
        yield 'first '
        session.data.late = 1
        await committed.promise
        yield 'never read'
      })(),
    })
    const wrap = (store: Store): Store => followed(committed.resolve, store, ['write'])
    await serve(
      { '/': view, '/write': write, '/stream': stream },
      async browser => {
        await browser.get('/write')
        await browser.abortAfterFirstByte('/stream')
        await committed.promise
        assert.equal((await browser.get('/')).body, '{"n":1,"late":1}')
      },
      { wrap },
    )
  })
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code

/** A stream that runs `late` once its first byte has come to the client. */
function streaming(late: (session: Session<Data>) => unknown): {
  stream: Handler
  firstByte(): void
} {
  const received = deferred()
  const stream: Handler = session => ({
    body: (async function* () {
      yield 'first '
      await received.promise
      await late(session)
      yield 'last'
    })(),
  })
  return { stream, firstByte: () => received.resolve() }
}
