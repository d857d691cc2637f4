import type { EventColumns } from '../../src/domain/columns';
import { Cells } from './cells';
import { DeclaredFold } from './declared';
import { Gathering, Names, type Lens } from './gathering';
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

export function createFolder(projections: readonly ProjectionDefinition[]): Folder {
  return new PartitionFolder(projections);
}

/** Everything folded since the last take; a new one begins with each take. */
interface Batch {
  readonly gathering: Gathering;
  readonly declared: readonly DeclaredFold[];
  readonly reduced: readonly ReducedCells[];
  empty: boolean;
}

class PartitionFolder implements Folder {
  private readonly declared: readonly DeclaredProjection[];
  private readonly reduced: readonly { definition: ReducedProjection; reducer: Reducer }[];
  private batch: Batch;

  constructor(projections: readonly ProjectionDefinition[]) {
    this.declared = projections.filter((projection) => projection.kind === 'declared');
    this.reduced = projections
      .filter((projection) => projection.kind === 'reduced')
      .map((definition) => ({ definition, reducer: definition.createReducer() }));
    this.batch = this.newBatch();
  }

  get pendingBytes(): number {
    if (this.batch.empty) return 0;
    let bytes = this.batch.gathering.bytes;
    for (const fold of this.batch.declared) bytes += fold.bytes;
    for (const cells of this.batch.reduced) bytes += cells.bytes;
    return bytes;
  }

  fold(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings): void {
    const { gathering, declared, reduced } = this.batch;
    this.batch.empty = false;
    const lens = gathering.look(columns, skip, settingsOf);
    for (const fold of declared) fold.fold(lens);
    for (let i = 0; i < reduced.length; i++) reduced[i]!.fold(lens, this.reduced[i]!.reducer);
  }

  take(): Folded {
    const batch = this.batch;
    if (batch.empty) return { deltas: [], state: undefined };
    this.batch = this.newBatch();
    const deltas: BucketDelta[] = [];
    for (const fold of batch.declared) deltas.push(...fold.take(batch.gathering));
    for (const cells of batch.reduced) deltas.push(...cells.take());
    const states = this.reduced.map(({ reducer }) => reducer.take());
    return { deltas, state: states.some((state) => state !== undefined) ? pack(states) : undefined };
  }

  snapshot(): Uint8Array {
    return pack(this.reduced.map(({ reducer }) => reducer.snapshot()));
  }

  restore(parts: readonly Uint8Array[]): void {
    const unpacked = parts.map(unpack);
    this.reduced.forEach(({ reducer }, i) => reducer.restore(unpacked.map((part) => part[i]!).filter((bytes) => bytes.length > 0)));
  }

  private newBatch(): Batch {
    const gathering = new Gathering();
    return {
      gathering,
      declared: this.declared.map((definition) => new DeclaredFold(definition)),
      reduced: this.reduced.map(({ definition }) => new ReducedCells(definition, gathering)),
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
    const dimensions = Object.values(this.definition.dimensions).map(({ field, valueOf }) => ({
      values: lens.columns.text[field].values.map((text) => (valueOf === undefined ? text || undefined : valueOf(text))),
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

/** Length-prefixed parts, one a reducer; an absent one has length 0. */
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
