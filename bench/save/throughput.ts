/**
 * How many requests a second are loaded, changed and saved, and what they cost this process.
 */

import type { Db } from 'mongodb'
import type { Samples } from '../support/interleave.js'
import { figureOf, interleave } from '../support/interleave.js'
import { checkContender } from './check.js'
import type { Contender } from './contenders.js'
import type { Place, Size } from './sessions.js'
import { createData, IN_CART, IN_HISTORY } from './sessions.js'

/** What is measured. */
export interface Case {
  readonly size: Size
  /** How many requests are under way at a time, each with a session of its own. */
  readonly concurrency: number
  readonly place: Place
}

/** What was measured, by contender. */
export interface Throughput extends Case {
  /** Milliseconds from one finished request to the next. */
  readonly elapsed: Samples
  /** Milliseconds of CPU that one request took in this process. */
  readonly cpu: Samples
}

/** How much is measured. */
export interface Effort {
  readonly rounds: number
  /** How long one sample takes at least, about, in milliseconds. */
  readonly sampleMs: number
}

/** All cases. 256 sessions of 1 MB at a time would measure the memory. */
export const CASES: readonly Case[] = [
  ...(['1 KB', '10 KB', '100 KB', '1 MB'] as const).flatMap(size =>
    (size === '1 MB' ? [1, 32] : [1, 32, 256]).map(concurrency => {
      return { size, concurrency, place: IN_CART }
    }),
  ),
  { size: '100 KB', concurrency: 1, place: IN_HISTORY },
]

/** A few of them, to see that all is well. */
export const QUICK_CASES: readonly Case[] = CASES.filter(({ size, concurrency }) => {
  return (size === '1 KB' || size === '100 KB') && concurrency <= 32
})

/** What is run first, and does not count: it makes all contenders warm. */
export const WARM_UP: Case = { size: '10 KB', concurrency: 32, place: IN_CART }

/** Measures one case. */
export async function measureThroughput(
  contenders: readonly Contender[],
  database: Db,
  each: Case,
  { rounds, sampleMs }: Effort,
): Promise<Throughput> {
  const { size, concurrency, place } = each
  const runs = new Map<Contender, () => Promise<Run>>()
  for (const contender of contenders) {
    await checkContender(contender, database, size, place)
    const created = Array.from({ length: concurrency }, () => contender.create(createData(size)))
    const ids = await Promise.all(created)
    let turns = 1
    // The first tells how many make a sample, the second tells it better, being warm.
    for (let trial = 0; trial < 2; trial++) {
      const { elapsed } = await run(contender, ids, place, turns)
      turns = Math.ceil(sampleMs / (elapsed * concurrency))
    }
    runs.set(contender, () => run(contender, ids, place, turns))
  }
  const samples = await interleave(contenders, { rounds, warmUp: 1 }, contender => {
    return (runs.get(contender) as () => Promise<Run>)()
  })
  for (const { collection } of contenders) await database.collection(collection).deleteMany()
  return { ...each, elapsed: figureOf(samples, 'elapsed'), cpu: figureOf(samples, 'cpu') }
}

/** Milliseconds, per request. */
type Run = Record<'elapsed' | 'cpu', number>

/** Runs `turns` requests on each session; all sessions at a time. */
async function run(
  contender: Contender,
  ids: readonly string[],
  place: Place,
  turns: number,
): Promise<Run> {
  const [start, used] = [performance.now(), process.cpuUsage()]
  await Promise.all(
    ids.map(async id => {
      for (let turn = 0; turn < turns; turn++) {
        const save = await contender.load(id, place)
        await save()
      }
    }),
  )
  const elapsed = performance.now() - start
  const { user, system } = process.cpuUsage(used)
  const requests = turns * ids.length
  return { elapsed: elapsed / requests, cpu: (user + system) / 1000 / requests }
}
