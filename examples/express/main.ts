/**
 * A cart in Express: `npx tsx examples/express/main.ts`, then look at / and put things in with /add/tea.
 */

import type { AddressInfo } from 'node:net'
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/express'
import express from 'express'
import { z } from 'zod'

const sessions = createSessions({
  store: memoryStore(),
  schema: z.object({ cart: z.array(z.string()).default([]) }),
})
const web = session(sessions)

const app = express()
app.use(web)

app.get('/', (request, response) => {
  response.send(`in the cart: ${web.of(request).data.cart.join(', ') || 'nothing'}`)
})

app.get('/add/:item', (request, response) => {
  web.of(request).data.cart.push(request.params.item)
  response.redirect(303, '/')
})

app.get('/logout', async (request, response) => {
  await web.of(request).destroy()
  response.redirect(303, '/')
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
})
