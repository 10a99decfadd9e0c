/**
 * Sessions in MongoDB.
 *
 * @module
 */

export type { IndexOptions } from './store/indexes.js'
export type { MongoStoreOptions } from './store/mongodb.js'
export { mongoStore } from './store/mongodb.js'
export type { Appended, Update, UpdateDocument } from './store/update.js'
export { toUpdate } from './store/update.js'
