import fc from 'fast-check';
import type request from 'supertest';
import type { AcceptedEvent } from '../../src/domain/columns';
import { noDefinitions, type Funnel } from '../../src/domain/definitions';
import { partitionOf } from '../../src/domain/partition';
import type { FunnelReport } from '../../src/reporting/funnels/funnels';
import { recordKinds, settingsId, type MerchantRecord } from '../../src/stores/records';
import { countFunnel } from '../oracle/funnels';
import { adminToken, generationId, Installation, readToken, refusal } from './installation';

const bot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const timezones: Record<string, string> = { north: 'America/New_York', south: 'Asia/Kolkata', empty: 'UTC' };
/** Ten days over a change of clocks in New York. */
const start = Date.parse('2025-03-05T05:00:00Z');
const minuteMs = 60_000;

const buying: Funnel = {
  funnelId: 'buying',
  name: 'Buying, "fast"',
  steps: [
    { name: '=Looks', event: 'view_item' },
    { name: 'Adds', event: 'add_to_cart' },
    { name: 'Buys', page: '/thanks*' },
  ],
  open: false,
  windowSeconds: 86_400,
};
const opened: Funnel = { ...buying, funnelId: 'opened', open: true, windowSeconds: 7 * 86_400 };
/** Its id begins like another one's. */
const buying2: Funnel = { ...buying, funnelId: 'buying2', steps: buying.steps.slice(0, 2) };
const funnels = [buying2, buying, opened];

let ids = 0;
const event: fc.Arbitrary<AcceptedEvent> = fc
  .record({
    minutes: fc.integer({ min: 0, max: 10 * 24 * 60 }),
    merchantId: fc.constantFrom('north', 'south'),
    visitor: fc.nat(60),
    kind: fc.constantFrom('view_item', 'view_item', 'add_to_cart', 'purchase', 'page_view'),
    isBot: fc.nat(5),
  })
  .map(({ minutes, merchantId, visitor, kind, isBot }) => {
    const time = start + minutes * minuteMs;
    return {
      merchantId,
      id: `e${ids++}`,
      name: kind,
      visitorId: `v${visitor}`,
      time,
      receivedAt: time,
      url: kind === 'purchase' ? 'https://shop.example/thanks/1?a=b' : 'https://shop.example/',
      ...(isBot === 0 && { userAgent: bot }),
    };
  });

/** More on one day than are kept exactly; of them few go on, the day after fewer come. */
const crowd = Array.from({ length: 700 }, (_, visitor): AcceptedEvent => {
  const time = Date.parse('2025-03-05T12:00:00Z') + (visitor < 600 ? 0 : 86_400_000);
  const name = visitor % 100 === 1 ? 'add_to_cart' : 'view_item';
  return {
    merchantId: 'crowded',
    id: `c${visitor}`,
    name,
    visitorId: `c${visitor - (visitor % 100 === 1 ? 1 : 0)}`,
    time,
    receivedAt: time,
  };
});

const installation = new Installation();
let log: AcceptedEvent[];

beforeAll(async () => {
  log = fc.sample(event, { numRuns: 1_500, seed: 5 });
  for (const [merchantId, timezone] of Object.entries(timezones)) await installation.register(merchantId, { timezone, funnels });
  await installation.serve();
  const definitions = { ...noDefinitions, funnels };
  await installation.count(log, timezones, generationId, { north: definitions, south: definitions });
  await installation.register('crowded', { funnels });
  await installation.count(crowd, {}, generationId, { crowded: definitions });
  await installation.heartbeat('north', { checkpointTime: installation.now - 4_400 });
  await installation.start();
});
afterAll(() => installation.stop());

const ask = (merchantId: string, funnelId: string, query: Record<string, string> = {}, token?: string): request.Test =>
  installation.ask(merchantId, `funnels/${funnelId}`, query, token);
const report = (merchantId: string, funnelId: string, query: Record<string, string> = {}): Promise<FunnelReport> =>
  installation.report(merchantId, `funnels/${funnelId}`, query);
const ratio = (of: number, per: number): number => (per === 0 ? 0 : Number((of / per).toFixed(6)));

describe('a funnel report', () => {
  const questions: [string, string, Funnel, Record<string, string>][] = [
    ['days across a change of clocks', 'north', buying, { from: '2025-03-05', to: '2025-03-15' }],
    ['a single day', 'north', buying, { from: '2025-03-09', to: '2025-03-09' }],
    ['days half an hour off the hour', 'south', buying, { from: '2025-03-06', to: '2025-03-12' }],
    ['an open funnel', 'south', opened, { from: '2025-03-05', to: '2025-03-15' }],
    ['a day of an open funnel', 'north', opened, { from: '2025-03-08', to: '2025-03-08' }],
    ['a funnel whose id begins another', 'north', buying2, { from: '2025-03-05', to: '2025-03-15' }],
    ['bots alone', 'north', opened, { from: '2025-03-05', to: '2025-03-15', bots: 'only' }],
    ['bots included', 'south', buying, { from: '2025-03-05', to: '2025-03-15', bots: 'include' }],
  ];
  it.each(questions)('equals a naive count over %s', async (_name, merchantId, funnel, query) => {
    const answer = await report(merchantId, funnel.funnelId, query);
    const bots = (query['bots'] ?? 'exclude') as 'exclude';
    const range = { from: query['from']!, to: query['to']! };
    const expected = countFunnel(log, { merchantId, timezone: timezones[merchantId]!, funnel, bots, ...range });
    expect(expected[0]!.visitors).toBeGreaterThan(0);
    expect(answer.steps).toHaveLength(funnel.steps.length);
    for (const [i, { visitors, skipped, durations }] of expected.entries()) {
      const before = expected[i - 1]?.visitors ?? visitors;
      expect(answer.steps[i]).toMatchObject({
        step: i + 1,
        name: funnel.steps[i]!.name,
        visitors,
        rate: ratio(visitors, expected[0]!.visitors),
        dropOff: before - visitors,
        dropOffRate: ratio(before - visitors, before),
      });
      expect(answer.steps[i]!.skipped).toBe(funnel.open ? skipped : undefined);
      const median = answer.steps[i]!.medianSecondsFromPrevious;
      if (durations.length === 0) expect(median).toBeNull();
      else {
        const exact = durations[Math.ceil(durations.length / 2) - 1]! / 1000;
        expect(Math.abs(median! - exact)).toBeLessThanOrEqual(exact * 0.01 + 0.001);
      }
    }
    expect(answer.conversionRate).toBe(ratio(expected.at(-1)!.visitors, expected[0]!.visitors));
  });

  it('counts a visitor of several days once', async () => {
    const whole = await report('north', 'buying', { from: '2025-03-06', to: '2025-03-12' });
    let sum = 0;
    for (let day = 6; day <= 12; day++) {
      const date = `2025-03-${String(day).padStart(2, '0')}`;
      sum += (await report('north', 'buying', { from: date, to: date })).steps[0]!.visitors;
    }
    expect(sum).toBeGreaterThan(whole.steps[0]!.visitors);
  });

  it('answers in the shape of the contract, zeros where nobody came', async () => {
    const nobody = { visitors: 0, rate: 0, dropOff: 0, dropOffRate: 0, medianSecondsFromPrevious: null };
    expect(await report('empty', 'buying2', { from: '2025-03-05', to: '2025-03-06' })).toEqual({
      merchantId: 'empty',
      funnelId: 'buying2',
      name: 'Buying, "fast"',
      timezone: 'UTC',
      from: '2025-03-05T00:00:00Z',
      to: '2025-03-07T00:00:00Z',
      steps: [
        { step: 1, name: '=Looks', ...nobody },
        { step: 2, name: 'Adds', ...nobody },
      ],
      conversionRate: 0,
      meta: expect.objectContaining({ projection: 'funnels', version: 1, exact: true }),
    });
    const { meta } = await report('north', 'buying');
    expect(meta).toEqual({ asOf: '2025-03-20T11:59:55.600Z', lagSeconds: 4, projection: 'funnels', version: 1, exact: true });
  });

  it('says that a funnel is counted again where its definition is another than what was counted', async () => {
    // Of the partition whose worker reports in this test.
    const isBeside = (id: string): boolean => partitionOf(id, 4) === partitionOf('north', 4);
    const later = Array.from({ length: 50 }, (_, i) => `later-${i}`).find(isBeside)!;
    const record = (await installation.store.records.get<MerchantRecord>(recordKinds.merchants, 'south'))!.value;
    const changed = { ...buying, steps: [...buying.steps, { name: 'Returns', event: 'refund' }] };
    const added = { ...buying, funnelId: 'added' };
    await installation.store.records.put(recordKinds.merchants, later, { ...record, merchantId: later, funnels: [changed, added] });
    const settings = { since: 0, definitions: { ...noDefinitions, funnels: [buying] } };
    const newer = { since: Date.now(), definitions: { ...noDefinitions, funnels: [changed, added] } };
    for (const [revision, value] of [settings, newer].entries()) {
      await installation.store.records.put(recordKinds.settings, settingsId(later, revision), value);
      await installation.store.records.put(recordKinds.settingsRevisions, settingsId(later, revision), { since: value.since });
    }
    const reportOf = async (funnelId: string): Promise<FunnelReport> => (await ask(later, funnelId, {}, adminToken)).body as FunnelReport;
    const before = await reportOf('buying');
    expect(before.steps).toHaveLength(3);
    expect(before.meta).toMatchObject({ recounting: true, asOf: '2025-03-20T11:59:55.600Z' });
    const unheardOf = await reportOf('added');
    expect(unheardOf.steps.map(({ visitors }) => visitors)).toEqual([0, 0, 0]);
    expect(unheardOf.meta).toMatchObject({ recounting: true, asOf: null, lagSeconds: null });
  });

  it('is a table where a table is asked for, its names made harmless to spreadsheets', async () => {
    const response = await ask('empty', 'opened', { from: '2025-03-05', to: '2025-03-06' }).set('accept', 'text/csv');
    expect(response.headers['content-type']).toContain('text/csv');
    expect(response.text.split('\r\n').slice(0, 2)).toEqual([
      'step,name,visitors,skipped,rate,dropOff,dropOffRate,medianSecondsFromPrevious',
      "1,'=Looks,0,0,0,0,0,",
    ]);
  });

  it('is told to the admin too, and to nobody else', async () => {
    expect((await ask('north', 'buying', {}, adminToken)).status).toBe(200);
    expect((await ask('north', 'buying', {}, readToken('south'))).status).toBe(403);
    expect((await ask('nobody', 'buying', {}, adminToken)).status).toBe(404);
  });

  it('refuses what it cannot answer', async () => {
    const unknown = await ask('north', 'selling');
    expect(refusal(unknown)).toEqual([404, 'The merchant "north" has no funnel "selling"']);
    expect(unknown.headers['content-type']).toContain('application/problem+json');
    expect(refusal(await ask('north', 'buying', { from: '2025-03-05T10:00:00Z' }))).toEqual([
      400,
      'from, to: must be days of America/New_York, like 2026-11-22: funnels is kept by whole days',
    ]);
    expect((await ask('north', 'buying', { timezone: 'UTC' })).status).toBe(400);
  });
});

it('says when more visitors entered than are kept exactly', async () => {
  const days = { from: '2025-03-05', to: '2025-03-05' };
  for (const funnelId of ['buying', 'opened']) {
    const { steps, meta } = await report('crowded', funnelId, days);
    expect(meta).toMatchObject({ exact: false, error: 0.0081 });
    expect(Math.abs(steps[0]!.visitors - 594)).toBeLessThan(594 * 0.04);
    expect(steps[1]!.visitors).toBe(6);
    const later = await report('crowded', funnelId, { from: '2025-03-06', to: '2025-03-06' });
    expect([later.steps[0]!.visitors, later.steps[1]!.visitors, later.meta.exact]).toEqual([99, 1, true]);
  }
});
