/**
 * A cart in one fetch handler, as Bun, Deno and workers serve it. Here it is Node:
 * `npx tsx examples/fetch/main.ts`, then look at / and put things in with /add/tea.
 */

import { serve } from '@hono/node-server'
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/fetch'
import { z } from 'zod'

const sessions = createSessions({
  store: memoryStore(),
  schema: z.object({ cart: z.array(z.string()).default([]) }),
})
const web = session(sessions)

const fetch = web.handle(async (request, session) => {
  const home = new URL('/', request.url)
  const [, action, item] = new URL(request.url).pathname.split('/')
  if (action === 'add' && item) session.data.cart.push(decodeURIComponent(item))
  else if (action === 'logout') await session.destroy()
  else return new Response(`in the cart: ${session.data.cart.join(', ') || 'nothing'}`)
  return Response.redirect(home, 303)
})

serve({ fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`http://localhost:${port}`)
})
