import assert from 'node:assert/strict'
import fc from 'fast-check'
import { z } from 'zod'
import type { Commit, Session, Sessions, Store } from '../../lib/index.js'
import type { BaseOptions } from '../../lib/options.js'
import { canonical } from '../support/canonical.js'
import type { Choice, Step } from '../support/histories.js'
import { begin, change, faultOf, historyWithout } from '../support/histories.js'
import type { Data } from '../support/operations.js'
import { holds } from '../support/property.js'
import { createServers, createStored, openAll, openOn, storedData } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'
import { assertNoneSilent, assertTold } from '../support/told.js'

type Options = Pick<BaseOptions, 'tracking' | 'differencing' | 'granularity'> & {
  schema?: z.ZodObject
}

/** What is not compared place by place is told by its attribute, or by the session: nothing to check by. */
const isTold = ({ granularity = 'path' }: Options): boolean => granularity === 'path'

/** Beside the defaults. Nobody sees that an object below an attribute was replaced in a plain copy. */
const others: readonly Options[] = [
  { tracking: 'accesses' },
  { tracking: 'mutable-attributes', differencing: 'binary' },
  { differencing: 'binary', granularity: 'attribute' },
  { tracking: 'accesses', granularity: 'session' },
  { schema: z.object({ cart: z.array(z.looseObject({})).optional() }).catchall(z.any()) },
]

forEachStore('any history of three servers', (histories, { name, create }) => {
  const isEmbedded = name === 'embedded'
  for (const options of [{}, ...(isEmbedded ? others : [])] as Options[]) {
    const store = create()
    const servers = createServers(store, 3, options as object)
    const isDefault = Object.keys(options).length === 0
    const { schema, ...choices } = options
    const title = isDefault ? '' : `: ${schema ? 'a schema' : Object.values(choices).join(', ')}`
    const history = options.tracking ? historyWithout('replace the address') : historyWithout()
    const runs = isDefault ? (isEmbedded ? 300 : 20) : 40

    for (const key of ['id', 'key']) {
      histories(
        `mixes nothing, loses nothing in silence; elements have an ${key}${title}`,
        async () => {
          await holds(
            fc.asyncProperty(history, steps => live(store, servers, steps, key, isTold(options))),
            runs,
          )
        },
      )
    }

    histories(
      `keeps all that is added, and all that was written to different places${title}`,
      async () => {
        await holds(
          fc.asyncProperty(additions, rounds => addAtOnce(store, servers, rounds)),
          runs,
        )
      },
    )
  }
})

async function live(
  store: Store,
  servers: readonly Sessions<Data>[],
  steps: readonly Step[],
  key: string,
  isTold: boolean,
): Promise<void> {
  let count = 0
  const next = () => ++count
  const [server] = servers as [Sessions<Data>]
  const first = await createStored(server, begin({ next, key, held: [] }))
  const open: Session<Data>[] = []
  const scenes = servers.map(() => ({ next, key, held: [] as Data[] }))
  const openAt = async (index: number): Promise<Session<Data>> => {
    Object.assign(scenes[index] as object, { held: [] })
    return openOn(servers[index] as Sessions<Data>, first.id)
  }
  for (const { act, server: index, changes } of steps) {
    if (open[index] === undefined || act === 'open') open[index] = await openAt(index)
    const session = open[index]
    const scene = scenes[index] as (typeof scenes)[0]
    const changeAll = (): void => {
      for (const each of changes) change(session.data, each, scene)
    }
    if (act === 'change') changeAll()
    if (act === 'others') {
      for (const each of changes) {
        await changeElsewhere(server, first.id, each, { ...scene, held: [] })
      }
    }
    if (act === 'commit') await commitAndCheck(store, session, isTold)
    if (act === 'overtake') await overtakeAndCheck(store, session, isTold, changeAll)
    if (act === 'rebase') await session.reload({ keepChanges: true })
    if (act === 'reload') {
      await session.reload()
      assert.equal(canonical(session.data), canonical(await storedData(store, session.key)))
    }
    assert.equal(faultOf(session.data, key), undefined, canonical(session.data))
    const stored = await storedData(store, session.key)
    assert.equal(faultOf(stored, key), undefined, canonical(stored))
  }
}

async function changeElsewhere(
  server: Sessions<Data>,
  id: string,
  choice: Choice,
  scene: Parameters<typeof change>[2],
): Promise<void> {
  const session = await openOn(server, id)
  change(session.data, choice, scene)
  await session.commit()
}

async function commitAndCheck(
  store: Store,
  session: Session<Data>,
  isTold: boolean,
): Promise<void> {
  const changes = session.changes()
  const commit = await session.commit()
  const stored = await storedData(store, session.key)
  if (isTold) assertTold(commit, changes, stored)
  assert.deepEqual(session.changes(), [])
  if (commit.attempts > 1) assert.equal(canonical(session.data), canonical(stored))
}

/** Changes the session while a commit is under way, and commits that too. */
async function overtakeAndCheck(
  store: Store,
  session: Session<Data>,
  isTold: boolean,
  overtake: () => void,
): Promise<void> {
  const commit = session.commit()
  overtake()
  const changes = session.changes()
  const commits: Commit[] = [await commit, await session.commit()]
  if (isTold) assertNoneSilent(commits, changes, await storedData(store, session.key))
  assert.deepEqual(session.changes(), [])
}

const kinds = fc.array(
  fc.constantFrom('push', 'note', 'leaf', 'attribute', 'page', 'item', 'remove', 'mine'),
  { maxLength: 5 },
)

/** What one server adds before all commit at once, and while they do; and whether it opens the session anew. */
interface Addition {
  readonly opens: boolean
  readonly kinds: readonly string[]
  readonly late: readonly string[]
}

const additions: fc.Arbitrary<Addition[][]> = fc.array(
  fc.array(fc.record({ opens: fc.boolean(), kinds, late: kinds }), { minLength: 3, maxLength: 3 }),
  { minLength: 1, maxLength: 4 },
)

async function addAtOnce(
  store: Store,
  servers: readonly Sessions<Data>[],
  rounds: readonly (readonly Addition[])[],
): Promise<void> {
  const ids = ['a', 'b', 'c', 'spare0', 'spare1', 'spare2']
  const cart = ids.map(id => ({ id, kind: 'thing' }))
  const first = await createStored(servers[0] as Sessions<Data>, { user: { id: 1 }, cart })
  const open = await openAll(servers, first.id)
  const wanted = { lines: [[], [], []] as string[][], places: new Map<string, number>() }
  let count = 0
  const write = (place: string): number => {
    wanted.places.set(place, ++count)
    return count
  }
  const add = (who: number, kinds: readonly string[]): void => {
    const { data } = open[who] as Session<Data>
    const line = (): string => {
      const text = `${who} ${++count}`
      wanted.lines[who]?.push(text)
      return text
    }
    for (const kind of kinds) {
      if (kind === 'push') data.cart.push({ id: line(), kind: 'thing' })
      if (kind === 'note') (data.log ??= []).push(line())
      if (kind === 'leaf') data.user[`leaf${who}`] = write(`user.leaf${who}`)
      if (kind === 'attribute') data[`own${who}`] = write(`own${who}`)
      if (kind === 'page') (data.views ??= {})[`page${who}`] = write(`views.page${who}`)
      if (kind === 'item') {
        data.cart.find(({ id }: Data) => id === 'a')[`by${who}`] = write(`item.by${who}`)
      }
      if (kind === 'mine') {
        const mine = data.cart.findLast(({ id }: Data) => id.startsWith(`${who} `))
        if (mine) mine.mine = mine.id
      }
      if (kind === 'remove') {
        data.cart = data.cart.filter(({ id }: Data) => id !== `spare${who}`)
        wanted.places.set(`spare${who}`, 0)
      }
    }
  }
  for (const round of rounds) {
    for (const [who, { kinds, opens }] of round.entries()) {
      if (opens) open[who] = await openOn(servers[who] as Sessions<Data>, first.id)
      add(who, kinds)
    }
    const commits = open.map(session => session.commit())
    for (const [who, { late }] of round.entries()) add(who, late)
    await Promise.all(commits)
    const all = [...commits, ...open.map(session => session.commit())]
    assert.deepEqual(
      (await Promise.all(all)).flatMap(({ superseded }) => superseded),
      [],
    )
  }
  const data = await storedData(store, first.key)
  const lines: string[] = [...data.cart.map(({ id }: Data) => id), ...(data.log ?? [])]
  for (const [who, texts] of wanted.lines.entries()) {
    const own = lines.filter(text => text.startsWith(`${who} `))
    assert.deepEqual([...own].sort(), [...texts].sort())
    for (const list of [data.cart.map(({ id }: Data) => id), data.log ?? []]) {
      const ordered = texts.filter(text => list.includes(text))
      assert.deepEqual(
        list.filter((text: string) => text.startsWith(`${who} `)),
        ordered,
      )
    }
  }
  for (const { id, mine = id } of data.cart) assert.equal(mine, id)
  const item = data.cart.find(({ id }: Data) => id === 'a')
  for (const [place, value] of wanted.places) {
    if (place.startsWith('spare')) {
      assert.ok(!data.cart.some(({ id }: Data) => id === place), `${place} was removed`)
    } else {
      const [parent, name] = place.split('.') as [string, string | undefined]
      const container = parent === 'item' ? item : data[parent]
      assert.equal(name === undefined ? container : container?.[name], value, place)
    }
  }
}
