import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { EventDimension, SessionDimension } from '../oracle/dimensions';
import { rates } from '../oracle/metrics';
import { breakDown, countIn, readShop, type Counts, type Shop } from '../oracle/oracle';
import { eventsOfLog } from './access-log-lines';
import { recount, Stack, type Report } from './stack';

/** A real server's log beside the repository where there is one, else one of the same form made here. */
const given = path.resolve(__dirname, '../../../shared/data/access.log');

const isPage = `
  function page(method, status, path,   n, parts, last, dots) {
    sub(/\\?.*/, "", path)
    n = split(path, parts, "/"); last = parts[n]
    return method == "GET" && (status == 200 || status == 304) && (last !~ /\\./ || last ~ /\\.(html|htm|xhtml|php)$/)
  }`;
const day = `
  function day(at,   p) {
    split(substr(at, 2), p, /[\\/:]/)
    return p[3] "-" (index("JanFebMarAprMayJunJulAugSepOctNovDec", p[2]) + 2) / 3 "-" p[1]
  }`;

/** Counts with awk, as anyone can: lines of "key count". */
function awk(file: string, program: string): Record<string, number> {
  const out = execFileSync('awk', ['-F"', `${isPage}\n${day}\n${program}`, file], { encoding: 'utf8', maxBuffer: 64 << 20 });
  return Object.fromEntries(
    out
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}
const isoDay = (awkDay: string): string => {
  const [year, month, date] = awkDay.split('-');
  return `${year}-${month!.padStart(2, '0')}-${date}`;
};

const traffic = ['events', 'pageviews', 'visitors'];
const visits = ['sessions', 'bounces', 'engagedSessions', 'newVisitors'];
const { bounceRate, engagementRate, avgSessionSeconds, viewsPerSession } = rates;
const visitRates = { bounceRate, engagementRate, avgSessionSeconds, viewsPerSession };

/** As reports show them: quotients with six decimals. */
function numbersOf(counts: Counts, metrics: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    metrics.map((metric) => {
      if (metric in visitRates) return [metric, Number(visitRates[metric as keyof typeof visitRates](counts).toFixed(6))];
      return [metric, counts[metric as 'events']];
    }),
  );
}

const valuesOf = (rows: Report['rows']): Record<string, object> =>
  Object.fromEntries(rows.map(({ value, ...numbers }) => [value, numbers]));

describe('a web server’s log, imported', () => {
  let stack: Stack;
  let file: string;
  let shop: Shop;

  beforeAll(async () => {
    stack = await Stack.start();
    file = fs.existsSync(given) ? given : made(stack.folder);
    await stack.merchant('blog');
    const { code, stderr } = await recount(stack, 'import', 'access-log', file, '--merchant', 'blog');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    await stack.counted('blog');
    shop = readShop(eventsOfLog(file, 'blog'), { merchantId: 'blog' });
  });
  afterAll(() => stack.end());

  const range = { from: '2015-05-17', to: '2015-05-20', bots: 'include' };

  it('has the page views of each day that awk counts', async () => {
    const counted = awk(
      file,
      '{ split($1, a, " "); split($2, r, " "); split($3, s, " "); if (page(r[1], s[1], r[2])) n[day(a[4])]++ } END { for (d in n) print d, n[d] }',
    );
    const { rows } = await stack.timeseries('blog', { metrics: 'pageviews', interval: 'day', ...range });
    expect(Object.fromEntries(rows.map((row) => [row.time!.slice(0, 10), row['pageviews']]))).toEqual(
      Object.fromEntries(Object.entries(counted).map(([d, n]) => [isoDay(d), n])),
    );
  });

  it('has the events of each day: every line', async () => {
    const counted = awk(file, '{ split($1, a, " "); n[day(a[4])]++ } END { for (d in n) print d, n[d] }');
    const { rows, totals } = await stack.timeseries('blog', { metrics: 'events', interval: 'day', ...range });
    expect(Object.fromEntries(rows.map((row) => [row.time!.slice(0, 10), row['events']]))).toEqual(
      Object.fromEntries(Object.entries(counted).map(([d, n]) => [isoDay(d), n])),
    );
    expect(totals['events']).toBe(Object.values(counted).reduce((a, b) => a + b));
  });

  it('has the unique visitors of each day, exactly', async () => {
    const counted = awk(
      file,
      '{ split($1, a, " "); k = day(a[4]) SUBSEP a[1] SUBSEP $6; if (!(k in seen)) { seen[k] = 1; n[day(a[4])]++ } } END { for (d in n) print d, n[d] }',
    );
    const { rows, meta } = await stack.timeseries('blog', { metrics: 'visitors', interval: 'day', ...range });
    expect(Object.fromEntries(rows.map((row) => [row.time!.slice(0, 10), row['visitors']]))).toEqual(
      Object.fromEntries(Object.entries(counted).map(([d, n]) => [isoDay(d), n])),
    );
    expect(meta.exact).toBe(true);
  });

  it('has the page views of each page', async () => {
    const counted = awk(
      file,
      '{ split($2, r, " "); split($3, s, " "); if (page(r[1], s[1], r[2])) { sub(/\\?.*/, "", r[2]); n[r[2]]++ } } END { for (p in n) print p, n[p] }',
    );
    const { rows, totals } = await stack.breakdown('blog', { dimension: 'page', metrics: 'pageviews', limit: '10000', ...range });
    expect(Object.fromEntries(rows.filter((row) => row['pageviews'] !== 0).map((row) => [row.value, row['pageviews']]))).toEqual(counted);
    expect(totals['pageviews']).toBe(Object.values(counted).reduce((a, b) => a + b));
  });

  it.each(['exclude', 'include', 'only'] as const)(
    'has every number of each hour and day that the oracle counts, bots: %s',
    async (bots) => {
      const metrics = [...traffic, ...visits, ...Object.keys(visitRates)];
      for (const [interval, lengthMs] of [
        ['hour', 3_600_000],
        ['day', 86_400_000],
      ] as const) {
        const { rows } = await stack.timeseries('blog', { metrics: metrics.join(), interval, ...range, bots });
        expect(rows.length).toBe((4 * 86_400_000) / lengthMs);
        const expected = rows.map(({ time }) => {
          const from = Date.parse(time!);
          return { time, ...numbersOf(countIn(shop, { from, to: from + lengthMs, bots }), metrics) };
        });
        expect(rows).toEqual(expected);
      }
    },
  );

  // Days are UTC's here, and the blog's numbers of a day are its hours' together: a breakdown adds up both.
  it.each([
    ...(['country', 'language', 'device', 'browser', 'os', 'screen'] as const).map((name) => [name, [...traffic, ...visits]] as const),
    ...(['page', 'event', 'property:status', 'property:method'] as const).map((name) => [name, traffic] as const),
    ...(['entryPage', 'exitPage', 'channel', 'source', 'medium', 'campaign', 'referrer', 'firstChannel', 'firstReferrer'] as const).map(
      (name) => [name, [...traffic, ...visits]] as const,
    ),
  ] as readonly (readonly [EventDimension | SessionDimension, readonly string[]])[])(
    'has what the oracle counts by %s',
    async (dimension, counted) => {
      const metrics = counted.includes('sessions') ? [...counted, ...Object.keys(visitRates)] : counted;
      for (const bots of ['exclude', 'only'] as const) {
        for (const [from, to] of [
          ['2015-05-17', '2015-05-18'],
          ['2015-05-17T12:00:00Z', '2015-05-20T07:00:00Z'],
        ] as const) {
          const query = { dimension, metrics: metrics.join(), limit: '10000', from, to, bots };
          const answer = await stack.breakdown('blog', query);
          const asked = { from: Date.parse(from), to: to.length > 10 ? Date.parse(to) : Date.parse(to) + 86_400_000, bots };
          const expected = [...breakDown(shop, asked, dimension)].map(([value, counts]) => [value, numbersOf(counts, metrics)] as const);
          expect(valuesOf(answer.rows)).toEqual(Object.fromEntries(expected.filter(([, row]) => Object.values(row).some((n) => n !== 0))));
          expect(answer.totals).toEqual(numbersOf(countIn(shop, asked), metrics));
          expect(answer.meta.exact).toBe(true);
        }
      }
    },
  );

  it('counts nothing twice when the file is sent again', async () => {
    const before = await stack.timeseries('blog', { metrics: 'events,pageviews,sessions', interval: 'day', ...range });
    const { code } = await recount(stack, 'import', 'access-log', file, '--merchant', 'blog', '--again');
    expect(code).toBe(0);
    await stack.counted('blog');
    const after = await stack.timeseries('blog', { metrics: 'events,pageviews,sessions', interval: 'day', ...range });
    expect(after.rows).toEqual(before.rows);
  });
});

/** Lines of the same form: pages, files, refusals, searches, a crawler. */
function made(folder: string): string {
  const lines: string[] = [];
  const agents = ['Mozilla/5.0 (Windows NT 6.1) Firefox/28.0', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'];
  const paths = [
    '/',
    '/blog/tags/firefox?flav=rss20',
    '/style2.css',
    '/projects/xdotool/',
    '/files/a.html?x=1',
    '/old.php',
    '/images/jordan-80.png',
  ];
  for (let i = 0; i < 3_000; i++) {
    const time = new Date(Date.parse('2015-05-17T10:05:00Z') + i * 100_000);
    const at = `${String(time.getUTCDate()).padStart(2, '0')}/May/2015:${time.toISOString().slice(11, 19)} +0000`;
    const status = [200, 200, 304, 404][i % 4];
    lines.push(
      `10.0.${i % 7}.${i % 90} - - [${at}] "${i % 11 === 0 ? 'POST' : 'GET'} ${paths[i % paths.length]} HTTP/1.1" ${status} 100 "-" "${agents[i % 2]}"`,
    );
  }
  const file = path.join(folder, 'made-access.log');
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
