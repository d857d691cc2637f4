import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { DeleteReq, DeleteResp, TombstoneReq, TombstoneResp } from '@eventstore/db-client/generated/streams_pb';
import type { ExpectedRevision } from './expected-revision';
import { invalidArgument, streamDeleted, unavailable, wrongExpectedVersion } from './refusal';
import type { AppendOutcome, StreamStore } from './stream-store';

/** Streams.Delete: hides a stream's events until the next append. */
export function deleteHandler(store: StreamStore) {
  return ({ request }: ServerUnaryCall<DeleteReq, DeleteResp>, callback: sendUnaryData<DeleteResp>): void => {
    const options = request.getOptions() ?? new DeleteReq.Options();
    remove(store, options, false, (outcome, fail) => {
      if (outcome.kind !== 'appended') return callback(fail(outcome));
      const position = String(outcome.position);
      const response = new DeleteResp().setPosition(new DeleteResp.Position().setCommitPosition(position).setPreparePosition(position));
      callback(null, response);
    });
  };
}

/** Streams.Tombstone: ends a stream for good; its name cannot be used again. */
export function tombstoneHandler(store: StreamStore) {
  return ({ request }: ServerUnaryCall<TombstoneReq, TombstoneResp>, callback: sendUnaryData<TombstoneResp>): void => {
    const options = request.getOptions() ?? new TombstoneReq.Options();
    remove(store, options, true, (outcome, fail) => {
      if (outcome.kind !== 'appended') return callback(fail(outcome));
      const position = String(outcome.position);
      const response = new TombstoneResp();
      callback(null, response.setPosition(new TombstoneResp.Position().setCommitPosition(position).setPreparePosition(position)));
    });
  };
}

type Refused = Exclude<AppendOutcome, { kind: 'appended' }>;

function remove(
  store: StreamStore,
  options: DeleteReq.Options | TombstoneReq.Options,
  tombstone: boolean,
  answer: (outcome: AppendOutcome, fail: (outcome: Refused) => Error) => void,
): void {
  const stream = Buffer.from(options.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString();
  const expected = expectedOf(options);
  store.delete(stream, expected, tombstone, (outcome) => answer(outcome, (refused) => errorOf(stream, expected, refused)));
}

function expectedOf(options: DeleteReq.Options | TombstoneReq.Options): ExpectedRevision {
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no-stream';
  if (options.hasStreamExists()) return 'stream-exists';
  return Number(options.getRevision());
}

/** The numbers the server uses for an expectation that is no revision (ExpectedVersion). */
const expectedNumbers = { 'no-stream': -1, any: -2, 'stream-exists': -4 } as const;

function errorOf(stream: string, expected: ExpectedRevision, outcome: Refused): Error {
  switch (outcome.kind) {
    case 'deleted':
      return streamDeleted(stream);
    case 'wrong-revision':
      return wrongExpectedVersion(stream, typeof expected === 'number' ? expected : expectedNumbers[expected], outcome.current);
    case 'unavailable':
      return unavailable(outcome.reason);
    case 'invalid':
      return invalidArgument(outcome.reason);
    case 'too-large':
    case 'incomplete':
      return invalidArgument(outcome.kind);
    default:
      throw new Error(`unreachable: ${String(outcome satisfies never)}`);
  }
}
