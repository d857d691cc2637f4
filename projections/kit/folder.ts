import type { EventColumns } from '../../src/domain/columns';
import { DeclaredFold } from './declared';
import { Gathering } from './gathering';
import type { HistoryCells } from './history-cells';
import { HistoryFold } from './history-fold';
import { LensColumns, type Lens } from './lens';
import type { ColdRecord, Memory, MemoryBounds } from './memory';
import { Orders } from './orders';
import { pack, unpack } from './packing';
import type { BucketDelta, DeclaredProjection, Folded, Folder, MerchantSettings, ProjectionDefinition } from './projection';

/** What stays in memory of each kind of record at a flush. The bytes bound those of visitors with very long histories. */
const recordsInMemory: MemoryBounds = { recordsMax: 49_152, bytesMax: 6 << 20 };

/** @param bounds a part of a range's fingerprint: other ones write other documents */
export function createFolder(projections: readonly ProjectionDefinition[], bounds: MemoryBounds = recordsInMemory): Folder {
  return new PartitionFolder(projections, bounds);
}

/** Everything folded since the last take; a new one begins with each take. */
interface Batch {
  readonly gathering: Gathering;
  readonly declared: readonly DeclaredFold[];
  readonly histories: readonly HistoryCells[];
  empty: boolean;
}

/** Rough size in memory of a record that cannot stay. */
const surplusRecordBytes = 300;

class PartitionFolder implements Folder {
  readonly keeps: string;
  private readonly declared: readonly DeclaredProjection[];
  private readonly orders: Orders | undefined;
  private readonly histories: HistoryFold | undefined;
  /** In the order their bytes are in. */
  private readonly memories: readonly Memory[];
  private readonly desk = new LensColumns();
  private batch: Batch;
  /** Looked at for `absent`, of use for `fold` if no take came between. */
  private looked: Lens | undefined;

  constructor(projections: readonly ProjectionDefinition[], bounds: MemoryBounds) {
    this.declared = projections.filter((projection) => projection.kind === 'declared');
    const told = projections.filter((projection) => projection.kind === 'history');
    if (told.length > 0) this.histories = new HistoryFold(told, bounds);
    if (told.length > 0 || this.declared.some(({ orders }) => orders)) this.orders = new Orders(bounds);
    this.memories = [this.orders?.memory, this.histories?.memory].filter((memory) => memory !== undefined);
    const names = this.histories?.histories.map(({ name }) => name) ?? [];
    this.keeps = [...(this.orders === undefined ? [] : ['orders']), ...names].join(',');
    this.batch = this.newBatch();
  }

  get pendingBytes(): number {
    if (this.batch.empty) return 0;
    let bytes = this.batch.gathering.bytes;
    for (const fold of this.batch.declared) bytes += fold.bytes;
    for (const cells of this.batch.histories) bytes += cells.bytes;
    for (const memory of this.memories) bytes += memory.surplus * surplusRecordBytes;
    return bytes;
  }

  get hasCold(): boolean {
    return this.memories.some((memory) => memory.hasCold);
  }

  absent(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings): readonly string[] {
    if (!this.hasCold) return [];
    if (this.looked?.columns !== columns) this.looked = this.desk.look(this.batch.gathering, columns, skip, settingsOf);
    const transactions = this.orders?.absent(this.looked, this.batch.gathering) ?? [];
    const visitors = this.histories?.absent(this.looked, this.batch.gathering) ?? [];
    return transactions.length === 0 ? visitors : [...transactions, ...visitors];
  }

  admit(key: string, bytes: Uint8Array | undefined): void {
    this.memories.find((memory) => memory.owns(key))!.admit(key, bytes);
  }

  fold(columns: EventColumns, skip: Uint8Array, settingsOf: (merchantId: string) => MerchantSettings, firstPosition: number): void {
    const { gathering, declared, histories } = this.batch;
    this.batch.empty = false;
    const lens = this.looked?.columns === columns ? this.looked : this.desk.look(gathering, columns, skip, settingsOf);
    this.looked = undefined;
    this.orders?.fold(lens, gathering);
    for (const fold of declared) fold.fold(lens, gathering);
    this.histories?.fold(lens, gathering, histories, firstPosition);
    for (const memory of this.memories) memory.forgetAdmitted();
  }

  take(): Folded {
    const batch = this.batch;
    if (batch.empty) return { deltas: [], state: undefined, cold: [] };
    this.batch = this.newBatch(batch);
    this.looked = undefined;
    const deltas: BucketDelta[] = [];
    for (const fold of batch.declared) deltas.push(...fold.take(batch.gathering));
    for (const cells of batch.histories) deltas.push(...cells.take());
    const changes: (Uint8Array | undefined)[] = [];
    const cold: ColdRecord[] = [];
    for (const memory of this.memories) {
      const taken = memory.take();
      changes.push(taken.change);
      for (const record of taken.cold) cold.push(record);
    }
    return { deltas, state: changes.some((change) => change !== undefined) ? pack(changes) : undefined, cold };
  }

  flushed(): void {
    for (const memory of this.memories) memory.flushed();
  }

  snapshot(): Uint8Array {
    return pack(this.memories.map((memory) => memory.snapshot()));
  }

  restore(parts: readonly Uint8Array[], hasCold: boolean): void {
    const unpacked = parts.map(unpack);
    this.memories.forEach((memory, i) =>
      memory.restore(
        unpacked.map((part) => part[i]!).filter((bytes) => bytes.length > 0),
        hasCold,
      ),
    );
  }

  private newBatch(like?: Batch): Batch {
    const gathering = new Gathering(like?.gathering);
    return {
      gathering,
      declared: this.declared.map((definition, i) => new DeclaredFold(definition, like?.declared[i])),
      histories: this.histories?.cellsIn(gathering, like?.histories) ?? [],
      empty: true,
    };
  }
}
