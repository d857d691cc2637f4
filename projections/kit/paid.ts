import { Names } from './gathering';
import { grown } from './grown';
import { PairIndex } from './pair-index';

const linesAtFirst = 32;

/** The numbers by currency of a family's cells in a batch: a line of all its measures for each currency that a cell has. */
export class Paid {
  private readonly currencies = new Names();
  /** (cell, currency) → line */
  private readonly index: PairIndex;
  /** line × measures + measure → number; NaN where there is none, as nothing is not the same as 0. */
  private numbers: Float64Array;

  /** @param like those of the same cells in the batch before */
  constructor(
    private readonly measures: number,
    like?: Paid,
  ) {
    this.index = PairIndex.like(like?.index);
    this.numbers = new Float64Array(linesAtFirst * measures).fill(NaN);
  }

  get bytes(): number {
    return this.index.bytes + this.numbers.byteLength;
  }

  add(cell: number, measure: number, currency: string, by: number): void {
    const line = this.index.intern(cell, this.currencies.intern(currency));
    const at = line * this.measures + measure;
    const { length } = this.numbers;
    if (at >= length) this.numbers = grown(this.numbers).fill(NaN, length);
    const before = this.numbers[at]!;
    this.numbers[at] = Number.isNaN(before) ? by : before + by;
  }

  /** By cell. @param cells how many there are */
  lines(cells: number): PaidLines {
    const { size, firsts, seconds } = this.index;
    const first = new Uint32Array(size === 0 ? 0 : cells);
    const next = new Uint32Array(size);
    for (let line = 0; line < size; line++) {
      const cell = firsts[line]!;
      next[line] = first[cell]!;
      first[cell] = line + 1;
    }
    return { first, next, currencyOf: seconds, currencies: this.currencies.list, numbers: this.numbers, measures: this.measures };
  }
}

/** Lines are numbered from 1: the first of each cell (without any lines at all, of none), and the next of the same cell; 0 for none. */
export interface PaidLines {
  readonly first: Uint32Array;
  readonly next: Uint32Array;
  readonly currencyOf: Uint32Array;
  readonly currencies: readonly string[];
  readonly numbers: Float64Array;
  readonly measures: number;
}
