/**
 * The same shop on dotset and on express-session, under requests that overlap.
 *
 * `npm start` compares them; `npm start -- --serve` keeps the one on dotset open. Sessions are kept in
 * memory, or in the MongoDB at `MONGODB_URI`.
 */

import { parseArgs } from 'node:util'
import { race } from './race.js'
import { openWithDotset, openWithExpressSession } from './servers.js'
import { printTable } from './table.js'

const mongo = process.env.MONGODB_URI || undefined
const MOST_ROUNDS = 1000

try {
  const { serve, rounds } = readArguments()
  if (serve) await keepOpen()
  else await compare(rounds)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

function readArguments(): { serve: boolean; rounds: number } {
  const { values } = parseArgs({
    options: {
      serve: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '25' },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MOST_ROUNDS) {
    throw new Error(`Cannot use --rounds: it must be a whole number from 1 to ${MOST_ROUNDS}`)
  }
  return { serve: values.serve, rounds }
}

async function keepOpen(): Promise<void> {
  const shop = await openWithDotset(mongo, { site: true })
  console.log(`The shop is open at ${shop.url} (Ctrl+C closes it)`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => shop.close())
}

async function compare(rounds: number): Promise<void> {
  const shops = [await openWithDotset(mongo), await openWithExpressSession(mongo)]
  const where = mongo === undefined ? 'in memory' : 'in the MongoDB at MONGODB_URI'
  const times = rounds === 1 ? 'Once' : `${rounds} times`
  console.log(`
One shop, two kinds of session, kept ${where}. ${times}, eight requests
of one browser overlap, and each of them puts something else into the cart.
`)
  const rows = []
  for (const shop of shops) {
    const { acknowledged, lost, refused, writes, bytes } = await race(shop, rounds)
    rows.push([shop.name, acknowledged, lost, refused, writes, bytes])
    await shop.close()
  }
  const header = ['sessions by', 'acknowledged', 'lost', 'refused', 'writes', 'bytes sent']
  console.log(printTable(header, rows))
  console.log(`
acknowledged  answered as if all were well
lost          of these, how many are not in the cart afterwards
refused       answered with an error
bytes sent    ${mongo === undefined ? 'what is written: changes, or whole sessions' : 'the write commands that MongoDB got'}

See the shop itself, and what each click sends: npm start -- --serve
`)
}
