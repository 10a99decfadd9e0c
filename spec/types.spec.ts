/**
 * Has the compiler check the rules in `spec/types`: each exported function is one, named by its comment,
 * and holds if no line of it is an error but those that say `@ts-expect-error`.
 */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { suite } from 'uvu'

/** What the compiler says about one rule, or about what belongs to none. */
interface Rule {
  readonly name: string
  readonly errors: readonly string[]
}

const root = join(import.meta.dirname, '..')
const folder = join(import.meta.dirname, 'types')
const names = (await readdir(folder)).filter(name => name.endsWith('.ts'))

/** A file that is not there: the compiler has to find what is wrong in it. */
const WRONG = join(folder, 'wrong.ts')
const WRONG_TEXT = `
import { createSessions, memoryStore } from 'dotset'
import { claim, type Same } from './exactly.js'
const { data } = createSessions<{ views: number }>({ store: memoryStore() }).create()
/** A claim that is wrong. */
export function wrongClaim(): void {
  claim<Same<typeof data.views, string>>()
}
/** A claim about any. */
export function claimAboutAny(): void {
  claim<Same<typeof data.views, ReturnType<typeof JSON.parse>>>()
}
/** An error that is expected and does not come. */
export function noError(): void {
  // @ts-expect-error a number is no string
  data.views = 1
}
`

const program = createProgram([...names.map(name => join(folder, name)), WRONG])

const types = suite('types')

for (const name of names) {
  for (const rule of rulesOf(join(folder, name))) {
    types(`${name}: ${rule.name}`, () => assert.deepEqual(rule.errors, []))
  }
}

types('what is wrong is found', () => {
  const rules = rulesOf(WRONG)
  const found = rules.filter(({ errors }) => errors.length === 1)
  assert.deepEqual(
    found.map(({ name }) => name),
    [
      'A claim that is wrong.',
      'A claim about any.',
      'An error that is expected and does not come.',
    ],
  )
})

types.run()

function createProgram(files: string[]): ts.Program {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  host.fileExists = path => path === WRONG || fileExists(path)
  host.readFile = path => (path === WRONG ? WRONG_TEXT : readFile(path))
  return ts.createProgram(files, options, host)
}

function rulesOf(path: string): Rule[] {
  const source = program.getSourceFile(path)
  assert.ok(source !== undefined, path)
  const diagnostics = [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ]
  const errors = diagnostics.map(({ start = 0, messageText }) => ({
    start,
    text: `line ${source.getLineAndCharacterOfPosition(start).line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
  }))
  const functions = source.statements.filter(ts.isFunctionDeclaration).filter(each => each.body)
  const within = (node: ts.Node) =>
    errors.filter(({ start }) => start >= node.getFullStart() && start < node.end)
  const rules = functions.map(each => ({
    name: ts.getJSDocCommentsAndTags(each).map(textOf).join(' '),
    errors: within(each).map(({ text }) => text),
  }))
  const rest = errors.filter(error => !functions.some(each => within(each).includes(error)))
  return [...rules, { name: 'The rest compiles.', errors: rest.map(({ text }) => text) }]
}

function textOf(comment: ts.Node): string {
  return ts.isJSDoc(comment) ? (ts.getTextOfJSDocComment(comment.comment) ?? '') : ''
}
