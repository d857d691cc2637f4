import { eventsStream } from '../domain/partition';
import type { EventStore } from '../stores/event-store';

/** A partition whose records keep coming needs no question: they tell how far it is. */
const quietMs = 1_000;
const askBusyEveryMs = 5_000;
const askAtOnce = 4;

/** Anything that wants to know the newest revision of its partition. */
export interface HeadObserver {
  readonly lastRecordAt: number;
  readonly isFollowing: boolean;
  observeHead(revision: number, askedAt: number): void;
}

/**
 * Asks the log for the newest revision of partitions. An answer that equals the checkpoint says that everything up to the moment
 * of the question is counted, however long nothing was sent.
 */
export class HeadWatch {
  private readonly askedAt = new Map<number, number>();

  constructor(
    private readonly eventStore: EventStore,
    private readonly now: () => number,
  ) {}

  /** @throws StoreUnavailable */
  async round(observers: ReadonlyMap<number, readonly HeadObserver[]>): Promise<void> {
    const due = [...observers].filter(([partition, some]) => this.isDue(partition, some));
    for (let i = 0; i < due.length; i += askAtOnce) {
      await Promise.all(due.slice(i, i + askAtOnce).map(([partition, some]) => this.ask(partition, some)));
    }
  }

  private isDue(partition: number, observers: readonly HeadObserver[]): boolean {
    const now = this.now();
    const isQuiet = observers.every(({ lastRecordAt, isFollowing }) => isFollowing && now - lastRecordAt >= quietMs);
    return isQuiet || now - (this.askedAt.get(partition) ?? 0) >= askBusyEveryMs;
  }

  private async ask(partition: number, observers: readonly HeadObserver[]): Promise<void> {
    const askedAt = this.now();
    this.askedAt.set(partition, askedAt);
    const newest = await this.eventStore.last(eventsStream(partition));
    for (const observer of observers) observer.observeHead(newest === undefined ? -1 : Number(newest.revision), askedAt);
  }
}
