import type { Gathering } from './gathering';
import type { Lens } from './lens';
import type { History, HistoryProjection } from './history';
import { HistoryCells } from './history-cells';
import { EventView } from './history-event';
import { Memory, type MemoryBounds } from './memory';
import { type VisitorRecord, VisitorRecords } from './visitor-record';

/* eslint-disable @typescript-eslint/no-explicit-any -- states and changes are the histories' own affair */

/** Hands each visitor's events to all histories of a folder, and tells what they emit to the projections. */
export class HistoryFold {
  /** Each once, whichever projections share it. */
  readonly histories: readonly History<any, any>[];
  readonly memory: Memory<VisitorRecord>;
  private readonly view = new EventView();
  /** One a history. */
  private readonly emitters: readonly ((change: unknown) => void)[];
  private cells: readonly HistoryCells[] = [];
  private block = 0;
  /** By place: the block that last touched the record. */
  private blocks = new Float64Array(64);
  /** Touched by the block, and a row of theirs. */
  private readonly touched: number[] = [];
  private readonly touchedRows: number[] = [];
  private places = new Int32Array(1024);

  constructor(
    private readonly projections: readonly HistoryProjection<any>[],
    bounds: MemoryBounds,
  ) {
    this.histories = [...new Set(projections.map(({ history }) => history))];
    this.memory = new Memory(new VisitorRecords(this.histories), bounds, 'v');
    this.emitters = this.histories.map((history) => {
      const told = projections.flatMap((projection, at) => (projection.history === history ? [{ projection, at }] : []));
      return (change) => {
        for (let i = 0; i < told.length; i++) told[i]!.projection.tell(change, this.view, this.cells[told[i]!.at]!);
      };
    });
  }

  cellsIn(gathering: Gathering): HistoryCells[] {
    return this.projections.map((projection) => new HistoryCells(projection, gathering, this.view));
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
    const { view, memory, histories, touched, touchedRows } = this;
    this.cells = cells;
    this.find(lens, gathering);
    view.enter(lens, gathering, firstPosition);
    const { rows } = lens;
    for (let h = 0; h < histories.length; h++) {
      const history = histories[h]!;
      for (let i = 0; i < rows.length; i++) {
        view.row = rows[i]!;
        history.add(memory.records[this.places[i]!]![h], view);
      }
    }
    for (let t = 0; t < touched.length; t++) {
      const record = memory.records[touched[t]!]!;
      view.row = touchedRows[t]!;
      for (let h = 0; h < histories.length; h++) histories[h]!.settle(record[h], view, this.emitters[h]!);
    }
  }
  /** Finds the record of every row, and which records the block touches, in order of first touch. */
  private find(lens: Lens, gathering: Gathering): void {
    this.block++;
    this.touched.length = this.touchedRows.length = 0;
    if (this.places.length < lens.rows.length) this.places = new Int32Array(lens.rows.length * 2);
    const { codes } = lens.columns.text.visitorId;
    const known = lens.columns.text.visitorId.hashes().hi.length;
    const { rows, merchants, bots } = lens;
    // A visitor id nearly always belongs to one merchant and one agent: look the record up once a block, not once an event.
    const placeOfCode = new Int32Array(known);
    const sideOfCode = new Int32Array(known).fill(-1);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const code = codes[row]!;
      const side = merchants[row]! * 2 + bots[row]!;
      if (sideOfCode[code] !== side) {
        sideOfCode[code] = side;
        placeOfCode[code] = this.touch(this.memory.use(highOf(lens, gathering, row), lowOf(lens, gathering, row)), row);
      }
      this.places[i] = placeOfCode[code]!;
    }
  }

  private touch(place: number, row: number): number {
    if (place >= this.blocks.length) {
      const larger = new Float64Array(Math.max(place + 1, this.blocks.length * 2));
      larger.set(this.blocks);
      this.blocks = larger;
    }
    if (this.blocks[place] !== this.block) {
      this.blocks[place] = this.block;
      this.touched.push(place);
      this.touchedRows.push(row);
    }
    return place;
  }
}

/** A visitor's key: the hash of the id, told apart by merchant and by human or bot. */
function highOf(lens: Lens, gathering: Gathering, row: number): number {
  return (gathering.visitors.firsts[lens.visitors[row]!]! ^ gathering.merchantHigh[lens.merchants[row]!]!) >>> 0;
}

function lowOf(lens: Lens, gathering: Gathering, row: number): number {
  return (gathering.visitors.seconds[lens.visitors[row]!]! ^ (gathering.merchantLow[lens.merchants[row]!]! + lens.bots[row]!)) >>> 0;
}
