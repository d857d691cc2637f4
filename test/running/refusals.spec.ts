import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { isolated, newFolder, RecountProcess } from './recount';

let folder: string;
const started: RecountProcess[] = [];

beforeEach(() => (folder = newFolder()));
afterEach(async () => {
  await Promise.all(started.splice(0).map((recount) => recount.stop('SIGKILL')));
  fs.rmSync(folder, { recursive: true, force: true });
});

function start(variables: Record<string, string>): RecountProcess {
  const recount = new RecountProcess(isolated(folder, variables));
  started.push(recount);
  return recount;
}

/** It ends with code 1 and one line on stderr, which is returned. */
async function refusal(variables: Record<string, string>, withinMs = 60_000): Promise<string> {
  const from = Date.now();
  const recount = start(variables);
  expect(await recount.ended).toEqual({ code: 1, signal: null });
  expect(Date.now() - from).toBeLessThan(withinMs);
  expect(recount.stdout.filter((line) => line.startsWith('ready'))).toEqual([]);
  expect(recount.stderr.filter((line) => /^\s+at /.test(line))).toEqual([]);
  expect(recount.stderr.filter((line) => !line.startsWith('{'))).toHaveLength(1);
  return recount.stderr.find((line) => !line.startsWith('{'))!;
}

async function taken(): Promise<net.Server> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
const portOf = (server: net.Server): string => String((server.address() as net.AddressInfo).port);

describe('Recount does not start, and says why in one line', () => {
  it('when a variable is wrong', async () => {
    expect(await refusal({ HTTP_PORT: 'web', PARTITIONS: '1000' })).toBe(
      'Wrong configuration: HTTP_PORT is "web", allowed: a whole number from 0 to 65535 (0 picks a free port); ' +
        'PARTITIONS is "1000", allowed: a whole number from 1 to 100',
    );
  });

  it.each(['HTTP_PORT', 'RSOCKET_TCP_PORT', 'RSOCKET_WS_PORT', 'EMBEDDED_EVENTSTORE_PORT', 'EMBEDDED_MONGODB_PORT'])(
    'when the port of %s is taken',
    async (variable) => {
      const server = await taken();
      expect(await refusal({ [variable]: portOf(server) })).toBe(
        `Port ${portOf(server)} on 127.0.0.1 is taken by another program: stop that program, or set ${variable} to a free port (0 picks one).`,
      );
      server.close();
    },
  );

  it('when BIND is no address of this machine', async () => {
    expect(await refusal({ BIND: '192.0.2.1', HTTP_PORT: '18080' })).toBe(
      '192.0.2.1 is not an address of this machine: set BIND to one that is, such as 127.0.0.1 or 0.0.0.0.',
    );
  });

  it('when the data folder cannot be written', async () => {
    const file = path.join(folder, 'a-file');
    fs.writeFileSync(file, '');
    expect(await refusal({ DATA_DIR: path.join(file, 'data') })).toMatch(
      /^Cannot write to the data folder .*a-file\/data: ENOTDIR.* Make it writable, or set DATA_DIR to another folder\.$/,
    );
  });

  // /proc takes no folder and says so with ENOENT, which Node's own way of making folders goes round on for ever.
  (fs.existsSync('/proc/self') ? it : it.skip).each([
    [
      'the data folder',
      {},
      /^Cannot write to the data folder \/proc\/recount\/data: no folder can be made in \/proc\. Make it writable, or/,
    ],
    [
      'the folder of the admin token',
      { ROLES: 'reporting' },
      /^Cannot keep the admin token in \/proc\/recount\/data\/admin-token: no folder can be made in \/proc\. Make the folder writable, or/,
    ],
  ])('when %s lies where no folder can be made', async (_what, variables, line) => {
    expect(await refusal({ ...variables, DATA_DIR: '/proc/recount/data' })).toMatch(line);
  });

  it('when the event store does not answer', async () => {
    expect(await refusal({ EVENTSTORE_URL: 'esdb://admin:hidden@127.0.0.1:9?tls=false' })).toMatch(
      /^EventStoreDB at esdb:\/\/\S*127\.0\.0\.1:9\S* does not answer .*set EVENTSTORE_URL/,
    );
  });

  it('when MongoDB does not answer', async () => {
    const line = await refusal({ MONGODB_URL: 'mongodb://root:hidden@127.0.0.1:9/recount' });
    expect(line).toMatch(/^MongoDB at mongodb:\/\/\S*127\.0\.0\.1:9\S* does not answer .*set MONGODB_URL/);
    expect(line).not.toContain('hidden');
  });

  it('when only some roles are asked for and the stores of this machine are not running', async () => {
    expect(await refusal({ ROLES: 'reporting', EMBEDDED_EVENTSTORE_PORT: '9', EMBEDDED_MONGODB_PORT: '10' })).toMatch(/does not answer/);
  });
});

describe('Recount starts', () => {
  it('makes the data folder with all folders above it, where they can be made', async () => {
    const recount = start({ DATA_DIR: path.join(folder, 'not', 'yet', 'there') });
    await recount.printed('stderr', /"msg":"started"/, 60_000);
    expect(fs.existsSync(path.join(folder, 'not', 'yet', 'there', 'recount.pid'))).toBe(true);
  });
});
