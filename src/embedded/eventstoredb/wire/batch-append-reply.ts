import { Any } from 'google-protobuf/google/protobuf/any_pb';
import { Code } from '@eventstore/db-client/generated/code_pb';
import {
  BadRequest,
  Empty,
  MaximumAppendSizeExceeded,
  StreamDeleted,
  StreamIdentifier,
  Timeout,
  WrongExpectedVersion,
} from '@eventstore/db-client/generated/shared_pb';
import { Status } from '@eventstore/db-client/generated/status_pb';
import type { ExpectedRevision } from '../expected-revision';
import type { AppendOutcome } from '../stream-store';
import { fieldBytes, numberFieldBytes, ProtobufWriter } from './protobuf-writer';

/** What a reply repeats of its request, byte for byte. */
export interface Correlation {
  correlationId: Buffer;
  streamIdentifier: Buffer;
}

/** BatchAppendResp of an append that is on disk: { correlation_id = 1, success = 3, stream_identifier = 4 }. */
export function encodeSuccess({ correlationId, streamIdentifier }: Correlation, revision: number, position: number): Buffer {
  const revisionBytes = revision < 0 ? fieldBytes(0) : numberFieldBytes(revision);
  const positionBytes = 2 * numberFieldBytes(position);
  const successBytes = revisionBytes + fieldBytes(positionBytes);
  const bytes = fieldBytes(correlationId.length) + fieldBytes(successBytes) + fieldBytes(streamIdentifier.length);
  const writer = new ProtobufWriter(Buffer.allocUnsafe(bytes));
  writer.bytes(1, correlationId);
  writer.open(3, successBytes);
  if (revision < 0) writer.open(2, 0);
  else writer.number(1, revision);
  writer.open(3, positionBytes);
  writer.number(1, position);
  writer.number(2, position);
  writer.bytes(4, streamIdentifier);
  return writer.buffer;
}

/** BatchAppendResp with a google.rpc.Status, whose details the client tells its errors by. */
export function encodeFailure(correlation: Correlation, status: Status): Buffer {
  const error = status.serializeBinary();
  const { correlationId, streamIdentifier } = correlation;
  const bytes = fieldBytes(correlationId.length) + fieldBytes(error.length) + fieldBytes(streamIdentifier.length);
  const writer = new ProtobufWriter(Buffer.allocUnsafe(bytes));
  writer.bytes(1, correlationId);
  writer.bytes(2, error);
  writer.bytes(4, streamIdentifier);
  return writer.buffer;
}

/** The status of an append that was refused; `unavailable` is none of these, it ends the call. */
export function statusOf(
  outcome: Exclude<AppendOutcome, { kind: 'appended' | 'unavailable' }>,
  streamIdentifier: Buffer,
  expected: ExpectedRevision,
): Status {
  switch (outcome.kind) {
    case 'wrong-revision':
      return failure(Code.FAILED_PRECONDITION, 'WrongExpectedVersion', wrongRevision(expected, outcome.current), 'WrongExpectedVersion');
    case 'deleted': {
      const deleted = new StreamDeleted().setStreamIdentifier(StreamIdentifier.deserializeBinary(streamIdentifier));
      return failure(Code.FAILED_PRECONDITION, 'StreamDeleted', deleted, 'StreamDeleted');
    }
    case 'too-large': {
      const exceeded = new MaximumAppendSizeExceeded().setMaxappendsize(outcome.bytesMax);
      return failure(Code.INVALID_ARGUMENT, `Maximum Append Size of ${outcome.bytesMax} Exceeded.`, exceeded, 'MaximumAppendSizeExceeded');
    }
    case 'incomplete':
      return invalid('Required Metadata Property Missing: type, content-type');
    case 'invalid':
      return invalid(outcome.reason);
    default:
      throw new Error(`unreachable: ${String(outcome satisfies never)}`);
  }
}

export const timedOut = (): Status => failure(Code.DEADLINE_EXCEEDED, 'Timeout', new Timeout(), 'Timeout');

function invalid(reason: string): Status {
  return failure(Code.INVALID_ARGUMENT, reason, new BadRequest().setMessage(reason), 'BadRequest');
}

function wrongRevision(expected: ExpectedRevision, current: number): WrongExpectedVersion {
  const details = new WrongExpectedVersion();
  if (current < 0) details.setCurrentNoStream(new Empty());
  else details.setCurrentStreamRevision(String(current));
  if (expected === 'any') details.setExpectedAny(new Empty());
  else if (expected === 'stream-exists') details.setExpectedStreamExists(new Empty());
  else if (expected === 'no-stream') details.setExpectedNoStream(new Empty());
  else details.setExpectedStreamPosition(String(expected));
  return details;
}

function failure(code: Code, message: string, details: { serializeBinary(): Uint8Array }, type: string): Status {
  const packed = new Any();
  packed.pack(details.serializeBinary(), `event_store.client.${type}`);
  return new Status().setCode(code).setMessage(message).setDetails(packed);
}
