/** What an append demands of the stream; a number is the revision its newest event must have. */
export type ExpectedRevision = number | 'any' | 'no-stream' | 'stream-exists';

/** A stream as an append finds it, counting the events that are written but not yet synced. */
export interface StreamFacts {
  /** Revision of the newest event, -1 when there is none. */
  readonly lastRevision: number;
  readonly tombstoned: boolean;
  readonly softDeleted: boolean;
  /** True when the stream has a metadata stream of its own. */
  readonly hasMetadata: boolean;
}

export type AppendDecision =
  | { kind: 'write' }
  /** These events were appended before; `revision` is that of the last of them. */
  | { kind: 'repeated'; revision: number }
  | { kind: 'wrong-revision' }
  | { kind: 'deleted' }
  /** The events from `firstRevision` on have to be compared with the proposed ids (see decideAfterComparison). */
  | { kind: 'compare'; firstRevision: number };

/**
 * The rules of the server for expected revisions and idempotency (its IndexWriter.CheckCommit): with `any` and
 * `stream-exists`, events are known by their recent ids; with a number, by what is stored at the revisions they would take.
 * `knownRevision(i)` is the revision of the i-th proposed event when its id is known in this stream.
 */
export function decideAppend(
  expected: ExpectedRevision,
  stream: StreamFacts,
  eventCount: number,
  knownRevision: (index: number) => number | undefined,
): AppendDecision {
  if (stream.tombstoned) return { kind: 'deleted' };
  if (expected === 'any' || expected === 'stream-exists') {
    if (expected === 'stream-exists') {
      if (stream.softDeleted) return { kind: 'deleted' };
      if (stream.lastRevision < 0 && !stream.hasMetadata) return { kind: 'wrong-revision' };
    }
    let revision: number | undefined;
    for (let i = 0; i < eventCount; i++) {
      const known = knownRevision(i);
      if (known === undefined) return i === 0 ? { kind: 'write' } : { kind: 'wrong-revision' };
      revision = known;
    }
    return revision === undefined ? { kind: 'write' } : { kind: 'repeated', revision };
  }
  const at = expected === 'no-stream' ? -1 : expected;
  if (at === stream.lastRevision) return { kind: 'write' };
  if (at > stream.lastRevision || eventCount === 0) return { kind: 'wrong-revision' };
  return { kind: 'compare', firstRevision: at + 1 };
}

/** `equal` is how many of the proposed ids, from the first on, equal the stored ones at the same revisions. */
export function decideAfterComparison(
  expected: ExpectedRevision,
  stream: StreamFacts,
  eventCount: number,
  firstRevision: number,
  equal: number,
): AppendDecision {
  if (stream.tombstoned) return { kind: 'deleted' };
  if (equal === eventCount) return { kind: 'repeated', revision: firstRevision + eventCount - 1 };
  // A deleted stream may be started again as if it had never been there; its revisions go on.
  if (equal === 0 && expected === 'no-stream' && stream.softDeleted) return { kind: 'write' };
  return { kind: 'wrong-revision' };
}
