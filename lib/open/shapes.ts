/**
 * What compiled schemas say about the places that they stand for.
 *
 * @module
 */

import { z } from 'zod'
import type { Shape } from '../state/shape.js'

/** What may stand where each of `shapes` may. */
export function unite(shapes: readonly Shape[]): Partial<Shape> {
  return {
    get map() {
      return shapes.some(shape => shape.map)
    },
    get set() {
      return shapes.some(shape => shape.set)
    },
    get bigint() {
      return shapes.some(shape => shape.bigint)
    },
    get codec() {
      return shapes.some(shape => shape.codec)
    },
    get merge() {
      return shapes.find(shape => shape.merge !== undefined)?.merge
    },
    at(key) {
      const inner = shapes.map(shape => shape.at(key)).filter(shape => shape !== undefined)
      return inner.length < 2 ? inner[0] : shapeOf(undefined, unite(inner))
    },
    encode: value => firstOf(shapes, shape => shape.encode(value)),
    decode: stored => firstOf(shapes, shape => shape.decode(stored)),
  }
}

/** What the first of `shapes` makes of a value that fits it. */
function firstOf(shapes: readonly Shape[], call: (shape: Shape) => unknown): unknown {
  const [shape, ...others] = shapes as [Shape, ...Shape[]]
  if (others.length === 0) return call(shape)
  try {
    return call(shape)
  } catch {
    return firstOf(others, call)
  }
}

/** The shape of a place, with what `shape` says of it; `schema` decodes and encodes, if it is one. */
export function shapeOf(schema: z.core.$ZodType | undefined, shape: Partial<Shape>): Shape {
  return {
    get map() {
      return shape.map === true
    },
    get set() {
      return shape.set === true
    },
    get bigint() {
      return shape.bigint === true
    },
    get codec() {
      return shape.codec === true
    },
    get merge() {
      return shape.merge
    },
    at: key => shape.at?.(key),
    encode: value => (schema ? z.encode(schema, value as never) : shape.encode?.(value)),
    decode: stored => (schema ? z.decode(schema, stored as never) : shape.decode?.(stored)),
  }
}
