import { limits } from '../protocol/limits';
import { describe, kindOf, quote } from './accept-shape';
import { parseTime } from './time';

/** A collect request that could be read: its events are still to be judged one by one. */
export interface Batch {
  readonly ok: true;
  readonly events: readonly unknown[];
  /** Epoch ms by the sender's clock. */
  readonly sentAt: number | undefined;
}

/** A request none of whose events can be told apart: refused as a whole. */
export interface Malformed {
  readonly ok: false;
  readonly kind: 'broken-json' | 'not-a-batch' | 'too-many-events' | 'too-large';
  readonly detail: string;
}

const malformed = (kind: Malformed['kind'], detail: string): Malformed => ({ ok: false, kind, detail });

/** Reads `{"events":[…],"sentAt":…}` or a bare array of events: the one place where bytes become values. */
export function parseBatch(bytes: Uint8Array): Batch | Malformed {
  if (bytes.byteLength > limits.batchBytesMax) {
    return malformed('too-large', `a request may have ${limits.batchBytesMax} bytes, this one has ${bytes.byteLength}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(wellFormed(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')));
  } catch (error) {
    return malformed('broken-json', `the request is not JSON: ${(error as Error).message.slice(0, 120)}`);
  }
  if (Array.isArray(value)) return batchOf(value, undefined);
  if (typeof value !== 'object' || value === null) {
    return malformed('not-a-batch', `expected {"events":[…]} or a list of events, not ${kindOf(value)}`);
  }
  const { events, sentAt, ...rest } = value as Record<string, unknown>;
  for (const field in rest) {
    return malformed('not-a-batch', `unknown field ${quote(field)} beside events; expected {"events":[…],"sentAt":…} or a list of events`);
  }
  if (!Array.isArray(events)) return malformed('not-a-batch', `events must be a list, not ${kindOf(events)}`);
  if (sentAt === undefined) return batchOf(events, undefined);
  const at = parseTime(sentAt);
  if (Number.isNaN(at)) {
    return malformed('not-a-batch', `sentAt must be ISO 8601 with an offset or epoch milliseconds, not ${describe(sentAt)}`);
  }
  return batchOf(events, at);
}

function batchOf(events: readonly unknown[], sentAt: number | undefined): Batch | Malformed {
  return events.length <= limits.batchEventsMax
    ? { ok: true, events, sentAt }
    : malformed('too-many-events', `a request may have ${limits.batchEventsMax} events, this one has ${events.length}`);
}

const anySurrogate = /\\u[dD][89a-fA-F]/;
/** Each escape sequence in turn, so that the second of two backslashes begins none. */
const escapes = /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|[^])/g;

/**
 * Half of a surrogate pair, which a text cut in the middle of an emoji ends with, can be escaped in JSON and stored nowhere else: it
 * becomes U+FFFD, as it would in UTF-8. Otherwise a name would be one thing while it is folded and another once it was stored.
 */
function wellFormed(json: string): string {
  if (!json.includes('\\u') || !anySurrogate.test(json)) return json;
  return json.replace(escapes, (escape, half: string | undefined) => (half === undefined ? escape : '\\ufffd'));
}
