/**
 * Sessions outside of requests, as the guide to sockets and bots has them: by ws and grammY themselves.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite } from 'uvu'
import { WebSocket } from 'ws'
import { createBot } from '../../examples/bot/main.js'
import type { RunningExample } from '../support/example.js'
import { startExample } from '../support/example.js'
import { Browser } from './browser.js'

const sockets = suite('a cart that pages and sockets share')
let example: RunningExample

sockets.before(async () => {
  example = await startExample('sockets/main.ts')
})
sockets.after(() => example.stop())

/** A socket of the browser with this cookie, and what it is told. */
async function connect(cookie: string): Promise<{
  socket: WebSocket
  put(item: string): Promise<string[]>
}> {
  const socket = new WebSocket(example.url.replace('http', 'ws'), { headers: { cookie } })
  const told: string[][] = []
  socket.on('message', data => told.push(JSON.parse(String(data))))
  await once(socket, 'message')
  return {
    socket,
    async put(item) {
      const next = once(socket, 'message')
      socket.send(item)
      await next
      return told.at(-1) as string[]
    },
  }
}

async function visited(): Promise<{ browser: Browser; cookie: string }> {
  const browser = new Browser(example.url)
  const { headers } = await browser.get('/')
  const [cookie = ''] = headers.getSetCookie()[0]?.split(';') ?? []
  return { browser, cookie }
}

sockets('nobody connects without a session', async () => {
  for (const cookie of ['', 'session=unknown', `__Host-session=${'A'.repeat(43)}`, '%%%']) {
    const socket = new WebSocket(example.url.replace('http', 'ws'), { headers: { cookie } })
    const [error] = await once(socket, 'error')
    assert.match(String(error), /401/)
  }
})

sockets('each sees what the others put in, and pages write beside them', async () => {
  const { browser, cookie } = await visited()
  const [one, two] = [await connect(cookie), await connect(cookie)]
  assert.deepEqual(await one.put('tea'), ['tea'])
  assert.deepEqual(await two.put('cup'), ['tea', 'cup'])
  await browser.get('/')
  assert.deepEqual(await one.put('spoon'), ['tea', 'cup', 'spoon'])
  for (const { socket } of [one, two]) socket.close()
})

sockets('eight of them at once lose nothing', async () => {
  const { browser, cookie } = await visited()
  const all = await Promise.all(Array.from({ length: 8 }, () => connect(cookie)))
  await Promise.all(
    all.map(async ({ put }, index) => {
      for (let round = 0; round < 20; round++) {
        await Promise.all([put(`${index}-${round}`), index === 0 && browser.get('/')])
      }
    }),
  )
  const items = await (all[0] as (typeof all)[0]).put('last')
  assert.equal(new Set(items).size, 161)
  assert.equal(items.length, 161)
  for (const { socket } of all) socket.close()
})

sockets.run()

const bots = suite('a bot that remembers')

/** A bot whose calls of Telegram are answered here. */
function botWith(replies: string[]) {
  const bot = createBot('1:token')
  bot.botInfo = { id: 1, is_bot: true, first_name: 'Shop', username: 'shop_bot' } as never
  bot.api.config.use(async (_previous, _method, payload) => {
    replies.push((payload as { text: string }).text)
    return { ok: true, result: {} } as never
  })
  return bot
}

/** What Telegram sends for a message in a chat. */
function message(chat: number, text: string): never {
  const entities = text.startsWith('/')
    ? [{ type: 'bot_command', offset: 0, length: text.length }]
    : []
  const where = { id: chat, type: 'private', first_name: 'Ada' }
  const from = { id: chat, is_bot: false, first_name: 'Ada' }
  return {
    update_id: 1,
    message: { message_id: 1, date: 0, chat: where, from, text, entities },
  } as never
}

bots('each chat has a session of its own, which 20 messages at once all get into', async () => {
  const replies: string[] = []
  // Two servers that share the store.
  const servers = [botWith(replies), botWith(replies)] as const
  const texts = Array.from({ length: 20 }, (_, index) => `order ${index}`)
  await Promise.all(
    texts.map((text, index) => servers[index % 2 === 0 ? 0 : 1].handleUpdate(message(7, text))),
  )
  await servers[0].handleUpdate(message(8, 'tea'))
  await servers[1].handleUpdate(message(8, '/orders'))
  await servers[1].handleUpdate(message(7, '/orders'))
  await servers[1].handleUpdate(message(9, '/orders'))
  const [eight, seven, nine] = replies
  assert.deepEqual([eight, nine], ['tea', 'none'])
  assert.deepEqual(seven?.split(', ').sort(), texts.sort())
})

bots.run()
