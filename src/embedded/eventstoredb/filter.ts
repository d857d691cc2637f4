import type { ReadReq } from '@eventstore/db-client/generated/streams_pb';
import type { RecordFilter } from './log/cursors';
import { invalidArgument } from './refusal';

export interface FilterPlan {
  readonly accepts: RecordFilter;
  /** A subscription tells its position each time this many records were looked at. */
  readonly checkpointRecords: number;
}

/** The server's search window when the client names none. */
const defaultWindowRecords = 32;

/** Throws INVALID_ARGUMENT for a filter that is none. */
export function filterOf(options: ReadReq.Options.FilterOptions): FilterPlan {
  const window = options.hasMax() ? options.getMax() : defaultWindowRecords;
  const checkpointRecords = Math.max(1, window) * Math.max(1, options.getCheckpointintervalmultiplier());
  const byStream = options.getStreamIdentifier();
  const expression = byStream ?? options.getEventType();
  if (!expression) throw invalidArgument('a filter is on the stream name or on the event type');
  const matches = matcher(expression.getRegex(), expression.getPrefixList());
  return { accepts: byStream ? (stream) => matches(stream) : (_stream, type) => matches(type), checkpointRecords };
}

function matcher(regex: string, prefixes: readonly string[]): (value: string) => boolean {
  if (regex === '') return (value) => prefixes.some((prefix) => value.startsWith(prefix));
  try {
    const expression = new RegExp(regex);
    return (value) => expression.test(value);
  } catch (error) {
    throw invalidArgument(`the filter is not a regular expression: ${(error as Error).message}`);
  }
}
