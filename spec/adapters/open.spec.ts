/**
 * Sessions of requests that no middleware sees, in each adapter: of an upgrade, of a web request, of a
 * `Cookie` header alone.
 */

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { suite } from 'uvu'
import * as express from '../../lib/adapters/express.js'
import * as fastify from '../../lib/adapters/fastify.js'
import * as fetch from '../../lib/adapters/fetch.js'
import * as hono from '../../lib/adapters/hono.js'
import * as koa from '../../lib/adapters/koa.js'
import type { AdapterOptions } from '../../lib/adapters/request.js'
import type { Session, Sessions } from '../../lib/index.js'
import { createSessions, memoryStore } from '../../lib/index.js'
import type { Data } from '../support/operations.js'
import { recordCalls } from './framework.js'

type Form = IncomingMessage | Request | string

/** What all adapters have in common here. */
interface Web {
  open(request: Form): Promise<Session<Data> | null>
}

const adapters: Record<string, (sessions: Sessions<Data>, options?: AdapterOptions) => Web> = {
  express: express.session,
  fastify: fastify.session,
  fetch: fetch.session,
  hono: hono.session,
  koa: koa.session,
}

/** A request in each form, over https. */
function formsOf(cookie: string): Form[] {
  const head = { headers: { cookie, host: 'example.com' }, socket: { encrypted: true } }
  const request = new Request('https://example.com/', { headers: { cookie } })
  return [head as unknown as IncomingMessage, request, cookie]
}

const open = suite('sessions of requests that no middleware sees')

for (const [name, session] of Object.entries(adapters)) {
  const calls: string[] = []
  const sessions = createSessions<Data>({ store: recordCalls(memoryStore(), calls) })

  async function stored(): Promise<Session<Data>> {
    const created = sessions.create({ n: 1 })
    await created.commit()
    calls.length = 0
    return created
  }

  open(`${name}: they are found by their cookie, among others, in each form`, async () => {
    const web = session(sessions)
    const { id } = await stored()
    for (const form of formsOf(`a=1; __Host-session=${id}; b=2`)) {
      const opened = await web.open(form)
      assert.equal(opened?.data.n, 1)
      // It is the application's to commit.
      assert.deepEqual(calls.splice(0), ['load'])
    }
  })

  open(`${name}: a session that is opened so is committed by whoever opened it`, async () => {
    const web = session(sessions)
    const { id } = await stored()
    const opened = (await web.open(`__Host-session=${id}`)) as Session<Data>
    opened.data.n = 2
    assert.equal((await opened.commit()).status, 'updated')
    assert.equal((await sessions.open(id))?.data.n, 2)
  })

  open(`${name}: unknown ids open nothing, and malformed ones ask no store`, async () => {
    const web = session(sessions)
    await stored()
    for (const form of formsOf(`__Host-session=${'A'.repeat(43)}`)) {
      assert.equal(await web.open(form), null)
      assert.deepEqual(calls.splice(0), ['load'])
    }
    for (const cookie of [
      '',
      '__Host-session=',
      '__Host-session={"$ne":null}',
      'session=x',
      ';=;',
    ]) {
      for (const form of formsOf(cookie)) {
        assert.equal(await web.open(form), null)
        assert.deepEqual(calls, [])
      }
    }
  })

  open(`${name}: with keys, only a cookie that they signed opens anything`, async () => {
    const { id } = await stored()
    const keys = ['a key of sixteen characters']
    const web = session(sessions, { cookie: { keys } })
    for (const form of formsOf(`__Host-session=${id}`)) assert.equal(await web.open(form), null)
    assert.deepEqual(calls, [])
  })

  open(`${name}: on plain http to localhost, the cookie has no prefix there either`, async () => {
    const web = session(sessions)
    const { id } = await stored()
    const cookie = `session=${id}`
    const head = { headers: { cookie, host: 'localhost:3000' }, socket: {} } as IncomingMessage
    const request = new Request('http://localhost:3000/', { headers: { cookie } })
    for (const form of [head, request]) assert.equal((await web.open(form))?.data.n, 1)
    assert.equal(await web.open(cookie), null)
  })
}

open.run()
