/**
 * The modules of a folder, and what they import, as TypeScript's own parser reads them.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

/** One import, re-export, `import()` or `import('…')` type. */
export interface Import {
  /** A file, from the root of the repository, or the name of a package. */
  readonly target: string
  /** Whether nothing of it is left when the program runs. */
  readonly typeOnly: boolean
}

/** One source file. */
export interface Module {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
  readonly source: ts.SourceFile
  readonly imports: readonly Import[]
}

const root = join(import.meta.dirname, '../..')

/** Reads all TypeScript files below `folder`, which is named from the root of the repository. */
export function readModules(folder: string): Module[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.m?ts$/.test(name) && !name.startsWith('.'))
    .map(name => join(folder, name))
    .sort()
    .map(path => parseModule(path, readFileSync(join(root, path), 'utf8')))
}

/** Reads one file. */
export function parseModule(path: string, text: string): Module {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const imports = findAll(source, node => importOf(path, node))
  return { path, text, source, imports }
}

/** What `find` gives for the nodes of a tree, where it gives something. */
export function findAll<T>(root: ts.Node, find: (node: ts.Node) => T | undefined): T[] {
  const found: T[] = []
  const visit = (node: ts.Node): void => {
    const result = find(node)
    if (result !== undefined) found.push(result)
    ts.forEachChild(node, visit)
  }
  visit(root)
  return found
}

function importOf(path: string, node: ts.Node): Import | undefined {
  const specifier = specifierOf(node)
  if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return undefined
  const { text } = specifier
  const file = normalize(join(dirname(path), text)).replace(/\.js$/, '.ts')
  return { target: text.startsWith('.') ? file : packageOf(text), typeOnly: isTypeOnly(node) }
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isImportTypeNode(node)) {
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return node.arguments[0]
  }
  return undefined
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node)) {
    return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
  }
  return ts.isImportTypeNode(node) || (ts.isExportDeclaration(node) && node.isTypeOnly)
}

/** The package of `pino/file` is `pino`, that of `@types/node/fs` is `@types/node`. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
