/**
 * What application servers did and what they were told, and whether what is stored agrees with it.
 */

import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Outcome } from './trial.js'

/** One line of a history: something was asked for, or an answer came. */
interface Entry {
  readonly tag: string
  /** Milliseconds of a clock that all processes of a machine share. */
  readonly at: number
  /** Only where something was asked for. */
  readonly session?: string
  readonly counted?: boolean
  readonly destroys?: boolean
  /** Only where an answer came. */
  readonly outcome?: Outcome
}

/** Something that was asked for, and its answer, if there was one. */
export interface Operation {
  readonly tag: string
  readonly session: string
  /** Whether it read the counter and raised it. */
  readonly counted: boolean
  /** Whether it was to end the session. */
  readonly destroys: boolean
  readonly invoked: number
  ended: number
  outcome: Outcome
}

/** What was asked for by one application server. It is on disk before it is asked for. */
export class History {
  readonly operations: Operation[] = []
  readonly #byTag = new Map<string, Operation>()
  readonly #file: number | undefined

  /** @param path A file to append to; none if the writer is not going to be killed. */
  constructor(path?: string) {
    this.#file = path === undefined ? undefined : openSync(path, 'a')
  }

  /** Reads the histories of servers that are gone. */
  static read(paths: readonly string[]): History {
    const history = new History()
    for (const path of paths) {
      // A line that was being written when its writer was killed told nobody anything.
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
      for (const line of lines) history.#note(JSON.parse(line) as Entry)
    }
    return history
  }

  /** Notes that something is about to be asked for. */
  invoke(tag: string, session: string, { counted = false, destroys = false } = {}): void {
    this.#write({ tag, at: now(), session, counted, destroys })
  }

  /** Notes the answer. */
  end(tag: string, outcome: Outcome): void {
    this.#write({ tag, at: now(), outcome })
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
  }

  #write(entry: Entry): void {
    if (this.#file !== undefined) {
      writeSync(this.#file, `${JSON.stringify(entry)}\n`)
      fsyncSync(this.#file)
    }
    this.#note(entry)
  }

  #note({ tag, at, session, counted = false, destroys = false, outcome }: Entry): void {
    if (outcome !== undefined) {
      Object.assign(this.#byTag.get(tag) as Operation, { outcome, ended: at })
      return
    }
    const fate = { ended: Number.POSITIVE_INFINITY, outcome: 'unknown' } as const
    const operation = { tag, session: String(session), counted, destroys, invoked: at, ...fate }
    this.#byTag.set(tag, operation)
    this.operations.push(operation)
  }
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** What every session of a run under faults holds. */
export interface Ledger {
  /** The tags of all commits, in order. */
  log: string[]
  /** The tag of the last commit, twice. */
  left: string
  right: string
  /** How many commits raised it, each from what it read. */
  count: number
  /** Elements that move. Each names itself in what is written into it. */
  items: { id: number; by: string }[]
}

/** An empty ledger. */
export const emptyLedger = (): Ledger => ({
  log: [],
  left: '',
  right: '',
  count: 0,
  items: [0, 1, 2, 3].map(id => ({ id, by: `${id}:` })),
})

/** What one commit does to a ledger: at several places, which belong together. */
export function enter(data: Ledger, tag: string, { counted = false } = {}): void {
  data.log.push(tag)
  data.left = tag
  data.right = tag
  if (counted) data.count++
  const place = tag.charCodeAt(tag.length - 1) % data.items.length
  const item = data.items[place]
  if (item !== undefined) item.by = `${item.id}:${tag}`
}

/** What moves the elements of a ledger. It is a commit like any other. */
export function shuffle(data: Ledger, tag: string): void {
  enter(data, tag)
  const [first] = data.items.splice(0, 1)
  if (first !== undefined) data.items.push({ ...first })
}

/** A promise that was not kept, and where. */
export interface Violation {
  readonly what:
    | 'lost'
    | 'applied twice'
    | 'refused and applied'
    | 'never asked for'
    | 'torn'
    | 'lost update'
    | 'wrong element'
    | 'out of order'
    | 'resurrected'
  readonly session: string
  readonly tag: string
}

/**
 * Compares a history with what is stored in the end.
 *
 * @param stored What the session holds; undefined if it is not there.
 */
export function check(
  operations: readonly Operation[],
  stored: (session: string) => Ledger | undefined,
): Violation[] {
  const sessions = new Map<string, Operation[]>()
  for (const operation of operations) {
    const own = sessions.get(operation.session) ?? []
    own.push(operation)
    sessions.set(operation.session, own)
  }
  return [...sessions].flatMap(([session, own]) => {
    const ledger = stored(session)
    const destroyed = own.some(({ destroys, outcome }) => destroys && outcome === 'ok')
    if (destroyed) return ledger === undefined ? [] : [{ what: 'resurrected', session, tag: '' }]
    if (own.some(({ destroys }) => destroys) && ledger === undefined) return []
    return checkSession(session, own, ledger ?? { ...emptyLedger(), items: [] })
  })
}

function checkSession(
  session: string,
  operations: readonly Operation[],
  { log, left, right, count, items }: Ledger,
): Violation[] {
  const violations: Violation[] = []
  const add = (what: Violation['what'], tag = ''): void =>
    void violations.push({ what, session, tag })
  const places = new Map<string, number>()
  const times = new Map<string, number>()
  log.forEach((tag, place) => {
    places.set(tag, place)
    times.set(tag, (times.get(tag) ?? 0) + 1)
  })
  const commits = operations.filter(({ destroys }) => !destroys)
  for (const { tag, outcome } of commits) {
    const applied = times.get(tag) ?? 0
    if (outcome === 'ok' && applied === 0) add('lost', tag)
    if (outcome === 'fail' && applied > 0) add('refused and applied', tag)
    if (applied > 1) add('applied twice', tag)
    times.delete(tag)
  }
  for (const tag of times.keys()) add('never asked for', tag)

  const last = log.at(-1) ?? ''
  if (left !== last || right !== last) add('torn', last)
  const raised = commits.filter(({ counted, tag }) => counted && places.has(tag)).length
  if (count !== raised) add('lost update', `${count} of ${raised}`)
  for (const { id, by } of items) if (!by.startsWith(`${id}:`)) add('wrong element', by)

  // What was asked for after something else was acknowledged comes after it.
  const placed = commits.filter(({ tag }) => places.has(tag))
  const byEnd = placed.filter(({ outcome }) => outcome === 'ok').sort((a, b) => a.ended - b.ended)
  let [next, latest] = [0, -1]
  for (const { tag, invoked } of [...placed].sort((a, b) => a.invoked - b.invoked)) {
    for (; (byEnd[next]?.ended ?? invoked) < invoked; next++) {
      latest = Math.max(latest, places.get((byEnd[next] as Operation).tag) as number)
    }
    if ((places.get(tag) as number) < latest) add('out of order', tag)
  }
  return violations
}

/** The figures of a history, for one line of a report. */
export function tally(operations: readonly Operation[]): string {
  const count = (outcome: Outcome): number =>
    operations.filter(each => each.outcome === outcome).length
  return `${operations.length} commits: ${count('ok')} acknowledged, ${count('fail')} refused, ${count('unknown')} unknown`
}
