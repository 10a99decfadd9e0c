/**
 * A cart in Koa: `npx tsx examples/koa/main.ts`, then look at / and put things in with /add/tea.
 */

import type { AddressInfo } from 'node:net'
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/koa'
import Koa from 'koa'
import { z } from 'zod'

const sessions = createSessions({
  store: memoryStore(),
  schema: z.object({ cart: z.array(z.string()).default([]) }),
})
const web = session(sessions)

const app = new Koa()
app.use(web)

app.use(async context => {
  const session = web.of(context)
  const [, action, item] = context.path.split('/')
  if (action === 'add' && item) session.data.cart.push(decodeURIComponent(item))
  else if (action === 'logout') await session.destroy()
  else {
    context.body = `in the cart: ${session.data.cart.join(', ') || 'nothing'}`
    return
  }
  context.status = 303
  context.redirect('/')
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
})
