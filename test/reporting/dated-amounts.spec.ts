import fc from 'fast-check';
import { DatedAmounts } from '../../src/reporting/dated-amounts';
import { converted, Rates } from '../../src/reporting/rates';

const day = 20_000;
const dayText = (number: number): string => new Date(number * 86_400_000).toISOString().slice(0, 10);
const ratesFrom = (from: number, rate = '0.333'): Rates =>
  new Rates({ into: 'USD', rates: [{ currency: 'EUR', from: dayText(from), rate }] }, 1);

/** By cell and currency, what was given out. */
function givenOut(amounts: DatedAmounts, inLine: boolean): Map<string, bigint> {
  const given = new Map<string, bigint>();
  amounts.convert(inLine, (cell, currency, amount) => {
    const key = `${cell} ${currency}`;
    given.set(key, (given.get(key) ?? 0n) + BigInt(amount));
  });
  return given;
}

describe('amounts by day', () => {
  it('leave to the caller what has no rate, and say what stays as it is though it is another currency than the merchant’s', () => {
    const amounts = new DatedAmounts(ratesFrom(day), 1);
    expect(['USD', 'XXX', 'CHF'].map((currency) => amounts.take(0, currency, day, 5))).toEqual([false, false, false]);
    expect(amounts.take(0, 'JPY', day, 0)).toBe(false);
    expect([...amounts.kept]).toEqual(['CHF']);
    expect(givenOut(amounts, false)).toEqual(new Map());
  });

  it('of nothing are neither converted nor kept', () => {
    const amounts = new DatedAmounts(ratesFrom(day), 1);
    expect([amounts.take(0, 'EUR', day, 0), amounts.take(0, 'EUR', day - 1, 0n)]).toEqual([true, true]);
    expect(givenOut(amounts, true)).toEqual(new Map());
    expect([[...amounts.convertedFrom], [...amounts.kept]]).toEqual([[], []]);
  });

  it('stay in their currency before the day of its first rate, and are the merchant’s from that day on', () => {
    const amounts = new DatedAmounts(ratesFrom(day, '2'), 1);
    amounts.take(0, 'EUR', day - 1, 3);
    amounts.take(0, 'EUR', day, 5);
    amounts.take(0, 'EUR', day + 9, 7);
    expect(givenOut(amounts, false)).toEqual(new Map([['0 EUR', 3n], ['0 USD', 24n]])); // prettier-ignore
    expect([[...amounts.convertedFrom], [...amounts.kept]]).toEqual([['EUR'], ['EUR']]);
  });

  it('are rounded once a day: in rows that follow each other the parts of a day add up to it, others are each their own', () => {
    const paid = fc.record({ row: fc.nat(3), slot: fc.nat(1), day: fc.nat(2), amount: fc.integer({ min: -500, max: 500 }) });
    fc.assert(
      fc.property(fc.array(paid, { maxLength: 20 }), fc.boolean(), (list, inLine) => {
        const slots = 2;
        const amounts = new DatedAmounts(ratesFrom(day), slots);
        const sums = new Map<string, bigint>();
        for (const { row, slot, day: after, amount } of list) {
          // In line, a row’s days are never before those of the row before it, and may begin with its last.
          const at = inLine ? 2 * row + after : after;
          amounts.take(row * slots + slot, 'EUR', day + at, amount);
          const key = `${inLine ? '' : row} ${slot} ${at}`;
          sums.set(key, (sums.get(key) ?? 0n) + BigInt(amount));
        }
        const rate = ratesFrom(day).on('EUR', day)!;
        const expected = [0n, 0n];
        for (const [key, sum] of sums) expected[Number(key.split(' ')[1])]! += converted(sum, rate);
        const found = [0n, 0n];
        for (const [key, amount] of givenOut(amounts, inLine)) found[Number(key.split(' ')[0]) % slots]! += amount;
        expect(found).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('are too many beyond half a million, of which those that are added to others count once', () => {
    const amounts = new DatedAmounts(ratesFrom(day), 1);
    for (let cell = 0; cell < 500_000; cell++) amounts.take(cell, 'EUR', day, 1);
    amounts.take(0, 'EUR', day, 1);
    expect(amounts.isOverfull).toBe(false);
    amounts.take(0, 'EUR', day + 1, 1);
    expect(amounts.isOverfull).toBe(true);
  });
});
