/**
 * The package as npm makes it: installed beside the packages of this repository, and used from there.
 */

import assert from 'node:assert/strict'
import type { ExecFileOptionsWithStringEncoding } from 'node:child_process'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'

type ExecOptions = Pick<ExecFileOptionsWithStringEncoding, 'cwd' | 'env'>

const execute = promisify(execFile)
const root = join(import.meta.dirname, '..')
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const project = await mkdtemp(join(tmpdir(), 'dotset-pack-'))
const pack = suite('the package')
pack.after(() => rm(project, { recursive: true, force: true }))

const entries = Object.keys(manifest.exports)
  .filter(entry => entry !== './package.json')
  .map(entry => join(manifest.name, entry))

/** Runs a program to its end. If it fails, what it printed is the error. */
async function run(file: string, args: string[], options: ExecOptions = {}): Promise<string> {
  try {
    return (await execute(file, args, options)).stdout
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout?: string; stderr?: string }
    return assert.fail(`${message}\n${stdout ?? ''}\n${stderr ?? ''}`)
  }
}

// All other tests need it, but a hook that fails would not be told.
pack('can be built, packed and unpacked', async () => {
  // Built beside the working tree, so that nobody who works on it is disturbed.
  const source = join(project, 'source')
  await mkdir(source)
  for (const name of ['lib', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md']) {
    await cp(join(root, name), join(source, name), { recursive: true })
  }
  for (const name of ['LICENSE', 'CHANGELOG.md']) await cp(join(root, name), join(source, name))
  await symlink(join(root, 'node_modules'), join(source, 'node_modules'))
  await run('npm', ['pack', '--pack-destination', project], { cwd: source })
  const [packed] = (await readdir(project)).filter(name => name.endsWith('.tgz'))
  await run('tar', ['-xzf', join(project, String(packed)), '-C', project])
  await rm(source, { recursive: true })
  const modules = join(project, 'node_modules')
  await mkdir(modules)
  await symlink(join(project, 'package'), join(modules, 'dotset'))
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  }
})

pack('holds what it needs, and nothing else', async () => {
  const files = await readdir(join(project, 'package'), { recursive: true, withFileTypes: true })
  const names = files
    .filter(file => file.isFile())
    .map(file => join(file.parentPath, file.name).slice(join(project, 'package').length + 1))
  const others = names.filter(name => !/^dist\/.*\.(js|d\.ts)$/.test(name)).sort()
  assert.deepEqual(others, ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  for (const name of names.filter(each => each.endsWith('.js'))) {
    assert.ok(names.includes(name.replace(/\.js$/, '.d.ts')), name)
  }
})

pack('depends on nothing that it does not say', async () => {
  const said = new Set([
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.peerDependencies),
  ])
  const dist = join(project, 'package/dist')
  for (const file of await readdir(dist, { recursive: true })) {
    if (!file.endsWith('.js')) continue
    const source = await readFile(join(dist, file), 'utf8')
    for (const [, name] of source.matchAll(/(?:from|import) '([^'.][^']*)'/g)) {
      if (name?.startsWith('node:')) continue
      assert.ok(said.has(name as string), `${file} imports ${name}`)
    }
  }
})

for (const entry of entries) {
  pack(`${entry} loads by import and by require`, async () => {
    const esm = `import * as all from '${entry}'; console.log(Object.keys(all).length)`
    const cjs = `console.log(Object.keys(require('${entry}')).length)`
    const quiet = { ...process.env, NODE_NO_WARNINGS: '1', NODE_OPTIONS: '' }
    for (const [name, code] of [
      ['a.mjs', esm],
      ['a.cjs', cjs],
    ] as const) {
      await writeFile(join(project, name), code)
      const printed = await run(process.execPath, [name], { cwd: project, env: quiet })
      assert.ok(Number(printed) > 0, printed)
    }
  })
}

pack('its command runs', async () => {
  const command = join(project, 'package', manifest.bin.dotset)
  assert.match(await readFile(command, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  assert.match(await run(process.execPath, [command, '--help']), /^Usage: dotset migrate/)
})

for (const [name, module, moduleResolution, type] of [
  ['nodenext, ESM', 'nodenext', 'nodenext', 'module'],
  ['nodenext, CommonJS', 'nodenext', 'nodenext', 'commonjs'],
  ['a bundler', 'esnext', 'bundler', 'module'],
] as const) {
  pack(`its types work under ${name}`, async () => {
    const folder = await mkdtemp(join(project, 'types-'))
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type }))
    await writeFile(join(folder, 'app.ts'), APP)
    const options = { module, moduleResolution, target: 'es2022', strict: true, noEmit: true }
    const compilerOptions = { ...options, types: ['node'], skipLibCheck: false }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    const tsc = join(
      dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))),
      'bin/tsc',
    )
    await run(process.execPath, [tsc, '-p', folder])
  })
}

const APP = `
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/express'
import { DotsetStore } from 'dotset/express-session'
import * as fastify from 'dotset/fastify'
import * as fetch from 'dotset/fetch'
import * as hono from 'dotset/hono'
import * as koa from 'dotset/koa'
import { mongoStore, toUpdate } from 'dotset/mongodb'
import { z } from 'zod'

const sessions = createSessions({ store: memoryStore(), schema: z.object({ n: z.number().default(0) }) })
const web = session(sessions)
const n: number = web.of({} as never).data.n
// @ts-expect-error a number is no string
web.of({} as never).data.n = 'one'
const all: number[] = [
  fastify.session(sessions).of({} as never).data.n,
  koa.session(sessions).of({} as never).data.n,
  hono.session(sessions).of({} as never).data.n,
  fetch.session(sessions).of({} as never).data.n,
]
const store = new DotsetStore({ store: memoryStore(), schema: z.object({ n: z.number().optional() }) })
console.log(n, all, toUpdate([]), mongoStore, store)
`

pack.run()
