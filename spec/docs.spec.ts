/**
 * Runs every snippet of the README and the guides.
 *
 * A line that ends in `// => text` must print that text. A comment before the block,
 * `<!-- GET /path => text -->` or `<!-- POST /path field=value&other=value => text -->`, is a request that
 * the snippet must answer so. All requests of a snippet are those of one browser. Where the text has
 * `{name}`, anything may stand, and later requests send it where they have `{name}`.
 */

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { suite } from 'uvu'
import { closeMongo, mongoClient, mongoUri } from './support/stores.js'

interface Snippet {
  readonly name: string
  readonly code: string
  readonly requests: readonly Exchange[]
}

interface Exchange {
  readonly method: string
  readonly path: string
  readonly form: string
  readonly expected: string
}

const root = join(import.meta.dirname, '..')
/** What the snippets connect to. */
const MONGO = 'mongodb://127.0.0.1:27017'
/** Where they keep sessions: `closeMongo` drops it. */
const DATABASE = `dotset_${process.pid}`
const DIRECTIVE = /<!-- (GET|POST) (\S+) ?(\S*) => (.*?) -->/g

const docs = suite('the snippets of the documentation')
const folder = await mkdtemp(join(root, 'spec', '.snippets-'))
docs.after(async () => {
  await rm(folder, { recursive: true, force: true })
  if (mongoUri !== '') mongoClient()
  await closeMongo()
})

/** `docs/api` is generated. */
const guides = (await readdir(join(root, 'docs'), { recursive: true })).filter(
  name => name.endsWith('.md') && !name.startsWith('api'),
)
const snippets: Snippet[] = []
for (const file of ['README.md', ...guides.map(name => `docs/${name}`)]) {
  snippets.push(...findSnippets(file, await readFile(join(root, file), 'utf8')))
}

function findSnippets(file: string, text: string): Snippet[] {
  const blocks = text.matchAll(/((?:<!-- (?:GET|POST) .*? -->\n)*)```ts\n(.*?)```/gs)
  return Array.from(blocks, ([, directives = '', code = '']) => ({
    name: `${file}, line ${text.slice(0, text.indexOf(code)).split('\n').length}`,
    code: code.replaceAll(MONGO, mongoUri).replaceAll(".db('shop')", `.db('${DATABASE}')`),
    requests: Array.from(
      directives.matchAll(DIRECTIVE),
      ([, method = '', path = '', form = '', expected = '']) => ({ method, path, form, expected }),
    ),
  }))
}

docs('there are some, and the README has one that serves', () => {
  assert.ok(snippets.length > 3, `${snippets.length} snippets`)
  const served = snippets.filter(({ requests }) => requests.length > 0).map(({ name }) => name)
  assert.match(served.join(), /README/)
})

docs('all of them compile', async () => {
  const files = await Promise.all(
    snippets.map(async ({ code }, index) => {
      const path = join(folder, `snippet-${index}.ts`)
      await writeFile(path, `${code}\nexport {}\n`)
      return path
    }),
  )
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
  const program = ts.createProgram(files, { ...options, noUnusedLocals: false, rootDir: root })
  const errors = ts.getPreEmitDiagnostics(program).map(({ messageText, file, start }) => {
    const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0
    const index = files.indexOf(file?.fileName ?? '')
    return `${snippets[index]?.name}+${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
  assert.deepEqual(errors, [])
})

for (const [index, { name, code, requests }] of snippets.entries()) {
  if (code.includes('new MongoClient') && mongoUri === '') continue
  docs(`it does what it says: ${name}`, async () => {
    const path = join(folder, `run-${index}.ts`)
    await writeFile(path, code)
    const preload = ['--import', 'tsx', '--import', join(root, 'spec/support/any-port.ts')]
    const child = fork(path, [], { execArgv: preload, silent: true })
    let output = ''
    let errors = ''
    child.stdout?.on('data', chunk => {
      output += chunk
    })
    child.stderr?.on('data', chunk => {
      errors += chunk
    })
    if (requests.length > 0 || code.includes('.listen(')) {
      const message = await Promise.race([once(child, 'message'), once(child, 'exit')])
      const port = (message[0] as { port?: number } | null)?.port
      assert.ok(port, errors)
      let cookie = ''
      const told: Record<string, string> = {}
      for (const { method, path, form, expected } of requests) {
        const url = `http://localhost:${port}${path}`
        const sent = form.replace(/\{(\w+)\}/g, (all, name: string) => told[name] ?? all)
        const body = sent === '' ? null : new URLSearchParams(sent)
        const response = await fetch(url, { method, body, headers: { cookie } })
        cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
        const text = await response.text()
        const [before = '', name = '', after = ''] = expected.split(/\{(\w+)\}/)
        told[name] = name === '' ? '' : text.slice(before.length, text.length - after.length)
        assert.equal(text, before + told[name] + after)
      }
      child.kill()
    }
    if (child.exitCode === null) await once(child, 'exit')
    const expected = Array.from(code.matchAll(/\/\/ => (.*)$/gm), ([, text]) => text)
    const printed = output.split('\n').filter(line => line !== '')
    if (expected.length > 0) assert.deepEqual(printed, expected, errors)
    if (requests.length === 0 && !code.includes('.listen(')) assert.equal(child.exitCode, 0, errors)
  })
}

docs.run()
