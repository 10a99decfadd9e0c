/**
 * What a tracking strategy is: how client state is handed out, and how what was done to it comes into
 * the tree.
 *
 * @module
 */

/** Which accesses are tracked. */
export type TrackingName = 'none' | 'accesses' | 'mutable-attributes' | 'writes'

/** A tracking strategy at work on the state of one session. */
export interface Tracking {
  /** What the application reads and changes. */
  readonly data: object
  /**
   * Records in the tree what was done to `data` since the benchmark.
   *
   * @throws {@link UnsupportedValueError} for what a session cannot keep. Nothing is recorded then.
   */
  collect(): void
  /** Takes note that what was collected last is the benchmark now. */
  settled(): void
  /** Forgets attributes that were collected and are not kept: the schema does not know them. */
  drop(names: readonly string[]): void
  /** Makes `data` what the tree says, after that changed by itself. */
  project(): void
}
