import { parseCurrency } from '../../src/domain/currencies';
import { isMerchantId, parseTimezone } from '../../src/domain/merchant-settings';

describe('The settings of a merchant', () => {
  it.each([
    ['Europe/Berlin', 'Europe/Berlin'],
    ['europe/berlin', 'Europe/Berlin'],
    ['UTC', 'UTC'],
    ['utc', 'UTC'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
  ])('take the timezone %s as %s', (text, name) => expect(parseTimezone(text)).toBe(name));

  it.each(['', 'Berlin', 'Mars/Olympus', '+02:00', '-0500', 'Europe/Berlin ', 'Europe/Berlin|x'])('refuse %j as a timezone', (text) =>
    expect(parseTimezone(text)).toBeUndefined(),
  );

  it('take every timezone the platform lists', () => {
    for (const name of Intl.supportedValuesOf('timeZone')) expect(parseTimezone(name)).toBe(name);
  });

  it.each([
    ['EUR', 'EUR'],
    ['usd', 'USD'],
    ['JPY', 'JPY'],
  ])('take the currency %s as %s', (text, code) => expect(parseCurrency(text)).toBe(code));

  it.each(['', 'EURO', 'DEM', 'XXX', 'XAU', 'CLF', 'ABC', '€'])('refuse %j as a currency', (text) =>
    expect(parseCurrency(text)).toBeUndefined(),
  );

  it('take only ids that are safe in a path, a stream name and a document id', () => {
    for (const id of ['a', 'shop-1', 'Shop_1', 'x'.repeat(64)]) expect(isMerchantId(id)).toBe(true);
    for (const id of ['', 'a|b', 'a/b', 'a b', 'ä', 'x'.repeat(65), 'a\n']) expect(isMerchantId(id)).toBe(false);
  });
});
