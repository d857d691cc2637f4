import type { Stack } from './stack';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface LoadOptions {
  readonly senders: number;
  readonly eventsPerBatch: number;
  readonly pauseMs: number;
  /** Whether what was not acknowledged is sent again until it is, as an SDK does. Without, a sender leaves at the first cut. */
  readonly again: boolean;
  /** Before every event id, where the same merchant gets several loads. */
  readonly idPrefix?: string;
}

/** Page views of a shop, over HTTP, by several senders at once; and what became of each of them. */
export class ShopLoad {
  /** Ids of events that were answered with 202. */
  readonly acknowledged = new Set<string>();
  /** Ids of events that were sent and never acknowledged: they may count or not. */
  readonly unanswered = new Set<string>();
  /** Answers that said "later", and connections that broke. */
  refusals = 0;
  /** Longest time between two acknowledgements anyone saw, ms. */
  longestSilenceMs = 0;
  private over = false;
  private lastAnswerAt = Date.now();
  private readonly senders: Promise<void>[];

  constructor(
    private readonly stack: Pick<Stack, 'url'>,
    private readonly writeKey: string,
    private readonly options: LoadOptions,
  ) {
    this.senders = Array.from({ length: options.senders }, (_, sender) => this.send(sender));
    // Awaited at the end: a failure before that is not an unhandled one.
    for (const sender of this.senders) sender.catch(() => undefined);
  }

  /** Each sender finishes what it has begun. @throws what a sender met that was neither 202 nor "later" */
  async end(): Promise<void> {
    this.over = true;
    await Promise.all(this.senders);
  }

  private async send(sender: number): Promise<void> {
    const { eventsPerBatch, pauseMs, again, idPrefix = '' } = this.options;
    for (let batch = 0; !this.over; batch++) {
      const events = Array.from({ length: eventsPerBatch }, (_, i) => ({
        id: `${idPrefix}/${sender}-${batch}-${i}`,
        name: 'page_view',
        time: Date.now(),
        visitorId: `visitor-${sender}`,
        url: '/',
      }));
      let isTaken = await this.isTaken(events);
      for (; !isTaken && again; isTaken = await this.isTaken(events)) await pause(100);
      for (const { id } of events) (isTaken ? this.acknowledged : this.unanswered).add(id);
      if (!isTaken) return;
      const now = Date.now();
      this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.lastAnswerAt);
      this.lastAnswerAt = now;
      if (pauseMs > 0) await pause(pauseMs);
    }
  }

  private async isTaken(events: readonly object[]): Promise<boolean> {
    try {
      const response = await fetch(`${this.stack.url}/v1/collect`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.writeKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ events }),
        signal: AbortSignal.timeout(60_000),
      });
      const body = (await response.json()) as { accepted?: number };
      if (response.status === 202 && body.accepted === events.length) return true;
      // Only "try again later" is a fair answer to good events with a good key.
      if (response.status !== 503) throw new Error(`good events were answered ${response.status} ${JSON.stringify(body)}`);
    } catch (error) {
      // By name: fetch belongs to another realm than the test. A cut-off answer is no JSON.
      if (!['TypeError', 'TimeoutError', 'SyntaxError'].includes((error as Error).name)) throw error;
    }
    this.refusals++;
    return false;
  }
}
