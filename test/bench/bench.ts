import * as os from 'node:os';
import { parseArgs } from 'node:util';
import { benchEndToEnd, type EndToEnd } from './e2e';
import { endAll, endOnSignals } from './ending';
import { spreadOf } from './figures';
import { catalog } from '../../projections/catalog';
import { benchDocuments } from './documents';
import { benchFold } from './fold';
import { preload, type History } from './preload';
import { benchQuery } from './query';
import { benchRebuild } from './rebuild';
import { printDocuments, printEndToEnd, printFold, printHistory, printQueries, printRebuild, printStores } from './report';
import { BenchedRecount, type Profiles } from './running';
import { benchStores } from './stores';

const usage = `npm run bench -- [--only fold|documents|stores|e2e|rebuild|query] [--seconds 20] [--repeat 3] [--json]

fold     CPU per event of the block codec and of each projection, in one thread, beside JSON.parse of the same events
documents how many documents a flush writes for one merchant, a thousand and a hundred thousand
stores   the embedded stores alone: appends of blocks, guarded upserts of documents
e2e      collect → durable → counted → visible over RSocket and HTTP, as fast as it goes and at half that rate
rebuild  resets of each projection over a log filled beforehand
query    30 days by hour and by page of one merchant, by 1, 20 and 200 readers at once

--seconds N       of load, and of each query; the stores are asked for a fifth of it at a time
--repeat N        repetitions of what is short enough to be repeated; figures are median (lowest–highest)
--merchants N     who send, 50
--events N        in the log that rebuild reads, 2,000,000
--history hour    rebuild: only that of one hour, or with month only that of 30 days
--reset NAMES     rebuild: only these projections, together
--catalog NAMES   rebuild: in an installation that has only these projections, which fills a long log sooner
--profile FOLDER  CPU profiles of each process while it is measured
--sample-us N     with --profile: microseconds from one sample to the next, 2,000; at 500 a slow machine runs at half its speed
--json            one JSON document on stdout instead of tables`;

const parts = ['fold', 'documents', 'stores', 'e2e', 'rebuild', 'query'] as const;
type Part = (typeof parts)[number];

interface Options {
  seconds: number;
  repeat: number;
  merchants: number;
  events: number;
  profile: string | undefined;
  sampleUs: number;
  history: string | undefined;
  reset: string | undefined;
  catalog: string | undefined;
}

const dayMs = 86_400_000;
const queriedDays = 30;
const queriedEvents = 300_000;
const readers = [1, 20, 200];
const projections = catalog.map(({ name }) => name);
/** Reset alone as well. */
const alone = ['traffic', 'acquisition'];

const profilesOf = ({ profile, sampleUs }: Options): Profiles | undefined =>
  profile === undefined ? undefined : { folder: profile, sampleUs };

async function benchCollection(options: Options): Promise<{ runs: EndToEnd[][]; atHalf: EndToEnd }> {
  const recount = await BenchedRecount.start(profilesOf(options));
  const merchants = Array.from({ length: options.merchants }, (_, i) => `bench-${i}`);
  const keys = await recount.register(merchants);
  const { seconds } = options;
  const asFastAsItGoes = { protocol: 'rsocket', seconds, rate: 0, eventsPerFrame: 50 } as const;
  // The first seconds belong to the compiler.
  await benchEndToEnd(recount, merchants, keys, { ...asFastAsItGoes, seconds: Math.min(5, seconds) });
  const runs: EndToEnd[][] = [];
  for (const load of [asFastAsItGoes, { ...asFastAsItGoes, eventsPerFrame: 500 }, { ...asFastAsItGoes, protocol: 'http' as const }]) {
    const some: EndToEnd[] = [];
    for (let i = 0; i < options.repeat; i++) some.push(await benchEndToEnd(recount, merchants, keys, load));
    runs.push(some);
  }
  const fastest = spreadOf(runs[0]!.map(({ visiblePerSecond }) => visiblePerSecond)).median;
  const atHalf = await benchEndToEnd(recount, merchants, keys, { ...asFastAsItGoes, rate: fastest / 2 });
  await recount.stop();
  return { runs, atHalf };
}

/** Over a busy hour, as a log under load is, and over a month, where few events share a document. */
async function benchRebuilds(options: Options): Promise<object[]> {
  const merchants = Array.from({ length: options.merchants }, (_, i) => `bench-${i}`);
  const hour = { merchants, events: options.events, start: Date.now() - 3_600_000, perSecond: options.events / 3_600 };
  const days = 30;
  const events = Math.ceil(options.events / 4);
  const month = { merchants, events, start: Date.now() - days * dayMs, perSecond: events / (days * 86_400) };
  const histories: [string, string, History][] = [
    ['hour', 'one hour', hour],
    ['month', '30 days', month],
  ];
  const counted = options.catalog === undefined ? undefined : namesIn(options.catalog, projections);
  const all = counted ?? projections;
  const single = all.length > 1 ? alone.filter((name) => all.includes(name)) : [];
  const resets = options.reset === undefined ? [...single.map((name) => [name]), all] : [namesIn(options.reset, all)];
  const results: object[] = [];
  for (const [, title, history] of histories.filter(([name]) => options.history === undefined || options.history === name)) {
    const recount = await BenchedRecount.start(profilesOf(options), counted);
    const loaded = await preload(recount, history);
    printHistory(title, history, loaded);
    const rebuilds = [];
    for (const some of resets) {
      const isRepeated = some[0] === 'traffic' && some.length === 1;
      const runs = [];
      for (let i = 0; i < (isRepeated ? options.repeat : 1); i++) runs.push(await benchRebuild(recount, some));
      printRebuild(runs);
      rebuilds.push(runs);
    }
    await recount.stop();
    results.push({ title, events: history.events, merchants: merchants.length, ...loaded, rebuilds });
  }
  return results;
}

function namesIn(list: string, allowed: readonly string[]): string[] {
  const names = list.split(',');
  const unknown = names.find((name) => !allowed.includes(name));
  if (unknown !== undefined) throw new Error(`no projection ${unknown}; there are ${allowed.join(', ')}`);
  return names;
}

async function benchQueries(options: Options): Promise<object[]> {
  const recount = await BenchedRecount.start(profilesOf(options));
  const start = Date.now() - queriedDays * dayMs;
  await preload(recount, { merchants: ['month'], events: queriedEvents, start, perSecond: queriedEvents / (queriedDays * 86_400) });
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const range = `from=${day(start + dayMs)}&to=${day(Date.now())}`;
  const queries = {
    '30 days by hour': `/v1/merchants/month/timeseries?metrics=pageviews,visitors&interval=hour&${range}`,
    '30 days by page': `/v1/merchants/month/breakdown?dimension=page&metrics=pageviews,visitors&limit=20&${range}`,
  };
  const results: object[] = [];
  for (const [title, route] of Object.entries(queries)) {
    const byReaders = [];
    for (const count of readers) {
      const runs = [];
      for (let i = 0; i < options.repeat; i++) runs.push(await benchQuery(recount, route, count, Math.max(1, options.seconds / 4)));
      byReaders.push(runs);
    }
    printQueries(title, byReaders);
    results.push({ title, route, byReaders });
  }
  await recount.stop();
  return results;
}

async function run(part: Part, options: Options): Promise<unknown> {
  switch (part) {
    case 'fold':
      return printFold(benchFold(options.repeat));
    case 'documents':
      return printDocuments(benchDocuments());
    case 'stores':
      return printStores(await benchStores(options.seconds, options.repeat));
    case 'e2e':
      return printEndToEnd(await benchCollection(options));
    case 'rebuild':
      return benchRebuilds(options);
    case 'query':
      return benchQueries(options);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '20' },
      repeat: { type: 'string', default: '3' },
      merchants: { type: 'string', default: '50' },
      events: { type: 'string', default: '2000000' },
      only: { type: 'string' },
      profile: { type: 'string' },
      'sample-us': { type: 'string', default: '2000' },
      history: { type: 'string' },
      reset: { type: 'string' },
      catalog: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(usage);
  const wanted = parts.filter((part) => values.only === undefined || values.only === part);
  const options: Options = {
    seconds: Number(values.seconds),
    repeat: Number(values.repeat),
    merchants: Number(values.merchants),
    events: Number(values.events),
    profile: values.profile,
    sampleUs: Number(values['sample-us']),
    history: values.history,
    reset: values.reset,
    catalog: values.catalog,
  };
  const { profile: _profile, history: _history, reset: _reset, catalog: _catalog, ...numbers } = options;
  if (wanted.length === 0 || Object.values(numbers).some((value) => !(value >= 1))) throw new Error(usage);
  // Tables are for people; with --json nothing else is on stdout.
  if (values.json) console.log = console.table = () => undefined;
  const machine = {
    cpus: os.cpus().length,
    model: os.cpus()[0]?.model ?? 'unknown',
    memoryGib: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    at: new Date().toISOString(),
    loadAverage: os.loadavg()[0]!,
  };
  console.log(Object.values(machine).join(', '));
  const results: Partial<Record<Part, unknown>> = {};
  for (const part of wanted) {
    console.log(`\n${part}`);
    results[part] = await run(part, options);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, options, results }, null, 1)}\n`);
}

endOnSignals();
main()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  })
  .finally(() => endAll())
  // Kept connections and timers of drivers are no reason to wait.
  .finally(() => process.exit());
