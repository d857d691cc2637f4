import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { createRecount } from '../../src/sdk';
import { eventually, isAlive, isolated, newFolder, RecountProcess } from './recount';

const front = 'front';
const worker = 'worker-1';
const eventstoredb = 'the embedded eventstoredb store';
const mongodb = 'the embedded mongodb store';

let folder: string;
let recount: RecountProcess;
let ports: { http: number; rsocketTcp: number; rsocketWs: number };

const token = (): string => fs.readFileSync(path.join(folder, 'admin-token'), 'utf8').trim();

async function api(method: string, route: string, body?: object): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`http://127.0.0.1:${ports.http}${route}`, {
    method,
    headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

const isReady = (): Promise<boolean> =>
  api('GET', '/health/ready').then(
    ({ status }) => status === 200,
    () => false,
  );

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function start(): Promise<void> {
  recount = new RecountProcess(isolated(folder));
  ports = await recount.ready();
}

beforeAll(async () => {
  folder = newFolder();
  await start();
});
afterAll(async () => {
  const pids = [...recount.pids().values()];
  await recount.stop('SIGKILL');
  await eventually(() => pids.every((pid) => !isAlive(pid)));
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('all of Recount on one machine', () => {
  it('says where the token is and that it is ready, once, when everything listens', async () => {
    expect(recount.stdout).toEqual([
      `admin token: ${path.join(folder, 'admin-token')}`,
      `ready http=${ports.http} rsocket-tcp=${ports.rsocketTcp} rsocket-ws=${ports.rsocketWs}`,
    ]);
    for (const port of Object.values(ports)) expect([port, await accepts(port)]).toEqual([port, true]);
    expect(fs.statSync(path.join(folder, 'admin-token')).mode & 0o777).toBe(0o600);
    await eventually(isReady);
  });

  it('runs the stores, the front and the workers as processes of their own', () => {
    expect([...recount.pids().keys()].sort()).toEqual([front, eventstoredb, mongodb, worker, 'worker-2'].sort());
    expect(new Set(recount.pids().values()).size).toBe(5);
  });

  it('does not let a second one onto the same folder', async () => {
    const second = new RecountProcess(isolated(folder));
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr).toEqual([
      `Recount already runs on ${folder} (process ${recount.child.pid}): stop it first, or set DATA_DIR to another folder.`,
    ]);
  });

  it.each([front, worker, eventstoredb, mongodb])(
    'starts %s again when it is killed, on the same ports, and loses no acknowledged event',
    async (name) => {
      const merchantId = `m-${name.replace(/\W+/g, '-')}`;
      expect((await api('POST', '/v1/merchants', { merchantId, name })).status).toBe(201);
      const { body } = await api('POST', `/v1/merchants/${merchantId}/sources`, { name: 'test' });
      const client = createRecount({
        url: `tcp://127.0.0.1:${ports.rsocketTcp}`,
        writeKey: (body as { writeKey: string }).writeKey,
        batchEventsMax: 20,
        batchAfterMs: 5,
        requestTimeoutMs: 3_000,
      });
      const before = recount.pids().get(name)!;
      const time = Date.now();
      for (let n = 0; n < 600; n++) {
        client.track({ id: `e${n}`, name: 'page_view', visitorId: `v${n % 10}`, url: '/', time });
        if (n === 200) process.kill(before, 'SIGKILL');
        if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await client.flush({ withinMs: 40_000 });
      expect((await client.close()).sent).toBe(600);

      await eventually(() => recount.pids().get(name) !== before);
      await eventually(isReady);
      const day = new Date(time).toISOString().slice(0, 10);
      const report = `/v1/merchants/${merchantId}/timeseries?metrics=pageviews,visitors&interval=day&from=${day}&to=${day}&bots=include`;
      const totals = async (): Promise<unknown> =>
        api('GET', report).then(
          ({ body }) => (body as { totals?: unknown }).totals,
          () => undefined,
        );
      await eventually(async () => JSON.stringify(await totals()) === JSON.stringify({ pageviews: 600, visitors: 10 }));
    },
  );

  it('stops everything in order within five seconds, and finds its data again', async () => {
    const pids = [...recount.pids().values()];
    const ended = await recount.stop('SIGTERM');
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.ms).toBeLessThan(5_000);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(recount.log().filter(({ msg }) => msg.includes('did not stop in time'))).toEqual([]);
    const firstToken = token();

    await start();
    expect(token()).toBe(firstToken);
    expect((await api('GET', '/v1/merchants/m-front')).status).toBe(200);
  });

  it('ends at once when it is asked a second time', async () => {
    const pids = [...recount.pids().values()];
    recount.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const ended = await recount.stop('SIGINT');
    // The first request may have been carried out by then.
    expect([130, 0]).toContain(ended.code);
    await eventually(() => !pids.some(isAlive), 2_000);
    await start();
  });

  it('leaves no process behind when the supervisor itself is killed', async () => {
    const pids = [...recount.pids().values()];
    await recount.stop('SIGKILL');
    await eventually(() => !pids.some(isAlive));
    await start();
    await eventually(isReady);
  });
});
