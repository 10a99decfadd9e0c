/**
 * What the documentation says is shown by a spec: there is such a spec.
 */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'

const root = join(import.meta.dirname, '..')
const read = (file: string): Promise<string> => readFile(join(root, 'docs', file), 'utf8')

const promises = suite('what the documentation says is shown')

/** The specs that a text names, by their paths below `spec/`. */
const namesIn = (text: string): string[] =>
  Array.from(text.matchAll(/`([a-z-]+(?:\/[a-z-]+)*)`/g), ([, name = '']) => name)

const isThere = (name: string): boolean =>
  [`${name}.spec.ts`, `${name}.ts`].some(file => existsSync(join(root, 'spec', file)))

promises('each fault has a number, and a spec that is there or a reason', async () => {
  const text = await read('reliability.md')
  const rows = Array.from(text.matchAll(/^\| (\d+) +\|(.*)\|$/gm), ([, number, cells = '']) => ({
    number: Number(number),
    shown: cells.split('|').at(-1)?.trim() ?? '',
  }))
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: 54 }, (_, index) => index + 1),
  )
  for (const { number, shown } of rows) {
    const names = namesIn(shown)
    if (/^(not tested: .{20}|the same[,:;])/.test(shown)) continue
    assert.notEqual(names.length, 0, `${number}: ${shown}`)
    assert.deepEqual(
      names.filter(name => !isThere(name)),
      [],
      `${number}: ${shown}`,
    )
  }
})

promises('each anomaly has a spec that is there', async () => {
  const text = await read('concurrency.md')
  const rows = Array.from(text.matchAll(/^\| .*\| (`spec\/.*) \|$/gm), ([, shown = '']) => shown)
  assert.equal(rows.length >= 7, true, `${rows.length} anomalies`)
  for (const shown of rows) {
    const files = Array.from(shown.matchAll(/`(spec\/[^`]+)`/g), ([, file = '']) => file)
    assert.deepEqual(
      files.filter(file => !existsSync(join(root, file))),
      [],
    )
  }
})

promises.run()
