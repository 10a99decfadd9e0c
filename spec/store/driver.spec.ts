/**
 * What is told of a server that keeps less than dotset promises.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite } from 'uvu'
import { warnIfStandalone } from '../../lib/store/driver.js'

const test = suite('a server that is alone')

test('is warned of once, and neither a replica set nor a router is', async () => {
  const warnings: string[] = []
  process.on('warning', warning => warnings.push((warning as NodeJS.ErrnoException).code ?? ''))
  warnIfStandalone({ setName: 'rs' })
  warnIfStandalone({ msg: 'isdbgrid' })
  const warned = once(process, 'warning')
  warnIfStandalone({})
  warnIfStandalone({})
  await warned
  assert.deepEqual(warnings, ['DOTSET_STANDALONE'])
})

test.run()
