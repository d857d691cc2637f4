import { Inject, Injectable } from '@nestjs/common';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { recordKinds, type MerchantRecord, type RatesRecord } from '../stores/records';
import { canonicalTimezone, isDayStart, type Span } from './calendar';
import { CLOCK, type Clock } from './clock';
import { readMetrics, type MetricList } from './metric-list';
import type { Plan } from './plan';
import { readSpan } from './range';
import { Rates } from './rates';
import { Recent } from './recent';
import { isUnanswered, refused, type NoSuchMerchant, type NotCounting, type Unanswered } from './refusal';
import { Standings, type Standing } from './standing';

/** What all reports ask alike, as it came with the request. */
export interface CommonParameters {
  readonly metrics?: string;
  readonly from?: string;
  readonly to?: string;
  readonly timezone?: string;
}

/** The same, understood, with what the answer needs to know of the merchant and of the counting. */
export interface Prepared {
  readonly merchant: MerchantRecord;
  /** As the answer names it. */
  readonly timezone: string;
  /** The same clock under its canonical name, for calculations. */
  readonly clockZone: string;
  readonly list: MetricList;
  /** Where amounts are asked for, and the merchant has a table. */
  readonly rates: Rates | undefined;
  readonly span: Span;
  readonly now: number;
}

/** Of a report that is kept by whole days alone. */
export interface PreparedDays {
  readonly merchant: MerchantRecord;
  readonly standing: Standing;
  /** In which the days are folded. */
  readonly timezone: string;
  /** Whole days of it. */
  readonly span: Span;
  readonly now: number;
}

/** A change of settings reaches reports as fast as a promotion does. */
const merchantKeepMs = 500;
/** Of merchants; a table may have thousands of lines. */
const ratesKept = 100;

@Injectable()
export class Preparation {
  private readonly merchants: Recent<MerchantRecord | undefined>;
  private readonly rates: Recent<Rates | undefined>;

  constructor(
    @Inject(READ_STORE) private readonly store: ReadStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly standings: Standings,
  ) {
    const now = (): number => performance.now();
    this.merchants = new Recent({ keepMs: merchantKeepMs, entriesMax: 10_000, now });
    this.rates = new Recent({ keepMs: merchantKeepMs, entriesMax: ratesKept, now });
  }

  async prepare(merchantId: string, asked: CommonParameters, defaultMetrics = 'pageviews,visitors'): Promise<Prepared | Unanswered> {
    const merchant = await this.merchantOf(merchantId);
    if (isUnanswered(merchant)) return merchant;
    const timezone = asked.timezone ?? merchant.timezone;
    const clockZone = canonicalTimezone(timezone);
    if (clockZone === undefined) return refused('timezone', `'${timezone.slice(0, 64)}' is not an IANA timezone, like Europe/Berlin`);
    const list = readMetrics(asked.metrics ?? defaultMetrics, merchant.goals ?? []);
    if (isUnanswered(list)) return list;
    const now = this.clock();
    const span = readSpan(asked.from, asked.to, clockZone, now);
    if (isUnanswered(span)) return span;
    return { merchant, timezone, clockZone, list, rates: await this.ratesOf(merchant, list), span, now };
  }

  /** Days are those of the timezone the projection's documents are folded in: no other can be answered. */
  async prepareDays(merchantId: string, asked: Omit<CommonParameters, 'metrics'>, projection: string): Promise<PreparedDays | Unanswered> {
    const merchant = await this.merchantOf(merchantId);
    if (isUnanswered(merchant)) return merchant;
    const standings = await this.standings.of(merchant, [projection]);
    if (isUnanswered(standings)) return standings;
    const standing = standings[0]!;
    const { timezone } = standing;
    if (asked.timezone !== undefined && canonicalTimezone(asked.timezone) !== canonicalTimezone(timezone))
      return refused('timezone', `must be ${timezone} or left out: ${projection} is kept by the days of that timezone`);
    const now = this.clock();
    const span = readSpan(asked.from, asked.to, timezone, now);
    if (isUnanswered(span)) return span;
    if (!isDayStart(timezone, span.from) || !isDayStart(timezone, span.to))
      return refused('from, to', `must be days of ${timezone}, like 2026-11-22: ${projection} is kept by whole days`);
    return { merchant, standing, timezone, span, now };
  }

  /** How far what the plans read is counted, in their order. To be read before any document. */
  standingsOf(merchant: MerchantRecord, ...plans: readonly Plan[]): Promise<Standing[] | NotCounting> {
    return this.standings.of(merchant, [...new Set(plans.flatMap(({ projections }) => projections))]);
  }

  private async merchantOf(merchantId: string): Promise<MerchantRecord | NoSuchMerchant> {
    const merchant = await this.merchants.get(merchantId, () => this.readMerchant(merchantId));
    if (merchant === undefined || merchant.deleted)
      return { unanswered: 'no-such-merchant', detail: `there is no merchant '${merchantId}'` };
    return merchant;
  }

  /** Rates in units of a currency that was the merchant's say nothing of the one that is. */
  private async ratesOf({ merchantId, currency }: MerchantRecord, { definitions }: MetricList): Promise<Rates | undefined> {
    if (!definitions.some(({ shown }) => shown === 'money')) return undefined;
    const rates = await this.rates.get(merchantId, () => this.readRates(merchantId));
    return rates?.into === currency ? rates : undefined;
  }

  private async readRates(merchantId: string): Promise<Rates | undefined> {
    const found = (await this.store.records.get<RatesRecord>(recordKinds.rates, merchantId))?.value;
    return found === undefined || found.rates.length === 0 ? undefined : new Rates(found, found.revision);
  }

  private async readMerchant(merchantId: string): Promise<MerchantRecord | undefined> {
    return (await this.store.records.get<MerchantRecord>(recordKinds.merchants, merchantId))?.value;
  }
}
