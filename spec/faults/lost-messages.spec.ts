/**
 * A network that loses messages without a trace: what was asked for is done once or not at all, and
 * whoever asked is told so, or that nobody can tell, before the deadline.
 */

import { suite } from 'uvu'
import { mongoUri } from '../support/stores.js'
import { after, areDone, before, DEADLINE, kinds, tryAll } from './under-loss.js'

const test = suite('messages that are lost without a trace')
const mongo = mongoUri === '' ? test.skip : test

test.before(before)
test.after(after)

const groups = [kinds.slice(0, 3), kinds.slice(3, 6), kinds.slice(6)]

for (const of of ['reply', 'request'] as const) {
  for (const times of [1, 2]) {
    mongo(`a ${of} that is lost without a trace, ${times}×: it is done once`, async () => {
      for (const group of groups) await areDone(group, { of, by: 'swallow', times })
    })
  }

  mongo(
    `each ${of} is lost without a trace: nobody is told that it is done, and all in time`,
    async () => {
      const loss = { of, by: 'swallow', times: Number.POSITIVE_INFINITY } as const
      for (const group of groups) await tryAll(group, loss, DEADLINE)
    },
  )
}

test.run()
