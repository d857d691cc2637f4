import fc from 'fast-check';
import type { AcceptedEvent } from '../../../src/domain/columns';
import { noDefinitions, type Funnel } from '../../../src/domain/definitions';
import { eventsPerStepMax, funnelSteps } from '../../../projections/funnels/funnel-steps';
import { medianSeconds } from '../../../projections/funnels/time-bins';
import { countFunnel, type FunnelStepCounted } from '../../oracle/funnels';
import { changesOf } from '../histories';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Two days before the clocks change in New York. */
const start = Date.parse('2025-03-07T00:00:00Z');

let ids = 0;
const at = (minutes: number, name: string, more: Partial<AcceptedEvent> = {}): AcceptedEvent => {
  const time = start + minutes * minuteMs;
  return { merchantId: 'm', id: `e${ids++}`, name, visitorId: 'v', time, receivedAt: time, ...more };
};

const buying: Funnel = {
  funnelId: 'buying',
  name: 'Buying',
  steps: [
    { name: 'Looks', event: 'view_item' },
    { name: 'Adds', event: 'add_to_cart' },
    { name: 'Buys', event: 'purchase' },
  ],
  open: false,
  windowSeconds: 3_600,
};

interface Options {
  timezone?: string;
  from?: string;
  to?: string;
  rereadAfter?: (block: number) => boolean;
}

/** What the changes add up to, in the oracle's words; durations as their median. */
function counted(blocks: AcceptedEvent[][], funnel: Funnel, options: Options = {}) {
  const { timezone = 'UTC', from = '2000-01-01', to = '2100-01-01' } = options;
  const steps = funnel.steps.map(() => ({ reached: new Set<string>(), took: new Set<string>(), bins: new Map<number, number>() }));
  const definitions = { ...noDefinitions, funnels: [{ ...buying, funnelId: 'other' }, funnel] };
  for (const { visitor, change } of changesOf(funnelSteps, blocks, { timezone, definitions, rereadAfter: options.rereadAfter })) {
    const day = new Date(change.day * dayMs).toISOString().slice(0, 10);
    if (change.course.funnelId !== funnel.funnelId || day < from || day > to) continue;
    const step = steps[change.step - 1]!;
    if (change.kind === 'reached') step.reached.add(visitor);
    else if (change.kind === 'taken') step.took.add(visitor);
    else {
      const count = (step.bins.get(change.bin) ?? 0) + change.by;
      if (count === 0) step.bins.delete(change.bin);
      else step.bins.set(change.bin, count);
    }
  }
  return steps.map(({ reached, took, bins }) => ({
    visitors: reached.size,
    skipped: funnel.open ? reached.size - took.size : 0,
    samples: [...bins.values()].reduce((a, b) => a + b, 0),
    least: Math.min(0, ...bins.values()),
    median: medianSeconds(bins),
  }));
}
const visitorsOf = (blocks: AcceptedEvent[][], funnel: Funnel, options?: Options): number[] =>
  counted(blocks, funnel, options).map(({ visitors }) => visitors);

/** The accuracy medians are kept with. */
const expectNear = (median: number | null, seconds: number): void => {
  expect(Math.abs(median! - seconds)).toBeLessThanOrEqual(seconds * 0.01 + 1e-9);
};

/** The lower middle one, in seconds. */
const medianOf = ({ durations }: FunnelStepCounted): number | null =>
  durations.length === 0 ? null : durations[Math.ceil(durations.length / 2) - 1]! / 1000;

describe('the steps of a funnel', () => {
  it('are reached in their order', () => {
    expect(visitorsOf([[at(0, 'view_item'), at(5, 'add_to_cart'), at(9, 'purchase')]], buying)).toEqual([1, 1, 1]);
    expect(visitorsOf([[at(0, 'view_item'), at(5, 'purchase'), at(9, 'add_to_cart')]], buying)).toEqual([1, 1, 0]);
    expect(visitorsOf([[at(0, 'add_to_cart'), at(5, 'purchase')]], buying)).toEqual([0, 0, 0]);
  });

  it('are reached whatever the order in which the events arrive', () => {
    expect(visitorsOf([[at(9, 'purchase')], [at(0, 'view_item')], [at(5, 'add_to_cart')]], buying)).toEqual([1, 1, 1]);
  });

  it('are reached within the window from the entry, its last instant included', () => {
    expect(visitorsOf([[at(0, 'view_item'), at(50, 'add_to_cart'), at(60, 'purchase')]], buying)).toEqual([1, 1, 1]);
    const justOver = 60 + 1 / minuteMs;
    expect(visitorsOf([[at(0, 'view_item'), at(50, 'add_to_cart'), at(justOver, 'purchase')]], buying)).toEqual([1, 1, 0]);
  });

  it('may be reached from a later entry where the earlier one ran out of time', () => {
    const blocks = [[at(0, 'view_item'), at(50, 'view_item'), at(55, 'add_to_cart'), at(70, 'purchase')]];
    expect(visitorsOf(blocks, buying)).toEqual([1, 1, 1]);
  });

  it('may be reached from an entry and a step of one instant where the earlier entry ran out of time', () => {
    const blocks = [[at(0, 'view_item'), at(50, 'add_to_cart'), at(50, 'view_item'), at(70, 'purchase')]];
    expect(visitorsOf(blocks, buying)).toEqual([1, 1, 1]);
  });

  it('count on the day of the entry', () => {
    const blocks = [[at(24 * 60 - 1, 'view_item'), at(24 * 60 + 5, 'add_to_cart')]];
    expect(visitorsOf(blocks, buying, { from: '2025-03-07', to: '2025-03-07' })).toEqual([1, 1, 0]);
    expect(visitorsOf(blocks, buying, { from: '2025-03-08', to: '2025-03-08' })).toEqual([0, 0, 0]);
  });

  it('take an event each: one that matches two steps takes one of them', () => {
    const twice: Funnel = {
      ...buying,
      steps: [
        { name: 'A', event: 'search' },
        { name: 'B', event: 'search' },
      ],
    };
    expect(visitorsOf([[at(0, 'search')]], twice)).toEqual([1, 0]);
    expect(visitorsOf([[at(0, 'search'), at(1, 'search')]], twice)).toEqual([1, 1]);
  });

  it('take events of one instant in whatever order leads furthest', () => {
    const paged: Funnel = {
      ...buying,
      steps: [
        { name: 'A', page: '/a*' },
        { name: 'B', page: '/*b' },
      ],
    };
    const blocks = [[at(0, 'x', { url: '/ab' }), at(0, 'x', { url: '/a' })]];
    expect(visitorsOf(blocks, paged)).toEqual([1, 1]);
    expect(visitorsOf([[at(0, 'x', { url: '/b' }), at(0, 'x', { url: '/a' })]], paged)).toEqual([1, 1]);
  });

  it('are skipped by whoever enters an open funnel at a later one', () => {
    const open = { ...buying, open: true };
    expect(counted([[at(0, 'add_to_cart'), at(9, 'purchase')]], open)).toMatchObject([
      { visitors: 1, skipped: 1 },
      { visitors: 1, skipped: 0 },
      { visitors: 1, skipped: 0 },
    ]);
    expect(counted([[at(0, 'view_item'), at(9, 'purchase')]], open)).toMatchObject([
      { skipped: 0 },
      { visitors: 1, skipped: 1 },
      { skipped: 0 },
    ]);
  });

  it('have times along the earliest entry of the day, restated when an event comes late', () => {
    const blocks = [[at(10, 'view_item'), at(20, 'add_to_cart')]];
    expectNear(counted(blocks, buying)[1]!.median, 600);
    const late = counted([...blocks, [at(0, 'view_item')]], buying);
    expect(late[1]).toMatchObject({ samples: 1, least: 0 });
    expectNear(late[1]!.median, 1_200);
    const earlier = counted([...blocks, [at(12, 'add_to_cart')]], buying);
    expectNear(earlier[1]!.median, 120);
  });

  it('stay counted when more events came than are remembered', () => {
    const blocks = [[at(0, 'view_item'), at(1, 'add_to_cart'), at(2, 'purchase')]];
    for (let i = 0; i < 3; i++)
      blocks.push(Array.from({ length: eventsPerStepMax }, (_, n) => at(5 * 24 * 60 + i * 1_000 + n, 'view_item')));
    const [looks, , buys] = counted([...blocks, [at(3, 'purchase'), at(-1, 'view_item')]], buying);
    expect(looks).toMatchObject({ visitors: 1, least: 0 });
    expect(buys).toMatchObject({ visitors: 1, samples: 1, least: 0 });
  });
});

describe('funnels of random visitors', () => {
  const timezones = ['UTC', 'America/New_York', 'Asia/Kolkata', 'Pacific/Chatham'];
  const names = ['a', 'b', 'c', 'd'];
  const event = fc
    .record({
      // Coarse times, so that events of one instant are common, over a change of clocks.
      quarters: fc.oneof(fc.integer({ min: 0, max: 4 * 24 * 4 }), fc.integer({ min: 0, max: 8 })),
      name: fc.constantFrom(...names),
      url: fc.constantFrom(undefined, 'https://shop.example/', 'https://shop.example/ab?x=1', '/b'),
      visitor: fc.integer({ min: 0, max: 1 }),
      property: fc.constantFrom(undefined, 1, true, 'yes'),
    })
    .map(({ quarters, name, url, visitor, property }) =>
      at(quarters * 15, name, {
        visitorId: `v${visitor}`,
        ...(url !== undefined && { url }),
        ...(property !== undefined && { properties: { p: property } }),
      }),
    );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...names).map((name) => ({ name, event: name })) },
    { weight: 2, arbitrary: fc.constantFrom('/*', '/a*', '/*b').map((page) => ({ name: page, page })) },
    { weight: 1, arbitrary: fc.constantFrom('true', 1, 'yes').map((p) => ({ name: 'p', properties: { p } })) },
  );
  const funnel: fc.Arbitrary<Funnel> = fc.record({
    funnelId: fc.constant('f'),
    name: fc.constant('F'),
    steps: fc.array(step, { minLength: 2, maxLength: 5 }),
    open: fc.boolean(),
    windowSeconds: fc.constantFrom(900, 3_600, 86_400, 7 * 86_400),
  });
  const blocksOf = fc.array(fc.array(event, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 });

  it('equal a naive count of every way, whatever the order, the blocks and the timezone', () => {
    fc.assert(
      fc.property(
        blocksOf,
        funnel,
        fc.constantFrom(...timezones),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        fc.integer({ min: 0, max: 4 }),
        (blocks, funnel, timezone, rereads, days) => {
          const range = { from: '2025-03-07', to: `2025-03-${String(7 + days).padStart(2, '0')}` };
          const steps = counted(blocks, funnel, { timezone, ...range, rereadAfter: (block) => rereads[block]! });
          const expected = countFunnel(blocks.flat(), { merchantId: 'm', timezone, funnel, ...range, bots: 'exclude' });
          expect(steps.map(({ visitors, skipped, samples, least }) => ({ visitors, skipped, samples, least }))).toEqual(
            expected.map(({ visitors, skipped, durations }) => ({ visitors, skipped, samples: durations.length, least: 0 })),
          );
          steps.forEach(({ median }, i) => {
            const exact = medianOf(expected[i]!);
            if (exact === null) expect(median).toBeNull();
            else expectNear(median, exact);
          });
        },
      ),
      { numRuns: 600 },
    );
  });
});
