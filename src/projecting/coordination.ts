import type { Logger } from '../logging';
import type { EventStore } from '../stores/event-store';
import type { ReadStore } from '../stores/read-store';
import type { Definition } from './folding-kit';

export interface CoordinatorTimes {
  /** More merchants than this counted apart from all others are taken in by counting everybody again; four times as many wait. */
  readonly overlaysMax: number;
  /** So is one who has been counted apart for this long. */
  readonly takeInAfterMs: number;
  /** How often workers look for what is to be folded, and in which order. */
  readonly generationsRoundMs: number;
  /** What a promotion replaced is kept this long for a rollback. */
  readonly retireAfterMs: number;
  /** Between a projection leaving a generation and its collection being dropped: every worker has noticed by then. */
  readonly dropAfterMs: number;
  /** Rebuilds of a merchant or a range leave no record after this. */
  readonly forgetScopedAfterMs: number;
  /** A worker whose heartbeat is older than this is forgotten. */
  readonly forgetWorkerAfterMs: number;
  /** Rebuilds of the same scope share a generation until none has come for this long … */
  readonly gatherQuietMs: number;
  /** … or since the first of them for this long. */
  readonly gatherMsMax: number;
  /** Rounds are this short where waiting for one would be most of a rebuild: until `briskForMs` after it was asked for … */
  readonly briskRoundMs: number;
  readonly briskForMs: number;
  /** … and once a worker's part of it is level and only the change of places is left, for this long. */
  readonly briskLevelMsMax: number;
  /** A merchant's changes of settings are answered when none came for this long. */
  readonly settingsQuietMs: number;
}
export const coordinatorTimes: CoordinatorTimes = {
  generationsRoundMs: 500,
  retireAfterMs: 24 * 3_600_000,
  dropAfterMs: 30_000,
  forgetScopedAfterMs: 7 * 24 * 3_600_000,
  forgetWorkerAfterMs: 60_000,
  gatherQuietMs: 500,
  gatherMsMax: 5_000,
  briskRoundMs: 100,
  briskForMs: 2_000,
  briskLevelMsMax: 60_000,
  settingsQuietMs: 2_000,
  overlaysMax: 48,
  takeInAfterMs: 24 * 3_600_000,
};

export interface CoordinatorContext {
  readonly eventStore: Pick<EventStore, 'subscribeAll' | 'last'>;
  readonly readStore: ReadStore;
  readonly catalog: readonly Definition[];
  readonly partitions: number;
  readonly fingerprint: string;
  readonly logger: Logger;
  readonly now: () => number;
  readonly times: CoordinatorTimes;
}
