import { figuresOf, type Figures } from '../../src/reporting/figures';
import { readMetrics, type MetricList } from '../../src/reporting/metric-list';
import { planOf, type Plan } from '../../src/reporting/plan';
import { Rates } from '../../src/reporting/rates';
import { Sheet } from '../../src/reporting/sheet';
import type { ReadMeasure } from '../../src/reporting/stored-bytes';

const plan = planOf(readMetrics('averageOrderValue,orders', []) as MetricList, undefined) as Plan;
const dayOf = (text: string): number => Date.parse(text) / 86_400_000;

interface Day {
  readonly day: string;
  readonly revenue: ReadMeasure;
  readonly orders: ReadMeasure;
}

/** What is shown of some days, one row each, and of all. */
function shown(days: readonly Day[], rates?: Rates): { rows: Figures[]; total: Figures } {
  const sheet = new Sheet(plan.slots, days.length + 1, rates);
  const { slots } = plan.families[0]!.picks[0]!;
  for (const [row, { day, revenue, orders }] of days.entries()) {
    sheet.turnTo(dayOf(day));
    sheet.add(row, slots.get('revenue')!, revenue, days.length);
    sheet.add(row, slots.get('orders')!, orders, days.length);
  }
  sheet.convert(days.length);
  const [total, ...rows] = [days.length, ...days.keys()].map((row) => figuresOf(plan, sheet, row, 'USD'));
  return { rows, total: total! };
}
const inCurrency = (amount: string, currency: string) => ({ amount, currency });

const monday: Day = {
  day: '2026-03-02',
  revenue: { USD: 3_000, EUR: 900, JPY: 500, XXX: 100_000 },
  orders: { USD: 2, EUR: 3, JPY: 1, XXX: 1 },
};
const tuesday: Day = { day: '2026-03-03', revenue: { EUR: 100 }, orders: { EUR: 1, GBP: 1 } };

describe('the average order', () => {
  it('is that of the orders in the same currency, those sent without one being in the merchant’s', () => {
    const { rows, total } = shown([monday, tuesday]);
    expect(rows).toEqual([
      {
        orders: 7,
        averageOrderValue: inCurrency('13.33', 'USD'),
        averageOrderValueByCurrency: [inCurrency('13.33', 'USD'), inCurrency('3.00', 'EUR'), inCurrency('500', 'JPY')],
      },
      {
        orders: 2,
        averageOrderValue: inCurrency('0.00', 'USD'),
        averageOrderValueByCurrency: [inCurrency('0.00', 'USD'), inCurrency('1.00', 'EUR')],
      },
    ]);
    expect(total).toMatchObject({
      orders: 9,
      averageOrderValueByCurrency: [inCurrency('13.33', 'USD'), inCurrency('2.50', 'EUR'), inCurrency('500', 'JPY')],
    });
  });

  it('is that of all orders where everything is converted', () => {
    const rates = new Rates(
      { into: 'USD', rates: ['EUR', 'GBP', 'JPY'].map((currency) => ({ currency, from: '2026-01-01', rate: '2' })) },
      1,
    );
    // 30 + 10 + 18 + 1,000 and 2 USD.
    const { rows, total } = shown([monday, tuesday], rates);
    expect(rows).toEqual([
      { orders: 7, averageOrderValue: inCurrency('151.14', 'USD') },
      { orders: 2, averageOrderValue: inCurrency('1.00', 'USD') },
    ]);
    expect(total).toEqual({ orders: 9, averageOrderValue: inCurrency('117.78', 'USD') });
  });

  it('has what is converted together, and apart what has no rate, on its day or at all', () => {
    const rates = new Rates({ into: 'USD', rates: [{ currency: 'EUR', from: '2026-03-03', rate: '2' }] }, 1);
    const { rows, total } = shown([monday, tuesday], rates);
    expect(rows[1]).toEqual({ orders: 2, averageOrderValue: inCurrency('2.00', 'USD') });
    // Monday's 40 USD by three orders, Tuesday's 2 USD by one.
    expect(total).toEqual({
      orders: 9,
      averageOrderValue: inCurrency('10.50', 'USD'),
      averageOrderValueByCurrency: [inCurrency('10.50', 'USD'), inCurrency('3.00', 'EUR'), inCurrency('500', 'JPY')],
    });
  });

  it('divides by all orders of documents that were counted before those were kept by currency', () => {
    const { rows } = shown([{ day: '2026-03-02', revenue: { USD: 3_000, EUR: 900 }, orders: 3 }]);
    expect(rows[0]).toEqual({
      orders: 3,
      averageOrderValue: inCurrency('10.00', 'USD'),
      averageOrderValueByCurrency: [inCurrency('10.00', 'USD'), inCurrency('3.00', 'EUR')],
    });
  });
});
