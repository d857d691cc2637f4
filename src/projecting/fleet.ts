import { claimsOf } from '../stores/claims';
import { partitionsWithin } from '../stores/overlays';
import type { Claim, WorkerPartition, WorkerRecord } from '../stores/records';
import { type Convoy, waitForSuccessor } from './convoy';
import type { Definition } from './folding-kit';
import type { FoldingPlan } from './generations';
import type { HeadObserver } from './head-watch';
import type { FoldContext } from './partition-fold';
import { PartitionRunner, type RunnerSurroundings } from './partition-runner';
import { sleep } from './timing';

/** Rebuilds stand aside while what serves is further behind than this. */
const liveLagMsMax = 10_000;
/** What a worker said longer ago than this tells nothing about now. */
const heardOfMs = 6_000;

export interface FleetContext<D extends Definition>
  extends
    Omit<FoldContext<D>, 'generation' | 'definitions' | 'serving' | 'partition'>,
    Omit<RunnerSurroundings, 'claims' | 'mayFlush' | 'yieldToLive'> {
  readonly drainMsMax: number;
}

interface Member<D extends Definition> {
  readonly partition: number;
  readonly generationId: string;
  readonly signature: string;
  readonly runner: PartitionRunner<D>;
}

/** The runners of one worker: one for each partition it holds and each generation that is folded. */
export class Fleet<D extends Definition> {
  private readonly members = new Map<string, Member<D>>();
  /** Ending; a new one for the same place starts only afterwards. */
  private readonly ending = new Map<string, Promise<void>>();
  private readonly held = new Set<number>();
  private plans = new Map<string, FoldingPlan<D>>();
  private convoys: readonly Convoy[] = [];
  /** Generations that readers are answered from. */
  private read: ReadonlySet<string> = new Set();
  /** What serves is far behind in some other process. */
  private othersAreBehind = false;
  private claims: readonly Claim[] = [];
  private closed = false;

  constructor(private readonly context: FleetContext<D>) {}

  follow(plans: readonly FoldingPlan<D>[], convoys: readonly Convoy[], read: ReadonlySet<string>): void {
    this.read = read;
    this.plans = new Map(plans.map((plan) => [plan.generation.generationId, plan]));
    this.convoys = convoys;
    this.reconcile();
  }

  /**
   * Stores and machines are shared: a rebuild here may be what holds the partitions of another worker up.
   * @param all this worker's own record among them
   */
  observe(all: readonly WorkerRecord[]): void {
    const now = this.context.now();
    this.claims = all.flatMap(claimsOf);
    this.othersAreBehind = all.some(
      ({ workerId, at, partitions }) =>
        workerId !== this.context.owner && now - at < heardOfMs && partitions.some((one) => this.isBehind(one, now)),
    );
  }

  hold(partition: number): void {
    this.held.add(partition);
    this.reconcile();
  }

  /** Stops a partition's runners at once. */
  drop(partition: number): void {
    this.held.delete(partition);
    for (const [key, member] of this.members) if (member.partition === partition) void this.end(key, (runner) => runner.abandon());
  }

  /** Flushes and stops a partition's runners. */
  async handOver(partition: number): Promise<void> {
    this.held.delete(partition);
    const keys = [...this.members].filter(([, member]) => member.partition === partition).map(([key]) => key);
    await Promise.all(keys.map((key) => this.end(key, (runner) => runner.drain(this.context.drainMsMax))));
  }

  /** Stops everything at once, as a crash would. */
  async abandon(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.members.keys()].map((key) => this.end(key, (runner) => runner.abandon())));
    await Promise.all(this.ending.values());
  }

  /** What each runner tells the other roles; a generation this process has no code for says so for each partition held. */
  statuses(): WorkerPartition[] {
    const running = [...this.members.values()].map(({ runner }) => runner.status);
    const unable = [...this.plans.values()].filter(({ missing }) => missing.length > 0);
    return [...running, ...unable.flatMap((plan) => this.partitionsFor(plan).map((partition) => unableStatus(partition, plan)))];
  }

  /** Whether everything held here of a generation has reached the head of the log, and there is something. */
  isLevel(generationId: string): boolean {
    const own = [...this.members.values()].filter((member) => member.generationId === generationId);
    return own.length > 0 && own.every(({ runner }) => runner.hasBeenLevel);
  }

  observers(): Map<number, HeadObserver[]> {
    const observers = new Map<number, HeadObserver[]>();
    for (const { partition, runner } of this.members.values()) {
      const some = observers.get(partition);
      if (some === undefined) observers.set(partition, [runner]);
      else some.push(runner);
    }
    return observers;
  }

  /** By partition and generation. */
  lags(): { partition: number; generation: string; seconds: number }[] {
    const now = this.context.now();
    return [...this.members.values()].map(({ partition, generationId, runner }) => {
      return { partition, generation: generationId, seconds: runner.lagMs(now) / 1000 };
    });
  }

  /** What keeps runners from going on, for people; nothing of what was replaced and is only kept for a rollback. */
  troubles(): string[] {
    const troubles = [...this.members.values()].flatMap(({ partition, generationId, runner }) => {
      const matters = this.read.has(generationId) || this.isBuilding(generationId);
      return runner.trouble === undefined || !matters ? [] : [`partition ${partition} of ${generationId}: ${runner.trouble}`];
    });
    const missing = [...this.plans.values()].flatMap((plan) => (plan.missing.length > 0 ? [unableText(plan)] : []));
    return [...troubles, ...missing];
  }

  private reconcile(): void {
    for (const [key, member] of this.members) {
      const plan = this.plans.get(member.generationId);
      if (plan?.signature !== member.signature) void this.end(key, (runner) => runner.drain(this.context.drainMsMax));
    }
    if (this.closed) return;
    for (const plan of this.plans.values()) {
      if (plan.missing.length > 0) continue;
      for (const partition of this.partitionsFor(plan)) {
        const key = `${plan.generation.generationId}|${partition}`;
        if (!this.members.has(key) && !this.ending.has(key)) this.start(key, partition, plan);
      }
    }
  }

  /** Those held here in which there is anything for a plan. */
  private partitionsFor({ generation }: FoldingPlan<D>): number[] {
    return partitionsWithin(generation, this.context.partitions).filter((partition) => this.held.has(partition));
  }

  private start(key: string, partition: number, plan: FoldingPlan<D>): void {
    const { generation, definitions, serving, signature } = plan;
    const { generationId } = generation;
    const context = { ...this.context, generation, definitions, serving, partition };
    const surroundings = {
      ...this.context,
      claims: () => this.claims,
      mayFlush: (_runner: object, r1: number, signal: AbortSignal) => this.mayFlush(generationId, partition, r1, signal),
      yieldToLive: (signal: AbortSignal) => this.yieldToLive(signal),
    };
    const runner = new PartitionRunner(context, surroundings, () => this.isBuilding(generationId));
    this.members.set(key, { partition, generationId, signature, runner });
    runner.start();
  }

  private end(key: string, how: (runner: PartitionRunner<D>) => Promise<void>): Promise<void> {
    const member = this.members.get(key);
    if (member === undefined) return this.ending.get(key) ?? Promise.resolve();
    this.members.delete(key);
    const ended = how(member.runner).finally(() => {
      this.ending.delete(key);
      this.reconcile();
    });
    this.ending.set(key, ended);
    return ended;
  }

  private isBuilding(generationId: string): boolean {
    return this.plans.get(generationId)?.generation.state === 'building';
  }

  private async mayFlush(generationId: string, partition: number, r1: number, signal: AbortSignal): Promise<void> {
    for (const { serving, successor } of this.convoys) {
      if (serving !== generationId) continue;
      await waitForSuccessor(() => this.members.get(`${successor}|${partition}`)?.runner, r1, signal);
    }
  }

  private async yieldToLive(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.isLiveBehind()) await sleep(100, signal);
  }

  private isBehind(partition: WorkerPartition, now: number): boolean {
    return partition.stopped === undefined && !this.isBuilding(partition.generation) && lagMs(partition, now) > liveLagMsMax;
  }

  private isLiveBehind(): boolean {
    if (this.othersAreBehind) return true;
    const now = this.context.now();
    for (const { generationId, runner } of this.members.values()) {
      if (!this.isBuilding(generationId) && runner.trouble === undefined && runner.lagMs(now) > liveLagMsMax) return true;
    }
    return false;
  }
}

function lagMs({ head, checkpoint, checkpointTime, caughtUpAt }: WorkerPartition, now: number): number {
  return head <= checkpoint ? 0 : now - Math.max(checkpointTime, caughtUpAt);
}

const unableText = ({ generation, missing }: FoldingPlan<Definition>): string =>
  `generation ${generation.generationId} needs ${missing.join(', ')}, which this build does not have`;

function unableStatus(partition: number, plan: FoldingPlan<Definition>): WorkerPartition {
  const { generationId } = plan.generation;
  return {
    partition,
    generation: generationId,
    checkpoint: -1,
    checkpointTime: 0,
    head: -1,
    caughtUpAt: 0,
    eventsFolded: 0,
    stopped: unableText(plan),
  };
}
