import type { EventColumns } from '../../src/domain/columns';
import { Cells } from './cells';
import { DeclaredFold } from './declared';
import { Gathering, Names } from './gathering';
import type { HistoryCells } from './history-cells';
import { HistoryFold } from './history-fold';
import { LensColumns, type Lens } from './lens';
import type { ColdRecord, MemoryBounds } from './memory';
import type {
  BucketDelta,
  DeclaredProjection,
  Folded,
  Folder,
  MerchantSettings,
  ProjectionDefinition,
  ReducedProjection,
} from './projection';
import type { Reducer } from './reducer';

/** What stays in memory of each kind of record at a flush. The bytes bound those of visitors with very long histories. */
const recordsInMemory: MemoryBounds = { recordsMax: Infinity, bytesMax: Infinity };

/** @param bounds a part of a range's fingerprint: other ones write other documents */
export function createFolder(projections: readonly ProjectionDefinition[], bounds: MemoryBounds = recordsInMemory): Folder {
  return new PartitionFolder(projections, bounds);
}

/** Everything folded since the last take; a new one begins with each take. */
interface Batch {
  readonly gathering: Gathering;
  readonly declared: readonly DeclaredFold[];
  readonly reduced: readonly ReducedCells[];
  readonly histories: readonly HistoryCells[];
  empty: boolean;
}

/** Rough size in memory of a record that cannot stay. */
const surplusRecordBytes = 1_000;

class PartitionFolder implements Folder {
  readonly keeps: string;
  private readonly declared: readonly DeclaredProjection[];
  private readonly reduced: readonly { definition: ReducedProjection; reducer: Reducer }[];
  private readonly histories: HistoryFold | undefined;
  private readonly desk = new LensColumns();
  private batch: Batch;
  /** Looked at for `absent`, of use for `fold` if no take came between. */
  private looked: Lens | undefined;

  constructor(projections: readonly ProjectionDefinition[], bounds: MemoryBounds) {
    this.declared = projections.filter((projection) => projection.kind === 'declared');
    this.reduced = projections
      .filter((projection) => projection.kind === 'reduced')
      .map((definition) => ({ definition, reducer: definition.createReducer() }));
    const told = projections.filter((projection) => projection.kind === 'history');
    if (told.length > 0) this.histories = new HistoryFold(told, bounds);
    const names = this.histories?.histories.map(({ name }) => name) ?? [];
    this.keeps = [...this.reduced.map(({ definition: { name, version } }) => `${name}@${version}`), ...names].join(',');
    this.batch = this.newBatch();
  }

  get pendingBytes(): number {
    if (this.batch.empty) return 0;
    let bytes = this.batch.gathering.bytes;
    for (const fold of this.batch.declared) bytes += fold.bytes;
    for (const cells of this.batch.reduced) bytes += cells.bytes;
    for (const cells of this.batch.histories) bytes += cells.bytes;
    return bytes + (this.histories?.memory.surplus ?? 0) * surplusRecordBytes;
  }

  get hasCold(): boolean {
    return this.histories?.memory.hasCold ?? false;
  }

  absent(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings): readonly string[] {
    if (this.histories === undefined || !this.hasCold) return [];
    this.looked = this.desk.look(this.batch.gathering, columns, skip, settingsOf);
    return this.histories.absent(this.looked, this.batch.gathering);
  }

  admit(key: string, bytes: Uint8Array | undefined): void {
    this.histories!.memory.admit(key, bytes);
  }

  fold(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings, firstPosition: number): void {
    const { gathering, declared, reduced, histories } = this.batch;
    this.batch.empty = false;
    const lens = this.looked?.columns === columns ? this.looked : this.desk.look(gathering, columns, skip, settingsOf);
    this.looked = undefined;
    for (const fold of declared) fold.fold(lens, gathering);
    for (let i = 0; i < reduced.length; i++) reduced[i]!.fold(lens, this.reduced[i]!.reducer);
    this.histories?.fold(lens, gathering, histories, firstPosition);
    this.histories?.memory.forgetAdmitted();
  }

  take(): Folded {
    const batch = this.batch;
    if (batch.empty) return { deltas: [], state: undefined, cold: [] };
    this.batch = this.newBatch();
    this.looked = undefined;
    const deltas: BucketDelta[] = [];
    for (const fold of batch.declared) deltas.push(...fold.take(batch.gathering));
    for (const cells of batch.reduced) deltas.push(...cells.take());
    for (const cells of batch.histories) deltas.push(...cells.take());
    const states = this.reduced.map(({ reducer }) => reducer.take());
    let cold: ColdRecord[] = [];
    if (this.histories !== undefined) {
      const taken = this.histories.memory.take();
      states.push(taken.change);
      cold = taken.cold;
    }
    return { deltas, state: states.some((state) => state !== undefined) ? pack(states) : undefined, cold };
  }

  flushed(): void {
    this.histories?.memory.flushed();
  }

  snapshot(): Uint8Array {
    const parts = this.reduced.map(({ reducer }) => reducer.snapshot());
    if (this.histories !== undefined) parts.push(this.histories.memory.snapshot());
    return pack(parts);
  }

  restore(parts: readonly Uint8Array[], hasCold: boolean): void {
    const unpacked = parts.map(unpack);
    const partsOf = (i: number): Uint8Array[] => unpacked.map((part) => part[i]!).filter((bytes) => bytes.length > 0);
    this.reduced.forEach(({ reducer }, i) => reducer.restore(partsOf(i)));
    this.histories?.memory.restore(partsOf(this.reduced.length), hasCold);
  }

  private newBatch(): Batch {
    const gathering = new Gathering();
    return {
      gathering,
      declared: this.declared.map((definition) => new DeclaredFold(definition)),
      reduced: this.reduced.map(({ definition }) => new ReducedCells(definition, gathering)),
      histories: this.histories?.cellsIn(gathering) ?? [],
      empty: true,
    };
  }
}

/** The cells a reducer restates. */
class ReducedCells {
  private readonly totals: Cells;
  private readonly dimensions: { name: string; cells: Cells; values: Names }[];

  constructor(
    private readonly definition: ReducedProjection,
    private readonly gathering: Gathering,
  ) {
    const layout = { counters: definition.measures, distincts: [], members: [], money: [], restated: true };
    this.totals = new Cells(layout);
    this.dimensions = Object.keys(definition.dimensions).map((name) => ({ name, cells: new Cells(layout), values: new Names() }));
  }

  get bytes(): number {
    return this.dimensions.reduce((bytes, { cells }) => bytes + cells.bytes, this.totals.bytes);
  }

  fold(lens: Lens, reducer: Reducer): void {
    const dimensions = Object.values(this.definition.dimensions).map(({ field, value }) => ({
      values: lens.columns.text[field].values.map((text) => (value === undefined ? text || undefined : value(text))),
      codes: lens.columns.text[field].codes,
    }));
    reducer.fold(
      lens,
      { merchantIds: this.gathering.merchants.list, visitors: this.gathering.visitors, dimensions },
      (merchant, utcMs, bot, values, counters) => {
        add(this.totals, this.gathering.minuteSide(merchant, utcMs, bot), 0, counters);
        const side = this.gathering.quarterSide(merchant, utcMs, bot);
        for (let i = 0; i < this.dimensions.length; i++) {
          const value = values[i];
          if (value !== undefined) add(this.dimensions[i]!.cells, side, this.dimensions[i]!.values.intern(value), counters);
        }
      },
    );
  }

  take(): BucketDelta[] {
    const projection = this.definition.name;
    const deltas = this.totals.take({ projection, name: projection, base: 'minute', values: undefined }, this.gathering);
    for (const { name, cells, values } of this.dimensions) {
      deltas.push(...cells.take({ projection, name: `${projection}.${name}`, base: 'quarter', values }, this.gathering));
    }
    return deltas;
  }
}

function add(cells: Cells, side: number, value: number, counters: readonly number[]): void {
  const cell = cells.cell(side, value);
  for (let i = 0; i < counters.length; i++) cells.count(cell, i, counters[i]!);
}

/** Length-prefixed parts, one a reducer and one for the visitors; an absent one has length 0. */
function pack(parts: readonly (Uint8Array | undefined)[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + 4 + (part?.length ?? 0), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part?.length ?? 0);
    if (part) bytes.set(part, at + 4);
    at += 4 + (part?.length ?? 0);
  }
  return bytes;
}

function unpack(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at);
    parts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}
