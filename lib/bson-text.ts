/**
 * Text in the bytes of BSON: what is no UTF-8 is told, and keys are decoded once.
 *
 * @module
 */

import { isUtf8 } from 'node:buffer'

/** Keys met before, by a hash of their bytes: sessions repeat the same few. */
const KEYS: string[] = new Array(512).fill('')

/**
 * The key in `bytes`; one that was met lately is the same string, which is quick to set. Undefined if
 * it is no UTF-8: another key would be written back.
 */
export function internKey(bytes: Buffer, start: number, end: number): string | undefined {
  let hash = end - start
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
  const slot = hash & 511
  const known = KEYS[slot] as string
  if (known.length === end - start && isAscii(bytes, start, known)) return known
  const key = bytes.toString('utf8', start, end)
  if (isDamaged(key, bytes, start, end)) return undefined
  KEYS[slot] = key
  return key
}

/** Whether `text` is not what `bytes` hold. Node puts U+FFFD in the place of what is no UTF-8. */
export const isDamaged = (text: string, bytes: Buffer, start: number, end: number): boolean =>
  text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))

function isAscii(bytes: Buffer, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false
  }
  return true
}
