/**
 * A cart in Fastify: `npx tsx examples/fastify/main.ts`, then look at / and put things in with /add/tea.
 */

import type { AddressInfo } from 'node:net'
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/fastify'
import createFastify from 'fastify'
import { z } from 'zod'

const sessions = createSessions({
  store: memoryStore(),
  schema: z.object({ cart: z.array(z.string()).default([]) }),
})
const web = session(sessions)

const app = createFastify()
app.register(web)

app.get('/', async request => {
  return `in the cart: ${web.of(request).data.cart.join(', ') || 'nothing'}`
})

app.get<{ Params: { item: string } }>('/add/:item', async (request, reply) => {
  web.of(request).data.cart.push(request.params.item)
  return reply.redirect('/', 303)
})

app.get('/logout', async (request, reply) => {
  await web.of(request).destroy()
  return reply.redirect('/', 303)
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
console.log(`http://localhost:${(app.server.address() as AddressInfo).port}`)
