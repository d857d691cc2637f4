import type { sendUnaryData, ServerReadableStream } from '@grpc/grpc-js';
import { Empty } from '@eventstore/db-client/generated/shared_pb';
import { AppendResp } from '@eventstore/db-client/generated/streams_pb';
import type { ExpectedRevision } from './expected-revision';
import { appendTooLarge, internal, invalidArgument, missingMetadata, streamDeleted, unavailable } from './refusal';
import type { AppendOutcome, StreamStore } from './stream-store';
import type { AppendMessage, AppendTarget, ProposedEvent } from './wire/append-request';
import { MalformedMessage } from './wire/protobuf-reader';

/** Streams.Append: options first, then one message an event; answered once, after the last. */
export function appendHandler(store: StreamStore) {
  return (call: ServerReadableStream<AppendMessage | MalformedMessage, AppendResp>, callback: sendUnaryData<AppendResp>): void => {
    let target: AppendTarget | undefined;
    let bytes = 0;
    let answered = false;
    const events: ProposedEvent[] = [];
    const answer: sendUnaryData<AppendResp> = (error, response) => {
      if (answered) return;
      answered = true;
      callback(error, response);
    };
    call.on('data', (message: AppendMessage | MalformedMessage) => {
      if (answered) return;
      if (message instanceof MalformedMessage) return answer(invalidArgument(message.message));
      if (message.kind === 'options') {
        target = message.target;
        return;
      }
      events.push(message.event);
      bytes += message.event.sizeBytes;
      if (bytes > store.maxAppendBytes) answer(appendTooLarge(store.maxAppendBytes));
    });
    call.on('error', (error: Error) => answer(internal(error.message)));
    call.on('end', () => {
      if (answered || call.cancelled) return;
      if (!target) return answer(invalidArgument('an append begins with its options'));
      const { stream, expected } = target;
      store.append(stream, expected, events, (outcome) => reply(stream, expected, outcome, answer));
    });
  };
}

function reply(stream: string, expected: ExpectedRevision, outcome: AppendOutcome, answer: sendUnaryData<AppendResp>): void {
  switch (outcome.kind) {
    case 'appended': {
      const position = String(outcome.position);
      const success = new AppendResp.Success().setPosition(
        new AppendResp.Position().setCommitPosition(position).setPreparePosition(position),
      );
      if (outcome.revision < 0) success.setNoStream(new Empty());
      else success.setCurrentRevision(String(outcome.revision));
      return answer(null, new AppendResp().setSuccess(success));
    }
    case 'wrong-revision':
      return answer(null, new AppendResp().setWrongExpectedVersion(wrongVersion(expected, outcome.current)));
    case 'deleted':
      return answer(streamDeleted(stream));
    case 'too-large':
      return answer(appendTooLarge(outcome.bytesMax));
    case 'incomplete':
      return answer(missingMetadata());
    case 'invalid':
      return answer(invalidArgument(outcome.reason));
    case 'unavailable':
      return answer(unavailable(outcome.reason));
    default:
      throw new Error(`unreachable: ${String(outcome satisfies never)}`);
  }
}

function wrongVersion(expected: ExpectedRevision, current: number): AppendResp.WrongExpectedVersion {
  const details = new AppendResp.WrongExpectedVersion();
  if (current < 0) details.setCurrentNoStream(new Empty());
  else details.setCurrentRevision(String(current));
  if (expected === 'any') details.setExpectedAny(new Empty());
  else if (expected === 'stream-exists') details.setExpectedStreamExists(new Empty());
  else if (expected === 'no-stream') details.setExpectedNoStream(new Empty());
  else details.setExpectedRevision(String(expected));
  return details;
}
