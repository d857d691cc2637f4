import { DistinctUnion } from '../../projections/kit/distinct-union';
import type { StoredDoc } from '../../projections/kit/document';
import type { StoredMeasures } from '../../projections/kit/measures';
import { toMajorText } from '../../projections/kit/money';

/** Money as everywhere in answers: decimal text in major units. */
export type Figure = number | { amount: string; currency: string };

/** One measure of one day, over all merchants compared, in the documents that serve and in those that were counted again. */
export interface DiffRow {
  day: string;
  /** Of a goal or of a step of a funnel: the measure, a colon and its id. */
  measure: string;
  /** What bots caused; absent: what humans caused. */
  bots?: true;
  /** One side has counted more of the day than the other so far: the difference includes what is on its way. */
  moving?: true;
  old: Figure;
  new: Figure;
  difference: Figure;
}

/** Rows that can be held while comparing; days and measures are few. */
const rowsMax = 200_000;

interface Sums {
  readonly day: string;
  readonly measure: string;
  readonly bots: boolean;
  readonly currency: string | undefined;
  old: bigint;
  new: bigint;
  moving: boolean;
}

/** Adds up what two generations hold of the same days, and says where they differ. */
export class DiffRows {
  private readonly sums = new Map<string, Sums>();
  /** Numbers of a merchant that differ. */
  private readonly byMerchant = new Map<string, number>();

  /** False when there are too many rows to go on. */
  get hasRoom(): boolean {
    return this.sums.size < rowsMax;
  }

  /**
   * The chunks of one merchant's day on either side.
   * @param isNamed dimension values are told apart; otherwise they are added up
   * @param counts names of the measures by currency that are no amounts: all of their currencies are one number
   * @param isMoving one side is counted further than the other
   */
  add(
    merchantId: string,
    day: string,
    [before, after]: readonly [readonly StoredDoc[], readonly StoredDoc[]],
    { isNamed, counts, isMoving }: { readonly isNamed: boolean; readonly counts: ReadonlySet<string>; readonly isMoving: boolean },
  ): void {
    const own = new Map<string, Sums>();
    for (const document of before) sumInto(own, day, document, { isNamed, counts, side: 'old' });
    for (const document of after) sumInto(own, day, document, { isNamed, counts, side: 'new' });
    let differing = 0;
    for (const [key, sums] of own) {
      if (sums.old !== sums.new) differing++;
      sums.moving = isMoving;
      const known = this.sums.get(key);
      if (known === undefined) this.sums.set(key, sums);
      else {
        known.old += sums.old;
        known.new += sums.new;
        known.moving ||= isMoving;
      }
    }
    if (differing > 0) this.byMerchant.set(merchantId, (this.byMerchant.get(merchantId) ?? 0) + differing);
  }

  /** Largest difference first. */
  rows(max: number): { total: number; rows: DiffRow[] } {
    const differing = [...this.sums.values()].filter((sums) => sums.old !== sums.new);
    const size = ({ currency, old, new: now }: Sums): number =>
      Math.abs(Number(currency === undefined ? now - old : toMajorText(now - old, currency)));
    differing.sort((a, b) => size(b) - size(a) || (a.day < b.day ? 1 : a.day > b.day ? -1 : a.measure < b.measure ? -1 : 1));
    return { total: differing.length, rows: differing.slice(0, max).map(rowOf) };
  }

  /** With most differing numbers first. */
  merchants(max: number): { merchantId: string; differences: number }[] {
    const merchants = [...this.byMerchant].map(([merchantId, differences]) => ({ merchantId, differences }));
    return merchants.sort((a, b) => b.differences - a.differences || (a.merchantId < b.merchantId ? -1 : 1)).slice(0, max);
  }
}

/** What of documents is added up, and where to. */
interface Summing {
  readonly isNamed: boolean;
  readonly counts: ReadonlySet<string>;
  readonly side: 'old' | 'new';
}

function sumInto(own: Map<string, Sums>, day: string, { values, other }: StoredDoc, summing: Summing): void {
  for (const { v, h, b } of other === undefined ? values : [...values, { v: '(other)', ...other }]) {
    const name = summing.isNamed && v !== '' ? `:${v}` : '';
    if (h !== undefined) measure(own, day, name, false, h, summing);
    if (b !== undefined) measure(own, day, name, true, b, summing);
  }
}

function measure(
  own: Map<string, Sums>,
  day: string,
  name: string,
  bots: boolean,
  stored: StoredMeasures,
  { counts, side }: Summing,
): void {
  const add = (text: string, currency: string | undefined, by: bigint): void => {
    const key = JSON.stringify([day, text, bots, currency]);
    let sums = own.get(key);
    if (sums === undefined) own.set(key, (sums = { day, measure: text, bots, currency, old: 0n, new: 0n, moving: false }));
    sums[side] += by;
  };
  for (const [of, value] of Object.entries(stored)) {
    if (value instanceof Uint8Array) {
      const set = new DistinctUnion();
      set.add(value);
      add(of + name, undefined, BigInt(set.count().count));
    } else if (typeof value === 'object') {
      for (const [currency, number] of Object.entries(value)) add(of + name, counts.has(of) ? undefined : currency, BigInt(number));
    } else add(of + name, undefined, BigInt(value));
  }
}

function rowOf({ day, measure: name, bots, moving, currency, old, new: now }: Sums): DiffRow {
  const figure = (value: bigint): Figure => (currency === undefined ? Number(value) : { amount: toMajorText(value, currency), currency });
  return {
    day,
    measure: name,
    ...(bots && { bots: true as const }),
    ...(moving && { moving: true as const }),
    old: figure(old),
    new: figure(now),
    difference: figure(now - old),
  };
}
