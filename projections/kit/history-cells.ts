import { Cells } from './cells';
import type { FamilyCells, HistoryFamily, HistoryProjection } from './history';
import type { Gathering } from './gathering';
import type { BucketDelta } from './projection';
import type { Family } from './rolling-up';

/** Whose change is being told, in the numbers of a gathering. */
export interface Teller {
  readonly merchant: number;
  readonly bot: 0 | 1;
  readonly visitorNumber: number;
}

/** The cells of one history projection in a batch. */
export class HistoryCells implements FamilyCells {
  private readonly families: readonly ToldFamily[];

  constructor(
    // Changes are the histories' own affair.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    projection: HistoryProjection<any>,
    private readonly gathering: Gathering,
    private readonly teller: Teller,
    like?: HistoryCells,
  ) {
    this.families = projection.families.map((family, i) => new ToldFamily(projection.name, family, like?.families[i]));
  }

  get bytes(): number {
    return this.families.reduce((bytes, { cells }) => bytes + cells.bytes, 0);
  }

  at(family: number, utcMs: number, key: unknown): number {
    const { merchant, bot } = this.teller;
    const told = this.families[family]!;
    const { gathering } = this;
    return told.cell(
      told.base === 'minute' ? gathering.minuteSide(merchant, utcMs, bot) : gathering.quarterSide(merchant, utcMs, bot),
      key,
    );
  }

  onDay(family: number, day: number, key: unknown): number {
    return this.families[family]!.cell(this.gathering.daySide(this.teller.merchant, day, this.teller.bot), key);
  }

  count(family: number, cell: number, counter: number, by: number): void {
    this.families[family]!.cells.count(cell, counter, by);
  }

  countAll(family: number, cell: number, by: Float64Array, sign: 1 | -1): void {
    this.families[family]!.cells.addTo(cell, by, sign);
  }

  member(family: number, cell: number, set: number, by: 1 | -1): void {
    this.families[family]!.cells.member(cell, set, this.teller.visitorNumber, by);
  }

  pay(family: number, cell: number, money: number, currency: string, minorUnits: number): void {
    this.families[family]!.cells.pay(cell, money, currency, minorUnits);
  }

  take(): BucketDelta[] {
    return this.families.flatMap((family) => family.take(this.gathering));
  }
}

class ToldFamily {
  readonly base: HistoryFamily['base'];
  readonly cells: Cells;
  private readonly dimensions: readonly { readonly name: string; readonly valueOf: ((key: unknown) => string) | undefined }[];
  private readonly keys: unknown[] = [];
  private readonly numbers = new Map<unknown, number>();

  constructor(
    private readonly projection: string,
    { dimension, base, counters, members, money }: HistoryFamily,
    like: ToldFamily | undefined,
  ) {
    this.base = base;
    this.cells = new Cells({ counters, distincts: [], members, money, restated: true }, like?.cells);
    this.dimensions =
      typeof dimension === 'string'
        ? [{ name: dimension, valueOf: undefined }]
        : Object.entries(dimension).map(([name, valueOf]) => ({ name, valueOf }));
  }

  cell(side: number, key: unknown): number {
    let number = this.numbers.get(key);
    if (number === undefined) this.numbers.set(key, (number = this.keys.push(key) - 1));
    return this.cells.cell(side, number);
  }

  take(gathering: Gathering): BucketDelta[] {
    return this.dimensions.flatMap(({ name, valueOf }) => {
      // Totals by day have values where they stand for something apart, like steps of funnels.
      const hasValues = name !== '' || this.base === 'day';
      const values = hasValues ? this.keys.map((key) => (valueOf === undefined ? (key as string) : valueOf(key))) : undefined;
      const family: Family = {
        projection: this.projection,
        name: name === '' ? this.projection : `${this.projection}.${name}`,
        base: this.base,
        values,
        // Different keys may have the same value of a dimension.
        firstEqual: valueOf === undefined ? undefined : values && firstEqualOf(values),
      };
      return this.cells.take(family, gathering);
    });
  }
}

function firstEqualOf(values: readonly string[]): Uint32Array {
  const firsts = new Map<string, number>();
  return Uint32Array.from(values, (value, number) => {
    const first = firsts.get(value);
    if (first === undefined) firsts.set(value, number);
    return first ?? number;
  });
}
