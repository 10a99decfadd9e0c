/**
 * The arguments of the command `dotset`.
 *
 * @module
 */

import { parseArgs } from 'node:util'
import { SessionError } from '../errors.js'

/** What the command tells of itself. */
export const USAGE = `Usage: dotset migrate --uri <address> --collection <name> [--db <name>] [--write]

Makes the sessions of connect-mongo in a collection those of dotset, while servers with dotset run.
Stop servers with connect-mongo before. If it is interrupted, run it again.

  --uri          address of MongoDB, with the database
  --collection   name of the collection
  --db           name of the database, if the address does not tell it
  --write        convert; without it, the sessions are only counted
  --help         show this`

/** What the command is to do. */
export interface Arguments {
  readonly uri: string
  readonly collection: string
  /** The database; undefined for that of the address. */
  readonly db: string | undefined
  readonly write: boolean
}

/**
 * Reads the arguments.
 *
 * @returns undefined if help was asked for.
 * @throws {@link SessionError} with code `ERR_INVALID_ARGUMENT` that says which one, and what to do.
 */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const { values, positionals } = parse(args)
  if (values.help === true) return undefined
  const [command, ...others] = positionals
  if (command !== 'migrate') fail('the command is missing or unknown, it is: dotset migrate')
  if (others.length > 0) fail('there is more than one command, quote values that have spaces')
  const { uri, collection, db, write = false } = values
  if (uri === undefined) fail('--uri is missing, give the address of MongoDB')
  if (collection === undefined) fail('--collection is missing, give its name')
  return { uri, collection, db, write }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        uri: { type: 'string' },
        collection: { type: 'string' },
        db: { type: 'string' },
        write: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch {
    // The message of Node may quote the address, with its password.
    return fail('an option is unknown or has no value, see dotset --help')
  }
}

function fail(why: string): never {
  throw new SessionError('ERR_INVALID_ARGUMENT', `Cannot run dotset: ${why}`)
}
