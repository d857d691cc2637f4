import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BACKWARDS, END, type EventStoreDBClient, START, StreamNotFoundError } from '@eventstore/db-client';
import { allOf, block, numbered, numbersOf, Stage } from './stage';

describe('reading', () => {
  const stage = new Stage();
  let client: EventStoreDBClient;
  beforeAll(async () => {
    // Small segments and caches, so that reads cross files and go to the disk.
    const server = await stage.server({ segmentBytesMax: 64 << 10, tailCacheBytesMax: 16 << 10, indexCacheBytesMax: 64 << 10 });
    client = stage.client(server);
    const append = (n: number) =>
      Promise.all([
        client.appendToStream('counted', [numbered(n), numbered(n + 1), numbered(n + 2)]),
        client.appendToStream(`other-${n % 7}`, numbered(10_000 + n, 'other')),
      ]);
    // A client's first append opens its call; those sent meanwhile would overtake one another.
    await append(0);
    await Promise.all(Array.from({ length: 199 }, (_, i) => append(3 * (i + 1))));
  });
  afterAll(() => stage.clear());
  const upTo = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

  it('uses several segment files here', async () => {
    expect((await stage.segments()).length).toBeGreaterThan(2);
  });

  it('gives a stream from any revision, either way, up to a count', async () => {
    expect(await numbersOf(client.readStream('counted'))).toEqual(upTo(0, 600));
    expect(await numbersOf(client.readStream('counted', { fromRevision: 590n }))).toEqual(upTo(590, 600));
    expect(await numbersOf(client.readStream('counted', { fromRevision: 301n, maxCount: 4 }))).toEqual([301, 302, 303, 304]);
    expect(await numbersOf(client.readStream('counted', { direction: BACKWARDS, fromRevision: END, maxCount: 1 }))).toEqual([599]);
    expect(await numbersOf(client.readStream('counted', { direction: BACKWARDS, fromRevision: END }))).toEqual(upTo(0, 600).reverse());
    expect(await numbersOf(client.readStream('counted', { direction: BACKWARDS, fromRevision: 2n }))).toEqual([2, 1, 0]);
    expect(await numbersOf(client.readStream('counted', { direction: BACKWARDS, fromRevision: 5_000n, maxCount: 2 }))).toEqual([599, 598]);
    expect(await numbersOf(client.readStream('counted', { fromRevision: 600n }))).toEqual([]);
    expect(await numbersOf(client.readStream('counted', { fromRevision: END }))).toEqual([]);
  });

  it('says that a stream does not exist', async () => {
    await expect(allOf(client.readStream('nothing'))).rejects.toBeInstanceOf(StreamNotFoundError);
  });

  it('gives all streams in the order of their appends, either way, from any position', async () => {
    const all = await allOf(client.readAll());
    expect(all).toHaveLength(800);
    const positions = all.map(({ event }) => event!.position!.commit);
    expect(positions).toEqual([...positions].sort((a, b) => (a < b ? -1 : 1)));
    const backwards = await allOf(client.readAll({ direction: BACKWARDS, fromPosition: END }));
    expect(backwards.map(({ event }) => event!.id)).toEqual(all.map(({ event }) => event!.id).reverse());
    for (const at of [0, 1, 399, 798, 799]) {
      const fromPosition = all[at]!.event!.position!;
      const onwards = await allOf(client.readAll({ fromPosition }));
      expect(onwards.map(({ event }) => event!.id)).toEqual(all.slice(at).map(({ event }) => event!.id));
      const back = await allOf(client.readAll({ direction: BACKWARDS, fromPosition }));
      expect(back).toHaveLength(at);
    }
    expect(await allOf(client.readAll({ fromPosition: START, maxCount: 7 }))).toHaveLength(7);
  });

  it('reads 10,000 records, and blocks of 128 KB, in bounded memory', async () => {
    for (let i = 0; i < 10; i++)
      await client.appendToStream(
        'long',
        Array.from({ length: 1_000 }, (_, n) => numbered(i * 1_000 + n)),
      );
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 40 }, () => client.appendToStream('wide', block(131_072))));
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    /** What is really held, by server and client together. */
    const held = (): number => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    let most = 0;
    let next = 0;
    for await (const { event } of client.readStream('long')) {
      expect((event!.data as { n: number }).n).toBe(next++);
      if (next % 5_000 === 0) most = Math.max(most, held());
    }
    expect(next).toBe(10_000);
    let blocks = 0;
    for await (const { event } of client.readStream('wide')) {
      expect((event!.data as Uint8Array).length).toBe(131_072);
      if (++blocks % 100 === 0) {
        // A slow reader: whatever the server read ahead for it would show.
        await new Promise((resolve) => setTimeout(resolve, 20));
        most = Math.max(most, held());
      }
    }
    expect(blocks).toBe(400);
    expect(most - before).toBeLessThan(25 << 20);
  });
});
