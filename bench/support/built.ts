/**
 * The library as it is published: the JavaScript that `npm run build` made, not what a loader makes
 * of the sources.
 */

const built = (name: string): Promise<unknown> =>
  import(new URL(`../../dist/${name}.js`, import.meta.url).href)

export const { track, createSessions } = (await built(
  'index',
)) as typeof import('../../lib/index.js')

export const { mongoStore } = (await built('mongodb')) as typeof import('../../lib/mongodb.js')
