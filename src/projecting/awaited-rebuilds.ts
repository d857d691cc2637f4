import type { RebuildRecord } from '../stores/records';
import type { CoordinatorTimes } from './coordination';
import { isOpen } from './generations';
import { sleep } from './timing';

/**
 * Whether rounds should be short: a rebuild was asked for a moment ago and nobody has begun it, or it is level here and has only to
 * change places. In between, and while there is none, nothing comes of looking often.
 */
export class AwaitedRebuilds {
  private open: readonly RebuildRecord[] = [];
  /** By generation: epoch ms. */
  private readonly levelSince = new Map<string, number>();

  constructor(
    private readonly times: Pick<CoordinatorTimes, 'briskRoundMs' | 'briskForMs' | 'briskLevelMsMax'>,
    private readonly now: () => number,
    private readonly isLevel: (generationId: string) => boolean,
  ) {}

  follow(rebuilds: readonly RebuildRecord[]): void {
    this.open = rebuilds.filter(isOpen);
    for (const id of this.levelSince.keys()) if (!this.open.some(({ generationId }) => generationId === id)) this.levelSince.delete(id);
  }

  /** Waits as long as asked, or until rounds should be short. Answers what is left to wait. */
  async pause(ms: number, signal: AbortSignal): Promise<number> {
    const { briskRoundMs } = this.times;
    let left = ms;
    while (this.open.length > 0 && left > briskRoundMs && !signal.aborted) {
      await sleep(briskRoundMs, signal);
      left -= briskRoundMs;
      if (this.open.some((rebuild) => this.isAwaited(rebuild))) return 0;
    }
    return left;
  }

  private isAwaited({ requestedAt, generationId, promote, wish }: RebuildRecord): boolean {
    const now = this.now();
    if (now - requestedAt < this.times.briskForMs) return true;
    if ((promote !== 'automatic' && wish === undefined) || !this.isLevel(generationId)) return false;
    const since = this.levelSince.get(generationId) ?? now;
    this.levelSince.set(generationId, since);
    return now - since < this.times.briskLevelMsMax;
  }
}
