import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import { catalog } from '../../projections/catalog';
import { eventsStream } from '../../src/domain/partition';
import { EventStoreDb } from '../../src/stores/eventstoredb';
import { distPath } from '../dist';
import { event, timezones } from '../projections/shop-events';
import { EmbeddedStore } from '../running/embedded-store';
import { eventually, isolated, newFolder, RecountProcess } from '../running/recount';
import { recount, Stack } from './stack';
import { storedDocuments } from './stored-documents';

/** Where, when and by how many a log is counted. */
interface Place {
  readonly TZ: string;
  readonly LC_ALL: string;
  readonly workers: number;
  /** From today. */
  readonly days: number;
  /** How much is folded before it is flushed: what came in half a second, all there is, or one record of the log. */
  readonly flushed: 'as it comes' | 'at once' | 'record by record';
}
const first: Place = { TZ: 'UTC', LC_ALL: 'C', workers: 1, days: 0, flushed: 'as it comes' };
const others: Place[] = [
  { TZ: 'Asia/Kolkata', LC_ALL: 'tr_TR.UTF-8', workers: 2, days: 400, flushed: 'at once' },
  { TZ: 'America/St_Johns', LC_ALL: 'de_DE.UTF-8', workers: 3, days: 3, flushed: 'record by record' },
];
const partitions = 8;
const names = catalog.map(({ name }) => name);
const merchants = [...Object.keys(timezones), 'wide'];
const rounds = 10;
const eventsPerRound = 100;

let folder: string;
let log: EmbeddedStore;
let readModels: EmbeddedStore;
let mongo: MongoClient;
const countings: Counting[] = [];
beforeAll(async () => {
  folder = newFolder();
  [log, readModels] = await Promise.all([EmbeddedStore.start('eventstoredb', folder), EmbeddedStore.start('mongodb', folder)]);
  mongo = await new MongoClient(`mongodb://127.0.0.1:${readModels.port}/?directConnection=true`).connect();
});
afterAll(async () => {
  await Promise.all(countings.map((counting) => counting.end()));
  await mongo?.close();
  await Promise.all([log?.end(), readModels?.end()]);
  fs.rmSync(folder, { recursive: true, force: true });
});

/** One Recount over the log, with processes in one place and a database of its own. */
class Counting {
  private readonly folder = newFolder();
  private readonly variables: Record<string, string>;
  private readonly workers: RecountProcess[] = [];
  private served: Stack | undefined;

  constructor(
    private readonly database: string,
    private readonly place: Place,
  ) {
    this.variables = {
      ...placed(place),
      EVENTSTORE_URL: `esdb://127.0.0.1:${log.port}?tls=false`,
      MONGODB_URL: `mongodb://127.0.0.1:${readModels.port}/${database}?directConnection=true`,
      PARTITIONS: String(partitions),
    };
    countings.push(this);
  }

  get stack(): Stack {
    return this.served!;
  }

  /** Starts everything but what projects. */
  async serve(): Promise<void> {
    this.served = await Stack.start({ ...this.variables, ROLES: 'collecting,reporting,administering' }, this.folder);
  }

  async project(): Promise<void> {
    const variables = isolated(this.folder, { ...this.variables, ROLES: 'projecting' });
    for (let i = 0; i < this.place.workers; i++) this.workers.push(new RecountProcess(variables));
    await Promise.all(this.workers.map((worker) => worker.ready()));
  }

  /** Until a generation holds all of the log. */
  async counted(generation: string): Promise<void> {
    const heads = await headsOfLog();
    let checkpoints: number[] = [];
    await eventually(async () => {
      const { body } = await this.stack.ask<{ partitions: { generation: string; checkpoint: number }[] }>('GET', '/admin/partitions');
      checkpoints = body.partitions.filter((one) => one.generation === generation).map(({ checkpoint }) => checkpoint);
      return String(checkpoints) === String(heads);
    });
  }

  /** By projection and id. */
  async documents(generation: string): Promise<Map<string, string>> {
    const all = new Map<string, string>();
    for (const name of names) {
      const stored = await storedDocuments(mongo, name, generation, this.database);
      expect({ name, isEmpty: stored.size === 0 }).toEqual({ name, isEmpty: false });
      for (const [id, bytes] of stored) all.set(`${name} ${id}`, bytes);
    }
    return all;
  }

  /** Flushes so far, of all workers. */
  async flushes(): Promise<number> {
    const scraped = await Promise.all(
      this.workers.map(async (worker) => {
        const { http } = await worker.ready();
        const response = await fetch(`http://127.0.0.1:${http}/metrics`, { headers: { authorization: `Bearer ${this.stack.adminToken}` } });
        return Number(/^recount_flush_seconds_count (\d+)$/m.exec(await response.text())![1]);
      }),
    );
    return scraped.reduce((sum, one) => sum + one, 0);
  }

  async end(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.stop()));
    await this.served?.end();
  }
}

const placed = ({ TZ, LC_ALL, days, flushed }: Place): Record<string, string> => ({
  TZ,
  LC_ALL,
  LANG: LC_ALL,
  NODE_OPTIONS: `--require ${distPath('test/running/elsewhere.ts')}`,
  ELSEWHERE_DAYS: String(days),
  ...(flushed === 'record by record' && { ELSEWHERE_MEMORY: 'none' }),
});

/** Newest revisions by partition; -1 where there is nothing. */
async function headsOfLog(): Promise<number[]> {
  const reader = new EventStoreDb(`esdb://127.0.0.1:${log.port}?tls=false`);
  try {
    const newest = await Promise.all(Array.from({ length: partitions }, (_, partition) => reader.last(eventsStream(partition))));
    return newest.map((record) => (record === undefined ? -1 : Number(record.revision)));
  } finally {
    await reader.close();
  }
}

/** Registers a merchant with everything that changes what is counted. */
async function merchant(stack: Stack, merchantId: string): Promise<string> {
  const spread = merchantId === 'wide' && { spread: 3 };
  const writeKey = await stack.merchant(merchantId, { timezone: timezones[merchantId] ?? 'Europe/Berlin', ...spread });
  const define = async (route: string, body: object): Promise<void> => {
    const { status, body: answer } = await stack.ask('POST', `/v1/merchants/${merchantId}/${route}`, body);
    expect({ status, answer }).toMatchObject({ status: 201 });
  };
  await define('goals', { goalId: 'bought', name: 'Bought', event: 'purchase' });
  await define('goals', { goalId: 'gold', name: 'Gold members', properties: { plan: 'gold' } });
  await define('funnels', { funnelId: 'buying', name: 'Buying', steps: ['view_item', 'add_to_cart', 'purchase'], windowSeconds: 86_400 });
  await define('filters', { name: 'Staging', field: 'hostname', pattern: 'staging.*' });
  return writeKey;
}

/**
 * What a merchant's visitors did on two days, in no order, so that most of it is late; some of them are bots. One event in ten was sent
 * before, in another round.
 */
function sentBy(merchantId: string): object[][] {
  const drawn = fc.sample(event, { numRuns: rounds * eventsPerRound, seed: merchants.indexOf(merchantId) + 1 });
  const events = drawn.map(({ merchantId: _m, receivedAt: _r, country: _c, id: _id, ...one }, i) => ({
    ...one,
    id: `e${i % 10 === 9 ? Math.max(0, i - eventsPerRound - 9) : i}`,
    visitorId: `${one.visitorId}-${i % 15}`,
    ip: `8.8.${i % 200}.8`,
  }));
  return Array.from({ length: rounds }, (_, round) => events.slice(round * eventsPerRound, (round + 1) * eventsPerRound));
}

interface Shop {
  readonly rounds: object[][];
  readonly writeKey: string;
}
const register = (stack: Stack): Promise<Shop[]> =>
  Promise.all(merchants.map(async (one) => ({ rounds: sentBy(one), writeKey: await merchant(stack, one) })));

async function collectEverything(stack: Stack, shops: readonly Shop[]): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      shops.map(async ({ rounds, writeKey }) => {
        const answer = await stack.ask('POST', '/v1/collect', { events: rounds[round]! }, writeKey);
        expect(answer).toEqual({ status: 202, body: { accepted: eventsPerRound, rejected: [] } });
      }),
    );
    // Long enough for most rounds to be flushed by themselves.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** What Node says in a place of where it is. */
function surroundings(place: Place): string {
  const { stdout } = spawnSync(
    process.execPath,
    ['-p', 'new Date(Date.UTC(2025, 2, 9, 12)).toLocaleString() + new Date().toDateString()'],
    {
      env: { PATH: process.env['PATH'], ...placed(place) },
      encoding: 'utf8',
    },
  );
  return stdout;
}

/** Ids of documents that only one has, or that are not the same in both. */
const different = (some: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): string[] =>
  [...new Set([...some.keys(), ...expected.keys()])].filter((id) => some.get(id) !== expected.get(id));

describe('the same log', () => {
  let expected: Map<string, string>;
  const flushes: number[] = [];

  it('gives the documents again that were counted while it was collected', async () => {
    const live = new Counting('first', first);
    await live.serve();
    const shops = await register(live.stack);
    // What is counted with is what is defined when the counting begins.
    await live.project();
    await collectEverything(live.stack, shops);
    await live.counted('g1');
    expected = await live.documents('g1');
    flushes.push(await live.flushes());
    expect((await recount(live.stack, 'reset', '--all', '--watch')).code).toBe(0);
    expect(different(await live.documents('g2'), expected)).toEqual([]);
    await live.end();
  });

  it.each(others)('gives them in $TZ and $LC_ALL, $days days later, by $workers workers that flush $flushed', async (place) => {
    const counting = new Counting(`days-${place.days}`, place);
    // Merchants are not known before the rest of Recount has read the log: nobody is counted as if they had defined nothing.
    await counting.project();
    await counting.serve();
    await counting.counted('g1');
    expect(different(await counting.documents('g1'), expected)).toEqual([]);
    flushes.push(await counting.flushes());
    await counting.end();
  });

  it('was counted in places and flushes that were not the same', () => {
    const places = [first, ...others];
    expect(new Set(places.map(surroundings)).size).toBe(places.length);
    expect(new Set(flushes).size).toBeGreaterThan(1);
  });
});
