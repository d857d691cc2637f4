import fc from 'fast-check';
import { commerce } from '../../../projections/commerce/commerce';
import { documentPrefix } from '../../../projections/kit/document';
import type { AcceptedEvent } from '../../../src/domain/columns';
import { readShop } from '../../oracle/oracle';
import { countCommerce } from '../../oracle/commerce';
import { bytesOf, foldBlocks, tallyOf } from '../folding';

const noon = Date.parse('2026-11-22T12:00:00Z');
const bot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const choices = fc.infiniteStream(fc.boolean());

/** Few transactions, repeated and refunded at any time after. */
const sale = fc.record({
  name: fc.constantFrom('purchase', 'purchase', 'refund'),
  transaction: fc.nat(6),
  value: fc.constantFrom(undefined, undefined, 5, 0.1),
  price: fc.constantFrom(undefined, 3.5),
  currency: fc.constantFrom(undefined, 'EUR', 'USD'),
  isBot: fc.constantFrom(false, false, false, true),
});
const logOfSales = fc
  .array(fc.array(sale, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 })
  .map((blocks) => blocks.map((sales, block) => sales.map((one, i) => eventOf(one, block * 10 + i))));

type Sale = typeof sale extends fc.Arbitrary<infer T> ? T : never;
function eventOf({ name, transaction, value, price, currency, isBot }: Sale, number: number): AcceptedEvent {
  return {
    merchantId: 'm',
    id: `e${number}`,
    name,
    time: noon,
    receivedAt: noon,
    visitorId: 'v',
    ...(transaction > 0 && { transactionId: `t${transaction}` }),
    ...(value !== undefined && { value }),
    ...(price !== undefined && { items: [{ itemId: 'p', price }] }),
    ...(currency !== undefined && { currency }),
    ...(isBot && { userAgent: bot }),
  };
}

it('counts an order once and refunds it in full, however many others left memory since', () => {
  fc.assert(
    fc.property(logOfSales, choices, choices, (blocks, take, restart) => {
      const options = {
        projections: [commerce],
        bounds: { recordsMax: 1, bytesMax: 1 << 20 },
        takeAfter: () => take.next().value!,
        restartAfter: () => restart.next().value!,
      };
      const documents = foldBlocks(blocks, options);
      const tally = tallyOf(documents, documentPrefix('m', 'commerce', 'day', '2026-11-22'), '', 'include');
      const money = (name: string): object => Object.fromEntries([...tally.money(name)].map(([currency, n]) => [currency, Number(n)]));
      const { events, orders } = readShop(blocks.flat(), { merchantId: 'm' });
      const expected = countCommerce(events, orders);
      expect({ orders: tally.counter('orders'), revenue: money('revenue'), refunds: money('refunds') }).toEqual({
        orders: expected.orders,
        revenue: expected.revenue,
        refunds: expected.refunds,
      });
      expect(bytesOf(documents)).toEqual(bytesOf(foldBlocks(blocks, { projections: [commerce] })));
    }),
    { numRuns: 300 },
  );
});
