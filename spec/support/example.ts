/**
 * An example, run as a reader runs it: in a process of its own.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Where the examples are. */
export const examplesFolder: string = join(import.meta.dirname, '../../examples')

/** An example that serves. */
export interface RunningExample {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts an example that tells its address in the first line that it prints.
 *
 * @param file Its path below the folder of examples.
 */
export async function startExample(
  file: string,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
): Promise<RunningExample> {
  const command = ['--import', 'tsx', join(examplesFolder, file), ...args]
  const child = spawn(process.execPath, command, {
    env: { ...process.env, PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  const stop = async (): Promise<void> => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  const lines = createInterface(child.stdout)
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit')])
  const [url] = /http:\/\/localhost:\d+/.exec(String(line)) ?? []
  if (url !== undefined) return { url, stop }
  await stop()
  return assert.fail(`${file} does not serve: ${errors}`)
}
