import fc from 'fast-check';
import { decideRates, evolveRates, parseRate, type Rate, type RateTable } from '../../src/domain/rates';

const none: RateTable = { into: 'USD', rates: [] };
const euro: Rate = { currency: 'EUR', from: '2026-01-01', rate: '1.0832' };
const pound: Rate = { currency: 'GBP', from: '2026-01-01', rate: '1.27' };

describe('a rate', () => {
  it.each([
    ['1.0832', '1.0832'],
    ['1', '1'],
    ['0.0000609', '0.0000609'],
    ['001.0', '1'],
    ['100', '100'],
    ['123456789012.123456789012', '123456789012.123456789012'],
  ])('%p is kept as %p', (text, rate) => {
    expect(parseRate(text)).toBe(rate);
  });

  it.each(['', '0', '0.000', '-1', '+1', '1,08', '.5', '1.', '1e3', ' 1', '1 ', 'NaN', '1234567890123', '0.1234567890123', '١'])(
    'is not %p',
    (text) => {
      expect(parseRate(text)).toBeUndefined();
    },
  );
});

describe('a table of rates', () => {
  const rate: fc.Arbitrary<Rate> = fc.record({
    currency: fc.constantFrom('EUR', 'GBP', 'JPY'),
    from: fc.constantFrom('2026-01-01', '2026-01-02', '2026-02-01'),
    rate: fc.constantFrom('1', '1.5', '0.2'),
  });
  const list = fc.uniqueArray(rate, { selector: ({ currency, from }) => currency + from });

  it('becomes what was asked for, from whatever it was, and then nothing changes it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('USD', 'CHF'), list), { minLength: 1 }), (orders) => {
        let table = none;
        for (const [into, wanted] of orders) {
          const changes = decideRates(table, into, wanted);
          if (changes !== undefined && 'reason' in changes) throw new Error('none of these is refused');
          if (changes !== undefined) table = evolveRates(table, changes);
          expect(new Set(table.rates)).toEqual(new Set(wanted));
          if (wanted.length > 0) expect(table.into).toBe(into);
          expect(decideRates(table, into, [...wanted].reverse())).toBeUndefined();
        }
      }),
    );
  });

  it('is as good as none in any currency while there is nothing in it', () => {
    expect(decideRates(none, 'CHF', [])).toBeUndefined();
    expect(decideRates({ into: 'USD', rates: [euro] }, 'CHF', [])).toEqual({ into: 'CHF', set: [], removed: [] });
  });

  it('is kept by currency and day', () => {
    const later = { ...euro, from: '2026-02-01' };
    const changes = { into: 'USD', set: [pound, later, euro], removed: [] };
    expect(evolveRates(none, changes)).toEqual({ into: 'USD', rates: [euro, later, pound] });
  });

  it('changes by the lines that differ', () => {
    const table = { into: 'USD', rates: [euro, pound] };
    const dearer = { ...pound, rate: '1.3' };
    expect(decideRates(table, 'USD', [dearer])).toEqual({
      into: 'USD',
      set: [dearer],
      removed: [{ currency: 'EUR', from: '2026-01-01' }],
    });
  });

  it("says nothing of another currency than it was given in: the merchant's new one begins anew", () => {
    const table = { into: 'USD', rates: [euro] };
    const changes = decideRates(table, 'CHF', [euro]);
    expect(changes).toEqual({ into: 'CHF', set: [euro], removed: [] });
    expect(decideRates(table, 'CHF', [])).toEqual({ into: 'CHF', set: [], removed: [] });
  });

  it("refuses the merchant's own currency, and a currency and day that are given twice", () => {
    expect(decideRates(none, 'EUR', [pound, euro])).toEqual({ reason: 'rate-of-own-currency', place: 1, currency: 'EUR' });
    const again = { ...euro, rate: '2' };
    expect(decideRates(none, 'USD', [euro, pound, again])).toEqual({ reason: 'rate-given-twice', place: 2, rate: again });
  });
});
