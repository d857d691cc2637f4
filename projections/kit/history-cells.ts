import { Cells, type Family } from './cells';
import type { FamilyCells, HistoryFamily, HistoryProjection } from './history';
import { Names, type Gathering } from './gathering';
import type { BucketDelta } from './projection';

/** Whose change is being told, in the numbers of a gathering. */
export interface Teller {
  readonly merchant: number;
  readonly bot: 0 | 1;
  readonly visitorNumber: number;
}

/** The cells of one history projection in a batch. */
export class HistoryCells implements FamilyCells {
  private readonly families: readonly { readonly base: HistoryFamily['base']; readonly family: Family; readonly cells: Cells }[];

  constructor(
    // Changes are the histories' own affair.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    projection: HistoryProjection<any>,
    private readonly gathering: Gathering,
    private readonly teller: Teller,
  ) {
    this.families = projection.families.map(({ dimension, base, counters, members, money }) => {
      const name = dimension === '' ? projection.name : `${projection.name}.${dimension}`;
      return {
        base,
        // Totals by day have values where they stand for something apart, like steps of funnels.
        family: { projection: projection.name, name, base, values: dimension === '' && base !== 'day' ? undefined : new Names() },
        cells: new Cells({ counters, distincts: [], members, money, restated: true }),
      };
    });
  }

  get bytes(): number {
    return this.families.reduce((bytes, { cells }) => bytes + cells.bytes, 0);
  }

  at(family: number, utcMs: number, value: string): number {
    const { merchant, bot } = this.teller;
    const { base } = this.families[family]!;
    const side = base === 'minute' ? this.gathering.minuteSide(merchant, utcMs, bot) : this.gathering.quarterSide(merchant, utcMs, bot);
    return this.cell(family, side, value);
  }

  onDay(family: number, day: number, value: string): number {
    return this.cell(family, this.gathering.daySide(this.teller.merchant, day, this.teller.bot), value);
  }

  count(family: number, cell: number, counter: number, by: number): void {
    this.families[family]!.cells.count(cell, counter, by);
  }

  member(family: number, cell: number, set: number, by: 1 | -1): void {
    this.families[family]!.cells.member(cell, set, this.teller.visitorNumber, by);
  }

  pay(family: number, cell: number, money: number, currency: string, minorUnits: number): void {
    this.families[family]!.cells.pay(cell, money, currency, minorUnits);
  }

  take(): BucketDelta[] {
    return this.families.flatMap(({ cells, family }) => cells.take(family, this.gathering));
  }

  private cell(family: number, side: number, value: string): number {
    const { cells, family: of } = this.families[family]!;
    return cells.cell(side, of.values === undefined ? 0 : of.values.intern(value));
  }
}
