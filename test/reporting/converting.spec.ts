import fc from 'fast-check';
import { DatedAmounts } from '../../src/reporting/dated-amounts';
import { converted, Rates } from '../../src/reporting/rates';
import { exchanged, type Table } from '../oracle/exchange';

const dayMs = 86_400_000;
const tableOf = (currency: string, into: string, ...rates: [from: string, rate: string][]): Rates =>
  new Rates({ into, rates: rates.map(([from, rate]) => ({ currency, from, rate })) }, 1);

describe('an amount in another currency', () => {
  it.each([
    ['100 EUR at 1.0832 USD', 10_000n, 'EUR', 'USD', '1.0832', 10_832n],
    ['half a cent to the even one below', 1n, 'EUR', 'USD', '0.5', 0n],
    ['half a cent to the even one above', 3n, 'EUR', 'USD', '0.5', 2n],
    ['half a cent less than nothing', -1n, 'EUR', 'USD', '0.5', 0n],
    ['a cent and a half less than nothing', -3n, 'EUR', 'USD', '0.5', -2n],
    ['a little more than half a cent', 1n, 'EUR', 'USD', '0.500000000001', 1n],
    ['1 KWD, in thousandths, at 3.25 USD', 1_000n, 'KWD', 'USD', '3.25', 325n],
    ['1 USD at 149.6 JPY, which has no coins below', 100n, 'USD', 'JPY', '149.6', 150n],
    ['10,000 JPY at 0.0067 USD', 10_000n, 'JPY', 'USD', '0.0067', 6_700n],
    ['1 CLF, in ten-thousandths, at 38,000 CLP', 10_000n, 'CLF', 'CLP', '38000', 38_000n],
    ['more cents than a double holds', 10n ** 20n + 1n, 'EUR', 'USD', '1', 10n ** 20n + 1n],
  ])('%s', (_what, amount, currency, into, rate, worth) => {
    expect(converted(amount, tableOf(currency, into, ['2026-01-01', rate]).on(currency, 30_000)!)).toBe(worth);
  });

  it('is worth what its day says: that of the last rate from that day or before', () => {
    const rates = tableOf('EUR', 'USD', ['2026-01-01', '1'], ['2026-01-03', '2'], ['2026-02-01', '3']);
    const on = (day: string): bigint | undefined => {
      const rate = rates.on('EUR', Date.parse(day) / dayMs);
      return rate && converted(1n, rate);
    };
    expect(['2025-12-31', '2026-01-01', '2026-01-02', '2026-01-03', '2026-01-31', '2026-02-01', '2030-01-01'].map(on)).toEqual([
      undefined,
      1n,
      1n,
      2n,
      2n,
      3n,
      3n,
    ]);
    expect(rates.on('GBP', 30_000)).toBeUndefined();
    expect(rates.firstDay('EUR')).toBe('2026-01-01');
  });
});

describe('amounts by day', () => {
  const table: Table = {
    into: 'USD',
    lines: [
      { currency: 'EUR', from: '2026-01-02', rate: '0.5' },
      { currency: 'JPY', from: '2026-01-01', rate: '0.00615' },
      { currency: 'EUR', from: '2026-01-03', rate: '1.2345' },
    ],
  };
  const rates = new Rates({ into: 'USD', rates: [...table.lines].sort((a, b) => (a.currency + a.from < b.currency + b.from ? -1 : 1)) }, 1);
  const first = Date.parse('2026-01-01') / dayMs;
  const hoursShown = 96;
  const paid = fc.array(
    fc.record({
      hour: fc.integer({ min: 0, max: hoursShown - 1 }),
      currency: fc.constantFrom('EUR', 'JPY', 'GBP'),
      amount: fc.integer({ min: -1_000, max: 1_000 }),
    }),
    { maxLength: 60 },
  );
  const sum = (amounts: Record<string, bigint>, currency: string, amount: number | bigint): void => {
    amounts[currency] = (amounts[currency] ?? 0n) + BigInt(amount);
  };
  const withoutZeros = (amounts: Record<string, number | bigint>): Record<string, number> =>
    Object.fromEntries(Object.entries(amounts).flatMap(([code, amount]) => (amount ? [[code, Number(amount)]] : [])));

  it('become those of an independent count, by rows of any length, in whatever order they were read', () => {
    fc.assert(
      fc.property(paid, fc.integer({ min: 1, max: 40 }), (payments, hours) => {
        const dated = new DatedAmounts(rates, 1);
        const rowCount = Math.ceil(hoursShown / hours);
        const rows = Array.from({ length: rowCount }, (): Record<string, bigint> => ({}));
        for (const { hour, currency, amount } of payments) {
          const row = Math.floor(hour / hours);
          if (!dated.take(row, currency, first + Math.floor(hour / 24), amount)) sum(rows[row]!, currency, amount);
        }
        dated.convert(true, (row, currency, amount) => sum(rows[row]!, currency, amount));

        const start = first * dayMs;
        const range = { from: start, to: start + hoursShown * 3_600_000 };
        const paidIn = (span: { from: number; to: number }): Record<string, number> => {
          const amounts: Record<string, number> = {};
          for (const { hour, currency, amount } of payments) {
            const at = start + hour * 3_600_000;
            if (at >= span.from && at < span.to) amounts[currency] = (amounts[currency] ?? 0) + amount;
          }
          return amounts;
        };
        for (const [i, row] of rows.entries()) {
          const part = { from: start + i * hours * 3_600_000, to: Math.min(range.to, start + (i + 1) * hours * 3_600_000) };
          expect(withoutZeros(row)).toEqual(withoutZeros(exchanged(table, 'UTC', range, part, paidIn)));
        }
      }),
    );
  });

  it('add up to the same total by rows of any length', () => {
    fc.assert(
      fc.property(paid, (payments) => {
        const totals = [1, 5, 24, 30, hoursShown].map((hours) => {
          const dated = new DatedAmounts(rates, 1);
          const total: Record<string, bigint> = {};
          for (const { hour, currency, amount } of payments)
            dated.take(Math.floor(hour / hours), currency, first + Math.floor(hour / 24), amount);
          dated.convert(true, (_row, currency, amount) => sum(total, currency, amount));
          return withoutZeros(total);
        });
        for (const total of totals) expect(total).toEqual(totals[0]);
      }),
    );
  });

  it('are worth more in sum than in parts, where each row is its own', () => {
    const dated = new DatedAmounts(rates, 1);
    const worth: Record<string, bigint>[] = [{}, {}];
    for (const row of [0, 1]) dated.take(row, 'EUR', first + 1, 1);
    dated.convert(false, (row, currency, amount) => sum(worth[row]!, currency, amount));
    expect(worth).toEqual([{ USD: 0n }, { USD: 0n }]);
  });

  it('are added up exactly beyond what a double holds', () => {
    const dated = new DatedAmounts(tableOf('EUR', 'USD', ['2026-01-01', '1']), 1);
    for (const amount of [Number.MAX_SAFE_INTEGER, 2, 1n]) dated.take(0, 'EUR', first, amount);
    const given: unknown[] = [];
    dated.convert(false, (...each) => given.push(each));
    expect(given).toEqual([[0, 'USD', 2n ** 53n + 2n]]);
  });

  it('of nothing are neither converted nor kept, and what is the merchant’s currency or none is not called unconverted', () => {
    const dated = new DatedAmounts(rates, 1);
    expect([dated.take(0, 'EUR', first, 0), dated.take(0, 'EUR', first + 1, 0n), dated.take(0, 'GBP', first, 0)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(['USD', 'XXX', 'CHF'].map((currency) => dated.take(0, currency, first, 5))).toEqual([false, false, false]);
    const given: unknown[] = [];
    dated.convert(true, (...each) => given.push(each));
    expect([given, [...dated.convertedFrom], [...dated.kept]]).toEqual([[], [], ['CHF']]);
  });

  it('are kept up to what one answer may hold, and it says when that is not all', () => {
    const dated = new DatedAmounts(rates, 1);
    for (let row = 0; row < 500_000; row++) dated.take(row, 'EUR', first, 1);
    expect(dated.isOverfull).toBe(false);
    dated.take(0, 'EUR', first, 1);
    expect(dated.isOverfull).toBe(false);
    dated.take(500_000, 'EUR', first, 1);
    expect(dated.isOverfull).toBe(true);
  });
});
