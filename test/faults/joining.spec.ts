import { MongoClient } from 'mongodb';
import { eventually, isolated, newFolder, RecountProcess } from '../running/recount';
import { Stack } from '../flows/stack';

const partitions = 8;
const lookEveryMs = 20;
/** What a partition may stand still for beyond the pauses it makes anyway. */
const pauseMsMax = 1_000;
const takenOverMsMax = 10_000;

interface Control {
  _id: string;
  checkpoint: { revision: number };
}

/** When the checkpoint of each partition moved, as its readers would see it. */
class Checkpoints {
  private readonly moves = new Map<string, { at: number; revision: number }[]>();
  private over = false;
  private readonly looking: Promise<void>;

  constructor(private readonly client: MongoClient) {
    this.looking = this.look();
  }

  end(): Promise<void> {
    this.over = true;
    return this.looking;
  }

  /** The longest time from one move to the next among those that overlap a span, of the partitions asked for. */
  longestGap(from: number, to: number, of: readonly number[]): number {
    const gaps = of.flatMap((partition) => {
      const moves = this.moves.get(`g1|${String(partition).padStart(2, '0')}`)!;
      return moves.slice(1).map(({ at }, i) => (at < from || moves[i]!.at > to ? 0 : at - moves[i]!.at));
    });
    return Math.max(...gaps);
  }

  private async look(): Promise<void> {
    while (!this.over) {
      const controls = await this.client
        .db('recount')
        .collection<Control>('control')
        .find({ _id: { $gte: 'g1|', $lt: 'g1~' } })
        .toArray();
      const at = performance.now();
      for (const { _id, checkpoint } of controls) {
        const moves = this.moves.get(_id) ?? [];
        this.moves.set(_id, moves);
        if (moves.at(-1)?.revision !== checkpoint.revision) moves.push({ at, revision: checkpoint.revision });
      }
      await pass(lookEveryMs);
    }
  }
}

describe('a worker that joins, and leaves', () => {
  let stack: Stack;
  let client: MongoClient;
  let joined: RecountProcess | undefined;
  let isOver = false;
  let load: Promise<unknown> = Promise.resolve();

  beforeAll(async () => {
    stack = await Stack.start({ PARTITIONS: String(partitions) });
    const keys = await Promise.all(Array.from({ length: 3 * partitions }, (_, i) => stack.merchant(`shop-${i}`)));
    client = await new MongoClient(storeUrl('mongodb')).connect();
    const send = async (key: string, batch: number): Promise<void> => {
      const events = [0, 1, 2].map((i) => ({
        id: `${batch}-${i}`,
        name: 'page_view',
        time: Date.now(),
        visitorId: `visitor-${batch % 50}`,
        url: '/',
      }));
      expect((await stack.ask('POST', '/v1/collect', { events }, key)).status).toBe(202);
    };
    load = (async () => {
      for (let batch = 0; !isOver; batch++) {
        await Promise.all(keys.map((key) => send(key, batch)));
        await pass(100);
      }
    })();
    load.catch(() => undefined);
  });
  afterAll(async () => {
    isOver = true;
    await Promise.allSettled([load, joined?.stop()]);
    await client.close();
    await stack.end();
  });

  function storeUrl(kind: 'eventstoredb' | 'mongodb'): string {
    const started = stack.process.log().find(({ msg, child }) => msg === 'started' && child === `the embedded ${kind} store`);
    const address = `127.0.0.1:${started!.ports}`;
    return kind === 'mongodb' ? `mongodb://${address}/?directConnection=true` : `esdb://${address}?tls=false`;
  }

  const owners = async (): Promise<Map<number, string>> => {
    const { body } = await stack.ask<{ partitions: { partition: number; owner: string | null }[] }>('GET', '/admin/partitions');
    return new Map(body.partitions.flatMap(({ partition, owner }) => (owner === null ? [] : [[partition, owner]])));
  };

  /** A worker process joins; gives the partitions it took over. */
  async function join(): Promise<{ taken: number[]; others: number[]; at: number }> {
    const before = await owners();
    const at = performance.now();
    joined = new RecountProcess(
      isolated(newFolder(), {
        ROLES: 'projecting',
        PARTITIONS: String(partitions),
        EVENTSTORE_URL: storeUrl('eventstoredb'),
        MONGODB_URL: storeUrl('mongodb'),
      }),
    );
    const known = new Set(before.values());
    const isTaken = (owner: string): boolean => !known.has(owner);
    await eventually(async () => [...(await owners()).values()].filter(isTaken).length >= 2);
    await pass(2_000);
    const now = [...(await owners())];
    const taken = now.filter(([, owner]) => isTaken(owner)).map(([partition]) => partition);
    return { taken, others: now.map(([partition]) => partition).filter((partition) => !taken.includes(partition)), at };
  }

  it('moves partitions without a pause in counting longer than a second, and back when it stops', async () => {
    await eventually(async () => (await owners()).size === partitions);
    const checkpoints = new Checkpoints(client);
    await pass(3_000);
    const { taken, others, at: joinedAt } = await join();
    const leftAt = performance.now();
    await joined!.stop();
    await pass(3_000);
    const endedAt = performance.now();
    await checkpoints.end();

    expect(taken.length).toBeGreaterThanOrEqual(2);
    // What the machine makes all partitions wait for is no pause of those that move.
    const all = [...taken, ...others];
    const usual = Math.max(checkpoints.longestGap(0, joinedAt, all), checkpoints.longestGap(joinedAt, endedAt, others));
    expect(checkpoints.longestGap(joinedAt, leftAt, taken)).toBeLessThan(usual + pauseMsMax);
    expect(checkpoints.longestGap(leftAt, endedAt, taken)).toBeLessThan(usual + pauseMsMax);
  });

  it('is replaced within ten seconds when it is killed', async () => {
    await eventually(async () => (await owners()).size === partitions);
    const checkpoints = new Checkpoints(client);
    const { taken, others, at } = await join();
    const killedAt = performance.now();
    await joined!.stop('SIGKILL');
    await pass(takenOverMsMax + 1_000);
    await checkpoints.end();

    const usual = checkpoints.longestGap(at, performance.now(), others);
    const gap = checkpoints.longestGap(killedAt, performance.now(), taken);
    // Nobody may take a partition before its lease is over.
    expect(gap).toBeGreaterThan(2_000);
    expect(gap).toBeLessThan(takenOverMsMax + usual);
    await stack.counted('shop-0');
  });
});

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
