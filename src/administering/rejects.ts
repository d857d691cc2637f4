import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { partitionOf } from '../domain/partition';
import type { RejectReason } from '../protocol/event';
import { EVENT_STORE, type EventStore } from '../stores/event-store';
import type { StoredReject } from '../stores/rejects';
import { newestFirst } from './rejects-log';

/** Which rejects are meant. */
export interface RejectFilter {
  merchantId?: string | undefined;
  reason?: RejectReason | undefined;
}

export interface RejectRow extends StoredReject {
  replayed: boolean;
}
export interface RejectPage {
  rejects: RejectRow[];
  /** False: the search ended at `searchedRecordsMax`, older rejects may match as well. */
  complete: boolean;
}

/** Log records one request may look through. */
const searchedRecordsMax = 20_000;

export class ListRejects extends Query<RejectPage> {
  constructor(
    readonly filter: RejectFilter,
    readonly limit: number,
  ) {
    super();
  }
}

@QueryHandler(ListRejects)
export class ListRejectsHandler implements IQueryHandler<ListRejects> {
  constructor(
    @Inject(EVENT_STORE) private readonly log: EventStore,
    @Inject(CONFIGURATION) private readonly configuration: Pick<ResolvedConfiguration, 'partitions'>,
  ) {}

  /** Newest first. */
  async execute({ filter, limit }: ListRejects): Promise<RejectPage> {
    const rejects: RejectRow[] = [];
    let searched = 0;
    for await (const record of newestFirst(this.log, partitionsOf(filter, this.configuration.partitions))) {
      if (searched++ >= searchedRecordsMax) return { rejects, complete: false };
      for (let place = record.rejects.length - 1; place >= 0; place--) {
        const reject = record.rejects[place]!;
        if (!matches(reject, filter)) continue;
        if (rejects.length >= limit) return { rejects, complete: true };
        rejects.push({ ...reject, replayed: record.replayed.has(place) });
      }
    }
    return { rejects, complete: true };
  }
}

export const matches = (reject: StoredReject, { merchantId, reason }: RejectFilter): boolean =>
  (merchantId === undefined || reject.merchantId === merchantId) && (reason === undefined || reject.reason === reason);

export function partitionsOf({ merchantId }: RejectFilter, partitions: number): number[] {
  return merchantId === undefined ? Array.from({ length: partitions }, (_, partition) => partition) : [partitionOf(merchantId, partitions)];
}
