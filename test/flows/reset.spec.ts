import { catalog } from '../../projections/catalog';
import { eventually } from '../running/recount';
import { buggyCatalog, Deployed } from './deployed';
import type { Report, Stack } from './stack';

describe('a bug in a projection', () => {
  let deployed: Deployed;
  let stack: Stack;

  beforeAll(async () => {
    deployed = await Deployed.start();
    stack = deployed.stack;
  });
  afterAll(() => deployed.end());

  it('is counted out by a reset under live traffic, with every read answered', async () => {
    const writeKey = await stack.merchant('shop');
    await deployed.deploy(buggyCatalog);

    let over = false;
    const sent = { orders: 0, refunds: 0 };
    const traffic = (async () => {
      for (let batch = 0; !over; batch++) {
        const events = Array.from({ length: 20 }, (_, i) => ({
          id: `${batch}-${i}`,
          name: i % 4 === 0 ? 'refund' : 'purchase',
          time: Date.now(),
          visitorId: `visitor-${i}`,
          value: 1,
          currency: 'USD',
        }));
        const { status } = await stack.ask('POST', '/v1/collect', { events }, writeKey);
        expect(status).toBe(202);
        sent.orders += 15;
        sent.refunds += 5;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();

    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    const query = { metrics: 'orders,refunds', from: day(Date.now()), to: day(Date.now() + 86_400_000), interval: 'day' };
    const look = (): Promise<Report> => stack.timeseries('shop', query);
    const refundsIn = ({ totals }: Report): number => Number((totals['refunds'] as { amount: string }).amount);
    const isWrong = (report: Report): boolean => report.totals['orders'] === 4 * refundsIn(report);
    const isRight = (report: Report): boolean => report.totals['orders'] === 3 * refundsIn(report);

    // Until a worker has begun there is no number to show.
    await eventually(
      async () => (await stack.ask('GET', `/v1/merchants/shop/timeseries?${new URLSearchParams(query).toString()}`)).status === 200,
    );
    await eventually(async () => refundsIn(await look()) > 50);
    const wrong = await look();
    expect(isWrong(wrong)).toBe(true);

    // From here on somebody looks all the time, and every look is answered.
    const looks: Report[] = [];
    const reader = (async () => {
      while (!over) {
        looks.push(await look());
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();

    await deployed.deploy(catalog);
    await eventually(async () => !isWrong(await look()));
    const { status, body } = await stack.ask<{ rebuildId: string }>('POST', '/admin/projections/commerce/reset', {});
    expect(status).toBe(202);
    const states: string[] = [];
    await eventually(async () => {
      const rebuild = (
        await stack.ask<{ state: string; eventsRead: number; eventsTotal: number }>('GET', `/admin/rebuilds/${body.rebuildId}`)
      ).body;
      if (states.at(-1) !== rebuild.state) states.push(rebuild.state);
      expect(rebuild.eventsRead).toBeLessThanOrEqual(rebuild.eventsTotal);
      return rebuild.state === 'live';
    });
    // Readers follow within a second.
    await eventually(async () => isRight(await look()), 1_000);
    const seen = looks.length;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    over = true;
    await Promise.all([traffic, reader]);
    await stack.counted('shop');

    expect(states.at(-1)).toBe('live');
    const right = await look();
    expect({ orders: right.totals['orders'], refunds: refundsIn(right) }).toEqual({ orders: sent.orders, refunds: sent.refunds });
    // Once right, never wrong again; and every answer agrees with itself.
    expect(looks.slice(seen).every(isRight)).toBe(true);
    for (const { rows, totals } of looks) expect(rows.reduce((sum, row) => sum + (row['orders'] as number), 0)).toBe(totals['orders']);
    // What is counted never shrinks while the history is counted again.
    const refunds = looks.map(refundsIn);
    expect(refunds).toEqual([...refunds].sort((a, b) => a - b));
    expect(looks.length).toBeGreaterThan(20);
  });
});
