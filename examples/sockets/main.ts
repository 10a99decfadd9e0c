/**
 * A cart that pages and sockets share: `npx tsx examples/sockets/main.ts`, then open the page twice.
 */

import type { AddressInfo } from 'node:net'
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/express'
import express from 'express'
import { WebSocketServer } from 'ws'
import { z } from 'zod'

const sessions = createSessions({
  store: memoryStore(),
  schema: z.object({ cart: z.array(z.string()).default([]), visits: z.int().default(0) }),
})
const web = session(sessions)

const app = express()
app.use(web)
app.get('/', (request, response) => {
  web.of(request).data.visits++
  response.send(`<ul></ul><form><input><button>Add</button></form><script>
    const socket = new WebSocket(location.href.replace('http', 'ws'))
    const [list, form] = document.body.children
    socket.onmessage = ({ data }) => list.replaceChildren(...JSON.parse(data).map(item =>
      Object.assign(document.createElement('li'), { textContent: item })))
    form.onsubmit = event => { event.preventDefault(); socket.send(form[0].value); form.reset() }
  </script>`)
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
})

const sockets = new WebSocketServer({ noServer: true })
server.on('upgrade', async (request, socket, head) => {
  const session = await web.open(request).catch(() => null)
  if (session === null) {
    socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
    return
  }
  sockets.handleUpgrade(request, socket, head, connection => {
    connection.on('message', async message => {
      try {
        session.data.cart.push(String(message))
        await session.commit()
        await session.reload({ keepChanges: true })
        connection.send(JSON.stringify(session.data.cart))
      } catch {
        connection.close(4401, 'the session is gone')
      }
    })
    connection.send(JSON.stringify(session.data.cart))
  })
})
