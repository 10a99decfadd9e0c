import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const pack = suite('the package')
let project = ''

const entries = ['dotset', 'dotset/mongodb', 'dotset/express']

pack.before(async () => {
  project = await mkdtemp(join(tmpdir(), 'dotset-pack-'))
  // Built beside the working tree, so that nobody who works on it is disturbed.
  const source = join(project, 'source')
  await mkdir(source)
  for (const name of ['lib', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md']) {
    await cp(join(root, name), join(source, name), { recursive: true })
  }
  for (const name of ['LICENSE', 'CHANGELOG.md']) await cp(join(root, name), join(source, name))
  await symlink(join(root, 'node_modules'), join(source, 'node_modules'))
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], {
    cwd: source,
  })
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }]
  await run('tar', ['-xzf', join(project, filename), '-C', project])
  await rm(source, { recursive: true })
  const modules = join(project, 'node_modules')
  await mkdir(modules)
  await symlink(join(project, 'package'), join(modules, 'dotset'))
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  }
})

pack.after(() => rm(project, { recursive: true, force: true }))

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
  const manifest = JSON.parse(await readFile(join(project, 'package/package.json'), 'utf8'))
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
      const { stdout } = await run(process.execPath, [name], { cwd: project, env: quiet })
      assert.ok(Number(stdout) > 0, stdout)
    }
  })
}

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
    try {
      await run(process.execPath, [tsc, '-p', folder])
    } catch (error) {
      assert.fail((error as { stdout: string }).stdout)
    }
  })
}

const APP = `
import { createSessions, memoryStore } from 'dotset'
import { session } from 'dotset/express'
import { mongoStore, toUpdate } from 'dotset/mongodb'
import { z } from 'zod'

const sessions = createSessions({ store: memoryStore(), schema: z.object({ n: z.number().default(0) }) })
const web = session(sessions)
const n: number = web.of({} as never).data.n
// @ts-expect-error a number is no string
web.of({} as never).data.n = 'one'
console.log(n, toUpdate([]), mongoStore)
`

pack.run()
