import * as fs from 'node:fs';
import { isbot } from 'isbot';
import type { DemoEvent } from '../../src/cli/demo/session';
import { recall, trafficOf } from '../../src/cli/demo/story';
import { demoTraffic } from '../../src/cli/demo/traffic';
import { distPath } from '../dist';
import { isAlive, isolated, newFolder, RecountProcess } from '../running/recount';

/** As `npm run demo` runs it, with a shop that has less to tell. */
const cli = distPath('src/cli/recount.ts');
const words = ['demo', '--events', '3000'];

const folder = newFolder();
let demo: RecountProcess | undefined;
afterAll(async () => {
  await demo?.stop('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function told(): Promise<string[]> {
  demo = new RecountProcess(isolated(folder), cli, words);
  await demo.printed('stdout', /^Ctrl-C stops everything/, 150_000);
  return demo.stdout;
}

const tableOf = (lines: readonly string[]): string[] => {
  const head = lines.findIndex((line) => /^day +pageviews +visitors +sessions +orders +revenue$/.test(line));
  return lines.slice(head, lines.findIndex((line) => line.startsWith('total ')) + 1);
};

/** Days, and what there is of each in these events: views, visitors, orders. Bots and repetitions are left out. */
function countNaively(events: Iterable<DemoEvent>): { days: Map<string, [number, number, number]>; total: [number, number, number] } {
  const once = [...new Map([...events].map((event) => [event.id, event])).values()].filter(({ userAgent }) => !isbot(userAgent));
  const count = (some: DemoEvent[]): [number, number, number] => [
    some.filter(({ name }) => name === 'page_view').length,
    new Set(some.map(({ visitorId }) => visitorId)).size,
    new Set(some.filter(({ name }) => name === 'purchase').map(({ transactionId }) => transactionId)).size,
  ];
  const dayOf = ({ time }: DemoEvent): string => new Date(time).toISOString().slice(0, 10);
  const days = [...new Set(once.map(dayOf))].map((day) => [day, count(once.filter((event) => dayOf(event) === day))] as const);
  return { days: new Map(days), total: count(once) };
}

describe('the demo', () => {
  let first: string[];

  it("tells a shop's month and shows what it counted, which is what there was", async () => {
    first = await told();
    const { sent, ...story } = recall(folder)!;
    const events = [...demoTraffic(trafficOf(story))];
    expect(sent).toBe(events.length);
    expect(first.slice(0, 2)).toEqual([
      `admin token: ${folder}/admin-token`,
      expect.stringMatching(/^ready http=\d+ rsocket-tcp=\d+ rsocket-ws=\d+$/),
    ]);
    expect(first).toContain(`${events.length.toLocaleString('en-US')} events sent and counted`);

    const numbers = (line: string): (string | number)[] =>
      line.split(/ {2,}/).map((cell, i) => ([0, 3, 5].includes(i) ? '' : Number(cell.replaceAll(',', ''))));
    const rows = tableOf(first).slice(2);
    const { days, total } = countNaively(events);
    expect(rows).toHaveLength(new Set([...days.keys(), ...rows.slice(0, -1).map((row) => row.slice(0, 10))]).size + 1);
    for (const row of rows) {
      const [views, visitors, orders] = row.startsWith('total') ? total : (days.get(row.slice(0, 10)) ?? [0, 0, 0]);
      expect([row, numbers(row)]).toEqual([row, ['', views, visitors, '', orders, '']]);
    }
    expect(rows.at(-1)).toMatch(/ [\d,]+\.\d\d USD \+ [\d,]+\.\d\d EUR$/);
  }, 180_000);

  it('says where to look further, and what it says is there', async () => {
    const [report, docs, token] = ['Report:', 'All routes:', 'Admin token:'].map((what) =>
      first
        .find((line) => line.startsWith(what))!
        .split(/ {2,}|: /)
        .at(-1)!,
    ) as [string, string, string];
    const authorization = `Bearer ${fs.readFileSync(token, 'utf8').trim()}`;
    const answer = await fetch(report, { headers: { authorization } });
    expect([answer.status, ((await answer.json()) as { totals: { orders: number } }).totals.orders]).toEqual([200, expect.any(Number)]);
    expect((await fetch(docs)).status).toBe(200);
  });

  it('stops on Ctrl-C within five seconds, and the second time finds what it told', async () => {
    const pids = [...demo!.pids().values()];
    const { ms, ...ended } = await demo!.stop('SIGINT');
    expect([ended, ms < 5_000, pids.filter(isAlive)]).toEqual([{ code: 0, signal: null }, true, []]);
    const second = await told();
    expect(second.find((line) => line.includes('nothing is sent'))).toMatch(/^[\d,]+ events are here already/);
    expect(tableOf(second)).toEqual(tableOf(first));
    expect((await demo!.stop('SIGINT')).code).toBe(0);
  }, 180_000);

  it('does not begin with a number of events that makes no month', async () => {
    const refused = new RecountProcess(isolated(folder), cli, ['demo', '--events', '12']);
    expect([await refused.ended, refused.stderr]).toEqual([
      { code: 1, signal: null },
      ['--events is "12", allowed: a whole number from 1000 to 10000000'],
    ]);
  });
});
