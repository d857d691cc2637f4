import type { Checkpoint } from '../stores/read-store';
import { completeTo } from '../stores/claims';
import type { Claim, WorkerPartition } from '../stores/records';

/** How far one partition is folded for one generation, and what keeps it from going on. Revisions are those of its stream. */
export class PartitionStatus {
  /** What it waits for, or tries again after; undefined when nothing keeps it. */
  problem: string | undefined;
  private readonly state: WorkerPartition;
  private headSeen = { revision: -1, askedAt: 0 };

  constructor(partition: number, generation: string) {
    this.state = { partition, generation, checkpoint: -1, checkpointTime: 0, head: -1, caughtUpAt: 0, eventsFolded: 0 };
  }

  get copy(): WorkerPartition {
    return { ...this.state };
  }

  /** For people. */
  get trouble(): string | undefined {
    return this.state.stopped ?? this.problem;
  }

  /** Milliseconds of log time, or of waiting, between what was appended and what is flushed. */
  lagMs(now: number): number {
    const upTo = Math.max(this.state.checkpointTime, this.state.caughtUpAt);
    return this.state.head <= this.state.checkpoint ? 0 : Math.max(0, now - upTo);
  }

  /** @param claims what anyone, itself included, has told readers of the partition */
  begun(checkpoint: Checkpoint, claims: readonly Claim[]): void {
    delete this.state.stopped;
    delete this.state.rebuildNeeded;
    // With less flushed than before the store is another one, and what was seen with that one says nothing of it.
    const seen = checkpoint.revision < this.state.checkpoint ? 0 : this.state.caughtUpAt;
    this.state.caughtUpAt = Math.max(seen, completeTo(claims, this.state, checkpoint));
    this.flushed(checkpoint);
  }

  stopped(reason: string, rebuildNeeded: boolean): void {
    this.state.stopped = reason;
    if (rebuildNeeded) this.state.rebuildNeeded = true;
  }

  read(revision: number): void {
    this.state.head = Math.max(this.state.head, revision);
  }

  /** There was nothing behind what is read. */
  level(revision: number): void {
    this.headAt(Math.max(revision, this.headSeen.revision), this.headSeen.askedAt);
  }

  /** The newest revision of the stream when it was asked for at `askedAt`. */
  headAt(revision: number, askedAt: number): void {
    this.headSeen = { revision, askedAt };
    this.read(revision);
    this.noteCaughtUp();
  }

  flushed({ revision, logTime, events }: Checkpoint): void {
    this.state.checkpoint = revision;
    this.state.checkpointTime = logTime;
    this.state.eventsFolded = events;
    this.read(revision);
    this.noteCaughtUp();
  }

  private noteCaughtUp(): void {
    // The log may be another one, whose revisions say nothing of what is counted; what it was away for is compared before it is read again.
    if (this.trouble !== undefined) return;
    const { revision, askedAt } = this.headSeen;
    if (askedAt > 0 && this.state.checkpoint >= revision) this.state.caughtUpAt = Math.max(this.state.caughtUpAt, askedAt);
  }
}
