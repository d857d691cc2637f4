import { isDeepStrictEqual } from 'node:util';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { stepValue } from '../../../projections/funnels/course';
import { medianSeconds } from '../../../projections/funnels/time-bins';
import { shown } from '../../configuring/problem';
import type { Funnel } from '../../domain/definitions';
import type { Table } from '../answering';
import { ReportDocuments } from '../documents';
import { estimated, type Exactness } from '../figures';
import { FoldedDefinitions } from '../folded-definitions';
import { metaOf, type Meta } from '../meta';
import { Preparation, type PreparedDays } from '../preparing';
import { readFamily, type BotChoice, type Receiver, type Source } from '../reading';
import { finerBudget } from '../refining';
import { isUnanswered, type Unanswered } from '../refusal';
import { Sheet } from '../sheet';
import { isoSpan } from '../timeseries/timeseries';

export class FunnelQuery {
  constructor(
    readonly merchantId: string,
    readonly funnelId: string,
    readonly asked: { readonly from?: string; readonly to?: string; readonly bots?: BotChoice },
  ) {}
}

export interface FunnelStepRow {
  /** From 1. */
  step: number;
  name: string;
  /** Distinct visitors who reached it from an entry of these days; of an open funnel also those who entered later. */
  visitors: number;
  /** Of open funnels: those of them who did not take the step. */
  skipped?: number;
  /** Of the first step's visitors. */
  rate: number;
  /** Visitors lost from the step before. */
  dropOff: number;
  dropOffRate: number;
  /** Within 1 %; null for the first step and where nobody came to it from the one before. */
  medianSecondsFromPrevious: number | null;
}
export interface FunnelReport {
  merchantId: string;
  funnelId: string;
  name: string;
  timezone: string;
  /** ISO 8601, inclusive. */
  from: string;
  /** ISO 8601, exclusive. */
  to: string;
  steps: FunnelStepRow[];
  /** Of the first step's visitors, the share that reached the last. */
  conversionRate: number;
  meta: Meta;
}

const visitors = 0;
const takers = 1;

@QueryHandler(FunnelQuery)
export class FunnelHandler implements IQueryHandler<FunnelQuery, FunnelReport | Unanswered> {
  constructor(
    private readonly preparation: Preparation,
    private readonly documents: ReportDocuments,
    private readonly definitions: FoldedDefinitions,
  ) {}

  async execute({ merchantId, funnelId, asked }: FunnelQuery): Promise<FunnelReport | Unanswered> {
    const prepared = await this.preparation.prepareDays(merchantId, asked, 'funnels');
    if (isUnanswered(prepared)) return prepared;
    const { merchant, standing, now } = prepared;
    const defined = withId(merchant.funnels, funnelId);
    if (defined === undefined)
      return { unanswered: 'no-such-funnel', detail: `The merchant ${shown(merchantId)} has no funnel ${shown(funnelId)}` };
    const folded = withId((await this.definitions.of(merchantId, standing)).funnels, funnelId);
    const funnel = folded ?? defined;

    const steps = new Sheet(['distinct', 'distinct'], funnel.steps.length);
    const times = new Times(funnel.steps.length);
    const bots = asked.bots ?? 'exclude';
    const failures = await Promise.all([
      this.read(prepared, funnel, bots, 'funnels', ['visitors', 'takers'], steps, {
        rowOf: (_day, step) => Number(step) - 1,
        beyond: () => undefined,
      }),
      this.read(prepared, funnel, bots, 'funnels.times', ['visitors'], times.sheet, times),
    ]);
    for (const failure of failures) if (failure !== undefined) return failure;

    const rows = rowsOf(funnel, steps, times);
    // Nothing is known yet of a funnel that nothing was counted of.
    const meta = metaOf([folded === undefined ? { ...standing, asOf: null } : standing], exactnessOf(steps), now);
    if (!isDeepStrictEqual(folded, defined)) meta.recounting = true;
    if (times.overflow) meta.overflow = true;
    return {
      merchantId,
      funnelId,
      name: funnel.name,
      timezone: prepared.timezone,
      ...isoSpan(prepared.timezone, prepared.span),
      steps: rows,
      conversionRate: rows.at(-1)!.rate,
      meta,
    };
  }

  private read(
    { merchant, standing, span }: PreparedDays,
    { funnelId }: Funnel,
    bots: BotChoice,
    family: string,
    measures: readonly string[],
    sheet: Sheet,
    receiver: Receiver,
  ): ReturnType<typeof readFamily> {
    const source: Source = {
      merchantId: merchant.merchantId,
      standing,
      projection: 'funnels',
      family,
      finest: 'day',
      picks: [{ prefix: stepValue(funnelId, ''), slots: new Map(measures.map((name, slot) => [name, slot])) }],
      stretches: [{ granularity: 'day', ...span }],
      bots,
      wanted: 'each',
      distincts: [],
      finer: finerBudget(),
    };
    return readFamily(this.documents, source, { sheet, total: undefined, receiver });
  }
}

/** How many visitors took how long to each step, as the documents tell it: by `step|bin`. */
class Times implements Receiver {
  readonly sheet = new Sheet(['counter'], 0);
  /** By step, from 0: the row of each bin. */
  private readonly rows: readonly Map<number, number>[];
  overflow = false;

  constructor(steps: number) {
    this.rows = Array.from({ length: steps }, () => new Map<number, number>());
  }

  rowOf(_day: number, value: string): number | undefined {
    const at = value.indexOf('|');
    const bins = this.rows[Number(value.slice(0, at)) - 1];
    if (bins === undefined) return undefined;
    const bin = Number(value.slice(at + 1));
    let row = bins.get(bin);
    if (row === undefined) bins.set(bin, (row = this.sheet.addRow()));
    return row;
  }

  beyond(): undefined {
    this.overflow = true;
  }

  medianOf(step: number): number | null {
    const median = medianSeconds(new Map([...this.rows[step]!].map(([bin, row]) => [bin, this.sheet.counter(row, 0)])));
    // Six digits are more than the bins know, and no figure ends in binary dust.
    return median === null ? null : Number(median.toPrecision(6));
  }
}

function rowsOf({ steps, open }: Funnel, sheet: Sheet, times: Times): FunnelStepRow[] {
  const counts = steps.map((_, i) => sheet.distinct(i, visitors).count);
  return steps.map(({ name }, i) => {
    const before = counts[i - 1] ?? counts[i]!;
    // Estimates of sets that lie within one another may cross.
    const dropOff = Math.max(0, before - counts[i]!);
    return {
      step: i + 1,
      name,
      visitors: counts[i]!,
      ...(open && { skipped: Math.max(0, counts[i]! - sheet.distinct(i, takers).count) }),
      rate: share(counts[i]!, counts[0]!),
      dropOff,
      dropOffRate: share(dropOff, before),
      medianSecondsFromPrevious: times.medianOf(i),
    };
  });
}

/** A line a step. */
export function funnelTable({ merchantId, funnelId, steps }: FunnelReport): Table {
  const skipped = steps[0]?.skipped === undefined ? [] : ['skipped'];
  return {
    key: 'step',
    metrics: ['name', 'visitors', ...skipped, 'rate', 'dropOff', 'dropOffRate', 'medianSecondsFromPrevious'],
    rows: steps.map((row) => ({ ...row, medianSecondsFromPrevious: row.medianSecondsFromPrevious ?? '' })),
    fileName: `${merchantId}-${funnelId}`,
  };
}

function exactnessOf(sheet: Sheet): Exactness {
  for (let row = 0; row < sheet.rows; row++)
    if (!sheet.distinct(row, visitors).exact || !sheet.distinct(row, takers).exact) return estimated;
  return { exact: true };
}

const share = (of: number, per: number): number => (per === 0 ? 0 : Number((of / per).toFixed(6)));

const withId = (funnels: readonly Funnel[] | undefined, funnelId: string): Funnel | undefined =>
  funnels?.find((funnel) => funnel.funnelId === funnelId);
