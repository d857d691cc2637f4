import type { Checkpoint } from '../stores/read-store';
import type { WorkerPartition } from '../stores/records';

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

  /** Epoch ms up to which nothing more than the checkpoint was in the log; 0 when that was never seen. */
  get completeTo(): number {
    return this.state.caughtUpAt;
  }

  begun(checkpoint: Checkpoint): void {
    delete this.state.stopped;
    delete this.state.rebuildNeeded;
    this.state.caughtUpAt = Math.max(this.state.caughtUpAt, checkpoint.completeTo ?? 0);
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
    // The log may be another one, whose revisions say nothing of what is counted.
    if (this.state.stopped !== undefined) return;
    const { revision, askedAt } = this.headSeen;
    if (askedAt > 0 && this.state.checkpoint >= revision) this.state.caughtUpAt = Math.max(this.state.caughtUpAt, askedAt);
  }
}
