/** One item of a commerce event. Prices are in the event's currency, major units (19.99). */
export interface Item {
  itemId: string;
  name?: string;
  brand?: string;
  category?: string;
  variant?: string;
  price?: number;
  /** Defaults to 1. */
  quantity?: number;
  coupon?: string;
}

/** An event as an SDK sends it. Fields not named here are refused with their name. */
export interface IncomingEvent {
  /** Idempotency key: the same id for the same merchant is counted once. */
  id: string;
  name: string;
  /** ISO 8601 or epoch milliseconds, by the sender's clock. */
  time: string | number;
  visitorId: string;
  userId?: string;
  sessionId?: string;
  url?: string;
  title?: string;
  referrer?: string;
  userAgent?: string;
  /** Resolved to a country at collection and then forgotten. */
  ip?: string;
  language?: string;
  screen?: string;
  value?: number;
  /** ISO 4217. */
  currency?: string;
  items?: Item[];
  transactionId?: string;
  coupon?: string;
  tax?: number;
  shipping?: number;
  properties?: Record<string, string | number | boolean>;
}

/** What `collect` carries: this or a bare array of events. */
export interface CollectRequest {
  events: IncomingEvent[];
  /** The sender's clock when it sent the batch; the difference to the receipt corrects every event's time. */
  sentAt?: string | number;
}

/** Why an event was refused: a closed set, stored with the rejected event. */
export type RejectReason =
  | 'not-an-object'
  | 'unknown-field'
  | 'missing-field'
  | 'invalid-field'
  | 'too-long'
  | 'too-many'
  | 'invalid-time'
  | 'too-old'
  /** In order, but from an address that the merchant filters. */
  | 'filtered-address'
  /** The whole request could not be read, and its sender waits for no answer. */
  | 'malformed-request';

export interface RejectedEvent {
  /** Place in the batch, from 0. */
  index: number;
  /** The event's id where it had a readable one. */
  id: string | null;
  reason: RejectReason;
  /** For people: names the field, the value, and what is allowed. */
  detail: string;
}

export interface CollectAnswer {
  accepted: number;
  rejected: RejectedEvent[];
}
