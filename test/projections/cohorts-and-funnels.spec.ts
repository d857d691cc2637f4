import fc from 'fast-check';
import { documentPrefix } from '../../projections/kit/document';
import { funnels } from '../../projections/funnels/funnels';
import { retention } from '../../projections/retention/retention';
import { noDefinitions, type Definitions, type Funnel } from '../../src/domain/definitions';
import { localDay } from '../oracle/buckets';
import { countFunnel } from '../oracle/funnels';
import { retentionTable } from '../oracle/retention';
import { bytesOf, foldBlocks, tallyOf, type Documents, type FoldOptions } from './folding';
import { log, merchants, timezones } from './shop-events';

const buying: Funnel = {
  funnelId: 'buying',
  name: 'Buying',
  steps: [
    { name: 'Looks', event: 'page_view' },
    { name: 'Adds', event: 'add_to_cart' },
    { name: 'Buys', event: 'purchase' },
  ],
  open: false,
  windowSeconds: 24 * 3_600,
};
const browsing: Funnel = {
  funnelId: 'browsing',
  name: 'Browsing',
  steps: [
    { name: 'Home', page: '/' },
    { name: 'Shelf', page: '/a*' },
    { name: 'Any', hostname: '*.example' },
  ],
  open: true,
  windowSeconds: 3_600,
};
/** Every second merchant has both. */
const definitions: Record<string, Definitions> = Object.fromEntries(
  merchants.map((merchantId, i) => [merchantId, { ...noDefinitions, funnels: i % 2 === 0 ? [buying, browsing] : [browsing] }]),
);
const choices = fc.infiniteStream(fc.boolean());
const botChoices = ['exclude', 'include', 'only'] as const;
type Bots = (typeof botChoices)[number];
const folded = (blocks: Parameters<typeof foldBlocks>[0], options: FoldOptions = {}): Documents =>
  foldBlocks(blocks, { projections: [retention, funnels], timezones, definitions, ...options });

/** Days there are documents of, by family and merchant. */
const daysOf = (documents: Documents, family: string, merchantId: string): string[] => [
  ...new Set([...documents.keys()].filter((id) => id.slice(2).startsWith(`${merchantId}|${family}|day|`)).map((id) => id.slice(-14, -4))),
];
const valuesOf = (documents: Documents, prefix: string): string[] =>
  [...documents.values()].filter(({ _id }) => _id.startsWith(`${prefix}|`)).flatMap(({ values }) => values.map(({ v }) => v));

function storedTable(documents: Documents, merchantId: string, interval: string, bots: Bots): Record<string, number> {
  const table: Record<string, number> = {};
  for (const day of daysOf(documents, `retention.${interval}`, merchantId)) {
    const prefix = documentPrefix(merchantId, `retention.${interval}`, 'day', day);
    for (const period of valuesOf(documents, prefix)) {
      const visitors = tallyOf(documents, prefix, period, bots).counter('visitors');
      if (visitors !== 0) table[`${day} ${period}`] = visitors;
    }
  }
  return table;
}

/** Visitors, those of them who took the step, and durations told, by step. */
function storedSteps(documents: Documents, merchantId: string, { funnelId, steps, open }: Funnel, day: string, bots: Bots): unknown[] {
  const prefix = documentPrefix(merchantId, 'funnels', 'day', day);
  const times = documentPrefix(merchantId, 'funnels.times', 'day', day);
  return steps.map((_, i) => {
    const step = `${funnelId}|${i + 1}`;
    const tally = tallyOf(documents, prefix, step, bots);
    const visitors = tally.distinct('visitors').count;
    const bins = valuesOf(documents, times).filter((value) => value.startsWith(`${step}|`));
    const durations = bins.reduce((sum, value) => sum + tallyOf(documents, times, value, bots).counter('visitors'), 0);
    return { visitors, skipped: open ? visitors - tally.distinct('takers').count : 0, durations };
  });
}

describe('what is stored of cohorts and funnels', () => {
  it('equals a naive count, for every cohort, day, step and kind of visitor', () => {
    fc.assert(
      fc.property(log, choices, (blocks, take) => {
        const documents = folded(blocks, { takeAfter: () => take.next().value! });
        const events = blocks.flat();
        for (const merchantId of merchants) {
          const timezone = timezones[merchantId]!;
          const days = [...new Set(events.map(({ time }) => localDay(timezone, time)))];
          for (const bots of botChoices) {
            for (const interval of ['day', 'week', 'month'] as const) {
              const table = retentionTable(events, { merchantId, timezone, interval, bots });
              expect(storedTable(documents, merchantId, interval, bots)).toEqual(table);
            }
            for (const funnel of definitions[merchantId]?.funnels ?? []) {
              for (const day of days) {
                const expected = countFunnel(events, { merchantId, timezone, funnel, from: day, to: day, bots });
                expect(storedSteps(documents, merchantId, funnel, day, bots)).toEqual(
                  expected.map(({ visitors, skipped, durations }) => ({ visitors, skipped, durations: durations.length })),
                );
              }
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is byte for byte what one pass stores, wherever flushes and restarts fell and however few visitors stayed in memory', () => {
    fc.assert(
      fc.property(log, choices, choices, fc.constantFrom(1, 3, Infinity), (blocks, take, restart, recordsMax) => {
        const options = { takeAfter: () => take.next().value!, restartAfter: () => restart.next().value! };
        const live = folded(blocks, { ...options, bounds: { recordsMax, bytesMax: 1 << 20 } });
        expect(bytesOf(live)).toEqual(bytesOf(folded(blocks)));
      }),
      { numRuns: 100 },
    );
  });
});
