/**
 * What saving one changed number costs: dotset beside connect-mongo, Mongoose and a hand-written
 * update, over a real MongoDB (`MONGODB_URI`, or one that is started here).
 *
 * `npm run bench:save` measures and writes docs/benchmarks.md; with `-- --quick` it measures shortly
 * and only prints; with `-- --check` it fails if a save takes more bytes than it may.
 */

import { parseArgs } from 'node:util'
import { MongoClient } from 'mongodb'
import { startMongo } from '../spec/support/mongod.js'
import { measureBytes } from './save/bytes.js'
import { connectAll } from './save/contenders.js'
import type { Results } from './save/report.js'
import { figuresOf, printResults } from './save/report.js'
import type { Case, Effort, Throughput } from './save/throughput.js'
import { CASES, measureThroughput, QUICK_CASES, WARM_UP } from './save/throughput.js'
import { writeBlock } from './support/report.js'
import { missedLimits } from './support/targets.js'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})

const mongo = await startMongo(line => console.error(line))
if (mongo === undefined) throw new Error('there is no MongoDB: install mongod, or set MONGODB_URI')
const observer = await MongoClient.connect(mongo.uri)
const connection = { uri: mongo.uri, database: `bench_${process.pid}` }
const database = observer.db(connection.database)
try {
  await report(await compare())
} finally {
  await database.dropDatabase()
  await observer.close()
  await mongo.stop()
}

async function compare(): Promise<Results> {
  const { version } = await observer.db('admin').command({ buildInfo: 1 })
  const bytes = await measureBytes(connection, observer)
  const contenders = await connectAll(connection)
  const measure = (each: Case, effort: Effort): Promise<Throughput> =>
    measureThroughput(contenders, database, each, effort)
  await measure(WARM_UP, { rounds: 5, sampleMs: 300 })
  const throughput: Throughput[] = []
  for (const each of flags.quick ? QUICK_CASES : CASES) {
    const effort = flags.quick ? { rounds: 5, sampleMs: 100 } : { rounds: 15, sampleMs: 250 }
    throughput.push(await measure(each, effort))
    console.error(`${each.size}, ${each.concurrency} at a time: done`)
  }
  await Promise.all(contenders.map(contender => contender.close()))
  return { server: version as string, bytes, throughput }
}

async function report(results: Results): Promise<void> {
  const text = printResults(results)
  console.log(text)
  if (!flags.quick)
    await writeBlock(new URL('../docs/benchmarks.md', import.meta.url), 'save', text)
  const missed = missedLimits(figuresOf(results))
  if (!flags.check || missed.length === 0) return
  for (const line of missed) console.error(`missed: ${line}`)
  process.exitCode = 1
}
