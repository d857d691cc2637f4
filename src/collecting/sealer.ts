import type { AcceptedEvent } from '../domain/columns';
import { eventsStream, partitionOf, rejectsStream } from '../domain/partition';
import { type Placed, Spreader } from '../domain/spreader';
import type { Logger } from '../logging';
import { blockRecordId, EVENT_BLOCK } from '../stores/block';
import type { EventStore, NewRecord } from '../stores/event-store';
import { EVENT_REJECTED, type StoredReject } from '../stores/rejects';
import { AppendLane, NotDurable, laneBounds, type LaneBounds, type LaneContext } from './append-lane';
import { metrics } from './metrics';
import { QueueGauge } from './queue-gauge';

export interface SealerOptions {
  readonly eventStore: Pick<EventStore, 'append' | 'maxAppendBytes'>;
  readonly encodeBlock: (rows: readonly AcceptedEvent[]) => Uint8Array;
  readonly partitions: number;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  readonly gauge?: QueueGauge;
  readonly bounds?: Partial<LaneBounds>;
}

/** Takes judged events and brings them into the log: blocks to `events-NN`, rejects to `rejects-NN`. */
export class Sealer {
  readonly gauge: QueueGauge;
  private readonly events: AppendLane<AcceptedEvent>[] = [];
  private readonly rejects: AppendLane<StoredReject>[] = [];
  private closed = false;
  private readonly spreader: Spreader;

  constructor(private readonly options: SealerOptions) {
    this.spreader = new Spreader(options.partitions);
    this.gauge = options.gauge ?? new QueueGauge();
    const context: LaneContext = {
      eventStore: options.eventStore,
      gauge: this.gauge,
      logger: options.logger,
      bounds: { ...laneBounds, ...options.bounds },
    };
    const block = (rows: readonly AcceptedEvent[]): NewRecord => recordOf(EVENT_BLOCK, 'binary', options.encodeBlock(rows));
    const reject = (rows: readonly StoredReject[]): NewRecord =>
      recordOf(EVENT_REJECTED, 'json', Buffer.from(JSON.stringify({ rejected: rows })));
    for (let partition = 0; partition < options.partitions; partition++) {
      this.events.push(new AppendLane(eventsStream(partition), 'events', block, context));
      this.rejects.push(new AppendLane(rejectsStream(partition), 'rejects', reject, context));
    }
  }

  /** For senders who do not wait. @param rawBytes of the request. */
  add({ merchantId, spreads }: Placed, accepted: readonly AcceptedEvent[], rejected: readonly StoredReject[], rawBytes: number): void {
    if (this.closed) return metrics.droppedEvents.inc({ cause: 'shutdown' }, accepted.length + rejected.length);
    const home = partitionOf(merchantId, this.options.partitions);
    if (spreads !== undefined) {
      this.spreader.split(home, spreads, accepted, rawBytes, (partition, some, bytes) => this.events[partition]!.push(some, bytes));
    } else if (accepted.length > 0) this.events[home]!.push(accepted, rawBytes);
    if (rejected.length > 0) this.rejects[home]!.push(rejected, bytesOf(rejected));
  }

  /** Resolves when both the accepted and the refused events are durable; rejects with NotDurable. */
  async addAndWait(
    { merchantId, spreads }: Placed,
    accepted: readonly AcceptedEvent[],
    rejected: readonly StoredReject[],
    rawBytes: number,
  ): Promise<void> {
    if (this.closed) throw new NotDurable('the collector is shutting down; send the same events again, they count once');
    const home = partitionOf(merchantId, this.options.partitions);
    const durable: Promise<void>[] = [];
    if (spreads !== undefined) {
      this.spreader.split(home, spreads, accepted, rawBytes, (partition, some, bytes) => {
        durable.push(this.events[partition]!.pushAndWait(some, bytes));
      });
    } else if (accepted.length > 0) durable.push(this.events[home]!.pushAndWait(accepted, rawBytes));
    if (rejected.length > 0) durable.push(this.rejects[home]!.pushAndWait(rejected, bytesOf(rejected)));
    await Promise.all(durable);
  }

  /** Seals what was gathered and waits until it is appended, at most `withinMs`. */
  async flush(withinMs: number): Promise<void> {
    const lanes = [...this.events, ...this.rejects];
    for (const lane of lanes) lane.flush();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)));
    await Promise.race([Promise.all(lanes.map((lane) => lane.idle())), deadline]);
    clearTimeout(timer);
  }

  /** Flushes, then gives up what is left and says how much that was. */
  async close(withinMs: number): Promise<void> {
    await this.flush(withinMs);
    this.closed = true;
    const lost = [...this.events, ...this.rejects].reduce((sum, lane) => sum + lane.close(), 0);
    if (lost === 0) return;
    metrics.droppedEvents.inc({ cause: 'shutdown' }, lost);
    this.options.logger.error(
      { events: lost },
      'stopped before the store took everything: these events were never acknowledged and are not in the log',
    );
  }
}

function recordOf(type: string, contentType: NewRecord['contentType'], data: Uint8Array): NewRecord {
  return { id: blockRecordId(data), type, data, contentType };
}

const bytesOf = (rejects: readonly StoredReject[]): number =>
  rejects.reduce((sum, { original, detail }) => sum + original.length + detail.length + 200, 0);
