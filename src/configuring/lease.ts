import { randomUUID } from 'node:crypto';
import type { RecordStore, Versioned } from '../stores/read-store';
import { type LeaseRecord, recordKinds } from '../stores/records';

/** A holder that died is followed after this long. */
export const leaseMs = 15_000;
const renewEveryMs = 5_000;

/**
 * Lets one process do some work at a time. It saves work and gives no safety: for a moment two may believe they hold it, which
 * what they do must make harmless.
 */
export class Lease {
  private readonly owner = randomUUID();

  constructor(
    private readonly records: RecordStore,
    private readonly id: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** Runs `work` while this process holds the lease, aborting it when the lease is lost; false when another holds it. */
  async hold(stop: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    let rev = await this.take();
    if (rev === undefined) return false;
    const lost = new AbortController();
    let renewal: Promise<void> = Promise.resolve();
    const renew = async (): Promise<void> => {
      const held: number = rev!;
      const renewed = await this.write(held, this.now() + leaseMs).catch(() => false);
      if (renewed) rev = held + 1;
      else lost.abort();
    };
    const timer = setInterval(() => {
      renewal = renewal.then(() => (lost.signal.aborted ? undefined : renew()));
    }, renewEveryMs);
    try {
      await work(AbortSignal.any([stop, lost.signal]));
    } finally {
      clearInterval(timer);
      await renewal;
      // Given back at once, so that the next process need not wait for the time to run out; if that fails, it waits.
      if (!lost.signal.aborted) await this.write(rev, 0).catch(() => false);
    }
    return true;
  }

  private async take(): Promise<number | undefined> {
    const stored: Versioned<LeaseRecord> | undefined = await this.records.get<LeaseRecord>(recordKinds.leases, this.id);
    if (stored !== undefined && stored.value.until > this.now() && stored.value.owner !== this.owner) return undefined;
    const rev = stored?.rev ?? 0;
    return (await this.write(rev, this.now() + leaseMs)) ? rev + 1 : undefined;
  }

  private write(rev: number, until: number): Promise<boolean> {
    const lease: LeaseRecord = { owner: this.owner, until };
    return this.records.putIf(recordKinds.leases, this.id, lease, rev);
  }
}
