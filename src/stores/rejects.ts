import type { RefusedEvent } from '../domain/accept';

/** Records of a rejects stream: JSON, `{"rejected":[StoredReject]}`, written by the collecting role. */
export const EVENT_REJECTED = 'event-rejected.v2';
/** The same from before there were pseudonyms: the originals say whose they are. */
export const EVENT_REJECTED_V1 = 'event-rejected.v1';

/** JSON, RejectsReplayed, in the same stream: which rejects of an earlier record were taken into the log after all. */
export const REJECTS_REPLAYED = 'rejects-replayed.v1';

/** One refused event as it lies in a rejects stream. */
export interface StoredReject extends RefusedEvent {
  readonly merchantId: string;
  readonly sourceId: string;
  /** Epoch ms. */
  readonly receivedAt: number;
}

export interface RejectsReplayed {
  /** Of the record that holds them. */
  readonly revision: string;
  /** Places in its list, from 0. */
  readonly places: readonly number[];
}
