/**
 * A cart in Hono: `npx tsx examples/hono/main.ts`, then look at / and put things in with /add/tea.
 */

import { serve } from '@hono/node-server'
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/hono'
import { Hono } from 'hono'
import { z } from 'zod'

const sessions = createSessions({
  store: memoryStore(),
  schema: z.object({ cart: z.array(z.string()).default([]) }),
})
const web = session(sessions)

const app = new Hono()
app.use(web)

app.get('/', context => {
  return context.text(`in the cart: ${web.of(context).data.cart.join(', ') || 'nothing'}`)
})

app.get('/add/:item', context => {
  web.of(context).data.cart.push(context.req.param('item'))
  return context.redirect('/', 303)
})

app.get('/logout', async context => {
  await web.of(context).destroy()
  return context.redirect('/', 303)
})

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`http://localhost:${port}`)
})
