import { Metadata, status, type ServiceError } from '@grpc/grpc-js';

/**
 * Errors as the server gives them: a gRPC status whose trailer `exception` tells the client which of its errors it is
 * (Constants.Exceptions in the server, CommandError in the client).
 */
function refusal(code: status, details: string, trailers: Record<string, string> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) {
    // Trailers are ASCII; a stream name may be anything.
    metadata.set(name, /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value));
  }
  return Object.assign(new Error(details), { code, details, metadata });
}

export const streamDeleted = (stream: string): ServiceError =>
  refusal(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, { exception: 'stream-deleted', 'stream-name': stream });

export const wrongExpectedVersion = (stream: string, expected: number, current: number): ServiceError =>
  refusal(
    status.FAILED_PRECONDITION,
    `Append failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${current}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': String(expected),
      'actual-version': current < 0 ? '' : String(current),
    },
  );

export const appendTooLarge = (bytesMax: number): ServiceError =>
  refusal(status.INVALID_ARGUMENT, `Maximum Append Size of ${bytesMax} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(bytesMax),
  });

export const missingMetadata = (): ServiceError =>
  refusal(status.INVALID_ARGUMENT, 'Required Metadata Property Missing', {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });

export const invalidArgument = (details: string): ServiceError => refusal(status.INVALID_ARGUMENT, details);
export const unavailable = (details: string): ServiceError => refusal(status.UNAVAILABLE, details);
export const dataLoss = (details: string): ServiceError => refusal(status.DATA_LOSS, details);
export const resourceExhausted = (details: string): ServiceError => refusal(status.RESOURCE_EXHAUSTED, details);
export const internal = (details: string): ServiceError => refusal(status.INTERNAL, details);
