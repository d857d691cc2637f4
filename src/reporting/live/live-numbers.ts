import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { LOGGER, type Logger } from '../../logging';
import { minuteMs } from '../calendar';
import { AskedTogether } from '../asked-together';
import { isZero, type Figures } from '../figures';
import { planOf } from '../plan';
import { Preparation } from '../preparing';
import { RealtimeQuery, sourcesOf, type Realtime, type RealtimeParameters } from '../realtime/realtime';
import { isUnanswered, type Unanswered } from '../refusal';

/** Told what changed, and once that it ends: the process stops, or `reason` says why the question no longer has an answer. */
export interface LiveListener {
  /** @param json of the numbers, written once for all listeners */
  frame(json: string): void;
  end(reason: Unanswered | undefined): void;
}

export interface ListenerPlace {
  listen(asked: RealtimeParameters, known: Realtime, listener: LiveListener): void;
  /** Safe to call twice. */
  leave(): void;
}

const everyMs = 1_000;
const listenersMax = 2_000;
export const listenersPerMerchantMax = 250;

/** One question many may listen to: asked once a second for all of them. */
interface Watch {
  readonly query: RealtimeQuery;
  readonly listeners: Set<LiveListener>;
  /** The figures of the last answer: what has to differ for a frame to be sent. */
  figures: string;
  /** How far it was counted, and in which minute: while both stand still, so do the figures. */
  stood: string;
  /** Listeners whose first frame was not the last answer: they get the next one in any case. */
  readonly behind: Set<LiveListener>;
  asking: boolean;
  timer: NodeJS.Timeout;
}

/** Watches merchants' numbers for as long as anyone listens, and gives a frame whenever they change, at most one a second. */
@Injectable()
export class LiveNumbers implements OnModuleDestroy {
  private readonly watches = new Map<string, Watch>();
  /** First answers: many who come at once, as after a restart, are answered together. */
  private readonly beginning = new AskedTogether();
  private listeners = 0;
  private readonly listenersOf = new Map<string, number>();

  constructor(
    private readonly queries: QueryBus,
    private readonly preparation: Preparation,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The first frame, which says whether there is an answer at all. */
  first(merchantId: string, asked: RealtimeParameters): Promise<Realtime | Unanswered> {
    const query = new RealtimeQuery(merchantId, asked);
    return this.beginning.ask(keyOf(query), () => this.queries.execute<RealtimeQuery, Realtime | Unanswered>(query));
  }

  /** A place among the listeners, to be left again; undefined when there is none. Taken before the first answer is read. */
  reserve(merchantId: string): ListenerPlace | undefined {
    const ofMerchant = this.listenersOf.get(merchantId) ?? 0;
    if (this.listeners >= listenersMax || ofMerchant >= listenersPerMerchantMax) return undefined;
    this.listeners++;
    this.listenersOf.set(merchantId, ofMerchant + 1);
    let left = false;
    let stop = (): void => undefined;
    return {
      listen: (asked, known, listener) => {
        if (!left) stop = this.listen(new RealtimeQuery(merchantId, asked), known, listener);
      },
      leave: () => {
        if (left) return;
        left = true;
        stop();
        this.listeners--;
        const others = this.listenersOf.get(merchantId)! - 1;
        if (others > 0) this.listenersOf.set(merchantId, others);
        else this.listenersOf.delete(merchantId);
      },
    };
  }

  /** @returns stops listening */
  private listen(query: RealtimeQuery, known: Realtime, listener: LiveListener): () => void {
    const key = keyOf(query);
    const watch = this.watches.get(key) ?? this.watch(key, query, known);
    watch.listeners.add(listener);
    if (figuresIn(known) !== watch.figures) watch.behind.add(listener);
    return () => {
      watch.listeners.delete(listener);
      watch.behind.delete(listener);
      if (watch.listeners.size === 0) this.unwatch(key, watch);
    };
  }

  onModuleDestroy(): void {
    for (const [key, watch] of [...this.watches]) {
      this.unwatch(key, watch);
      for (const listener of [...watch.listeners]) listener.end(undefined);
    }
  }

  private watch(key: string, query: RealtimeQuery, known: Realtime): Watch {
    const timer = setInterval(() => void this.ask(key, watch), everyMs);
    const watch: Watch = { query, listeners: new Set(), behind: new Set(), figures: figuresIn(known), stood: '', asking: false, timer };
    this.watches.set(key, watch);
    return watch;
  }

  private unwatch(key: string, watch: Watch): void {
    clearInterval(watch.timer);
    if (this.watches.get(key) === watch) this.watches.delete(key);
  }

  private async ask(key: string, watch: Watch): Promise<void> {
    // A store slower than a second is asked again when it has answered.
    if (watch.asking) return;
    watch.asking = true;
    try {
      const stood = await this.standing(watch.query);
      if (stood === watch.stood && watch.behind.size === 0) return;
      const answer = await this.queries.execute<RealtimeQuery, Realtime | Unanswered>(watch.query);
      if (isUnanswered(answer)) {
        this.unwatch(key, watch);
        for (const listener of [...watch.listeners]) listener.end(answer);
        return;
      }
      const figures = figuresIn(answer);
      const told = figures === watch.figures ? [...watch.behind] : [...watch.listeners];
      watch.figures = figures;
      watch.stood = stood;
      watch.behind.clear();
      if (told.length === 0) return;
      const json = JSON.stringify(answer);
      for (const listener of told) listener.frame(json);
    } catch (error) {
      // The numbers stand still while the store is away; listeners see the heartbeat and the next frame.
      this.logger.warn({ err: error, merchantId: watch.query.merchantId }, 'live numbers could not be read, trying again');
    } finally {
      watch.asking = false;
    }
  }

  /** Read before the documents, so that what changes after it is seen the next time. */
  private async standing({ merchantId, asked }: RealtimeQuery): Promise<string> {
    const prepared = await this.preparation.prepare(merchantId, asked);
    if (isUnanswered(prepared)) return prepared.detail;
    const plan = planOf(prepared.list, undefined);
    if (isUnanswered(plan)) return plan.detail;
    const sources = await sourcesOf(this.preparation, prepared.merchant, plan);
    if (isUnanswered(sources)) return sources.detail;
    const counted = sources.standings.map(({ generationId, revision }) => `${generationId}@${revision}`);
    const { merchant, rates, now } = prepared;
    return [Math.floor(now / minuteMs), merchant.currency, rates?.revision, ...counted].join(' ');
  }
}

const keyOf = ({ merchantId, asked }: RealtimeQuery): string => JSON.stringify([merchantId, asked.metrics, asked.bots]);

/** Without what moves by itself: empty rows, and how far the counting is. */
function figuresIn({ activeVisitors, activeVisitorsLast5Minutes, topPages, totals, today, rows }: Realtime): string {
  const busy = rows.filter(({ time: _time, ...figures }) => !isZero(figures as Figures));
  return JSON.stringify([activeVisitors, activeVisitorsLast5Minutes, topPages.rows, topPages.other, totals, today, busy]);
}
