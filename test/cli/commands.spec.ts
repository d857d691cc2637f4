import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { catalog } from '../../projections/catalog';
import { distPath } from '../dist';
import { eventually, isolated, newFolder, RecountProcess, type Ended } from '../running/recount';

const cli = distPath('src/cli/recount.ts');
/** A real server's log, where the machine has it; the generated one below is always there. */
const realLog = path.resolve(__dirname, '../../../shared/data/access.log');

let folder: string;
let recount: RecountProcess;
let variables: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = newFolder();
  recount = new RecountProcess(isolated(folder));
  const ports = await recount.ready();
  const log = recount.log().find(({ child }) => child === 'the embedded eventstoredb store') as unknown as { ports: string };
  variables = isolated(folder, {
    HTTP_PORT: String(ports.http),
    RSOCKET_TCP_PORT: String(ports.rsocketTcp),
    EMBEDDED_EVENTSTORE_PORT: log.ports,
  });
});
afterAll(async () => {
  await recount.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<Ended & { stdout: string[]; stderr: string[] }> {
  const command = new RecountProcess(variables, cli, args);
  const ended = await command.ended;
  return { ...ended, stdout: command.stdout, stderr: command.stderr };
}

async function report(route: string): Promise<{ rows: Record<string, unknown>[]; totals: Record<string, number> }> {
  const token = fs.readFileSync(path.join(folder, 'admin-token'), 'utf8').trim();
  const answer = await fetch(`http://127.0.0.1:${variables.HTTP_PORT}${route}`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { rows: Record<string, unknown>[]; totals: Record<string, number> };
}

/** Three days of a small server, with what real logs have in them. Deterministic. */
function generatedLog(): string {
  const pages = [
    '/',
    '/blog/',
    '/blog/a%20b.html?utm_source=x',
    '/index.php?id=1.5',
    '/about',
    '/img/logo.png',
    '/style.css?v=2',
    '//twice',
    '/a.b/c',
  ];
  const requests = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'POST'];
  const statuses = [200, 200, 200, 304, 404, 301, 206];
  const lines: string[] = [];
  for (let n = 0; n < 900; n++) {
    const at = new Date(Date.UTC(2024, 1, 28, 0, 0, n * 280));
    const day = `${String(at.getUTCDate()).padStart(2, '0')}/${at.getUTCMonth() === 1 ? 'Feb' : 'Mar'}/2024:${at.toISOString().slice(11, 19)}`;
    const page = pages[(n * 7) % pages.length]!;
    lines.push(
      `198.51.100.${n % 23} - - [${day} +0000] "${requests[n % requests.length]} ${page} HTTP/1.1" ${statuses[n % statuses.length]} 10 "-" "Agent/${n % 4}"`,
    );
    if (n % 300 === 0) lines.push('not a line of a log', '');
  }
  lines.push('198.51.100.99 - - [29/Feb/2024:10:00:00 +0000] "GET /cut HTTP/1.1" 200 5 "-" "An agent whose quote is mis');
  return lines.join('\n');
}

/** Counted the way awk would: by cutting the line at spaces and quotes, with none of the product's code. */
function countIndependently(text: string): {
  views: Map<string, number>;
  pages: Map<string, number>;
  visitors: Map<string, Set<string>>;
  all: number;
} {
  const views = new Map<string, number>();
  const pages = new Map<string, number>();
  const visitors = new Map<string, Set<string>>();
  let all = 0;
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const day = /^\[(\d\d)\/(\w{3})\/(\d{4}):/.exec(fields[3] ?? '');
    if (day === null) continue;
    all++;
    const month = new Date(`${day[2]} 1 2000 UTC`).getUTCMonth() + 1;
    const date = `${day[3]}-${String(month).padStart(2, '0')}-${day[1]}`;
    const agent = line.split('"')[5] ?? '';
    visitors.set(date, (visitors.get(date) ?? new Set()).add(createHash('md5').update(`${fields[0]} ${agent}`).digest('hex')));
    const [page] = fields[6]!.split('?');
    const segment = page!.split('/').at(-1)!;
    const isPage = !segment.includes('.') || /\.(html|htm|xhtml|php)$/.test(segment);
    if (fields[5] !== '"GET' || !['200', '304'].includes(fields[8]!) || !isPage) continue;
    views.set(date, (views.get(date) ?? 0) + 1);
    pages.set(page!, (pages.get(page!) ?? 0) + 1);
  }
  return { views, pages, visitors, all };
}

describe('recount import access-log', () => {
  const files = fs.existsSync(realLog) ? ['generated', realLog] : ['generated'];

  it.each(files.map((file) => [path.basename(file), file]))(
    'reports of %s equal an independent count over the file, also after a second import',
    async (name, given) => {
      const file = given === 'generated' ? path.join(folder, 'generated.log') : given;
      if (given === 'generated') fs.writeFileSync(file, generatedLog());
      const merchant = `log-${name.replace('.', '-')}`;
      const expected = countIndependently(fs.readFileSync(file, 'utf8'));
      const days = [...expected.visitors.keys()].sort();
      const range = `from=${days[0]}&to=${days.at(-1)}&bots=include`;

      for (const attempt of ['first', 'second']) {
        const imported = await run('import', 'access-log', file, '--merchant', merchant, '--create');
        expect([attempt, imported.code, imported.stderr]).toEqual([attempt, 0, []]);
        const { rows, totals } = await report(
          `/v1/merchants/${merchant}/timeseries?metrics=pageviews,visitors,events&interval=day&${range}`,
        );
        expect(totals.events).toBe(expected.all);
        expect(rows.map(({ time, pageviews, visitors }) => [String(time).slice(0, 10), pageviews, visitors])).toEqual(
          days.map((day) => [day, expected.views.get(day) ?? 0, expected.visitors.get(day)!.size]),
        );
        const breakdown = await report(`/v1/merchants/${merchant}/breakdown?dimension=page&metrics=pageviews&${range}&limit=1000`);
        const seen = new Map(breakdown.rows.filter(({ pageviews }) => pageviews !== 0).map(({ value, pageviews }) => [value, pageviews]));
        expect([...seen].sort()).toEqual([...expected.pages].sort());
      }
    },
  );

  it('refuses a folder in place of a file', async () => {
    const { code, stderr } = await run('import', 'access-log', folder, '--merchant', 'anyone', '--create');
    expect([code, stderr.join()]).toEqual([1, `Cannot read ${folder}: it is a folder; give one file`]);
  });

  it('says which lines are no log lines and what was sent', async () => {
    const file = path.join(folder, 'odd.log');
    fs.writeFileSync(file, 'rubbish\n1.2.3.4 - - [01/Mar/2024:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "a"\n');
    const { stdout, code } = await run('import', 'access-log', file, '--merchant', 'odd', '--create', '--timezone', 'Europe/Berlin');
    expect(code).toBe(0);
    expect(stdout.slice(0, 3)).toEqual([
      '2 lines: 1 page views, 0 other requests',
      '1 lines are no log lines and were left out:',
      '  line 1: rubbish',
    ]);
  });

  it.each([
    [['nowhere.log', '--merchant', 'odd'], /^Cannot read nowhere\.log: ENOENT/],
    [[__filename, '--merchant', 'nobody'], /^There is no merchant "nobody"\. Add --create/],
    [[__filename, '--merchant', 'odd', '--since', 'tuesday'], /^--since is "tuesday", allowed/],
    [[__filename, '--merchant', 'odd', '--admin-token', 'wrong'], /^Recount refused the admin token/],
    [[__filename, '--merchant', 'odd', '--url', 'http://127.0.0.1:9'], /^Recount does not answer at http:\/\/127\.0\.0\.1:9 .*--url/],
  ])('refuses %j in one line', async (args, message) => {
    const { code, stderr, stdout } = await run('import', 'access-log', ...args);
    expect([code, stdout]).toEqual([1, []]);
    expect(stderr).toHaveLength(1);
    expect(stderr[0]).toMatch(message);
  });
});

describe('the other commands', () => {
  it('status shows health, projections and partitions', async () => {
    const { code, stdout } = await run('status');
    expect(code).toBe(0);
    expect(stdout[0]).toBe('Recount is ready.');
    expect(stdout.join('\n')).toMatch(/eventstore +ok/);
    expect(stdout.join('\n')).toMatch(/traffic +live/);
    expect(stdout.filter((line) => /^\d\d +g\d/.test(line)).length).toBeGreaterThan(0);
    const { stdout: json } = await run('status', '--json');
    expect(JSON.parse(json.join('\n'))).toMatchObject({ health: { status: 'ready' } });
  });

  it('log prints events as JSON lines, those of one merchant when asked', async () => {
    const { code, stdout } = await run('log', '--merchant', 'odd', '--limit', '5');
    expect(code).toBe(0);
    expect(stdout.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        merchantId: 'odd',
        name: 'page_view',
        url: '/',
        time: '2024-03-01T00:00:00.000Z',
        stream: expect.stringMatching(/^events-\d\d$/) as string,
        revision: 0,
        row: 0,
      }),
    ]);
    expect(stdout[0]).not.toContain('1.2.3.4');
  });

  it('log --limit stops in the middle of a block', async () => {
    const { stdout } = await run('log', '--merchant', 'log-generated', '--limit', '7');
    expect(stdout).toHaveLength(7);
  });

  it('reset --watch builds the numbers again and says when they serve', async () => {
    const { code, stdout, stderr } = await run('reset', 'traffic', '--watch');
    expect([code, stderr]).toEqual([0, []]);
    expect(stdout[0]).toMatch(/^\S+ builds traffic again$/);
    expect(stdout[1]).toMatch(/^Version \d+ of traffic serves \([\d,]+ events, [\d,]+ a second\)\.$/);
  });

  it('reset --all counts everything again in one generation', async () => {
    const { code, stdout, stderr } = await run('reset', '--all', '--watch');
    expect([code, stderr]).toEqual([0, []]);
    const begun = stdout.filter((line) => / builds \S+ again$/.test(line));
    expect(begun).toHaveLength(catalog.length);
    expect(new Set(begun.map((line) => line.split('-')[0])).size).toBe(1);
    expect(stdout.filter((line) => / serves \(/.test(line))).toHaveLength(catalog.length);
  });

  it('rebuilds shows what a manual reset waits for, switches to it and goes back', async () => {
    const reset = await run('reset', 'audience', '--manual', '--watch');
    expect([reset.code, reset.stderr]).toEqual([0, []]);
    const id = reset.stdout[0]!.split(' ')[0]!;
    expect(reset.stdout.join('\n')).toMatch(new RegExp(`Caught up .*recount rebuilds promote ${id}$`));

    const state = async (): Promise<string> => (await run('rebuilds', 'show', id)).stdout[2]!.split(/ {2,}/)[1]!;
    const becomes = async (expected: string): Promise<void> => {
      for (let tries = 0; (await state()) !== expected; tries++) {
        if (tries > 50) throw new Error(`${id} is ${await state()}, not ${expected}`);
      }
    };
    expect(await state()).toBe('caught-up');
    expect((await run('rebuilds', 'promote')).stderr.join()).toBe('Give one rebuild, or --all.');
    expect((await run('rebuilds', 'promote', '--all')).stdout.join()).toContain(`${id} is being switched to`);
    await becomes('live');
    expect((await run('rebuilds', 'watch', id)).stdout.join()).toMatch(/^Version \d+ of audience serves/);
    const listed = await run('rebuilds');
    expect(listed.stdout[0]).toMatch(/^rebuild +state +of +version +events +asked for$/);
    expect(listed.stdout.find((line) => line.startsWith(id))).toMatch(/ live +everyone /);
    await run('rebuilds', 'rollback', id);
    await becomes('caught-up');
    expect((await run('rebuilds', 'promote', '--all')).stderr.join()).toBe('No rebuild waits to be promoted.');
    const again = (await run('reset', 'audience', '--manual')).stdout[0]!.split(' ')[0]!;
    await becomes('cancelled');
    expect((await run('rebuilds', 'watch', id)).stderr.join()).toBe(`${id} is cancelled: superseded by ${again}: it had been rolled back`);
    await run('rebuilds', 'cancel', again);
    await eventually(async () => (await run('rebuilds', 'watch', again)).stderr.join() === `${again} is cancelled`, 60_000);
    expect((await run('rebuilds', 'promote', id)).stderr.join()).toMatch(/409.*cannot be promoted/);
    expect((await run('rebuilds', 'show', 'nothing')).stderr.join()).toMatch(/404.*no rebuild "?nothing/);
  });

  it('rebuilds takes the address and the token before and behind what it is to do', async () => {
    const token = fs.readFileSync(path.join(folder, 'admin-token'), 'utf8').trim();
    const options = ['--url', `http://127.0.0.1:${variables.HTTP_PORT}`, '--admin-token', token];
    const nowhere = isolated(path.join(folder, 'nowhere'), { HTTP_PORT: '1' });
    for (const words of [
      ['rebuilds', 'show', 'nothing', ...options],
      ['rebuilds', ...options, 'show', 'nothing'],
    ]) {
      const command = new RecountProcess(nowhere, cli, words);
      await command.ended;
      expect(command.stderr.join()).toMatch(/404.*no rebuild "?nothing/);
    }
  });

  it('take an empty variable for one that is not set', async () => {
    const empty = { ...variables, ADMIN_TOKEN: '', BIND: ' ', EVENTSTORE_URL: '', MONGODB_URL: '' };
    for (const words of [['status'], ['log', '--limit', '1']]) {
      const command = new RecountProcess(empty, cli, words);
      expect([words, await command.ended, command.stderr]).toEqual([words, { code: 0, signal: null }, []]);
    }
    const help = new RecountProcess({ ...variables, HTTP_PORT: '' }, cli, ['status', '--help']);
    await help.ended;
    expect(help.stdout.join('\n')).toContain('"http://127.0.0.1:8080"');
  });

  it('ask where the server listens, if that is one address', async () => {
    for (const [bind, shown] of [
      ['127.0.0.2', 'http://127.0.0.2:9'],
      ['0.0.0.0', 'http://127.0.0.1:9'],
      ['::1', 'http://[::1]:9'],
    ] as const) {
      const help = new RecountProcess({ ...variables, BIND: bind, HTTP_PORT: '9' }, cli, ['status', '--help']);
      await help.ended;
      expect(help.stdout.join('\n')).toContain(`"${shown}"`);
    }
  });

  it('say in one line that something else answers, and that a connection string is none', async () => {
    const other = http.createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const asked = await run('rebuilds', '--url', url);
    other.close();
    expect([asked.code, asked.stderr]).toEqual([1, [expect.stringMatching(/^What answers at \S+ is not Recount: .*--url/)]]);
    const log = await run('log', '--eventstore-url', 'esdb://ann:secret@127.0.0.1:port');
    expect([log.code, log.stderr]).toEqual([1, [expect.stringMatching(/^--eventstore-url is "esdb:\S+", allowed: a connection string/)]]);
    expect(log.stderr.join()).not.toContain('secret');
  });

  it.each([[[]], [['traffic', '--all']]])('reset %j is told to choose between one and all', async (args) => {
    const { code, stderr } = await run('reset', ...args);
    expect([code, stderr.join()]).toEqual([1, expect.stringContaining('one projection, or --all')]);
  });

  it('reset refuses a projection nobody knows, naming those there are', async () => {
    const { code, stderr } = await run('reset', 'nothing');
    expect(code).toBe(1);
    expect(stderr.join('')).toMatch(/404.*traffic/);
  });

  it.each([
    [],
    ['demo'],
    ['start'],
    ['status'],
    ['import'],
    ['import', 'access-log'],
    ['log'],
    ['reset'],
    ['rebuilds'],
    ['rebuilds', 'promote'],
  ])('%j --help explains itself', async (...words: string[]) => {
    const { code, stdout } = await run(...words.flat(), '--help');
    expect(code).toBe(0);
    expect(stdout[0]).toMatch(/^Usage: recount/);
    if (words.flat().join() !== 'import') expect(stdout.join('\n')).toMatch(/Examples:\n +\$ recount /);
  });

  it('an unknown command is refused with a hint', async () => {
    const { code, stderr } = await run('recuont');
    expect(code).toBe(1);
    expect(stderr.join('\n')).toContain('recount --help');
  });
});
