import { randomBytes } from 'node:crypto';
import { decideAfterComparison, decideAppend, type AppendDecision, type ExpectedRevision, type StreamFacts } from './expected-revision';
import type { EventLog } from './log/event-log';
import { positionOf, storedId } from './log/fetch';
import { tombstoneType, type RecordContent } from './log/record';
import { deletedMetadata, metadataType, metastreamPrefix, restartedMetadata } from './log/retention';
import type { StreamState } from './log/stream-state';
import type { ProposedEvent } from './wire/append-request';

/** What became of an append. Everything but `unavailable` is final. */
export type AppendOutcome =
  /** `revision` is that of the last event, -1 for an empty append to an empty stream. */
  | { kind: 'appended'; revision: number; position: number }
  | { kind: 'wrong-revision'; current: number }
  | { kind: 'deleted' }
  | { kind: 'too-large'; bytesMax: number }
  | { kind: 'incomplete' }
  | { kind: 'invalid'; reason: string }
  | { kind: 'unavailable'; reason: string };

/** A record header has two bytes for the length of the name. */
const streamNameBytesMax = 65_535;
const nothing = Buffer.alloc(0);

/**
 * Decides over appends and deletions in the order they arrive, and hands what is to be written to the log. Decisions count
 * what is written but not yet synced; no answer that rests on it is given before it is synced.
 */
export class StreamStore {
  constructor(
    readonly log: EventLog,
    readonly maxAppendBytes: number,
  ) {}

  append(name: string, expected: ExpectedRevision, events: readonly ProposedEvent[], answer: (outcome: AppendOutcome) => void): void {
    const refusal = this.refusal(name, events);
    if (refusal) return answer(refusal);
    const stream = this.log.streams.findOrAdd(name);
    let searchFrom = 0;
    const decision = decideAppend(expected, this.facts(stream), events.length, (i) => {
      const id = events[i]!.id;
      const pending = stream.pending?.findIndex((record, at) => at >= searchFrom && record.id.equals(id)) ?? -1;
      if (pending < 0) return this.log.ids.revision(id, stream.number);
      searchFrom = pending;
      return stream.pending![pending]!.revision;
    });
    if (decision.kind !== 'compare') return this.carryOut(decision, stream, events, answer);
    const { firstRevision } = decision;
    this.countEqual(stream, firstRevision, events).then(
      (equal) =>
        this.carryOut(decideAfterComparison(expected, this.facts(stream), events.length, firstRevision, equal), stream, events, answer),
      (error: Error) => answer({ kind: 'unavailable', reason: error.message }),
    );
  }

  /** Soft deletion hides the events until the next append; a tombstone ends the stream for good. */
  delete(name: string, expected: ExpectedRevision, tombstone: boolean, answer: (outcome: AppendOutcome) => void): void {
    const refusal = this.refusal(name, []);
    if (refusal) return answer(refusal);
    const stream = this.log.streams.findOrAdd(name);
    const { lastRevision, tombstoned } = this.facts(stream);
    if (tombstoned) return this.answerSynced(stream, { kind: 'deleted' }, answer);
    const meets =
      expected === 'any' ||
      (expected === 'stream-exists' ? lastRevision >= 0 : lastRevision === (expected === 'no-stream' ? -1 : expected));
    if (!meets) return this.answerSynced(stream, { kind: 'wrong-revision', current: lastRevision }, answer);
    const record = tombstone
      ? this.system(stream, stream.lastRevision + 1, tombstoneType, nothing)
      : this.metadataOf(stream, deletedMetadata);
    this.write([record], record.revision, answer);
  }

  private refusal(name: string, events: readonly ProposedEvent[]): AppendOutcome | undefined {
    if (name === '' || name === metastreamPrefix || name === '$all')
      return { kind: 'invalid', reason: `'${name}' is not a stream that can be written` };
    if (Buffer.byteLength(name) > streamNameBytesMax)
      return { kind: 'invalid', reason: `a stream name has at most ${streamNameBytesMax} bytes` };
    let bytes = 0;
    for (const event of events) {
      if (!event.complete) return { kind: 'incomplete' };
      if (event.type === tombstoneType) return { kind: 'invalid', reason: `the event type ${tombstoneType} is reserved` };
      bytes += event.sizeBytes;
    }
    return bytes > this.maxAppendBytes ? { kind: 'too-large', bytesMax: this.maxAppendBytes } : undefined;
  }

  private facts(stream: StreamState): StreamFacts {
    const { streams } = this.log;
    const { name } = stream;
    const tombstoned =
      stream.lastTombstoned ||
      (name.startsWith(metastreamPrefix) && (streams.find(name.slice(metastreamPrefix.length))?.lastTombstoned ?? false));
    return {
      lastRevision: stream.lastRevision,
      tombstoned,
      softDeleted: stream.lastRetention?.softDeleted ?? false,
      hasMetadata: (streams.find(metastreamPrefix + name)?.lastRevision ?? -1) >= 0,
    };
  }

  private carryOut(
    decision: AppendDecision,
    stream: StreamState,
    events: readonly ProposedEvent[],
    answer: (outcome: AppendOutcome) => void,
  ): void {
    const current = stream.lastRevision;
    switch (decision.kind) {
      case 'write':
        if (events.length === 0) {
          return this.answerSynced(stream, { kind: 'appended', revision: current, position: this.log.endPosition }, answer);
        }
        return this.write(this.records(stream, events), current + events.length, answer);
      case 'repeated':
        return this.answerRepeated(stream, decision.revision, answer);
      case 'deleted':
        return this.answerSynced(stream, { kind: 'deleted' }, answer);
      case 'wrong-revision':
      case 'compare':
        return this.answerSynced(stream, { kind: 'wrong-revision', current }, answer);
      default:
        throw new Error(`unreachable: ${String(decision satisfies never)}`);
    }
  }

  private records(stream: StreamState, events: readonly ProposedEvent[]): RecordContent[] {
    const createdMs = this.log.now();
    const first = stream.lastRevision + 1;
    const records = events.map((event, i): RecordContent => ({
      stream: stream.name,
      revision: first + i,
      id: event.id,
      type: event.type,
      contentType: event.contentType,
      createdMs,
      metadata: event.metadata,
      data: event.data,
    }));
    const retention = stream.lastRetention;
    // The first append after a deletion shows the stream again from here on; one unit with the events, so never half done.
    if (retention?.softDeleted) records.unshift(this.metadataOf(stream, restartedMetadata(retention, first)));
    return records;
  }

  private metadataOf(stream: StreamState, json: string): RecordContent {
    const metastream = this.log.streams.findOrAdd(metastreamPrefix + stream.name);
    return this.system(metastream, metastream.lastRevision + 1, metadataType, Buffer.from(json));
  }

  private system(stream: StreamState, revision: number, type: string, data: Buffer): RecordContent {
    const contentType = data.length > 0 ? 'application/json' : 'application/octet-stream';
    return { stream: stream.name, revision, id: randomBytes(16), type, contentType, createdMs: this.log.now(), metadata: nothing, data };
  }

  private write(records: readonly RecordContent[], revision: number, answer: (outcome: AppendOutcome) => void): void {
    const positions = this.log.append(records, (error) => {
      if (error) answer({ kind: 'unavailable', reason: error.message });
      else answer({ kind: 'appended', revision, position: positions[positions.length - 1]! });
    });
  }

  private answerRepeated(stream: StreamState, revision: number, answer: (outcome: AppendOutcome) => void): void {
    const pending = stream.pending?.[revision - stream.count];
    if (pending) return this.answerSynced(stream, { kind: 'appended', revision, position: pending.position }, answer);
    positionOf(this.log, stream, revision).then(
      (position) => answer({ kind: 'appended', revision, position }),
      (error: Error) => answer({ kind: 'unavailable', reason: error.message }),
    );
  }

  private answerSynced(stream: StreamState, outcome: AppendOutcome, answer: (outcome: AppendOutcome) => void): void {
    if (!stream.hasPending) return answer(outcome);
    this.log.whenSynced((error) => answer(error ? { kind: 'unavailable', reason: error.message } : outcome));
  }

  /** How many of the proposed ids, from the first on, are those stored from `firstRevision` on. */
  private async countEqual(stream: StreamState, firstRevision: number, events: readonly ProposedEvent[]): Promise<number> {
    for (let i = 0; i < events.length; i++) {
      const revision = firstRevision + i;
      const { id } = events[i]!;
      if (revision > stream.lastRevision) return i;
      const pending = stream.pending?.[revision - stream.count];
      if (pending ? !pending.id.equals(id) : !(await this.storedAs(stream, revision, id))) return i;
    }
    return events.length;
  }

  private async storedAs(stream: StreamState, revision: number, id: Buffer): Promise<boolean> {
    if (this.log.ids.revision(id, stream.number) === revision) return true;
    return (await storedId(this.log, stream, revision)).equals(id);
  }
}
