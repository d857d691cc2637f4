import type { Lens } from './lens';

/**
 * Keeps the history of visitors in one partition and restates what it counted when an event arrives late. State is bounded,
 * a function of the log alone, and carried over restarts as bytes.
 */
export interface Reducer {
  /** `emit` restates counters; it is called in log order, at block ends only, so that flushes cannot show in the documents. */
  fold(lens: Lens, inputs: ReducerInputs, emit: Emit): void;
  /** What changed since the last take; undefined when nothing did. */
  take(): Uint8Array | undefined;
  snapshot(): Uint8Array;
  restore(parts: readonly Uint8Array[]): void;
}

export interface ReducerInputs {
  /** By merchant number of the lens. */
  readonly merchantIds: readonly string[];
  /** By visitor number of the lens: the two halves of the visitor's 64-bit hash. */
  readonly visitors: { readonly firsts: Uint32Array; readonly seconds: Uint32Array };
  /** The projection's dimensions in declared order: the value of each dictionary entry, and each row's code. */
  readonly dimensions: readonly { readonly values: readonly (string | undefined)[]; readonly codes: Uint16Array | Uint32Array }[];
}

/**
 * @param merchant number of the lens
 * @param utcMs places the bucket
 * @param values one a dimension, in declared order
 * @param counters one a measure, in declared order; negative ones take back; the array may be reused after the call
 */
export type Emit = (
  merchant: number,
  utcMs: number,
  bot: number,
  values: readonly (string | undefined)[],
  counters: readonly number[],
) => void;
