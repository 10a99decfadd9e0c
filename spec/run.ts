/**
 * Runs the specs: obtains a MongoDB, runs each file in a process of its own, and tells the totals.
 *
 * `npm test` runs all; `npm test -- rebase` those whose path contains the word.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startMongo } from './support/mongod.js'

interface Totals {
  passed: number
  failed: number
}

/** How long one file may take, in milliseconds: one that hangs must not keep the others waiting. */
const LIMIT = 10 * 60_000

const folder = import.meta.dirname
const wanted = process.argv.slice(2)
const files = (await readdir(folder, { recursive: true }))
  .filter(name => name.endsWith('.spec.ts'))
  .filter(name => wanted.length === 0 || wanted.some(word => name.includes(word)))
  .sort()

const mongo = await startMongo(line => console.log(line))
if (mongo === undefined) {
  console.log(
    '\n'.padEnd(80, '!'),
    '\nNo MongoDB could be had on this machine: ALL SPECS THAT NEED ONE ARE SKIPPED.',
    '\nInstall mongod, or set MONGODB_URI to a replica set.\n',
  )
  if (process.env.CI === 'true') {
    console.log('With CI=true this is a failure.\n0 passed, 1 failed')
    process.exit(1)
  }
}

const totals: Totals = { passed: 0, failed: 0 }
const queue = [...files]
await Promise.all([runAll(), runAll()])
await mongo?.stop()
console.log(`\n${totals.passed} passed, ${totals.failed} failed`)
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1

async function runAll(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const { passed, failed } = await runFile(file)
    totals.passed += passed
    totals.failed += failed
  }
}

async function runFile(file: string): Promise<Totals> {
  const start = performance.now()
  const child = spawn(process.execPath, ['--import', 'tsx', '--expose-gc', join(folder, file)], {
    env: { ...process.env, DOTSET_MONGODB_URI: mongo?.uri ?? '', FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT,
    killSignal: 'SIGKILL',
  })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  child.stderr.on('data', chunk => {
    output += chunk
  })
  const [code, signal] = await once(child, 'close')
  if (signal !== null) output += `\nended by ${signal}, after ${LIMIT / 60_000} minutes at most\n`
  const total = count(output, 'Total')
  const passed = count(output, 'Passed')
  // A file that ends without a total has crashed, or forgot to run its suites. What was skipped is not
  // in the total.
  const ran = total + count(output, 'Skipped') > 0
  const failed = ran ? Math.max(total - passed, code === 0 ? 0 : 1) : 1
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${file} (${passed} passed, ${seconds} s)`)
  if (failed > 0) console.log(output)
  return { passed, failed }
}

function count(output: string, label: string): number {
  return Number(new RegExp(`^ {2}${label}: +(\\d+)$`, 'm').exec(output)?.[1] ?? 0)
}
