import type { IncomingEvent, RejectedEvent, RejectReason } from '../protocol/event';
import { limits } from '../protocol/limits';
import type { Batch } from './accept-parse';
import { keptOfEvent } from './accept-privacy';
import { describe, diagnose, isEvent } from './accept-shape';
import type { AcceptedEvent } from './columns';
import { parsePaidCurrency } from './currencies';
import type { PseudonymOf } from './pseudonyms';
import { parseTime } from './time';

/** What acceptance needs to know besides the batch. Everything that changes is an argument. */
export interface AcceptContext {
  readonly merchantId: string;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** ISO 3166 alpha-2 of an address, undefined when unknown. */
  readonly countryOf: (ip: string) => string | undefined;
  /** What is stored of the ids of visitors, users and sessions. */
  readonly pseudonymOf: PseudonymOf;
  /** The visitor's address where the connection itself is the visitor's: used for events that carry no ip. */
  readonly visitorAddress?: string | undefined;
  /** The merchant's filters that an address lies in, by id; absent: it filters no addresses. */
  readonly filtersHolding?: ((address: string) => readonly string[]) | undefined;
  /** Added to the tolerance for clock skew: how long this request may have waited unread in a socket. */
  readonly unreadForMs?: number;
}

/** A refused event with what is kept of it, so that it can be replayed once the cause is fixed. */
export interface RefusedEvent extends RejectedEvent {
  /** The event as JSON without its addresses and with pseudonyms for its ids (keptOfEvent), cut to originalLengthMax. */
  readonly original: string;
  /** Resolved before the address was forgotten. */
  readonly country?: string;
  /** The filters its address lay in, of an event that was refused for nothing else. */
  readonly filterIds?: readonly string[];
  /** What was added to its time, or would have been; absent: nothing. */
  readonly clockCorrectionMs?: number;
}

/** Accepted and refused events of one batch, each in the order they were sent. */
export interface AcceptedBatch {
  readonly accepted: AcceptedEvent[];
  readonly rejected: RefusedEvent[];
}

/** Characters kept of a refused event. */
export const originalLengthMax = 32_768;

/**
 * Judges each event of a batch: check the shape, correct the clock, date the future at its receipt, read the currency, resolve
 * the country, keep out what comes from addresses that the merchant filters, give visitors their pseudonyms. The first thing wrong
 * refuses the event and says what it is; the others are taken.
 */
export function acceptBatch(batch: Batch, context: AcceptContext): AcceptedBatch {
  const accepted: AcceptedEvent[] = [];
  const rejected: RefusedEvent[] = [];
  const correctionMs = clockCorrection(batch.sentAt, context);
  const countryOfConnection = context.visitorAddress === undefined ? undefined : context.countryOf(context.visitorAddress);
  for (let index = 0; index < batch.events.length; index++) {
    const event = batch.events[index];
    if (!isEvent(event)) {
      const { reason, detail } = diagnose(event);
      rejected.push(refuse(event, index, reason, detail, correctionMs, context));
      continue;
    }
    const time = eventTime(event.time, correctionMs, context.receivedAt);
    if (Number.isNaN(time)) {
      rejected.push(refuse(event, index, 'invalid-time', explainTime(event.time, correctionMs), correctionMs, context));
      continue;
    }
    // An empty text is as good as none.
    const currency = event.currency ? parsePaidCurrency(event.currency) : undefined;
    if (event.currency && currency === undefined) {
      const detail = `currency must be an ISO 4217 code such as "EUR", not ${describe(event.currency)}`;
      rejected.push(refuse(event, index, 'invalid-field', detail, correctionMs, context));
      continue;
    }
    const ip = event.ip === '' ? undefined : event.ip;
    const country = ip === undefined ? countryOfConnection : context.countryOf(ip);
    const filterIds = filtersHolding(ip ?? context.visitorAddress, context);
    if (filterIds.length > 0) {
      const refused = refuse(event, index, 'filtered-address', explainFilters(filterIds), correctionMs, context);
      rejected.push({ ...refused, country, filterIds });
      continue;
    }
    accepted.push(rowOf(event, time, currency, country, context));
  }
  return { accepted, rejected };
}

/**
 * What to add to the times of a batch: the receipt minus `sentAt`, when the sender's clock is wrong by more than the way can
 * explain. Events that were true to a right clock, however old, keep their times to the millisecond.
 */
function clockCorrection(sentAt: number | undefined, context: Pick<AcceptContext, 'receivedAt' | 'unreadForMs'>): number {
  if (sentAt === undefined) return 0;
  const skewMs = context.receivedAt - sentAt;
  // Waiting on the way only ever makes a clock look slow.
  const isSlow = skewMs > limits.clockSkewToleranceMs + (context.unreadForMs ?? 0);
  return isSlow || skewMs < -limits.clockSkewToleranceMs ? skewMs : 0;
}

/** The event's time after correction; NaN when it is none. The future counts at its receipt. */
function eventTime(value: string | number, correctionMs: number, receivedAt: number): number {
  const time = parseTime(value) + correctionMs;
  if (time > receivedAt + limits.futureToleranceMs) return receivedAt;
  return time >= limits.earliestTimeMs ? time : NaN;
}

function explainTime(value: string | number, correctionMs: number): string {
  const time = parseTime(value);
  const allowed = 'time must be ISO 8601 with an offset or epoch milliseconds';
  if (Number.isNaN(time)) {
    const hint = typeof value === 'number' ? ' (is it in microseconds?)' : '';
    return `${allowed}, not ${describe(value)}${hint}`;
  }
  const seconds = typeof value === 'number' && correctionMs === 0 && value * 1_000 >= limits.earliestTimeMs;
  return `${allowed} from ${new Date(limits.earliestTimeMs).toISOString()} on, not ${describe(value)}${seconds ? ' (is it in seconds?)' : ''}`;
}

/** One literal with every field: all rows have one hidden class, so the code that encodes a block stays fast. */
function rowOf(
  event: IncomingEvent,
  time: number,
  currency: string | undefined,
  country: string | undefined,
  context: AcceptContext,
): AcceptedEvent {
  return {
    merchantId: context.merchantId,
    id: event.id,
    time,
    receivedAt: context.receivedAt,
    name: event.name,
    visitorId: context.pseudonymOf(event.visitorId),
    userId: event.userId === undefined || event.userId === '' ? event.userId : context.pseudonymOf(event.userId),
    sessionId: event.sessionId === undefined || event.sessionId === '' ? event.sessionId : context.pseudonymOf(event.sessionId),
    url: event.url,
    title: event.title,
    referrer: event.referrer,
    userAgent: event.userAgent,
    country,
    language: event.language,
    screen: event.screen,
    value: event.value,
    currency,
    items: event.items,
    transactionId: event.transactionId,
    coupon: event.coupon,
    tax: event.tax,
    shipping: event.shipping,
    properties: event.properties,
  };
}

const none: readonly string[] = [];
const filtersHolding = (address: string | undefined, context: AcceptContext): readonly string[] =>
  address === undefined || context.filtersHolding === undefined ? none : context.filtersHolding(address);

const explainFilters = (filterIds: readonly string[]): string =>
  `comes from an address that the merchant filters (${filterIds.join(', ')}); it is kept with the rejects`;

function refuse(
  event: unknown,
  index: number,
  reason: RejectReason,
  detail: string,
  correctionMs: number,
  context: AcceptContext,
): RefusedEvent {
  const fields = typeof event === 'object' && event !== null ? (event as Record<string, unknown>) : {};
  const { id, ip } = fields;
  const country = typeof ip === 'string' && ip.length <= limits.shortTextLengthMax ? context.countryOf(ip) : undefined;
  return {
    index,
    id: typeof id === 'string' && id.length <= limits.idLengthMax ? id : null,
    reason,
    detail,
    original: keptOfEvent(event, context.pseudonymOf, originalLengthMax),
    ...(country === undefined ? {} : { country }),
    ...(correctionMs === 0 ? {} : { clockCorrectionMs: correctionMs }),
  };
}
