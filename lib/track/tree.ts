/**
 * Client state from its root.
 *
 * @module
 */

import type { Key } from '../path.js'
import type { Differencing } from '../state/differencing.js'
import { restore } from '../state/journal.js'
import { keepLeaves } from '../state/leaves.js'
import type { Journal, Tree } from '../state/node.js'
import { Node } from '../state/node.js'
import type { Shape } from '../state/shape.js'
import type { Container, PlainObject } from '../state/value.js'
import { containerKind } from '../state/value.js'
import { refreshCollection } from './collections.js'
import { createHandle } from './handles.js'
import { createReadingHandle } from './reading.js'

/** What client state is created from beside its benchmark. */
export interface TreeOptions {
  /** How candidates are compared with the benchmark. */
  readonly differencing: (tree: Tree) => Differencing
  /** What the schema says about the root. */
  readonly shape?: Shape | undefined
  /** What is stored for the root, if a schema decodes it. */
  readonly stored?: PlainObject
  /** Whether the benchmark's root container is this session's alone. */
  readonly owned?: boolean
  /** Whether all that is in it is this session's alone, too. */
  readonly decoded?: boolean
  /** Whether read accesses are recorded, too. */
  readonly reads?: boolean
  /** Decodes a benchmark value that is `PENDING`. */
  readonly resolve?: (node: Node, key: Key) => unknown
}

/** Creates client state over `benchmark`, which is never changed. */
export function createTree(benchmark: Container, options: TreeOptions): Node {
  const tree: Omit<Tree, 'root' | 'differencing'> & Partial<Tree> = {
    adopted: undefined,
    journals: [],
    detached: undefined,
    writtenDetached: [],
    generation: 1,
    decoded: options.decoded === true ? 1 : 0,
    tied: options.shape === undefined,
    reads: options.reads === true ? new Map() : undefined,
    createHandle: options.reads === true ? createReadingHandle : createHandle,
    refresh: refreshCollection,
    resolve: options.resolve ?? (() => undefined),
  }
  const root = new Node(tree as Tree, containerKind(benchmark) ?? 'object', benchmark)
  root.shape = options.shape
  root.stored = options.stored ?? benchmark
  root.generation = options.owned === true ? 1 : 0
  root.handle = tree.createHandle(root)
  tree.root = root
  tree.differencing = options.differencing(tree as Tree)
  return root
}

/**
 * Runs `recipe` so that it changes everything or nothing.
 *
 * @throws What `recipe` throws; and a TypeError if it returns a promise, for then nobody can tell
 *   when it ends.
 */
export function changeAll(root: Node, data: object, recipe: (data: unknown) => unknown): void {
  const journal: Journal = new Map()
  const { tree } = root
  const restoreLeaves = keepLeaves(root)
  tree.journals = [...tree.journals, journal]
  try {
    const result = recipe(data)
    if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
      // Nobody waits for it, and it must not end the process if it fails.
      Promise.resolve(result).catch(() => undefined)
      throw new TypeError(
        'Cannot change the session: the recipe must not be async, await before it',
      )
    }
  } catch (error) {
    restore(journal)
    restoreLeaves()
    throw error
  } finally {
    tree.journals = tree.journals.filter(open => open !== journal)
  }
}
