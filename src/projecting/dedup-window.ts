import { hash32 } from '../domain/partition';
import type { EventColumns } from '../domain/columns';
import { IdSet } from './id-set';

/** Log time is cut into epochs of this length; an id is known in its epoch and the two after it, so for at least an hour. */
export const epochMs = 30 * 60_000;
const epochsKept = 3;

/** What a checkpoint holds so that the window can be built again from the log alone. */
export interface DedupResume {
  /** Running maximum of the records' `createdAt`, epoch ms. */
  logTime: number;
  /** The epochs in the window and the first log revision of each, oldest first. */
  epochs: { epoch: number; revision: number }[];
}

interface Epoch {
  readonly epoch: number;
  readonly revision: number;
  readonly ids: IdSet;
}

/**
 * Finds events that were sent twice, by (merchant, event id). What counts as twice depends on the log alone: the epoch of a
 * record is that of the running maximum of the log's own times, so live and rebuilt folds drop the same events.
 */
export class DedupWindow {
  private logTime = 0;
  private epochs: Epoch[] = [];
  private skip = new Uint8Array(0);
  private high = new Uint32Array(0);
  private low = new Uint32Array(0);

  /**
   * Takes in the ids of one record. The answer has one byte a row, 1 for a duplicate, and is valid until the next call.
   * @param createdAt of the record, epoch ms
   * @param only the merchant's code whose rows matter; all others are to be left out as well. Ids are merchants' own.
   */
  mark(columns: EventColumns, createdAt: number, revision: number, only?: number): { skip: Uint8Array; duplicates: number } {
    const { current, earlier } = this.enter(createdAt, revision);
    const { count } = columns;
    const { codes } = columns.text.merchantId;
    if (this.skip.length < count) this.makeRoom(count);
    const skip = this.skip.subarray(0, count);
    const { high, low } = this;
    this.salt(columns);
    if (only === undefined) for (const { ids } of this.epochs) ids.touch(high, low, count);
    let duplicates = 0;
    for (let row = 0; row < count; row++) {
      if (only !== undefined && codes[row] !== only) {
        skip[row] = 1;
        continue;
      }
      let duplicate = !current.ids.add(high[row]!, low[row]!);
      for (let i = 0; !duplicate && i < earlier.length; i++) duplicate = earlier[i]!.ids.has(high[row]!, low[row]!);
      skip[row] = duplicate ? 1 : 0;
      if (duplicate) duplicates++;
    }
    return { skip, duplicates };
  }

  /** What each row is known by: the hash of its id, and merchants' ids are their own. */
  private salt(columns: EventColumns): void {
    const { high, low } = this;
    const { hi, lo } = columns.idHashes();
    const { values, codes } = columns.text.merchantId;
    const salts = Uint32Array.from(values, (merchantId) => hash32(merchantId));
    for (let row = 0; row < columns.count; row++) {
      const salt = salts[codes[row]!]!;
      high[row] = hi[row]! ^ salt;
      low[row] = lo[row]! + Math.imul(salt, 0x9e3779b1);
    }
  }

  private makeRoom(rows: number): void {
    const room = Math.max(1024, rows * 2);
    this.skip = new Uint8Array(room);
    this.high = new Uint32Array(room);
    this.low = new Uint32Array(room);
  }

  /** A record without any id that matters: it moves the window along. */
  pass(createdAt: number, revision: number): void {
    this.enter(createdAt, revision);
  }

  resume(): DedupResume {
    return { logTime: this.logTime, epochs: this.epochs.map(({ epoch, revision }) => ({ epoch, revision })) };
  }

  /** The revision reading back must start from so that marking each record up to the checkpoint gives this window again. */
  static startOf(resume: Partial<DedupResume>): number | undefined {
    return resume.epochs?.[0]?.revision;
  }

  private enter(createdAt: number, revision: number): { current: Epoch; earlier: readonly Epoch[] } {
    this.logTime = Math.max(this.logTime, createdAt);
    const epoch = Math.floor(this.logTime / epochMs);
    if (this.epochs.at(-1)?.epoch !== epoch) {
      this.epochs = this.epochs.filter((kept) => kept.epoch > epoch - epochsKept);
      this.epochs.push({ epoch, revision, ids: new IdSet() });
    }
    return { current: this.epochs.at(-1)!, earlier: this.epochs.slice(0, -1) };
  }
}
