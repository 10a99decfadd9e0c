/**
 * A bot that remembers what each chat ordered: `BOT_TOKEN=… npx tsx examples/bot/main.ts`, with a token of
 * Telegram's.
 */

import { pathToFileURL } from 'node:url'
import type { Session } from 'dotset'
import { createSessions, memoryStore } from 'dotset'
import type { Context } from 'grammy'
import { Bot } from 'grammy'

interface Chat {
  orders?: string[]
}

const sessions = createSessions<Chat>({
  store: memoryStore(),
  nameKey: process.env.NAME_KEY ?? 'any secret of 32 or more characters',
})

interface ChatContext extends Context {
  session: Session<Chat>
}

/** A bot that opens the session of a chat before anything else, and commits it after that. */
export function createBot(token: string): Bot<ChatContext> {
  const bot = new Bot<ChatContext>(token)
  bot.use(async (context, next) => {
    context.session = await sessions.at(`telegram:${context.chat?.id}`)
    await next()
    await context.session.commit()
  })
  bot.command('orders', context => context.reply(context.session.data.orders?.join(', ') ?? 'none'))
  bot.on('message:text', context => {
    ;(context.session.data.orders ??= []).push(context.message.text)
  })
  return bot
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const token = process.env.BOT_TOKEN
  if (token === undefined) throw new Error('Set BOT_TOKEN to the token of a bot')
  await createBot(token).start()
}
