import type { FunnelReport } from '../../src/reporting/funnels/funnels';
import type { Retention } from '../../src/reporting/retention/retention';
import { eventually } from '../running/recount';
import { Stack } from './stack';

const hourMs = 3_600_000;
const day = (time: number): string => new Date(time).toISOString().slice(0, 10);

describe('a merchant who wants to know who stays and who buys', () => {
  let stack: Stack;
  let writeKey: string;
  /** Noon three days ago. */
  const start = Math.floor(Date.now() / (24 * hourMs)) * 24 * hourMs - 2.5 * 24 * hourMs;
  let ids = 0;

  async function send(...events: [hours: number, visitorId: string, name: string][]): Promise<void> {
    const body = events.map(([hours, visitorId, name]) => ({ id: `e${ids++}`, name, visitorId, time: start + hours * hourMs }));
    expect((await stack.ask('POST', '/v1/collect', body, writeKey)).body).toMatchObject({ accepted: events.length });
  }
  const range = `from=${day(start)}&to=${day(Date.now())}`;
  const funnel = async (): Promise<FunnelReport> =>
    (await stack.ask<FunnelReport>('GET', `/v1/merchants/shop/funnels/buying?${range}`)).body;
  const retention = async (): Promise<Retention> => (await stack.ask<Retention>('GET', `/v1/merchants/shop/retention?${range}`)).body;

  beforeAll(async () => {
    stack = await Stack.start();
    writeKey = await stack.merchant('shop');
  });
  afterAll(() => stack.end());

  it('sees cohorts, and a visitor in an earlier one when an event comes late', async () => {
    await send([0, 'ann', 'view_item'], [24, 'ann', 'add_to_cart'], [25, 'ann', 'purchase']);
    await send([24, 'bob', 'view_item'], [26, 'bob', 'add_to_cart'], [48, 'cid', 'view_item']);
    await eventually(async () => (await retention()).totals.visitors === 3);
    expect((await retention()).rows).toEqual([
      { cohort: day(start), visitors: 1, returned: [1, 1, 0, 0], rates: [1, 1, 0, 0] },
      { cohort: day(start + 24 * hourMs), visitors: 1, returned: [1, 0, 0], rates: [1, 0, 0] },
      { cohort: day(start + 48 * hourMs), visitors: 1, returned: [1, 0], rates: [1, 0] },
      { cohort: day(Date.now()), visitors: 0, returned: [0], rates: [0] },
    ]);
    await send([1, 'cid', 'page_view']);
    await eventually(async () => (await retention()).rows[0]!.visitors === 2);
    expect((await retention()).rows.map(({ returned }) => returned)).toEqual([[2, 1, 1, 0], [1, 0, 0], [0, 0], [0]]);
  });

  it('defines a funnel, which counts for all that happened before, and then goes on', async () => {
    expect((await stack.ask('GET', '/v1/merchants/shop/funnels/buying')).status).toBe(404);
    const steps = ['view_item', 'add_to_cart', 'purchase'].map((event) => ({ name: event, event }));
    const definition = { funnelId: 'buying', name: 'Buying', steps, windowSeconds: 24 * 3_600 };
    expect((await stack.ask('POST', '/v1/merchants/shop/funnels', definition)).status).toBe(201);
    await eventually(async () => (await funnel()).meta?.asOf != null && (await funnel()).meta.recounting === undefined);
    const { steps: counted, meta } = await funnel();
    expect(meta).toMatchObject({ projection: 'funnels', exact: true });
    expect(counted).toMatchObject([
      { step: 1, name: 'view_item', visitors: 3, rate: 1, dropOff: 0, medianSecondsFromPrevious: null },
      { step: 2, visitors: 2, dropOff: 1, dropOffRate: 0.333333 },
      // Ann's order came 25 hours after she looked.
      { step: 3, visitors: 0, dropOff: 2, medianSecondsFromPrevious: null },
    ]);
    await send([23, 'ann', 'purchase'], [22, 'ann', 'add_to_cart']);
    await eventually(async () => (await funnel()).steps[2]!.visitors === 1);
    const { steps: later } = await funnel();
    expect(Math.abs(later[2]!.medianSecondsFromPrevious! - 3_600)).toBeLessThanOrEqual(36);
  });
});
