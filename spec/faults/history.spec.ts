/**
 * The checker of histories: it sees each way in which what is stored can disagree with what was told.
 */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import type { Ledger, Violation } from './history.js'
import { check, emptyLedger, enter, History, shuffle } from './history.js'
import type { Outcome } from './trial.js'

const test = suite('the checker of histories')

/** What the checker finds after two acknowledged commits, and what `change` does besides. */
function found(
  change: (ledger: Ledger, history: History) => unknown,
  ...outcomes: Outcome[]
): Violation['what'][] {
  const history = new History()
  const ledger = emptyLedger()
  for (const tag of ['a', 'b']) commit(history, ledger, tag, outcomes.shift())
  change(ledger, history)
  return check(history.operations, () => ledger).map(({ what }) => what)
}

function commit(history: History, ledger: Ledger, tag: string, outcome: Outcome = 'ok'): void {
  const counted = tag === 'b'
  history.invoke(tag, 's', { counted })
  enter(ledger, tag, { counted })
  history.end(tag, outcome)
}

test('what was acknowledged and is there is right', () => {
  assert.deepEqual(
    found(() => undefined),
    [],
  )
})

test('what moves elements is right', () => {
  const during = (ledger: Ledger, history: History): void => {
    history.invoke('c', 's')
    shuffle(ledger, 'c')
    history.end('c', 'ok')
  }
  assert.deepEqual(found(during), [])
})

test('what was acknowledged and is not there is lost', () => {
  const forget = (ledger: Ledger): void => void ledger.log.shift()
  assert.deepEqual(found(forget), ['lost'])
})

test('what nobody knows of may be there or not', () => {
  const forget = (ledger: Ledger): void => void ledger.log.shift()
  const nothing = (): void => undefined
  assert.deepEqual(found(forget, 'unknown'), [])
  assert.deepEqual(found(nothing, 'unknown'), [])
})

test('what was never answered may be there or not', () => {
  for (const applied of [true, false]) {
    const history = new History()
    const ledger = emptyLedger()
    history.invoke('a', 's')
    if (applied) enter(ledger, 'a')
    assert.deepEqual(
      check(history.operations, () => ledger),
      [],
    )
  }
})

test('what is there twice was applied twice', () => {
  const repeat = (ledger: Ledger): unknown => ledger.log.unshift('a')
  assert.deepEqual(found(repeat), ['applied twice'])
  assert.deepEqual(found(repeat, 'unknown'), ['applied twice'])
})

test('what was refused is not to be there', () => {
  assert.deepEqual(
    found(() => undefined, 'fail'),
    ['refused and applied'],
  )
})

test('what nobody asked for is not to be there', () => {
  const invent = (ledger: Ledger): void => enter(ledger, 'x')
  assert.deepEqual(found(invent), ['never asked for'])
})

test('a commit of which a part is missing is torn', () => {
  for (const part of ['left', 'right'] as const) {
    const tear = (ledger: Ledger): void => void (ledger[part] = 'a')
    assert.deepEqual(found(tear), ['torn'])
  }
})

test('a counter that was raised from what was old lost an update', () => {
  const lose = (ledger: Ledger): void => void ledger.count--
  assert.deepEqual(found(lose), ['lost update'])
})

test('what was written into another element is seen', () => {
  const move = (ledger: Ledger): void => void ledger.items.splice(0, 1, { id: 0, by: '1:a' })
  assert.deepEqual(found(move), ['wrong element'])
})

test('what was asked for later and stands earlier is out of order', () => {
  const swap = (ledger: Ledger): void => void Object.assign(ledger, { log: ['b', 'a'] })
  assert.deepEqual(found(swap), ['torn', 'out of order'])
  // What nobody knows of may be applied at any time.
  assert.deepEqual(found(swap, 'unknown'), ['torn'])
})

test('what was ended and is there was resurrected', () => {
  const end = (_ledger: Ledger, history: History): void => {
    history.invoke('end', 's', { destroys: true })
    history.end('end', 'ok')
  }
  assert.deepEqual(found(end), ['resurrected'])
})

test('a session that is not there has lost all that was acknowledged, unless somebody ended it', () => {
  const history = new History()
  commit(history, emptyLedger(), 'a')
  const whats = (): string[] => check(history.operations, () => undefined).map(({ what }) => what)
  assert.deepEqual(whats(), ['lost'])
  history.invoke('end', 's', { destroys: true })
  assert.deepEqual(whats(), [])
})

test('sessions are told apart', () => {
  const history = new History()
  const ledgers: Record<string, Ledger> = { s: emptyLedger(), t: emptyLedger() }
  commit(history, ledgers.s as Ledger, 'a')
  history.invoke('c', 't')
  history.end('c', 'ok')
  assert.deepEqual(
    check(history.operations, session => ledgers[session]),
    [{ what: 'lost', session: 't', tag: 'c' }],
  )
})

test('a history outlives its writer, but for a line that was not finished', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dotset-history-'))
  try {
    const path = join(folder, 'history')
    const history = new History(path)
    history.invoke('a', 's', { counted: true })
    history.end('a', 'ok')
    history.invoke('b', 's')
    history.close()
    await writeFile(path, `${await readFile(path, 'utf8')}{"tag":"c","at":`)
    assert.deepEqual(History.read([path]).operations, history.operations)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test.run()
