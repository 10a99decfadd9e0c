/**
 * The architecture as docs/architecture.md tells it: who may import whom, and what every file keeps to.
 */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { suite } from 'uvu'
import type { Module } from './support/modules.js'
import { findAll, parseModule, readModules } from './support/modules.js'

const root = join(import.meta.dirname, '..')
const library = readModules('lib')
const files = new Map(library.map(module => [module.path, module]))
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

/** The words that all of the library speaks. */
const WORDS = ['lib/path.ts', 'lib/errors.ts', 'lib/modification.ts', 'lib/document.ts']
/** What reads BSON. */
const BSON = ['lib/bson.ts', 'lib/bson-text.ts']
/** What the sessions of an application share. */
const SHARED = ['lib/options.ts', 'lib/clock.ts', 'lib/diagnostics.ts']
const STEPS = ['lib/open', 'lib/track', 'lib/difference', 'lib/synchronize']
const PUBLIC = importsOf('lib/index.ts')

/** What a folder or file may import beside itself, and of what it may import types. */
const ARROWS: readonly [from: string, to: readonly string[], types?: readonly string[]][] = [
  ...WORDS.map(word => [word, WORDS] as [string, string[]]),
  ['lib/state', WORDS],
  ['lib/bson-text.ts', []],
  ['lib/bson.ts', [...WORDS, ...BSON, 'lib/state']],
  ['lib/open', [...WORDS, ...BSON, 'lib/state']],
  ['lib/track', [...WORDS, 'lib/state']],
  ['lib/difference', [...WORDS, ...BSON, 'lib/state']],
  ['lib/synchronize', [...WORDS, 'lib/state'], ['lib/store/store.ts']],
  ['lib/store', [...WORDS, ...BSON, 'lib/state']],
  ['lib/session', [...WORDS, ...SHARED, ...STEPS, 'lib/state'], ['lib/store/store.ts']],
  ['lib/adapters', [...WORDS, ...PUBLIC, 'lib/open/identity.ts'], ['lib']],
  ['lib/migrate', [...WORDS, 'lib/open', 'lib/store']],
  ['lib/mongodb.ts', ['lib/store']],
]

/** Where a package may be imported, and where its types may. All others: only in adapters. */
const PACKAGES: Readonly<Record<string, readonly [to: string[], types: string[]]>> = {
  bson: [['lib'], []],
  immer: [[], ['lib']],
  mongodb: [['lib/store', 'lib/migrate'], []],
  zod: [['lib/open'], ['lib/options.ts', 'lib/create-sessions.ts', 'lib/adapters']],
}

/** A comment at the top of a file that says what it is for. */
const BLOCK = /^(?:#!.*\n)?\/\*\*\n \* \S.*\n(?: \*.*\n)* \* @module\n \*\/\n/

const arrows = suite('the architecture: who may import whom')

for (const [from, to, types = []] of ARROWS) {
  arrows(`${from} imports nothing but what lies below it`, () => {
    const modules = library.filter(({ path }) => isIn(path, [from]))
    assert.notEqual(modules.length, 0)
    assert.deepEqual(
      strayImports(modules, ({ target, typeOnly }) => {
        return isFile(target) && !isIn(target, [from, ...to, ...(typeOnly ? types : [])])
      }),
      [],
    )
  })
}

arrows('nothing but an entry point imports an adapter or an entry point', () => {
  const entries = ['lib/index.ts', 'lib/mongodb.ts']
  const others = library.filter(({ path }) => !isIn(path, [...entries, 'lib/adapters']))
  assert.deepEqual(
    strayImports(others, ({ target }) => isIn(target, [...entries, 'lib/adapters'])),
    [],
  )
})

arrows('zod, mongodb and the frameworks stay at the edges', () => {
  const stray = library.flatMap(module => {
    return strayImports([module], ({ target, typeOnly }) => {
      if (isFile(target) || target.startsWith('node:')) return false
      const [to, types] = PACKAGES[target] ?? [['lib/adapters'], []]
      return !isIn(module.path, typeOnly ? [...to, ...types] : to)
    })
  })
  assert.deepEqual(stray, [])
})

for (const [entry, { default: built }] of Object.entries<{ default?: string }>(manifest.exports)) {
  if (built === undefined) continue
  const subpath = entry.slice(2)
  arrows(`${join(manifest.name, subpath)} loads no optional package but its own`, () => {
    const optional = Object.keys(manifest.peerDependenciesMeta)
    const path = built.replace('./dist/', 'lib/').replace(/\.js$/, '.ts')
    assert.ok(files.has(path), path)
    const others = optional.filter(name => name !== subpath && reach(path).has(name))
    assert.deepEqual(others, [])
  })
}

for (const [kind, withTypes] of [
  ['at run time', false],
  ['in types', true],
] as const) {
  arrows(`there is no import cycle ${kind}`, () => {
    const cycles = library.filter(({ path }) => reach(path, withTypes).has(path))
    assert.deepEqual(
      cycles.map(({ path }) => path),
      [],
    )
  })
}

arrows('an entry point only re-exports', () => {
  for (const path of ['lib/index.ts', 'lib/mongodb.ts']) {
    const { statements } = (files.get(path) as Module).source
    assert.ok(statements.length > 0 && statements.every(ts.isExportDeclaration), path)
  }
})

arrows.run()

const style = suite('the architecture: every file of the library')

style('begins with what it is for', () => {
  assert.deepEqual(
    pathsWhere(library, ({ text }) => !BLOCK.test(text)),
    [],
  )
})

style('is shorter than 300 lines', () => {
  assert.deepEqual(
    pathsWhere(library, ({ text }) => text.split('\n').length > 300),
    [],
  )
})

style('says what it means instead of any', () => {
  assert.deepEqual(
    library.flatMap(({ path, source }) => {
      return findAll(source, node => (node.kind === ts.SyntaxKind.AnyKeyword ? path : undefined))
    }),
    [],
  )
})

style('stands in docs/architecture.md, and no other does', async () => {
  const text = await readFile(join(root, 'docs/architecture.md'), 'utf8')
  const [, layout = ''] = /```text\n(lib\/\n.*?)```/s.exec(text) ?? []
  const listed = listedFiles(layout)
  const missing = [...files.keys()].filter(path => !listed.includes(path))
  const gone = listed.filter(path => !files.has(path))
  assert.deepEqual({ missing, gone }, { missing: [], gone: [] })
})

style.run()

const specs = suite('the specs')

specs('run every suite that they define', () => {
  assert.deepEqual(readModules('spec').flatMap(forgottenSuites), [])
})

specs('are found out if they forget one', () => {
  const kept = "const one = suite('one')\none('rule', () => {})\none.run()\n"
  const forgotten = "const two = suite('two')\ntwo('rule', () => {})\n"
  assert.deepEqual(forgottenSuites(parseModule('a.spec.ts', kept)), [])
  assert.deepEqual(forgottenSuites(parseModule('a.spec.ts', kept + forgotten)), ['a.spec.ts: two'])
  assert.deepEqual(forgottenSuites(parseModule('b.spec.ts', "suite('three')")), ['b.spec.ts: ?'])
})

specs.run()

/** Whether `path` is one of `places`, or in one of those that are folders. */
function isIn(path: string, places: readonly string[]): boolean {
  return places.some(place => path === place || path.startsWith(`${place}/`))
}

function isFile(target: string): boolean {
  return target.startsWith('lib/')
}

function importsOf(path: string): string[] {
  return (files.get(path)?.imports ?? []).map(({ target }) => target)
}

function strayImports(
  modules: readonly Module[],
  isStray: (imported: Module['imports'][number]) => boolean,
): string[] {
  return modules.flatMap(({ path, imports }) => {
    return imports.filter(isStray).map(({ target }) => `${path} imports ${target}`)
  })
}

/** All files and packages that `path` imports, and those that these import, and so on. */
function reach(path: string, withTypes = false): Set<string> {
  const reached = new Set<string>()
  const pending = [path]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const { target, typeOnly } of files.get(next)?.imports ?? []) {
      if ((typeOnly && !withTypes) || reached.has(target)) continue
      reached.add(target)
      pending.push(target)
    }
  }
  return reached
}

function pathsWhere(modules: readonly Module[], holds: (module: Module) => boolean): string[] {
  return modules.filter(holds).map(({ path }) => path)
}

/** The paths of a tree of files that is printed by indentation, a file or a folder a line. */
function listedFiles(layout: string): string[] {
  const folders: string[] = []
  const listed: string[] = []
  for (const [, indent = '', name = ''] of layout.matchAll(/^( *)([\w.-]+\/?)/gm)) {
    folders.length = indent.length / 2
    if (name.endsWith('/')) folders.push(name.slice(0, -1))
    else listed.push([...folders, name].join('/'))
  }
  return listed
}

/** The suites of a spec that are never run, and so pass silently. */
function forgottenSuites({ path, source }: Module): string[] {
  const defined = findAll(source, node => {
    if (!ts.isCallExpression(node) || node.expression.getText() !== 'suite') return undefined
    return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : '?'
  })
  const run = findAll(source, node => {
    return ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)
      ? /^(\w+)\.run$/.exec(node.expression.getText())?.[1]
      : undefined
  })
  return defined.filter(name => !run.includes(name)).map(name => `${path}: ${name}`)
}
