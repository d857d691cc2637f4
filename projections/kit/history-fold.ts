import { ByteReader, ByteWriter } from './bytes';
import type { Gathering } from './gathering';
import { grown } from './grown';
import type { Lens } from './lens';
import type { History, HistoryProjection } from './history';
import { HistoryCells } from './history-cells';
import { EventView } from './history-event';
import { Memory, type MemoryBounds } from './memory';

/* eslint-disable @typescript-eslint/no-explicit-any -- states and changes are the histories' own affair */

/**
 * Hands each visitor's events to all histories of a folder, and tells what they emit to the projections. A visitor's record is the
 * bytes of each history in turn, each preceded by its length; the states they are read into are the same for all visitors.
 */
export class HistoryFold {
  /** Each once, whichever projections share it. */
  readonly histories: readonly History<any, any>[];
  readonly memory: Memory;
  private readonly states: any[];
  private readonly from = new ByteReader(new Uint8Array(0));
  private readonly out = new ByteWriter(1 << 12);
  private readonly view = new EventView();
  /** One a history. */
  private readonly emitters: readonly ((change: unknown) => void)[];
  private cells: readonly HistoryCells[] = [];
  private block = 0;
  /** By place: the block that last touched the record, and its number among those the block touches. */
  private blocks = new Float64Array(64);
  private numbers = new Uint32Array(64);
  /** The places of the records the block touches, in order of first touch. */
  private readonly touched: number[] = [];
  /** By event: the number of its record among those. */
  private numberOf = new Uint32Array(1024);
  /** The block's rows by record: those of record number n from `starts[n]` on. */
  private rowsByRecord = new Uint32Array(1024);
  private starts = new Uint32Array(1024);

  constructor(
    private readonly projections: readonly HistoryProjection<any>[],
    bounds: MemoryBounds,
  ) {
    this.histories = [...new Set(projections.map(({ history }) => history))];
    this.states = this.histories.map((history) => history.create() as unknown);
    this.memory = new Memory(bounds, 'v');
    this.emitters = this.histories.map((history) => {
      const told = projections.flatMap((projection, at) => (projection.history === history ? [{ projection, at }] : []));
      return (change) => {
        for (let i = 0; i < told.length; i++) told[i]!.projection.tell(change, this.view, this.cells[told[i]!.at]!);
      };
    });
  }

  /** @param like those of the batch before */
  cellsIn(gathering: Gathering, like?: readonly HistoryCells[]): HistoryCells[] {
    return this.projections.map((projection, i) => new HistoryCells(projection, gathering, this.view, like?.[i]));
  }

  /** Keys of the block's visitors that the store must be asked for. */
  absent(lens: Lens, gathering: Gathering): string[] {
    const keys = new Set<string>();
    const { codes } = lens.columns.text.visitorId;
    const known = lens.columns.text.visitorId.hashes().hi.length;
    const sideOfCode = new Int32Array(known).fill(-1);
    for (let i = 0; i < lens.rows.length; i++) {
      const row = lens.rows[i]!;
      const side = lens.merchants[row]! * 2 + lens.bots[row]!;
      if (sideOfCode[codes[row]!] === side) continue;
      sideOfCode[codes[row]!] = side;
      const hi = highOf(lens, gathering, row);
      const lo = lowOf(lens, gathering, row);
      if (this.memory.isAbsent(hi, lo)) keys.add(this.memory.keyOf(hi, lo));
    }
    return [...keys];
  }

  /** The store must have answered for all that are absent. */
  fold(lens: Lens, gathering: Gathering, cells: readonly HistoryCells[], firstPosition: number): void {
    this.cells = cells;
    this.find(lens, gathering);
    this.sort(lens);
    this.view.enter(lens, gathering, firstPosition);
    for (let number = 0; number < this.touched.length; number++) {
      this.read(this.touched[number]!);
      this.foldRows(this.starts[number]!, this.starts[number + 1]!);
      this.write(this.touched[number]!);
    }
  }

  private foldRows(start: number, end: number): void {
    const { histories, states, view, rowsByRecord } = this;
    for (let h = 0; h < histories.length; h++) {
      const history = histories[h]!;
      const state: unknown = states[h];
      for (let i = start; i < end; i++) {
        view.row = rowsByRecord[i]!;
        history.add(state, view);
      }
    }
    view.row = rowsByRecord[start]!;
    for (let h = 0; h < histories.length; h++) histories[h]!.settle(states[h], view, this.emitters[h]!);
  }

  private read(place: number): void {
    const { histories, states, from, memory } = this;
    memory.read(place, from);
    const isNew = from.remaining === 0;
    for (let h = 0; h < histories.length; h++) {
      histories[h]!.clear(states[h]);
      // So that one history cannot read into another's bytes.
      if (!isNew && from.enterPart()) histories[h]!.read(from, states[h]);
      if (!isNew) from.leavePart();
    }
  }

  private write(place: number): void {
    const { histories, states, out, memory } = this;
    out.length = 0;
    for (let h = 0; h < histories.length; h++) {
      const part = out.beginPart();
      histories[h]!.write(states[h], out);
      out.endPart(part);
    }
    memory.write(place, out);
  }

  /** Finds the record of every row, and which records the block touches. */
  private find(lens: Lens, gathering: Gathering): void {
    this.block++;
    this.touched.length = 0;
    if (this.numberOf.length < lens.rows.length) this.numberOf = new Uint32Array(lens.rows.length * 2);
    const { codes } = lens.columns.text.visitorId;
    const known = lens.columns.text.visitorId.hashes().hi.length;
    const { rows, merchants, bots } = lens;
    // A visitor id nearly always belongs to one merchant and one agent: look the record up once a block, not once an event.
    const numberOfCode = new Uint32Array(known);
    const sideOfCode = new Int32Array(known).fill(-1);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const code = codes[row]!;
      const side = merchants[row]! * 2 + bots[row]!;
      if (sideOfCode[code] !== side) {
        sideOfCode[code] = side;
        numberOfCode[code] = this.touch(this.memory.use(highOf(lens, gathering, row), lowOf(lens, gathering, row)));
      }
      this.numberOf[i] = numberOfCode[code]!;
    }
  }

  private touch(place: number): number {
    if (place >= this.blocks.length) this.growPlaces(place);
    if (this.blocks[place] !== this.block) {
      this.blocks[place] = this.block;
      this.numbers[place] = this.touched.push(place) - 1;
    }
    return this.numbers[place]!;
  }

  /** A counting sort: a record's rows together, in the order of the log. */
  private sort({ rows }: Lens): void {
    const records = this.touched.length;
    if (this.starts.length < records + 2) this.starts = new Uint32Array(records * 2 + 2);
    if (this.rowsByRecord.length < rows.length) this.rowsByRecord = new Uint32Array(rows.length * 2);
    const { starts, numberOf, rowsByRecord } = this;
    // One place further on than where they belong, so that counting up brings each to its own.
    starts.fill(0, 0, records + 2);
    for (let i = 0; i < rows.length; i++) starts[numberOf[i]! + 2]!++;
    for (let n = 2; n < records + 2; n++) starts[n]! += starts[n - 1]!;
    for (let i = 0; i < rows.length; i++) rowsByRecord[starts[numberOf[i]! + 1]!++] = rows[i]!;
  }

  private growPlaces(place: number): void {
    const size = Math.max(place + 1, this.blocks.length * 2);
    this.blocks = grown(this.blocks, size);
    this.numbers = grown(this.numbers, size);
  }
}

/** A visitor's key: the hash of the id, told apart by merchant and by human or bot. */
function highOf(lens: Lens, gathering: Gathering, row: number): number {
  return (gathering.visitors.firsts[lens.visitors[row]!]! ^ gathering.merchantHigh[lens.merchants[row]!]!) >>> 0;
}

function lowOf(lens: Lens, gathering: Gathering, row: number): number {
  return (gathering.visitors.seconds[lens.visitors[row]!]! ^ (gathering.merchantLow[lens.merchants[row]!]! + lens.bots[row]!)) >>> 0;
}
