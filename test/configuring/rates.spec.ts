import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { recordKinds } from '../../src/stores/records';
import { run, type Running } from './running';

const path = '/v1/merchants/shop/rates';
const euro = { currency: 'EUR', from: '2026-01-01', rate: '1.0832' };
const pound = { currency: 'GBP', from: '2026-02-01', rate: '1.27' };

let running: Running;
beforeEach(async () => {
  running = await run([ConfiguringModule]);
  await running.send('post', '/v1/merchants', { merchantId: 'shop', name: 'Shop' }).expect(201);
});
afterEach(() => running.close());

const token = async (role: string): Promise<string> =>
  (await running.send('post', '/v1/merchants/shop/tokens', { name: 'board', role }).expect(201)).body.token as string;
const last = async () => (await running.log.last('merchant-shop'))!;

describe('The rates of a merchant', () => {
  it('are none at first, in the currency of the merchant', async () => {
    const { body } = await running.send('get', path).expect(200);
    expect(body).toEqual({ currency: 'USD', rates: [] });
  });

  it('are put as a whole and found by currency and day, in their usual spelling', async () => {
    const given = [pound, { currency: 'eur', from: '2026-01-01', rate: '01.08320' }];
    const { body } = await running.send('put', path, { rates: given }).expect(200);
    expect(body).toEqual({ currency: 'USD', rates: [euro, pound] });
    expect((await running.send('get', path).expect(200)).body).toEqual(body);
    await running.send('put', path, body).expect(200);
    expect((await running.send('put', path, { rates: [] }).expect(200)).body).toEqual({ currency: 'USD', rates: [] });
  });

  it('are recorded as what changed, and not at all when nothing does', async () => {
    await running.send('put', path, { rates: [euro, pound] }).expect(200);
    const before = await last();
    await running.send('put', path, { rates: [pound, euro] }).expect(200);
    expect(await last()).toEqual(before);
    await running.send('put', path, { rates: [euro, { ...pound, rate: '1.3' }] }).expect(200);
    const { type, data } = await last();
    expect(type).toBe('rates-changed.v1');
    expect(JSON.parse(Buffer.from(data).toString())).toEqual({
      into: 'USD',
      set: [{ ...pound, rate: '1.3' }],
      removed: [],
      at: expect.any(Number),
    });
  });

  it('stay those of the currency they were given in, and leave the settings that are counted with alone', async () => {
    await running.send('put', path, { rates: [euro] }).expect(200);
    await running.send('patch', '/v1/merchants/shop', { currency: 'CHF' }).expect(200);
    expect((await running.send('get', path).expect(200)).body).toEqual({ currency: 'USD', rates: [euro] });
    await running.send('put', path, { rates: [pound] }).expect(200);
    expect((await running.send('get', path).expect(200)).body).toEqual({ currency: 'CHF', rates: [pound] });
    expect(await running.store.records.list(recordKinds.settings)).toHaveLength(1);
  });

  it('are read with any token of the merchant and changed by owners and the admin', async () => {
    const [viewer, owner] = [await token('viewer'), await token('owner')];
    await running.send('get', path, undefined, viewer).expect(200);
    await running.send('get', path, undefined, null).expect(401);
    await running.send('put', path, { rates: [euro] }, viewer).expect(403);
    await running.send('put', path, { rates: [euro] }, owner).expect(200);
    expect((await running.send('get', path, undefined, viewer).expect(200)).body.rates).toEqual([euro]);
    await running.send('put', '/v1/merchants/other/rates', { rates: [euro] }).expect(404);
    await running.send('put', '/v1/merchants/other/rates', { rates: [euro] }, owner).expect(403);
  });

  const rateRule = 'must be a decimal text above 0 such as "1.0832", with at most 12 digits before the point and 12 behind it';
  it.each([
    ['no list', {}, 'rates', 'must be a list of at most 2000 rates; it is missing'],
    ['something else than a list', { rates: 'EUR' }, 'rates', 'must be a list of at most 2000 rates, not "EUR"'],
    ['a number', { rates: [{ ...euro, rate: 1.0832 }] }, 'rates.0.rate', `${rateRule}, not 1.0832`],
    ['a comma', { rates: [pound, { ...euro, rate: '1,08' }] }, 'rates.1.rate', `${rateRule}, not "1,08"`],
    ['nothing', { rates: [{ ...euro, rate: '0' }] }, 'rates.0.rate', `${rateRule}, not "0"`],
    ['no rate', { rates: [{ currency: 'EUR', from: '2026-01-01' }] }, 'rates.0.rate', `${rateRule}; it is missing`],
    [
      'a day there is not',
      { rates: [{ ...euro, from: '2026-02-30' }] },
      'rates.0.from',
      'must be a day of the calendar such as 2026-11-22, not "2026-02-30"',
    ],
    [
      'an instant',
      { rates: [{ ...euro, from: '2026-02-03T00:00Z' }] },
      'rates.0.from',
      'must be a day of the calendar such as 2026-11-22, not "2026-02-03T00:00Z"',
    ],
    [
      'a currency there is not',
      { rates: [{ ...euro, currency: 'EURO' }] },
      'rates.0.currency',
      'must be an ISO 4217 currency such as USD or EUR, not "EURO"',
    ],
    [
      "the merchant's own currency",
      { rates: [euro, { ...euro, currency: 'USD' }] },
      'rates.1.currency',
      'must be another currency than the merchant\'s, which rates are in units of, not "USD"',
    ],
    [
      'a day twice',
      { rates: [euro, { ...euro, rate: '2' }] },
      'rates.1',
      'must be given once for a currency and a day, and EUR from 2026-01-01 stands before it',
    ],
    ['rates into another currency', { currency: 'CHF', rates: [euro] }, 'currency', 'must be the merchant\'s, USD, or left out, not "CHF"'],
    ['an unknown field', { rates: [{ ...euro, to: '2026-02-01' }] }, 'rates.0.to', 'is not known here; allowed are currency, from, rate'],
  ])('are refused with %s, naming the place, the value and what is allowed', async (_what, body, field, detail) => {
    const answer = await running.send('put', path, body).expect(400);
    expect(answer.body).toMatchObject({ status: 400, errors: [{ field, detail }] });
    expect(answer.body.detail).toContain(`${field}: ${detail}`);
    expect((await running.send('get', path)).body.rates).toEqual([]);
  });

  it.each([
    ['a list in a list', [[euro]]],
    ['texts', ['EUR']],
    ['null', [null]],
  ])('are refused with %s for a rate', async (_what, rates) => {
    const answer = await running.send('put', path, { rates }).expect(400);
    expect(answer.body.errors[0].field).toMatch(/^rates/);
  });

  it('are as many as there may be, and no more', async () => {
    const day = (i: number): string => new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10);
    const many = Array.from({ length: 2_001 }, (_, i) => ({ ...euro, from: day(i) }));
    const { body } = await running.send('put', path, { rates: many }).expect(400);
    expect(body.errors).toEqual([{ field: 'rates', detail: expect.stringMatching(/^must be a list of at most 2000 rates, not \[/) }]);
    expect((await running.send('put', path, { rates: many.slice(1) }).expect(200)).body.rates).toHaveLength(2_000);
  });

  it('are refused with no longer list of what is wrong than anyone reads', async () => {
    const wrong = Array.from({ length: 2_000 }, () => ({ currency: 'X', from: 'y', rate: 'z' }));
    const { body } = await running.send('put', path, { rates: wrong }).expect(400);
    expect(body.errors).toHaveLength(20);
  });
});
