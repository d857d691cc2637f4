import { merchantOf } from '../../projections/kit/document';
import { dayStart } from '../../projections/kit/zone';
import { eventsStream } from '../domain/partition';
import type { EventColumns } from '../domain/columns';
import type { EventStore, RecordedEvent } from '../stores/event-store';
import type { RebuildScope } from '../stores/records';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/**
 * Before the first record that can matter: an event may lie 5 minutes after its receipt, the ids of the hour and a half before
 * decide whether it is counted, and clocks differ.
 */
const marginMs = 3 * hourMs;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** What of the log, and of what is folded from it, lies within a scope. */
export class ScopeFilter {
  /** Of the range, by timezone. */
  private readonly spans = new Map<string, Span>();
  private readonly isRange: boolean;

  /** @param countsByRow the projections need nothing but the event itself, so that those outside the range can be left out */
  constructor(
    readonly scope: RebuildScope,
    private readonly countsByRow: boolean,
  ) {
    this.isRange = scope.from !== undefined || scope.to !== undefined;
  }

  /** The code of the one merchant in a block; 0 when nothing in it is that merchant's; undefined: all merchants matter. */
  only(columns: EventColumns): number | undefined {
    const { merchantId } = this.scope;
    return merchantId === undefined ? undefined : Math.max(0, columns.text.merchantId.values.indexOf(merchantId));
  }

  /** Leaves out the rows that no bucket of the range can count. */
  narrow(columns: EventColumns, skip: Uint8Array, timezoneOf: (merchantId: string) => string): void {
    if (!this.isRange || !this.countsByRow) return;
    const { values, codes } = columns.text.merchantId;
    const spans = values.map((merchantId) => this.spanIn(merchantId === '' ? 'UTC' : timezoneOf(merchantId)));
    for (let row = 0; row < columns.count; row++) {
      const { from, to } = spans[codes[row]!]!;
      // A day more on either side, for buckets that reach over the ends.
      const time = columns.times[row]!;
      if (time < from - dayMs || time >= to + dayMs) skip[row] = 1;
    }
  }

  /** Whether documents of a prefix are written: those of buckets that touch the range. */
  keeps(prefix: string, timezoneOf: (merchantId: string) => string): boolean {
    if (!this.isRange) return true;
    const bucket = prefix.slice(prefix.lastIndexOf('|') + 1);
    // Of a recent minute, whichever it is by now: readers look for those of the range alone.
    if (bucket.length === 2) return true;
    if (bucket.length === 10) {
      return (this.scope.from === undefined || bucket >= this.scope.from) && (this.scope.to === undefined || bucket <= this.scope.to);
    }
    const { from, to } = this.spanIn(timezoneOf(merchantOf(prefix)));
    const isMinute = bucket.length > 13;
    const start = Date.parse(isMinute ? `${bucket}Z` : `${bucket}:00Z`);
    return start + (isMinute ? 60_000 : hourMs) > from && start < to;
  }

  /**
   * The log time before which nothing can matter; undefined: everything may.
   * @param registeredAt of the one merchant, epoch ms
   */
  earliest(registeredAt: number | undefined, timezoneOf: (merchantId: string) => string): number | undefined {
    const { merchantId } = this.scope;
    const bounds = registeredAt === undefined ? [] : [registeredAt];
    if (this.countsByRow && this.scope.from !== undefined) {
      // Days begin up to 14 hours before those of UTC.
      bounds.push(merchantId === undefined ? this.spanIn('UTC').from - 14 * hourMs : this.spanIn(timezoneOf(merchantId)).from);
    }
    return bounds.length === 0 ? undefined : Math.max(...bounds) - marginMs;
  }

  private spanIn(timezone: string): Span {
    let span = this.spans.get(timezone);
    if (span === undefined) {
      span = daysIn(this.scope, timezone);
      this.spans.set(timezone, span);
    }
    return span;
  }
}

/** The instants of a range of days, epoch ms, `to` exclusive. */
function daysIn({ from, to }: RebuildScope, timezone: string): Span {
  const after = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) + dayMs).toISOString().slice(0, 10);
  return {
    from: from === undefined ? -Infinity : dayStart(timezone, from),
    to: to === undefined ? Infinity : dayStart(timezone, after(to)),
  };
}

/** The first revision recorded at or after an instant, and when the record before it was; halves the stream until it is found. */
export async function firstSince(
  eventStore: EventStore,
  partition: number,
  createdAt: number,
): Promise<{ revision: number; timeBefore: number }> {
  const stream = eventsStream(partition);
  const last = await eventStore.last(stream);
  let low = 0;
  let high = last === undefined ? 0 : Number(last.revision) + 1;
  let timeBefore = 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const record = await recordAt(eventStore, stream, middle);
    // What retention took from the front of the stream is older than anything that is left.
    if (record === undefined || record.createdAt < createdAt) {
      low = middle + 1;
      timeBefore = record?.createdAt ?? 0;
    } else high = middle;
  }
  return { revision: low, timeBefore };
}

async function recordAt(eventStore: EventStore, stream: string, revision: number): Promise<RecordedEvent | undefined> {
  for await (const record of eventStore.read(stream, { from: BigInt(revision), limit: 1 })) {
    if (Number(record.revision) === revision) return record;
  }
  return undefined;
}
