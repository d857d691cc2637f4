import fc from 'fast-check';
import { inDecimal, rescale, toMajorText, toMinorUnits } from '../../../projections/kit/money';

describe('money', () => {
  it.each([
    [19.99, 'USD', 1999],
    [1.005, 'USD', 101],
    [-1.005, 'USD', -101],
    [1000, 'JPY', 1000],
    [0.0005, 'KWD', 1],
    [1.2345, 'IQD', 1235],
    [0.5, 'HUF', 50],
    [1999.95, 'COP', 199_995],
    [1e-7, 'USD', 0],
    [4.35, 'XXX', 43500],
  ])('%d %s is %i minor units', (amount, currency, minor) => {
    expect(toMinorUnits(amount, currency)).toBe(minor);
  });

  it('is what decimals add up to, not what binary fractions do', () => {
    expect(toMinorUnits(inDecimal(1.115 * 3), 'USD')).toBe(335);
    expect(inDecimal(0.1 + 0.2)).toBe(0.3);
    // 0.6749999999999999 to 16 digits: the error is in the last but one.
    expect(toMinorUnits(inDecimal(0.009 * 75), 'USD')).toBe(68);
    expect(inDecimal(NaN)).toBeNaN();
  });

  it('is written in major units with the currency’s places', () => {
    expect(toMajorText(1999n, 'USD')).toBe('19.99');
    expect(toMajorText(5n, 'USD')).toBe('0.05');
    expect(toMajorText(-5n, 'KWD')).toBe('-0.005');
    expect(toMajorText(1000n, 'JPY')).toBe('1000');
  });

  it('survives being written and read for every amount of cents', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (cents) =>
        expect(toMinorUnits(Number(toMajorText(BigInt(cents), 'USD')), 'USD')).toBe(cents),
      ),
    );
  });

  it('rescales between currencies of different places, halves away from zero', () => {
    expect(rescale(199900n, 4, 2)).toBe(1999n);
    expect(rescale(50n, 4, 2)).toBe(1n);
    expect(rescale(-50n, 4, 2)).toBe(-1n);
    expect(rescale(7n, 0, 2)).toBe(700n);
  });
});
