/**
 * Starts the example of each framework, and puts things into its cart.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite } from 'uvu'
import { Browser } from './adapters/browser.js'

const root = join(import.meta.dirname, '..')
const examples = suite('the examples')

for (const name of ['express', 'fastify', 'koa', 'hono', 'fetch']) {
  const file = join(root, 'examples', name, 'main.ts')

  examples(`${name} keeps a cart`, async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let errors = ''
    child.stderr.on('data', chunk => {
      errors += chunk
    })
    try {
      const lines = createInterface(child.stdout)
      const [url] = await Promise.race([once(lines, 'line'), once(child, 'exit')])
      assert.match(String(url), /^http:\/\/localhost:\d+$/, errors)
      const browser = new Browser(url)
      const cart = async (): Promise<string> => (await browser.get('/')).body
      assert.equal(await cart(), 'in the cart: nothing')
      for (const item of ['tea', 'cup']) {
        const { status, headers } = await browser.get(`/add/${item}`)
        assert.equal(status, 303, errors)
        assert.equal(new URL(headers.get('location') ?? '', url).pathname, '/')
      }
      assert.equal(await cart(), 'in the cart: tea, cup')
      await browser.get('/logout')
      assert.equal(await cart(), 'in the cart: nothing')
    } finally {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  })

  examples(`${name} is short`, async () => {
    const { length } = (await readFile(file, 'utf8')).trimEnd().split('\n')
    assert.ok(length <= 40, `${length} lines`)
  })
}

examples.run()
