import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CollectAnswer, RejectedEvent } from '../protocol/event';
import { acceptBatch, originalLengthMax, type RefusedEvent } from '../domain/accept';
import { parseBatch, type Malformed } from '../domain/accept-parse';
import { keptOfText } from '../domain/accept-privacy';
import type { PseudonymOf } from '../domain/pseudonyms';
import type { SpreadSince } from '../domain/spreading';
import type { AddressFilter } from '../stores/records';
import type { StoredReject } from '../stores/rejects';
import { filtersHolding } from './address-filters';
import { NotDurable } from './append-lane';
import { countryOf } from './countries';
import { metrics } from './metrics';
import { Sealer } from './sealer';

/** Who sends: what a write key opens. */
export interface CollectSource {
  readonly merchantId: string;
  readonly sourceId: string;
  readonly pseudonymOf: PseudonymOf;
  readonly addressFilters?: readonly AddressFilter[];
  readonly spreads?: readonly SpreadSince[];
}

export type CollectOutcome =
  | { readonly kind: 'collected'; readonly answer: CollectAnswer }
  | { readonly kind: 'malformed'; readonly malformed: Malformed }
  /** The queue is full; nothing was taken. */
  | { readonly kind: 'overloaded'; readonly detail: string }
  /** Taken, but not known to be in the log. The same events may be sent again: they count once. */
  | { readonly kind: 'not-durable'; readonly detail: string };

/** Take the events of one request. */
export class CollectBatch extends Command<CollectOutcome> {
  constructor(
    readonly source: CollectSource,
    /** JSON as it came. Not kept. */
    readonly payload: Uint8Array,
    /** Epoch ms. */
    readonly receivedAt: number,
    /** Whether the sender waits until its events are durable, or has gone on. */
    readonly awaited: boolean,
    readonly visitorAddress?: string,
  ) {
    super();
  }
}

@CommandHandler(CollectBatch)
export class CollectBatchHandler implements ICommandHandler<CollectBatch, CollectOutcome> {
  constructor(private readonly sealer: Sealer) {}

  async execute(command: CollectBatch): Promise<CollectOutcome> {
    const { source, payload, receivedAt, awaited } = command;
    const { gauge } = this.sealer;
    if (!gauge.hasRoomFor(payload.byteLength)) {
      metrics.malformedRequests.inc({ kind: 'overloaded' });
      return { kind: 'overloaded', detail: 'too many events wait for the log; send the same events again in some seconds' };
    }
    const batch = parseBatch(payload);
    if (!batch.ok) {
      metrics.malformedRequests.inc({ kind: batch.kind });
      // Who waits is told; what comes from someone who does not wait is kept with the rejects instead.
      if (!awaited) this.sealer.add(source, [], [malformedReject(command, batch)], 0);
      return { kind: 'malformed', malformed: batch };
    }
    const { accepted, rejected } = acceptBatch(batch, {
      merchantId: source.merchantId,
      receivedAt,
      countryOf,
      pseudonymOf: source.pseudonymOf,
      visitorAddress: command.visitorAddress,
      filtersHolding: source.addressFilters && filtersHolding(source.addressFilters),
      unreadForMs: gauge.unreadForMs(receivedAt),
    });
    if (accepted.length > 0) metrics.acceptedEvents.inc(accepted.length);
    for (const { reason } of rejected) metrics.rejectedEvents.inc({ reason });
    const stored = rejected.map((refused) => storedReject(command, refused));
    if (awaited) {
      try {
        await this.sealer.addAndWait(source, accepted, stored, payload.byteLength);
      } catch (error) {
        if (error instanceof NotDurable) return { kind: 'not-durable', detail: error.message };
        throw error;
      }
    } else {
      this.sealer.add(source, accepted, stored, payload.byteLength);
    }
    return { kind: 'collected', answer: { accepted: accepted.length, rejected: rejected.map(asAnswered) } };
  }
}

const asAnswered = ({ index, id, reason, detail }: RefusedEvent): RejectedEvent => ({ index, id, reason, detail });

function storedReject({ source, receivedAt }: CollectBatch, refused: RefusedEvent): StoredReject {
  return { merchantId: source.merchantId, sourceId: source.sourceId, receivedAt, ...refused };
}

function malformedReject(command: CollectBatch, malformed: Malformed): StoredReject {
  metrics.rejectedEvents.inc({ reason: 'malformed-request' });
  const { buffer, byteOffset, byteLength } = command.payload;
  const text = Buffer.from(buffer, byteOffset, Math.min(byteLength, originalLengthMax)).toString('utf8');
  return storedReject(command, {
    index: 0,
    id: null,
    reason: 'malformed-request',
    // What JSON.parse quotes of the request may say whose it is.
    detail: malformed.detail.replace(/, (?:\.\.\.)?".*/s, ''),
    original: keptOfText(text, originalLengthMax),
  });
}
