import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Session, Sessions, Store } from '../../lib/index.js'
import { canonical } from '../support/canonical.js'
import type { Choice, Step } from '../support/histories.js'
import { begin, change, faultOf, history } from '../support/histories.js'
import type { Data } from '../support/operations.js'
import { holds } from '../support/property.js'
import { createServers, createStored, openAll, openOn, storedData } from '../support/servers.js'
import { forEachStore } from '../support/stores.js'
import { assertTold } from '../support/told.js'

forEachStore('any history of three servers', (histories, { name, create }) => {
  const store = create()
  const servers = createServers(store, 3)

  for (const key of ['id', 'key']) {
    histories(`mixes nothing, loses nothing in silence; elements have an ${key}`, async () => {
      const property = fc.asyncProperty(history, steps => live(store, servers, steps, key))
      await holds(property, name === 'embedded' ? 700 : 30)
    })
  }

  histories('keeps all that is added, and all that was written to different places', async () => {
    const property = fc.asyncProperty(additions, rounds => addAtOnce(store, servers, rounds))
    await holds(property, name === 'embedded' ? 300 : 30)
  })
})

async function live(
  store: Store,
  servers: readonly Sessions<Data>[],
  steps: readonly Step[],
  key: string,
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
    for (const each of changes) {
      if (act === 'change') change(session.data, each, scene)
      else await changeElsewhere(server, first.id, each, { ...scene, held: [] })
    }
    if (act === 'commit') await commitAndCheck(store, session)
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

async function commitAndCheck(store: Store, session: Session<Data>): Promise<void> {
  const changes = session.changes()
  const commit = await session.commit()
  const stored = await storedData(store, session.key)
  assertTold(commit, changes, stored)
  assert.deepEqual(session.changes(), [])
  if (commit.attempts > 1) assert.equal(canonical(session.data), canonical(stored))
}

/** What each server adds before they all commit at once, and whether it reads the session anew. */
const additions = fc.array(
  fc.array(
    fc.record({
      kinds: fc.array(
        fc.constantFrom('push', 'note', 'leaf', 'attribute', 'page', 'item', 'remove', 'mine'),
      ),
      opens: fc.boolean(),
    }),
    { minLength: 3, maxLength: 3 },
  ),
  { minLength: 1, maxLength: 4 },
)

async function addAtOnce(
  store: Store,
  servers: readonly Sessions<Data>[],
  rounds: readonly (readonly { kinds: readonly string[]; opens: boolean }[])[],
): Promise<void> {
  const cart = ['a', 'b', 'c', 'spare0', 'spare1', 'spare2'].map(id => ({ id }))
  const first = await createStored(servers[0] as Sessions<Data>, { user: { id: 1 }, cart })
  const open = await openAll(servers, first.id)
  const wanted = { lines: [[], [], []] as string[][], places: new Map<string, number>() }
  let count = 0
  const write = (place: string): number => {
    wanted.places.set(place, ++count)
    return count
  }
  for (const round of rounds) {
    for (const [who, { kinds, opens }] of round.entries()) {
      if (opens) open[who] = await openOn(servers[who] as Sessions<Data>, first.id)
      const { data } = open[who] as Session<Data>
      const line = (): string => {
        const text = `${who} ${++count}`
        wanted.lines[who]?.push(text)
        return text
      }
      for (const kind of kinds) {
        if (kind === 'push') data.cart.push({ id: line() })
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
    const commits = await Promise.all(open.map(session => session.commit()))
    assert.deepEqual(
      commits.flatMap(({ superseded }) => superseded),
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
