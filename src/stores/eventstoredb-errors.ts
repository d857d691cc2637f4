import { type CommandError, ErrorType, isCommandError as isCommand, type WrongExpectedVersionError } from '@eventstore/db-client';
import { StoreUnavailable } from './event-store';

/** Refusals that the same call would meet again. Everything else the client throws is a fault that may pass. */
const permanent: ReadonlySet<string> = new Set([
  ErrorType.STREAM_DELETED,
  ErrorType.ACCESS_DENIED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.INVALID_TRANSACTION,
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
  ErrorType.MISSING_REQUIRED_METADATA_PROPERTY,
  ErrorType.UNSUPPORTED,
  ErrorType.WRONG_EXPECTED_VERSION,
]);

const isCommandError = (error: unknown): error is CommandError => error instanceof Error && isCommand(error);

export const isPermanent = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof RangeError || (isCommandError(error) && permanent.has(error.type));

export const isWrongRevision = (error: unknown): error is WrongExpectedVersionError =>
  isCommandError(error) && error.type === ErrorType.WRONG_EXPECTED_VERSION;

export const isStreamNotFound = (error: unknown): boolean => isCommandError(error) && error.type === ErrorType.STREAM_NOT_FOUND;

/** The server refuses because another one leads; the client has noted which, so the connection is kept. */
export const isNotLeader = (error: unknown): boolean => isCommandError(error) && error.type === ErrorType.NOT_LEADER;

/** What callers see: refusals as they are, faults that may pass as StoreUnavailable. */
export function asStoreError(error: unknown, what: string): Error {
  if (error instanceof StoreUnavailable) return error;
  if (isPermanent(error)) return error as Error;
  return new StoreUnavailable(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
