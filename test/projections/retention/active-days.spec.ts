import fc from 'fast-check';
import type { AcceptedEvent } from '../../../src/domain/columns';
import { activeDays, activeDaysMax } from '../../../projections/retention/active-days';
import { cohortIntervals } from '../../../projections/retention/cohorts';
import { retentionTable } from '../../oracle/retention';
import { changesOf, type HistoryOptions } from '../histories';

const dayMs = 86_400_000;
/** In Lisbon's week of the change of clocks; the offsets of Chatham and Lord Howe are no whole hours, Apia once skipped a day. */
const timezones = ['UTC', 'Europe/Lisbon', 'America/New_York', 'Asia/Kolkata', 'Pacific/Chatham', 'Australia/Lord_Howe', 'Pacific/Apia'];
const start = Date.parse('2011-12-20T00:00:00Z');

let ids = 0;
const at = (time: number, visitorId = 'v'): AcceptedEvent => ({
  merchantId: 'm',
  id: `e${ids++}`,
  name: 'page_view',
  visitorId,
  time,
  receivedAt: time,
});
const on = (day: string, visitorId?: string): AcceptedEvent => at(Date.parse(`${day}T12:00:00Z`), visitorId);

/** What the cells add up to, in the oracle's words; cells at zero are left out. */
function tableOf(
  blocks: AcceptedEvent[][],
  interval: 'day' | 'week' | 'month',
  options: Partial<HistoryOptions> = {},
): Record<string, number> {
  const cells: Record<string, number> = {};
  for (const { change } of changesOf(activeDays, blocks, { timezone: 'UTC', ...options })) {
    if (cohortIntervals[change.interval]!.name !== interval) continue;
    const cell = `${new Date(change.cohortDay * dayMs).toISOString().slice(0, 10)} ${change.period}`;
    cells[cell] = (cells[cell] ?? 0) + change.by;
  }
  return Object.fromEntries(Object.entries(cells).filter(([, visitors]) => visitors !== 0));
}

describe('the active days of visitors', () => {
  it('put a visitor into the cohort of the first day and into the period of each later one', () => {
    const blocks = [[on('2026-11-02'), on('2026-11-02')], [on('2026-11-05')], [on('2026-12-01')]];
    expect(tableOf(blocks, 'day')).toEqual({ '2026-11-02 0': 1, '2026-11-02 3': 1, '2026-11-02 29': 1 });
    expect(tableOf(blocks, 'week')).toEqual({ '2026-11-02 0': 1, '2026-11-02 4': 1 });
    expect(tableOf(blocks, 'month')).toEqual({ '2026-11-01 0': 1, '2026-11-01 1': 1 });
  });

  it('count a week from Monday to Sunday', () => {
    const blocks = [[on('2026-11-08', 'sunday'), on('2026-11-09', 'monday')]];
    expect(tableOf(blocks, 'week')).toEqual({ '2026-11-02 0': 1, '2026-11-09 0': 1 });
  });

  it('move a visitor to another cohort when an earlier day comes late', () => {
    const blocks = [[on('2026-11-05'), on('2026-11-06')], [on('2026-10-30')]];
    expect(tableOf(blocks, 'day')).toEqual({ '2026-10-30 0': 1, '2026-10-30 6': 1, '2026-10-30 7': 1 });
    expect(tableOf(blocks, 'week')).toEqual({ '2026-10-26 0': 1, '2026-10-26 1': 1 });
    expect(tableOf(blocks, 'month')).toEqual({ '2026-10-01 0': 1, '2026-10-01 1': 1 });
  });

  it('take a visitor back from nowhere while the cohort stays the same', () => {
    const changes = changesOf(activeDays, [[on('2026-11-05')], [on('2026-11-03')]], { timezone: 'UTC' });
    const months = changes.filter(({ change }) => cohortIntervals[change.interval]!.name === 'month');
    expect(months).toHaveLength(1);
  });

  it('emit nothing for a day that is known', () => {
    expect(changesOf(activeDays, [[on('2026-11-05')], [on('2026-11-05'), on('2026-11-05')]], { timezone: 'UTC' })).toHaveLength(3);
  });

  it('are bounded: further days count nowhere, and everything counted can still be taken back', () => {
    const every = Array.from({ length: activeDaysMax + 50 }, (_, i) => at(start + i * dayMs));
    const first = '2011-12-20';
    const table = tableOf([every], 'day');
    expect(Object.keys(table)).toHaveLength(activeDaysMax);
    expect(table[`${first} ${activeDaysMax - 1}`]).toBe(1);
    expect(tableOf([every, [at(start - dayMs)]], 'day')).toEqual(table);
  });

  it('add up to a naive table whatever the order, the blocks and the timezone', () => {
    const event = fc
      .record({
        hours: fc.integer({ min: 0, max: 24 * 70 }),
        minutes: fc.integer({ min: 0, max: 59 }),
        visitor: fc.integer({ min: 0, max: 3 }),
      })
      .map(({ hours, minutes, visitor }) => at(start + hours * 3_600_000 + minutes * 60_000, `v${visitor}`));
    const blocksOf = fc.array(fc.array(event, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        blocksOf,
        fc.constantFrom(...timezones),
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        (blocks, timezone, rereads) => {
          for (const { name: interval } of cohortIntervals) {
            const table = tableOf(blocks, interval, { timezone, rereadAfter: (block) => rereads[block]! });
            expect(table).toEqual(retentionTable(blocks.flat(), { merchantId: 'm', timezone, interval, bots: 'exclude' }));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
