import { MongoClientClosedError, MongoError, MongoNetworkError, MongoServerError, MongoSystemError, MongoWriteConcernError } from 'mongodb';
import { StoreUnavailable } from './event-store';

export const duplicateKey = 11_000;
export const namespaceNotFound = 26;

/** Server errors that mean: not now, or outcome unknown. From the server's error_codes.yml, categories of retriable and shutdown errors. */
const passing = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  50, // MaxTimeMSExpired
  64, // WriteConcernFailed
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern
  112, // WriteConflict
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  9001, // SocketException
  10_058, // LegacyNotPrimary
  10_107, // NotWritablePrimary
  11_600, // InterruptedAtShutdown
  11_602, // InterruptedDueToReplStateChange
  13_435, // NotPrimaryNoSecondaryOk
  13_436, // NotPrimaryOrSecondary
]);

export const isDuplicateKey = (error: unknown): boolean => error instanceof MongoServerError && error.code === duplicateKey;

function mayPass(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return true;
  if (error instanceof MongoWriteConcernError || error instanceof MongoNetworkError || error instanceof MongoSystemError) return true;
  if (error instanceof MongoServerError) return typeof error.code === 'number' && passing.has(error.code);
  if (error instanceof MongoClientClosedError) return true;
  // What is left of the driver's own errors: closed or cleared pools and topologies, marked by these labels or names.
  if (error instanceof MongoError)
    return error.hasErrorLabel('RetryableWriteError') || /closed|pool|not connected/i.test(error.name + error.message);
  return false;
}

/** What callers see: faults that may pass as StoreUnavailable, everything else as it is. */
export function asStoreError(error: unknown, what: string): Error {
  if (error instanceof StoreUnavailable) return error;
  if (mayPass(error)) return new StoreUnavailable(`${what}: ${(error as Error).message}`, { cause: error });
  return error instanceof Error ? error : new Error(`${what}: ${String(error)}`);
}
