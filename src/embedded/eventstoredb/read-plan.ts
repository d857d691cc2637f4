import { ReadReq } from '@eventstore/db-client/generated/streams_pb';
import { filterOf, type FilterPlan } from './filter';
import { invalidArgument } from './refusal';

/** What a Read call asks for, in one piece. */
export interface ReadPlan {
  readonly target: { kind: 'stream'; name: string } | { kind: 'all' };
  /** Where to begin: a revision of a stream, a commit position of $all. Numbers beyond 2^53 are the end. */
  readonly from: 'start' | 'end' | number;
  readonly backwards: boolean;
  /** Infinity when there is no limit. */
  readonly countMax: number;
  readonly subscription: boolean;
  readonly filter: FilterPlan | undefined;
  /** The client wants ids as two integers rather than as text. */
  readonly structuredIds: boolean;
}

/** Throws INVALID_ARGUMENT when the request names no stream or a broken filter. */
export function planOf(request: ReadReq): ReadPlan {
  const options = request.getOptions();
  if (!options) throw invalidArgument('a read has options');
  const filter = options.getFilter();
  return {
    ...startOf(options),
    backwards: options.getReadDirection() === ReadReq.Options.ReadDirection.BACKWARDS,
    countMax: Number(options.getCount()),
    subscription: options.hasSubscription(),
    filter: filter && filterOf(filter),
    structuredIds: options.getUuidOption()?.hasStructured() ?? false,
  };
}

function startOf(options: ReadReq.Options): Pick<ReadPlan, 'target' | 'from'> {
  const stream = options.getStream();
  if (stream) {
    const name = Buffer.from(stream.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString();
    return {
      target: { kind: 'stream', name },
      from: stream.hasStart() ? 'start' : stream.hasEnd() ? 'end' : bounded(stream.getRevision()),
    };
  }
  const all = options.getAll();
  if (!all) throw invalidArgument('a read is of a stream or of $all');
  const position = all.getPosition();
  return { target: { kind: 'all' }, from: position ? bounded(position.getCommitPosition()) : all.hasEnd() ? 'end' : 'start' };
}

function bounded(value: string): number | 'end' {
  const number = Number(value);
  return number > Number.MAX_SAFE_INTEGER ? 'end' : number;
}
