import * as fs from 'node:fs';
import * as path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { connect, fireAndForget, payloadOf } from '../collecting/rsocket-clients';
import { eventually } from '../running/recount';
import { recount, Stack } from './stack';

const anna = { visitorId: 'anna-4711@example.com', userId: 'customer-anna-4711', sessionId: 'session-of-anna-4711' };
const ben = { visitorId: 'ben-4712@example.com', userId: 'customer-ben-4712', sessionId: 'session-of-ben-4712' };
const said = Object.values({ ...anna, b: ben.visitorId, bu: ben.userId, bs: ben.sessionId });

interface Rebuild {
  rebuildId: string;
  projection: string;
  state: string;
  merchantId?: string;
  settingsRevision?: number;
}

const today = new Date().toISOString().slice(0, 10);
const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
const numbers = 'events,pageviews,visitors,sessions,newVisitors,orders,revenue';

describe('a visitor who is erased', () => {
  let stack: Stack;
  let key: string;
  beforeAll(async () => {
    stack = await Stack.start({ PARTITIONS: '4' });
    key = await stack.merchant('shop');
  });
  afterAll(() => stack.end());

  let made = 0;
  const event = (name: string, more: object): object => ({
    id: `e${++made}`,
    name,
    time: Date.now() - 60_000 + made,
    url: '/shop',
    ...more,
  });
  const visit = (who: object): object[] => [
    event('page_view', who),
    event('page_view', { ...who, url: '/cup' }),
    event('purchase', { ...who, value: 10, currency: 'USD' }),
  ];
  const collect = async (events: object[]): Promise<{ accepted: number; rejected: object[] }> => {
    const { status, body } = await stack.ask<{ accepted: number; rejected: object[] }>('POST', '/v1/collect', { events }, key);
    expect(status).toBe(202);
    return body;
  };
  const counts = async (): Promise<object> =>
    (await stack.timeseries('shop', { metrics: numbers, from: yesterday, to: today, interval: 'day' })).totals;
  const pages = async (): Promise<unknown[]> =>
    (await stack.breakdown('shop', { dimension: 'page', metrics: 'pageviews,visitors', from: yesterday, to: today })).rows;
  const ofBen = {
    events: 3,
    pageviews: 2,
    visitors: 1,
    sessions: 1,

    newVisitors: 1,

    orders: 1,
    revenue: { amount: '10.00', currency: 'USD' },
  };
  const pagesOfBen = [
    { value: '/cup', pageviews: 1, visitors: 1 },
    { value: '/shop', pageviews: 1, visitors: 1 },
  ];
  const erase = (visitorId: string, merchantId = 'shop') =>
    stack.ask<{ settingsRevision: number }>('DELETE', `/admin/merchants/${merchantId}/visitors/${encodeURIComponent(visitorId)}`);
  const byValue = (rows: unknown[]): unknown[] => (rows as { value: string }[]).sort((a, b) => a.value.localeCompare(b.value));

  it('is one of two before', async () => {
    expect(await collect([...visit(anna), ...visit(ben), ...visit(anna)])).toEqual({ accepted: 9, rejected: [] });
    // The same visitor over another transport, and what is refused or cannot even be read.
    const socket = await connect({ tcpPort: stack.ports.rsocketTcp, wsPort: stack.ports.rsocketWs }, 'tcp', { key });
    await fireAndForget(socket, payloadOf([event('page_view', anna)], 'collect'));
    await fireAndForget(
      socket,
      payloadOf(`[{"id":"cut","visitorId":"${anna.visitorId}","userId":"${anna.userId}","sessionId":"${anna.sessionId.slice(0, 18)}`),
    );
    expect(
      (await collect([event('page_view', { ...anna, colour: 'red' }), event('page_view', { ...ben, visitor_id: ben.visitorId })])).rejected,
    ).toHaveLength(2);
    await eventually(async () => {
      await stack.counted('shop');
      return ((await counts()) as { events: number }).events === 10;
    });
    expect(await counts()).toMatchObject({
      events: 10,
      pageviews: 7,
      visitors: 2,
      sessions: 2,
      newVisitors: 2,
      orders: 3,
      revenue: { amount: '30.00' },
    });
    await eventually(
      async () => (await stack.ask<{ rejects: object[] }>('GET', '/admin/rejects?merchantId=shop')).body.rejects.length === 3,
    );
    socket.close();
  });

  it('is gone from every number within seconds, and only they', async () => {
    const { status, body } = await erase(anna.visitorId);
    expect({ status, body }).toEqual({
      status: 202,
      body: { merchantId: 'shop', erased: true, settingsRevision: expect.any(Number) as number },
    });
    await eventually(async () => isDeepStrictEqual(await counts(), ofBen));
    await eventually(
      async () => (await pages()).length > 0 && (await pages()).every((row) => (row as { visitors: number }).visitors === 1),
    );
    expect(await counts()).toEqual(ofBen);
    expect(byValue(await pages())).toMatchObject(pagesOfBen);
    const { rebuilds } = (await stack.ask<{ rebuilds: Rebuild[] }>('GET', '/admin/rebuilds')).body;
    const carriedOut = rebuilds.filter(({ settingsRevision }) => settingsRevision === body.settingsRevision);
    expect(carriedOut).toContainEqual(expect.objectContaining({ projection: 'traffic', merchantId: 'shop', state: 'live' }));
    // What served before would show them again.
    const { rebuildId } = carriedOut.find(({ projection }) => projection === 'traffic')!;
    expect((await stack.ask('POST', `/admin/rebuilds/${rebuildId}/rollback`)).status).toBe(409);
    // Again is the same, and of others there is nothing to erase.
    expect((await erase(anna.visitorId)).body.settingsRevision).toBe(body.settingsRevision);
    expect((await erase(anna.visitorId, 'nobody')).status).toBe(404);
  });

  it('does not come back with what they do later', async () => {
    expect(await collect(visit(anna))).toEqual({ accepted: 3, rejected: [] });
    await stack.counted('shop');
    expect(await counts()).toEqual(ofBen);
  });

  it('does not come back when everything is counted again', async () => {
    const { projections } = (await stack.ask<{ projections: { name: string }[] }>('GET', '/admin/projections')).body;
    const started: string[] = [];
    for (const { name } of projections) {
      await eventually(async () => {
        const { status, body } = await stack.ask<{ rebuildId: string }>('POST', `/admin/projections/${name}/reset`, {});
        if (status === 202) started.push(body.rebuildId);
        return status === 202;
      });
    }
    for (const rebuildId of started)
      await eventually(async () => (await stack.ask<{ state: string }>('GET', `/admin/rebuilds/${rebuildId}`)).body.state === 'live');
    await eventually(async () => byValue(await pages()).length === 2);
    await stack.counted('shop');
    expect(await counts()).toEqual(ofBen);
    expect(byValue(await pages())).toMatchObject(pagesOfBen);
  });

  it('was, like everybody, never written down', async () => {
    const at = [
      '--eventstore-url',
      `esdb://127.0.0.1:${stack.process.log().find(({ child }) => child?.includes('eventstoredb'))!.ports}?tls=false`,
    ];
    const log = await recount(stack, 'log', ...at);
    expect(log.stdout.trim().split('\n')).toHaveLength(13);
    const refused = await recount(stack, 'log', '--rejects', ...at);
    expect(refused.stdout).toContain('"colour');
    const words = [log.stdout, refused.stdout, ...stack.process.stdout, ...stack.process.stderr].join('\n');
    expect(said.filter((id) => words.includes(id))).toEqual([]);
    const files = fs.readdirSync(stack.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const bytes = fs.readFileSync(path.join(file.parentPath, file.name));
      expect([file.name, said.filter((id) => bytes.includes(id))]).toEqual([file.name, []]);
    }
  });
});
