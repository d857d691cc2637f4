import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type MerchantCommand, type MerchantRefusal, type MerchantState, merchant } from '../domain/merchant';
import { type MerchantEvent, readMerchantEvent } from '../domain/merchant-events';
import { merchantStream } from '../domain/partition';
import { type Logger, LOGGER } from '../logging';
import { EVENT_STORE, type EventStore, type NewRecord, type RecordedEvent, StoreUnavailable } from '../stores/event-store';
import type { MerchantRecord } from '../stores/records';
import { type DirectoryView, emptyView, foldDirectory, writesAfter } from './directory';
import { DirectoryRecords } from './directory-records';

/** Who gave the order: 'admin' or 'token:' and its id. Kept in the metadata of the facts. */
export type Actor = string;

export type ConfigurationRefusal = MerchantRefusal | { readonly reason: 'contended' };
export type CarriedOut =
  { readonly ok: true; readonly merchant: MerchantRecord } | { readonly ok: false; readonly refusal: ConfigurationRefusal };

/** Others changing the same merchant at the same moment may win this often before the caller is asked to try again. */
const attemptsMax = 5;

/** Load, decide, append where nothing came between, project. */
@Injectable()
export class MerchantLog {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly directory: DirectoryRecords,
  ) {}

  async carryOut(merchantId: string, command: MerchantCommand, by: Actor): Promise<CarriedOut> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const { state, view } = await this.load(merchantId);
      const decision = merchant.decide(command, state);
      if (!decision.ok) return decision;
      if (decision.events.length === 0) return carriedOut(view);

      const expected = view.revision < 0n ? 'no-stream' : view.revision;
      const appended = await this.store.append(merchantStream(merchantId), toRecords(decision.events, by), { expected });
      if (!appended.ok) continue;

      const next = decision.events.reduce((folded, event) => foldDirectory(folded, event, folded.revision + 1n), view);
      await this.project(next, view.revision);
      return carriedOut(next);
    }
    return { ok: false, refusal: { reason: 'contended' } };
  }

  /** What the log says of a merchant. */
  async load(merchantId: string): Promise<{ state: MerchantState; view: DirectoryView }> {
    let state = merchant.initial;
    let view = emptyView;
    for await (const record of this.store.read(merchantStream(merchantId))) {
      const event = readRecord(record);
      state = merchant.evolve(state, event);
      view = foldDirectory(view, event, record.revision);
    }
    return { state, view };
  }

  /** The append is the fact. A directory that cannot be written now is written by DirectorySubscription once it can. */
  private async project(view: DirectoryView, after: bigint): Promise<void> {
    try {
      await this.directory.apply(writesAfter(view, after));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.logger.warn({ err: error, merchantId: view.merchant?.merchantId }, 'change recorded; it shows once the read store answers');
    }
  }
}

export const readRecord = (record: RecordedEvent): MerchantEvent =>
  readMerchantEvent(record.type, Buffer.from(record.data.buffer, record.data.byteOffset, record.data.byteLength).toString('utf8'));

function toRecords(events: readonly MerchantEvent[], by: Actor): NewRecord[] {
  const metadata = Buffer.from(JSON.stringify({ by }));
  return events.map(({ type, data }) => ({
    id: randomUUID(),
    type,
    data: Buffer.from(JSON.stringify(data)),
    contentType: 'json',
    metadata,
  }));
}

function carriedOut(view: DirectoryView): CarriedOut {
  if (view.merchant === undefined) throw new Error('an order was carried out on a merchant that was never registered');
  return { ok: true, merchant: view.merchant };
}
