/**
 * Seeing that each contender does what is timed: the number is saved, and nothing else changes.
 */

import { equal, ok } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Db, Document } from 'mongodb'
import type { Contender } from './contenders.js'
import type { Place, Size } from './sessions.js'
import { createData } from './sessions.js'

/**
 * Lets `contender` handle two requests, and reads from the database what they left. The collection
 * must be empty, and is empty again.
 */
export async function checkContender(
  contender: Contender,
  database: Db,
  size: Size,
  place: Place,
): Promise<void> {
  const id = await contender.create(createData(size))
  const expected = createData(size)
  for (let request = 0; request < 2; request++) {
    const save = await contender.load(id, place)
    await save()
    place.increase(expected)
  }
  const documents = database.collection(contender.collection)
  const [document, ...others] = await documents.find().toArray()
  equal(others.length, 0, `${contender.name} made two sessions of one`)
  const saved = contender.dataOf(document as Document)
  ok(isDeepStrictEqual(saved, expected), `${contender.name} saves something else`)
  await documents.deleteMany()
}
