/**
 * A network that loses messages, and the connections that they went by: what was asked for is done
 * once, and whoever asked is told so.
 */

import { suite } from 'uvu'
import { mongoUri } from '../support/stores.js'
import { after, areDone, before, kinds } from './under-loss.js'

const test = suite('messages that are lost with their connection')
const mongo = mongoUri === '' ? test.skip : test

test.before(before)
test.after(after)

for (const of of ['reply', 'request'] as const) {
  for (const times of [1, 2, 3]) {
    mongo(`a ${of} that is lost with its connection, ${times}×: it is done once`, async () => {
      // Each lost connection slows down the others of its client, so the kinds take turns.
      for (const kind of kinds) await areDone([kind], { of, by: 'cut', times })
    })
  }
}

test.run()
