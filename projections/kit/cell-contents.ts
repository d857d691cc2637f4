import { addHashes, lanesOf as lanesOfSet } from './distinct';
import { alphabetical, plus, type MeasuresDelta, type StoredMeasure, type StoredMeasures } from './measures';
import { addMembers } from './members';
import type { PairIndex } from './pair-index';
import type { Seen } from './seen-visitors';

/** The measures of one family, by place. */
export interface Layout {
  readonly counters: readonly string[];
  readonly distincts: readonly string[];
  /** Sets whose members may be taken back: see members.ts. */
  readonly members: readonly string[];
  readonly money: readonly string[];
  /** Restated counters are stored even at zero: a cell that counted and took back must look the same however flushes fell. */
  readonly restated: boolean;
}

type Amounts = { readonly [currency: string]: number | bigint };

/** The cells of a taken batch; read when documents are merged, so that taking a batch copies nothing. */
export class CellContents {
  /** A family's documents hold no other measures than these; in alphabetical order, as they are stored. */
  private readonly order: readonly { name: string; kind: 'counter' | 'distinct' | 'members' | 'money'; at: number }[];

  constructor(
    private readonly layout: Layout,
    private readonly counters: Float64Array,
    private readonly distincts: readonly Seen[],
    private readonly members: readonly Seen[],
    private readonly money: ReadonlyMap<number, { readonly [currency: string]: number }>,
    private readonly visitors: PairIndex,
  ) {
    this.order = [
      ...layout.counters.map((name, at) => ({ name, kind: 'counter' as const, at })),
      ...layout.distincts.map((name, at) => ({ name, kind: 'distinct' as const, at })),
      ...layout.members.map((name, at) => ({ name, kind: 'members' as const, at })),
      ...layout.money.map((name, at) => ({ name, kind: 'money' as const, at })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  foldInto(stored: StoredMeasures | undefined, cells: readonly number[]): StoredMeasures {
    const folded: { [measure: string]: StoredMeasure } = {};
    for (let m = 0; m < this.order.length; m++) {
      const { name, kind, at } = this.order[m]!;
      const after = this.fold(kind, stored?.[name], at, cells);
      if (after !== undefined) folded[name] = after;
    }
    return folded;
  }

  foldCapped(
    stored: StoredMeasures | undefined,
    storedBeyond: StoredMeasures | undefined,
    cells: readonly number[],
    setMax: number,
  ): { kept: StoredMeasures; beyond: StoredMeasures | undefined } {
    const kept: { [measure: string]: StoredMeasure } = {};
    const beyond: { [measure: string]: StoredMeasure } = { ...storedBeyond };
    let isBeyond = false;
    for (const { name, kind, at } of this.order) {
      const before = stored?.[name];
      if (kind !== 'distinct') {
        const after = this.fold(kind, before, at, cells);
        if (after !== undefined) kept[name] = after;
        continue;
      }
      const { first, rest } = splitSet(before as Uint8Array | undefined, this.lanesOf(this.distincts[at]!, cells), setMax);
      if (first !== undefined) kept[name] = first;
      if (rest.length === 0) continue;
      beyond[name] = addHashes(beyond[name] as Uint8Array | undefined, rest);
      isBeyond = true;
    }
    return { kept, beyond: isBeyond ? alphabetical(beyond) : undefined };
  }

  private fold(
    kind: 'counter' | 'distinct' | 'members' | 'money',
    before: StoredMeasure | undefined,
    at: number,
    cells: readonly number[],
  ): StoredMeasure | undefined {
    switch (kind) {
      case 'counter':
        return this.counted(before as number | bigint | undefined, at, cells);
      case 'distinct':
        return this.seen(before as Uint8Array | undefined, at, cells);
      case 'members':
        return this.putIn(before as Uint8Array | undefined, at, cells);
      case 'money':
        return this.paid(before as Amounts | undefined, at, cells);
    }
  }

  private counted(before: number | bigint | undefined, at: number, cells: readonly number[]): number | bigint | undefined {
    const width = this.layout.counters.length;
    let by = 0;
    for (let c = 0; c < cells.length; c++) by += this.counters[cells[c]! * width + at]!;
    return by === 0 && !this.layout.restated ? before : plus(before, by);
  }

  private seen(before: Uint8Array | undefined, at: number, cells: readonly number[]): Uint8Array | undefined {
    const lanes = this.lanesOf(this.distincts[at]!, cells);
    return lanes.length === 0 ? before : addHashes(before, lanes);
  }

  private putIn(before: Uint8Array | undefined, at: number, cells: readonly number[]): Uint8Array | undefined {
    const seen = this.members[at]!;
    const lanes = this.lanesOf(seen, cells);
    if (lanes.length === 0) return before;
    const by = new Int32Array(lanes.length / 2);
    let n = 0;
    for (const cell of cells) for (let i = seen.starts[cell]!; i < seen.starts[cell + 1]!; i++) by[n++] = seen.by![i]!;
    return addMembers(before, { lanes, by });
  }

  private paid(before: Amounts | undefined, at: number, cells: readonly number[]): Amounts | undefined {
    let after = before;
    for (let c = 0; c < cells.length; c++) {
      const amounts = this.money.get(cells[c]! * this.layout.money.length + at);
      if (amounts === undefined) continue;
      const sums = { ...after };
      for (const currency in amounts) sums[currency] = plus(sums[currency], amounts[currency]!);
      after = alphabetical(sums);
    }
    return after;
  }

  /** Valid until the next call. */
  private lanesOf({ starts, visitors }: Seen, cells: readonly number[]): Uint32Array {
    let n = 0;
    for (let c = 0; c < cells.length; c++) n += starts[cells[c]! + 1]! - starts[cells[c]!]!;
    if (n === 0) return noLanes;
    if (desk.length < n * 2) desk = new Uint32Array(n * 4);
    let at = 0;
    for (let c = 0; c < cells.length; c++) {
      for (let i = starts[cells[c]!]!; i < starts[cells[c]! + 1]!; i++) {
        desk[at++] = this.visitors.seconds[visitors[i]!]!;
        desk[at++] = this.visitors.firsts[visitors[i]!]!;
      }
    }
    return desk.subarray(0, at);
  }
}

const noLanes = new Uint32Array(0);
let desk = new Uint32Array(1024);

/** Cells of a batch that belong to one dimension value of one bucket: a day's hours, an hour's minutes. */
export class CellRefs implements MeasuresDelta {
  private readonly cells: number[];

  constructor(
    private readonly contents: CellContents,
    first: number,
  ) {
    this.cells = [first];
  }

  add(cell: number): void {
    this.cells.push(cell);
  }

  foldInto(stored: StoredMeasures | undefined): StoredMeasures {
    return this.contents.foldInto(stored, this.cells);
  }

  foldCapped(
    stored: StoredMeasures | undefined,
    storedBeyond: StoredMeasures | undefined,
    setMax: number,
  ): { kept: StoredMeasures; beyond: StoredMeasures | undefined } {
    return this.contents.foldCapped(stored, storedBeyond, this.cells, setMax);
  }
}

/** The first `setMax` hashes ever seen stay together, in the order of the log; whatever comes later is the rest, repetitions included. */
function splitSet(
  stored: Uint8Array | undefined,
  lanes: Uint32Array,
  setMax: number,
): { first: Uint8Array | undefined; rest: Uint32Array } {
  const known = stored === undefined ? noLanes : lanesOfSet(stored);
  const fresh: number[] = [];
  const rest: number[] = [];
  for (let i = 0; i < lanes.length; i += 2) {
    const lo = lanes[i]!;
    const hi = lanes[i + 1]!;
    if (holds(known, lo, hi) || holds(fresh, lo, hi)) continue;
    (known.length + fresh.length < setMax * 2 ? fresh : rest).push(lo, hi);
  }
  return { first: fresh.length === 0 ? stored : addHashes(stored, Uint32Array.from(fresh)), rest: Uint32Array.from(rest) };
}

function holds(lanes: ArrayLike<number>, lo: number, hi: number): boolean {
  for (let i = 0; i < lanes.length; i += 2) if (lanes[i] === lo && lanes[i + 1] === hi) return true;
  return false;
}
