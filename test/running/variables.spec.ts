import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { distPath } from '../dist';
import { isolated, newFolder, RecountProcess } from './recount';

/** Node of this machine reads `.env` files: not all releases of Node 20 do. */
const readsDotEnv = typeof process.loadEnvFile === 'function';

const folder = newFolder();
const token = 'a-token-of-my-own';
const settings = { BIND: '127.0.0.2', ADMIN_TOKEN: token, LOG_LEVEL: 'error', PARTITIONS: '3' };
let recount: RecountProcess;
let http: number;

beforeAll(async () => {
  const { BIND, ...others } = settings;
  fs.writeFileSync(
    path.join(folder, '.env'),
    Object.entries({ ...others, BIND: '192.0.2.1' })
      .map((pair) => `${pair.join('=')}\n`)
      .join(''),
  );
  const { LOG_LEVEL: _, ...environment } = isolated(path.join(folder, 'data'));
  // What the environment says goes before what the file says.
  recount = new RecountProcess({ ...environment, ...(readsDotEnv ? { BIND } : settings) }, undefined, [], folder);
  ({ http } = await recount.ready(90_000));
}, 120_000);
afterAll(async () => {
  await recount.stop('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
}, 60_000);

const ask = (route: string, bearer = token): Promise<Response> =>
  fetch(`http://127.0.0.2:${http}${route}`, { headers: { authorization: `Bearer ${bearer}` } });

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe('a .env file and the environment', () => {
  it('BIND says where Recount listens, and nowhere else', async () => {
    const ports = Object.values(await recount.ready());
    for (const port of ports)
      expect([port, await listens('127.0.0.2', port), await listens('127.0.0.1', port)]).toEqual([port, true, false]);
  });

  it('ADMIN_TOKEN is the one token, and none is made or shown', async () => {
    expect((await ask('/admin/partitions')).status).toBe(200);
    expect((await ask('/admin/partitions', 'another')).status).toBe(401);
    expect(fs.readdirSync(path.join(folder, 'data'))).not.toContain('admin-token');
    expect([...recount.stdout, ...recount.stderr].join()).not.toMatch(/token/);
  });

  it('PARTITIONS is how many there are', async () => {
    const { partitions } = (await (await ask('/admin/partitions')).json()) as { partitions: { partition: number }[] };
    expect([...new Set(partitions.map(({ partition }) => partition))]).toEqual([0, 1, 2]);
  });

  it('LOG_LEVEL keeps what is less than an error out of the logs of every process', () => {
    expect(recount.stderr).toEqual([]);
  });

  it('are what commands go by, too', async () => {
    const environment = { PATH: process.env.PATH, HTTP_PORT: String(http), ...(readsDotEnv ? { BIND: settings.BIND } : settings) };
    const status = new RecountProcess(environment, distPath('src/cli/recount.ts'), ['status'], folder);
    expect([await status.ended, status.stderr, status.stdout[0]]).toEqual([{ code: 0, signal: null }, [], 'Recount is ready.']);
  });
});
