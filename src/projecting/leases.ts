import type { RecordStore, Versioned } from '../stores/read-store';
import { type LeaseRecord, recordKinds } from '../stores/records';

export interface LeaseTimes {
  /** A lease that is not renewed may be taken by anyone after this. */
  readonly leaseMs: number;
  /** A lease is renewed when it is this old. */
  readonly renewMs: number;
}

/** Who does what, by mutual consent: leases give liveness only, epochs give safety. */
export class LeaseBook {
  constructor(
    private readonly records: RecordStore,
    readonly owner: string,
    private readonly times: LeaseTimes,
    private readonly now: () => number,
  ) {}

  async list(prefix: string): Promise<Map<string, Versioned<LeaseRecord>>> {
    const leases = await this.records.list<LeaseRecord>(recordKinds.leases, prefix);
    return new Map(leases.map((lease) => [lease.id, lease]));
  }

  isMine(lease: Versioned<LeaseRecord> | undefined): boolean {
    return lease?.value.owner === this.owner;
  }

  isFree(lease: Versioned<LeaseRecord> | undefined): boolean {
    return lease === undefined || lease.value.owner === '' || lease.value.until < this.now();
  }

  isDueForRenewal(lease: Versioned<LeaseRecord>): boolean {
    return lease.value.until - this.now() < this.times.leaseMs - this.times.renewMs;
  }

  /** Takes or renews. False: someone else was faster. */
  async take(id: string, seen: Versioned<LeaseRecord> | undefined): Promise<boolean> {
    const lease: LeaseRecord = { owner: this.owner, until: this.now() + this.times.leaseMs };
    return this.records.putIf(recordKinds.leases, id, lease, seen?.rev ?? 0);
  }

  /** Free for anyone at once, if it was still ours. */
  async release(id: string): Promise<void> {
    const seen = await this.records.get<LeaseRecord>(recordKinds.leases, id);
    if (seen === undefined || !this.isMine(seen)) return;
    await this.records.putIf<LeaseRecord>(recordKinds.leases, id, { owner: '', until: 0 }, seen.rev);
  }
}

const leaseOfPartition = (partition: number): string => `partition-${String(partition).padStart(2, '0')}`;
export const leaseOfCoordinator = 'coordinator';

/** How many partitions a worker should hold: equal shares, the first workers by name taking what does not divide. */
export function fairShare(partitions: number, workers: readonly string[], worker: string): number {
  const names = [...new Set([...workers, worker])].sort();
  const rank = names.indexOf(worker);
  return Math.floor(partitions / names.length) + (rank < partitions % names.length ? 1 : 0);
}

export interface PartitionHolder {
  acquired(partition: number): void;
  /** Another worker has it: stop at once. */
  lost(partition: number): void;
  /** Flush and stop; the lease is given back when it resolves. */
  handOver(partition: number): Promise<void>;
}

/** Holds a fair share of the partitions' leases. */
export class PartitionLeases {
  private readonly mine = new Set<number>();
  private readonly leaving = new Set<number>();

  constructor(
    private readonly book: LeaseBook,
    private readonly partitions: number,
    private readonly holder: PartitionHolder,
  ) {}

  get held(): readonly number[] {
    return [...this.mine].sort((a, b) => a - b);
  }

  /** One round: notices losses, renews, takes what is free and gives what is too much. Whether the share is complete. */
  async round(workers: readonly string[]): Promise<boolean> {
    const leases = await this.book.list('partition-');
    const free: number[] = [];
    const renewals: Promise<boolean>[] = [];
    for (let partition = 0; partition < this.partitions; partition++) {
      const id = leaseOfPartition(partition);
      const lease = leases.get(id);
      if (this.leaving.has(partition)) continue;
      if (this.mine.has(partition) && !this.book.isMine(lease)) {
        this.mine.delete(partition);
        this.holder.lost(partition);
      } else if (this.book.isMine(lease)) {
        // Taken by a call whose answer was lost, perhaps: it is ours all the same.
        if (!this.mine.has(partition)) this.accept(partition);
        // Not renewed for any reason: the next round sees who has it.
        if (this.book.isDueForRenewal(lease!)) renewals.push(this.book.take(id, lease));
      } else if (this.book.isFree(lease)) {
        free.push(partition);
      }
    }
    await Promise.all(renewals);
    const share = fairShare(this.partitions, workers, this.book.owner);
    await this.acquire(free.slice(0, Math.max(0, share - this.mine.size)), leases);
    const tooMany = this.held.slice(share);
    await Promise.all(tooMany.map((partition) => this.give(partition)));
    return this.mine.size >= share;
  }

  async giveAll(): Promise<void> {
    await Promise.all(this.held.map((partition) => this.give(partition)));
  }

  private async acquire(partitions: readonly number[], leases: ReadonlyMap<string, Versioned<LeaseRecord>>): Promise<void> {
    await Promise.all(
      partitions.map(async (partition) => {
        const id = leaseOfPartition(partition);
        if (await this.book.take(id, leases.get(id))) this.accept(partition);
      }),
    );
  }

  private async give(partition: number): Promise<void> {
    this.mine.delete(partition);
    this.leaving.add(partition);
    try {
      await this.holder.handOver(partition);
      await this.book.release(leaseOfPartition(partition));
    } finally {
      this.leaving.delete(partition);
    }
  }

  private accept(partition: number): void {
    this.mine.add(partition);
    this.holder.acquired(partition);
  }
}
