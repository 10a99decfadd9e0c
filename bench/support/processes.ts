/**
 * Measuring in a fresh process: nothing that ran before has compiled the code or filled the heap.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Runs a module in a process of its own, and gives what it sends. */
export async function runInFreshProcess(file: string, parameters: string[]): Promise<unknown> {
  const child = fork(file, parameters)
  let answer: { message: unknown } | undefined
  child.once('message', message => {
    answer = { message }
  })
  const [code] = await once(child, 'exit')
  if (code !== 0 || answer === undefined) {
    throw new Error(`the process for ${parameters.join(' ')} failed`)
  }
  return answer.message
}
