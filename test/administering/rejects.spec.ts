import { AdministeringModule } from '../../src/administering/administering.module';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { eventsStream, partitionOf, rejectsStream } from '../../src/domain/partition';
import { partitionsOf, shardOf } from '../../src/domain/spreading';
import { pseudonymsUnder } from '../../src/domain/pseudonyms';
import type { RejectReason } from '../../src/protocol/event';
import { decodeBlockRows } from '../../src/stores/block';
import { pseudonymSecretOf } from '../../src/stores/pseudonym-secrets';
import { EVENT_REJECTED, EVENT_REJECTED_V1, type StoredReject } from '../../src/stores/rejects';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { run, type Running } from '../configuring/running';

const partitions = 4;
const begin = 1_760_000_000_000;
let clock = begin;
let running: Running;
let records = 0;

beforeEach(async () => {
  clock = begin;
  running = await run([ConfiguringModule, AdministeringModule], { partitions, log: new InMemoryEventStore(() => clock++) });
  for (const merchantId of ['shop', 'other', 'third'])
    await running.send('post', '/v1/merchants', { merchantId, name: merchantId }).expect(201);
});
afterEach(() => running.close());

const event = (id: string, change: object = {}) => ({ id, name: 'page_view', time: begin - 1_000, visitorId: 'v', ...change });

/** As the collecting role stores what it refused. */
async function refused(merchantId: string, ids: string[], change: Partial<StoredReject> = {}, type = EVENT_REJECTED): Promise<void> {
  const rejected = ids.map((id, index): StoredReject => ({
    merchantId,
    sourceId: 's',
    receivedAt: clock,
    index,
    id,
    reason: 'unknown-field',
    detail: 'unknown field "colour"',
    original: JSON.stringify(event(id)),
    ...change,
  }));
  const recordId = `00000000-0000-4000-8000-${String(records++).padStart(12, '0')}`;
  const record = { id: recordId, type, data: Buffer.from(JSON.stringify({ rejected })), contentType: 'json' as const };
  await running.log.append(rejectsStream(partitionOf(merchantId, partitions)), [record]);
}

const list = async (query = '') => (await running.send('get', `/admin/rejects${query}`).expect(200)).body;
const idsOf = (body: { rejects: { id: string }[] }): string[] => body.rejects.map(({ id }) => id);
const replay = (body: object = {}) => running.send('post', '/admin/rejects/replay', body);

async function counted(merchantId: string) {
  const rows = [];
  for await (const record of running.log.read(eventsStream(partitionOf(merchantId, partitions))))
    rows.push(...decodeBlockRows(record.data));
  return rows.filter((row) => row.merchantId === merchantId);
}

describe('The list of rejects', () => {
  it('shows every field of a reject, newest first over all partitions', async () => {
    await refused('shop', ['1', '2']);
    await refused('other', ['3']);
    await refused('third', ['4']);
    await refused('shop', ['5']);
    const body = await list();
    expect(idsOf(body)).toEqual(['5', '4', '3', '2', '1']);
    expect(body.complete).toBe(true);
    expect(body.rejects[4]).toEqual({
      merchantId: 'shop',
      sourceId: 's',
      receivedAt: expect.stringMatching(/^2025-10-09T/),
      index: 0,
      id: '1',
      reason: 'unknown-field',
      detail: 'unknown field "colour"',
      original: JSON.stringify(event('1')),
      replayed: false,
    });
  });

  it('is limited to a merchant, a reason and a number', async () => {
    await refused('shop', ['1']);
    await refused('shop', ['2'], { reason: 'invalid-time' });
    await refused('other', ['3']);
    expect(idsOf(await list('?merchantId=shop'))).toEqual(['2', '1']);
    expect(idsOf(await list('?reason=invalid-time'))).toEqual(['2']);
    expect(idsOf(await list('?limit=2'))).toEqual(['3', '2']);
  });

  it('reaches back over more records than are read at once', async () => {
    for (let i = 0; i < 120; i++) await refused('shop', [String(i)]);
    const ids = idsOf(await list('?merchantId=shop&limit=1000'));
    expect(ids).toHaveLength(120);
    expect(ids.at(-1)).toBe('0');
  });

  it.each(['?reason=ugly', '?limit=0', '?merchantId=a|b', '?partition=1'])('refuses %s', (query) =>
    running.send('get', `/admin/rejects${query}`).expect(400),
  );
});

describe('Replaying rejects', () => {
  it('puts those of a spread merchant where collectors would have, by their own time', async () => {
    await running.send('post', '/v1/merchants', { merchantId: 'large', name: 'Large', spread: 4 }).expect(201);
    const ids = Array.from({ length: 24 }, (_, i) => String(i));
    for (const id of ids) await refused('large', [id], { original: JSON.stringify(event(id, { visitorId: `v${id}` })) });
    expect((await replay().expect(200)).body).toEqual({ replayed: 24, stillRefused: 0, complete: true });
    const placed: string[] = [];
    for (const [shard, partition] of partitionsOf('large', 4, partitions).entries()) {
      let here = 0;
      for await (const record of running.log.read(eventsStream(partition))) {
        for (const { id, visitorId } of decodeBlockRows(record.data)) {
          expect(shardOf(visitorId, 4)).toBe(shard);
          placed.push(id);
          here++;
        }
      }
      expect(here).toBeGreaterThan(0);
    }
    expect(placed.sort()).toEqual([...ids].sort());
    expect((await replay().expect(200)).body).toMatchObject({ replayed: 0 });
  });

  it('takes into the log what is acceptable now, as of when it came, and says what is not', async () => {
    await refused('shop', ['1', '2'], { country: 'DE', receivedAt: begin });
    await refused('shop', ['3'], { original: JSON.stringify(event('3', { colour: 'red' })) });
    await refused('shop', ['4'], { original: '{"id":"4","na' });
    expect((await replay().expect(200)).body).toEqual({ replayed: 2, stillRefused: 2, complete: true });
    expect(await counted('shop')).toMatchObject([
      { id: '1', merchantId: 'shop', time: begin - 1_000, receivedAt: begin, country: 'DE' },
      { id: '2', merchantId: 'shop', country: 'DE' },
    ]);
  });

  it('takes a pseudonym for what it is, and makes one of an id that was kept as sent', async () => {
    const secret = await pseudonymSecretOf(running.store.records, 'shop');
    const anna = pseudonymsUnder(secret!)('anna');
    await refused('shop', ['1'], { original: JSON.stringify(event('1', { visitorId: anna, userId: anna, sessionId: anna })) });
    await refused('shop', ['2'], { original: JSON.stringify(event('2', { visitorId: 'anna', userId: 'anna' })) }, EVENT_REJECTED_V1);
    expect((await replay().expect(200)).body.replayed).toBe(2);
    expect((await counted('shop')).sort((a, b) => a.id.localeCompare(b.id))).toMatchObject([
      { id: '1', visitorId: anna, userId: anna, sessionId: anna },
      { id: '2', visitorId: anna, userId: anna },
    ]);
  });

  it('takes each event once, however often it is asked', async () => {
    await refused('shop', ['1', '2']);
    await replay().expect(200);
    expect((await replay().expect(200)).body).toEqual({ replayed: 0, stillRefused: 0, complete: true });
    expect(await counted('shop')).toHaveLength(2);
    expect((await list()).rejects.map(({ replayed }: { replayed: boolean }) => replayed)).toEqual([true, true]);
  });

  it('remembers by reason what of one record was taken', async () => {
    await refused('shop', ['1'], { reason: 'invalid-field' });
    await refused('shop', ['2'], { reason: 'invalid-time' });
    expect((await replay({ reason: 'invalid-field' satisfies RejectReason }).expect(200)).body.replayed).toBe(1);
    expect((await replay().expect(200)).body.replayed).toBe(1);
    expect((await counted('shop')).map(({ id }) => id)).toEqual(['1', '2']);
  });

  it('takes what an address filter kept out once that filter is gone, all of them where several held', async () => {
    const office = { filterId: 'office', field: 'address', pattern: '203.0.113.0/24' };
    const filters = '/v1/merchants/shop/filters';
    await running.send('post', filters, office).expect(201);
    await running.send('post', filters, { ...office, filterId: 'vpn', pattern: '203.0.113.7' }).expect(201);
    const filtered = (filterIds: string[]): Partial<StoredReject> => ({ reason: 'filtered-address', filterIds, country: 'NZ' });
    await refused('shop', ['1'], filtered(['office']));
    await refused('shop', ['2'], filtered(['office', 'vpn']));
    await refused('other', ['3'], filtered(['office']));
    const take = async () => (await replay({ reason: 'filtered-address' }).expect(200)).body;

    // Another merchant's filter of the same id is gone, so its event is taken.
    expect(await take()).toEqual({ replayed: 1, stillRefused: 2, complete: true });
    await running.send('patch', `${filters}/office`, { pattern: '198.51.100.0/24' }).expect(200);
    expect(await take()).toEqual({ replayed: 0, stillRefused: 2, complete: true });
    await running.send('delete', `${filters}/office`).expect(204);
    expect(await take()).toEqual({ replayed: 1, stillRefused: 1, complete: true });
    await running.send('delete', `${filters}/vpn`).expect(204);
    expect(await take()).toEqual({ replayed: 1, stillRefused: 0, complete: true });
    expect((await counted('shop')).map(({ id, country }) => [id, country])).toEqual([
      ['1', 'NZ'],
      ['2', 'NZ'],
    ]);
  });

  it('corrects the clock of an event as it would have been corrected when it came', async () => {
    const clockCorrectionMs = 3_600_000;
    await refused('shop', ['1'], { receivedAt: begin + clockCorrectionMs, clockCorrectionMs });
    await replay().expect(200);
    expect(await counted('shop')).toMatchObject([{ id: '1', time: begin - 1_000 + clockCorrectionMs }]);
  });

  it('writes the same block again after a crash between block and note', async () => {
    await refused('shop', ['1', '2']);
    const append = running.log.append.bind(running.log);
    const crash = jest
      .spyOn(running.log, 'append')
      .mockImplementation((stream, ...rest) =>
        stream.startsWith('rejects-') ? Promise.reject(new Error('killed')) : append(stream, ...rest),
      );
    await replay().expect(500);
    crash.mockRestore();
    expect((await replay().expect(200)).body.replayed).toBe(2);
    expect(await counted('shop')).toHaveLength(2);
  });

  it('is limited to a merchant, and leaves those of a deleted one', async () => {
    await refused('shop', ['1']);
    await refused('other', ['2']);
    await running.send('delete', '/v1/merchants/other').expect(204);
    expect((await replay({ merchantId: 'shop' }).expect(200)).body.replayed).toBe(1);
    expect((await replay().expect(200)).body).toEqual({ replayed: 0, stillRefused: 1, complete: true });
  });

  it('stops at its limit and goes on when asked again', async () => {
    for (const id of ['1', '2', '3']) await refused('shop', [id]);
    expect((await replay({ limit: 2 }).expect(200)).body).toEqual({ replayed: 2, stillRefused: 0, complete: false });
    expect((await replay({ limit: 2 }).expect(200)).body).toEqual({ replayed: 1, stillRefused: 0, complete: true });
  });

  it('runs one at a time', async () => {
    const store = running.store as InMemoryReadStore;
    await store.records.put('leases', 'rejects-replay', { owner: 'another', until: Date.now() + 10_000 });
    expect((await replay().expect(409)).body.type).toBe('urn:recount:problem:replay-running');
  });

  it('refuses an unknown field', () => replay({ since: 'yesterday' }).expect(400));
});
