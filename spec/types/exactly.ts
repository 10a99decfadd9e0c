/**
 * What the type specs claim with.
 */

/** `true` if `A` and `B` are the same type, `any` and `never` included; else `false`. */
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Claims that a type is `true`: `claim<Same<A, B>>()`. */
export declare function claim<_Claim extends true>(): void
