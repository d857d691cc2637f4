import type { BsonWriter } from './bson';
import { DistinctUnion } from './distinct-union';

/** What a document stores of one measure: a counter, a distinct set (see distinct.ts), or minor units or a counter by currency. */
export type StoredMeasure = number | bigint | Uint8Array | { readonly [currency: string]: number | bigint };
/** By measure name. A counter that never counted is absent. */
export type StoredMeasures = { readonly [measure: string]: StoredMeasure };

/** Changes to the measures of one dimension value. Stored measures are BSON, and begin somewhere in a document; at 0 there are none. */
export interface MeasuresDelta {
  /** Writes the stored measures with the changes folded in. Names come in alphabetical order, so that equal content is equal bytes. */
  writeInto(out: BsonWriter, stored: Uint8Array, at: number): void;
  /**
   * The same where sets hold at most `setMax` hashes, those that appeared first in the log. The others are written to `beyond`, folded
   * into what is stored of those.
   * @returns false where nothing changes there: what was written there is of no use then
   */
  writeCapped(out: BsonWriter, stored: StoredPart, beyond: BsonWriter, storedBeyond: StoredPart, setMax: number): boolean;
  /** The changes of all. */
  joined(others: readonly MeasuresDelta[]): MeasuresDelta;
}

/** Measures where they lie in a document; at 0 there are none. */
export interface StoredPart {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Stored measures of many documents, merged in memory for an answer. */
export class Tally {
  private readonly counters = new Map<string, bigint>();
  private readonly distincts = new Map<string, DistinctUnion>();
  private readonly amounts = new Map<string, Map<string, bigint>>();

  add(stored: StoredMeasures): void {
    for (const name in stored) {
      const measure = stored[name]!;
      if (typeof measure === 'number' || typeof measure === 'bigint') {
        this.counters.set(name, (this.counters.get(name) ?? 0n) + BigInt(measure));
      } else if (measure instanceof Uint8Array) {
        let union = this.distincts.get(name);
        if (union === undefined) this.distincts.set(name, (union = new DistinctUnion()));
        union.add(measure);
      } else {
        let amounts = this.amounts.get(name);
        if (amounts === undefined) this.amounts.set(name, (amounts = new Map()));
        for (const currency in measure) amounts.set(currency, (amounts.get(currency) ?? 0n) + BigInt(measure[currency]!));
      }
    }
  }

  /** 0 when nothing was counted; of what is counted by currency, all of it. */
  counter(name: string): number {
    let count = this.counters.get(name) ?? 0n;
    for (const ofCurrency of this.money(name).values()) count += ofCurrency;
    return Number(count);
  }

  /** `exact: false` means HyperLogLog: see relativeError in distinct.ts. */
  distinct(name: string): { count: number; exact: boolean } {
    return this.distincts.get(name)?.count() ?? { count: 0, exact: true };
  }

  /** Minor units, or what was counted, by currency; what was sent without one is under noCurrency. */
  money(name: string): ReadonlyMap<string, bigint> {
    return this.amounts.get(name) ?? new Map<string, bigint>();
  }
}

/** Small integers are numbers (stored as int32), larger ones bigint (stored as int64): never a double. */
export function plus(stored: number | bigint | undefined, by: number): number | bigint {
  if (stored === undefined || typeof stored === 'number') {
    const sum = (stored ?? 0) + by;
    if (sum >= -0x8000_0000 && sum <= 0x7fff_ffff) return sum;
  }
  const sum = BigInt(stored ?? 0) + BigInt(by);
  return sum >= -0x8000_0000n && sum <= 0x7fff_ffffn ? Number(sum) : sum;
}

/** The record itself where its names are in order already. */
export function alphabetical<T>(record: { [name: string]: T }): { [name: string]: T } {
  const names = Object.keys(record);
  let ordered = true;
  for (let i = 1; i < names.length && ordered; i++) ordered = names[i - 1]! < names[i]!;
  if (ordered) return record;
  return Object.fromEntries(names.sort().map((name) => [name, record[name]!]));
}
