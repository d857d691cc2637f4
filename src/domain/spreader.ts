import type { AcceptedEvent } from './columns';
import { shardOf, spreadAt, type SpreadSince } from './spreading';

/** Whose events they are, and where they go. */
export interface Placed {
  readonly merchantId: string;
  /** Absent: to the merchant's home. */
  readonly spreads?: readonly SpreadSince[];
}

/** Splits batches of merchants who are spread. */
export class Spreader {
  /** By shard; empty between two batches. */
  private readonly rows: AcceptedEvent[][];
  /** The shards a batch has rows of. */
  private readonly shards: number[] = [];

  constructor(private readonly partitions: number) {
    this.rows = Array.from({ length: partitions }, () => []);
  }

  /**
   * @param home the merchant's own partition
   * @param rawBytes of all rows
   * @param take called once a partition; copies the rows before it returns
   */
  split(
    home: number,
    spreads: readonly SpreadSince[],
    rows: readonly AcceptedEvent[],
    rawBytes: number,
    take: (partition: number, rows: readonly AcceptedEvent[], rawBytes: number) => void,
  ): void {
    const { shards } = this;
    for (const row of rows) {
      const shard = shardOf(row.visitorId, spreadAt(spreads, row.time));
      const some = this.rows[shard]!;
      if (some.length === 0) shards.push(shard);
      some.push(row);
    }
    let left = rawBytes;
    for (let i = 0; i < shards.length; i++) {
      const some = this.rows[shards[i]!]!;
      const bytes = i === shards.length - 1 ? left : Math.floor((rawBytes * some.length) / rows.length);
      left -= bytes;
      take((home + shards[i]!) % this.partitions, some, bytes);
      some.length = 0;
    }
    shards.length = 0;
  }
}
