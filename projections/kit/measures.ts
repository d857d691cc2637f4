import { addHashes, type Hashes } from './distinct';
import { DistinctUnion } from './distinct-union';

/** What a document stores of one measure: a counter, a distinct set (see distinct.ts), or minor units by currency. */
export type StoredMeasure = number | bigint | Uint8Array | { readonly [currency: string]: number | bigint };
/** By measure name. A counter that never counted is absent. */
export type StoredMeasures = { readonly [measure: string]: StoredMeasure };

/** Changes to one cell, collected in memory between two flushes. */
export interface MeasuresDelta {
  counters: { [measure: string]: number };
  distincts: { [measure: string]: HashList };
  money: { [measure: string]: { [currency: string]: number } };
}

/** Hashes that grow; a hash may be in it twice until it is merged. */
export interface HashList extends Hashes {
  hi: number[];
  lo: number[];
  length: number;
}

export const emptyDelta = (): MeasuresDelta => ({ counters: {}, distincts: {}, money: {} });

/** The stored measures with a delta folded in. Names come out in alphabetical order, so that equal content is equal bytes. */
export function foldMeasures(stored: StoredMeasures | undefined, delta: MeasuresDelta): StoredMeasures {
  const folded: { [measure: string]: StoredMeasure } = { ...stored };
  let added = false;
  for (const name in delta.counters) {
    const before = folded[name];
    if (before === undefined) added = true;
    folded[name] = plus(before as number | bigint | undefined, delta.counters[name]!);
  }
  for (const name in delta.distincts) {
    const before = folded[name];
    if (before === undefined) added = true;
    folded[name] = addHashes(before as Uint8Array | undefined, delta.distincts[name]!);
  }
  for (const name in delta.money) {
    const before = folded[name] as { [currency: string]: number | bigint } | undefined;
    if (before === undefined) added = true;
    const amounts = { ...before };
    for (const currency in delta.money[name]) amounts[currency] = plus(amounts[currency], delta.money[name][currency]!);
    folded[name] = alphabetical(amounts);
  }
  return added ? alphabetical(folded) : folded;
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

  /** 0 when nothing was counted. */
  counter(name: string): number {
    return Number(this.counters.get(name) ?? 0n);
  }

  /** `exact: false` means HyperLogLog: see relativeError in distinct.ts. */
  distinct(name: string): { count: number; exact: boolean } {
    return this.distincts.get(name)?.count() ?? { count: 0, exact: true };
  }

  /** Minor units by currency; amounts sent without one are under noCurrency. */
  money(name: string): ReadonlyMap<string, bigint> {
    return this.amounts.get(name) ?? new Map<string, bigint>();
  }
}

/** Small integers are numbers (stored as int32), larger ones bigint (stored as int64): never a double. */
function plus(stored: number | bigint | undefined, by: number): number | bigint {
  if (stored === undefined || typeof stored === 'number') {
    const sum = (stored ?? 0) + by;
    if (sum >= -0x8000_0000 && sum <= 0x7fff_ffff) return sum;
  }
  const sum = BigInt(stored ?? 0) + BigInt(by);
  return sum >= -0x8000_0000n && sum <= 0x7fff_ffffn ? Number(sum) : sum;
}

function alphabetical<T>(record: { [name: string]: T }): { [name: string]: T } {
  const names = Object.keys(record);
  let ordered = true;
  for (let i = 1; i < names.length && ordered; i++) ordered = names[i - 1]! < names[i]!;
  if (ordered) return record;
  return Object.fromEntries(names.sort().map((name) => [name, record[name]!]));
}
