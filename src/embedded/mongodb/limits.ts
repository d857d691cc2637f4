/** Every bound of the server in one place. The first three are MongoDB's own and are announced to drivers in `hello`. */
export const limits = {
  documentBytesMax: 16 * 1024 * 1024,
  messageBytesMax: 48_000_000,
  writeBatchMax: 100_000,
  /** A reply may hold a largest document and its envelope. */
  replyBytesMax: 16 * 1024 * 1024 + 16 * 1024,
  nestingMax: 180,
  connectionsMax: 1_000,
  /** Requests of one connection waiting behind the one being answered; more pause its socket. */
  pipelinedRequestsMax: 16,
  /** A message that has begun must be complete within this time. */
  partialMessageMs: 30_000,
  /** Messages committed by one transaction, so that one fsync serves many but none waits long. */
  groupBytesMax: 32 * 1024 * 1024,
  firstBatchDocuments: 101,
  cursorsMax: 10_000,
  cursorIdleMs: 10 * 60_000,
  /** Documents held by all open cursors whose order could not come from an index. */
  cursorBytesMax: 256 * 1024 * 1024,
  sortBytesMax: 100 * 1024 * 1024,
  aggregateBytesMax: 100 * 1024 * 1024,
  /** A scan lets others have a turn after this long. */
  scanSliceMs: 20,
  /** LMDB takes 4026 bytes with 8 KiB pages, but shorter keys keep its inner pages wide; MongoDB itself allowed 1,024 until 4.2. */
  keyBytesMax: 1_900,
  indexesPerCollectionMax: 64,
  namespaceBytesMax: 255,
  ttlDeletesPerTransaction: 1_000,
  ttlIntervalMs: 60_000,
  reclaimKeysPerTransaction: 5_000,
  arrayPaddingMax: 1_500_000,
  /** Virtual address space reserved for the data file at start; nothing is allocated, and LMDB enlarges it when the file outgrows it. */
  mapBytesInitial: 64 * 1024 ** 3,
} as const;
