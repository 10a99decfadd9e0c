/**
 * Starts the example of each framework, and puts things into its cart.
 */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import { Browser } from './adapters/browser.js'
import { examplesFolder, startExample } from './support/example.js'

const examples = suite('the examples')

for (const name of ['express', 'fastify', 'koa', 'hono', 'fetch']) {
  const file = join(name, 'main.ts')

  examples(`${name} keeps a cart`, async () => {
    const { url, stop } = await startExample(file)
    try {
      const browser = new Browser(url)
      const cart = async (): Promise<string> => (await browser.get('/')).body
      assert.equal(await cart(), 'in the cart: nothing')
      for (const item of ['tea', 'cup']) {
        const { status, headers } = await browser.get(`/add/${item}`)
        assert.equal(status, 303)
        assert.equal(new URL(headers.get('location') ?? '', url).pathname, '/')
      }
      assert.equal(await cart(), 'in the cart: tea, cup')
      await browser.get('/logout')
      assert.equal(await cart(), 'in the cart: nothing')
    } finally {
      await stop()
    }
  })

  examples(`${name} is short`, async () => {
    const { length } = (await readFile(join(examplesFolder, file), 'utf8')).trimEnd().split('\n')
    assert.ok(length <= 40, `${length} lines`)
  })
}

examples.run()
