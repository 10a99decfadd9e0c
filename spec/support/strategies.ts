/**
 * The choices that there are: how accesses are tracked, and how they are compared.
 */

import type { DifferencingName, TrackingName } from '../../lib/index.js'

export const trackings: readonly TrackingName[] = [
  'none',
  'accesses',
  'mutable-attributes',
  'writes',
]

export const differencings: readonly DifferencingName[] = ['graph', 'binary']
