/**
 * The same shop on dotset and on express-session, under requests that overlap.
 *
 * `npm start` compares them; `npm start -- --serve` keeps the one on dotset open. Sessions are kept in
 * memory, or in the MongoDB at `MONGODB_URI`.
 */

import { parseArgs } from 'node:util'
import { race } from './race.js'
import { openWithDotset, openWithExpressSession } from './servers.js'

const { values } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '25' },
  },
})
const { MONGODB_URI: mongo } = process.env

if (values.serve) {
  const shop = await openWithDotset(mongo)
  console.log(`The shop is open at ${shop.url} (Ctrl+C closes it)`)
  process.once('SIGINT', () => void shop.close())
} else {
  await compare(Number(values.rounds))
}

async function compare(rounds: number): Promise<void> {
  const where = mongo === undefined ? 'sessions in memory' : 'sessions in MongoDB'
  console.log(
    `\n${rounds} times eight overlapping requests, each adding to the cart of one session;`,
  )
  console.log(`Express over HTTP, ${where}.\n`)
  const rows: Record<string, object> = {}
  for (const open of [openWithDotset, openWithExpressSession]) {
    const shop = await open(mongo)
    const { acknowledged, lost, refused, writes, bytes } = await race(shop, rounds)
    rows[shop.name] = { acknowledged, lost, refused, writes, 'bytes sent': bytes }
    await shop.close()
  }
  console.table(rows)
  console.log('\nlost: answered as if all were well, and not in the cart afterwards.')
  console.log('See the shop itself with: npm start -- --serve\n')
}
