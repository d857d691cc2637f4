import { randomUUID } from 'node:crypto';
import type { CaughtUp, EventStore, NewRecord, RecordedEvent } from '../../src/stores/event-store';

export interface EventStoreUnderTest {
  store: EventStore;
  stop(): Promise<void>;
}

/** What every adapter of the EventStore port must do. */
export function eventStoreContract(name: string, start: () => Promise<EventStoreUnderTest>): void {
  describe(`${name} as an event store`, () => {
    let tested: EventStoreUnderTest;
    let store: EventStore;
    let streams = 0;
    const freshStream = (prefix = 'contract'): string => `${prefix}-${++streams}-${randomUUID().slice(0, 8)}`;

    beforeAll(async () => {
      tested = await start();
      store = tested.store;
    });
    afterAll(async () => {
      await store.close();
      await tested.stop();
    });

    const binary = (bytes: number[] = [1, 2, 3]): NewRecord => ({
      id: randomUUID(),
      type: 'thing-happened.v1',
      data: Uint8Array.from(bytes),
      contentType: 'binary',
    });
    const revisions = (records: readonly RecordedEvent[]): number[] => records.map(({ revision }) => Number(revision));
    const all = async (records: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> => {
      const found: RecordedEvent[] = [];
      for await (const record of records) found.push(record);
      return found;
    };
    const fill = async (stream: string, count: number): Promise<NewRecord[]> => {
      const records = Array.from({ length: count }, (_, i) => binary([i]));
      expect(await store.append(stream, records)).toMatchObject({ ok: true, revision: BigInt(count - 1) });
      return records;
    };

    describe('appending', () => {
      it('gives back what was appended, in order, with revisions from 0', async () => {
        const stream = freshStream();
        const before = Date.now();
        const records = await fill(stream, 3);
        const found = await all(store.read(stream));
        expect(revisions(found)).toEqual([0, 1, 2]);
        expect(found.map(({ id }) => id)).toEqual(records.map(({ id }) => id));
        expect(found.map(({ data }) => [...data])).toEqual([[0], [1], [2]]);
        expect(found[0]).toMatchObject({ kind: 'record', stream, type: 'thing-happened.v1', metadata: undefined });
        expect(found[0]!.createdAt).toBeGreaterThan(before - 5_000);
        expect(found[0]!.createdAt).toBeLessThan(Date.now() + 5_000);
      });

      it('keeps every byte of binary data and metadata', async () => {
        const stream = freshStream();
        const bytes = Array.from({ length: 256 }, (_, i) => i);
        const metadata = Uint8Array.from([255, 0, 128]);
        // Buffers are what callers have in hand, often views into larger ones.
        const data = Buffer.concat([Buffer.alloc(5), Buffer.from(bytes), Buffer.alloc(3)]).subarray(5, 261);
        await store.append(stream, [{ ...binary(), data, metadata: Buffer.from(metadata) }]);
        const [found] = await all(store.read(stream));
        expect([...found!.data]).toEqual(bytes);
        expect([...found!.metadata!]).toEqual([...metadata]);
      });

      it('keeps JSON records and JSON metadata as equal JSON', async () => {
        const stream = freshStream();
        const fact = { name: 'Zoë 価格', nested: { n: 1.5, list: [null, true] } };
        const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
        await store.append(stream, [
          { id: randomUUID(), type: 'fact.v1', data: json(fact), metadata: json({ by: 'me' }), contentType: 'json' },
        ]);
        const found = await store.last(stream);
        expect(JSON.parse(Buffer.from(found!.data).toString())).toEqual(fact);
        expect(JSON.parse(Buffer.from(found!.metadata!).toString())).toEqual({ by: 'me' });
      });

      it('orders all streams by position', async () => {
        const [one, other] = [freshStream(), freshStream()];
        const first = await store.append(one, [binary()]);
        const second = await store.append(other, [binary()]);
        const third = await store.append(one, [binary()]);
        const positions = [first, second, third].map((result) => (result.ok ? result.position : -1n));
        expect(positions[0]! < positions[1]! && positions[1]! < positions[2]!).toBe(true);
      });

      it('takes appends to many streams at once', async () => {
        const names = Array.from({ length: 60 }, () => freshStream());
        const results = await Promise.all(names.map((stream, i) => store.append(stream, [binary([i])])));
        expect(results.every((result) => result.ok && result.revision === 0n)).toBe(true);
        for (const [i, stream] of names.entries()) expect([...(await store.last(stream))!.data]).toEqual([i]);
      });

      it('keeps the order of appends to one stream that are not waited for', async () => {
        const stream = freshStream();
        await Promise.all(Array.from({ length: 40 }, (_, i) => store.append(stream, [binary([i])])));
        expect((await all(store.read(stream))).map(({ data }) => data[0])).toEqual(Array.from({ length: 40 }, (_, i) => i));
      });

      it('takes an append as large as it says, and refuses a larger or an empty one before sending it', async () => {
        const stream = freshStream();
        const fits: NewRecord = { ...binary(), data: new Uint8Array(store.maxAppendBytes - 2 * 'thing-happened.v1'.length).fill(7) };
        expect(await store.append(stream, [fits])).toMatchObject({ ok: true });
        expect((await store.last(stream))!.data).toHaveLength(fits.data.length);
        await expect(store.append(stream, [{ ...binary(), data: new Uint8Array(store.maxAppendBytes) }])).rejects.toThrow(RangeError);
        await expect(store.append(stream, [])).rejects.toThrow(RangeError);
      });
    });

    describe('expecting a revision', () => {
      const wrong = (actual: bigint | 'no-stream') => ({ ok: false, reason: 'wrong-expected-revision', actual });

      it('appends to a stream that must not exist yet only once', async () => {
        const stream = freshStream();
        expect(await store.append(stream, [binary()], { expected: 'no-stream' })).toMatchObject({ ok: true, revision: 0n });
        expect(await store.append(stream, [binary()], { expected: 'no-stream' })).toEqual(wrong(0n));
      });

      it('appends at the revision the caller has seen, and names the actual one otherwise', async () => {
        const stream = freshStream();
        await fill(stream, 3);
        expect(await store.append(stream, [binary()], { expected: 2n })).toMatchObject({ ok: true, revision: 3n });
        expect(await store.append(stream, [binary()], { expected: 2n })).toEqual(wrong(3n));
        expect(await store.append(stream, [binary()], { expected: 9n })).toEqual(wrong(3n));
        expect(await store.append(freshStream(), [binary()], { expected: 0n })).toEqual(wrong('no-stream'));
      });

      it('appends to a stream that must exist only if it does', async () => {
        const stream = freshStream();
        expect(await store.append(stream, [binary()], { expected: 'stream-exists' })).toEqual(wrong('no-stream'));
        await fill(stream, 1);
        expect(await store.append(stream, [binary()], { expected: 'stream-exists' })).toMatchObject({ ok: true, revision: 1n });
      });

      it('lets exactly one of many concurrent writers through', async () => {
        const stream = freshStream();
        await fill(stream, 1);
        const results = await Promise.all(Array.from({ length: 10 }, () => store.append(stream, [binary()], { expected: 0n })));
        expect(results.filter(({ ok }) => ok)).toHaveLength(1);
      });
    });

    describe('the same append made again', () => {
      it.each(['any', 'no-stream', 'revision', 'stream-exists'] as const)('changes nothing and answers the same (%s)', async (kind) => {
        const stream = freshStream();
        if (kind === 'revision' || kind === 'stream-exists') await fill(stream, 1);
        const expected = kind === 'revision' ? 0n : kind;
        const records = [binary(), binary()];
        const first = await store.append(stream, records, { expected });
        const again = await store.append(stream, records, { expected });
        expect(first.ok && again.ok && again.revision === first.revision).toBe(true);
        await store.append(stream, [binary()]);
        expect(await store.append(stream, records, { expected })).toMatchObject({ ok: true, revision: first.ok && first.revision });
        expect(await all(store.read(stream))).toHaveLength(kind === 'any' || kind === 'no-stream' ? 3 : 4);
      });
    });

    describe('reading', () => {
      it('treats a stream that does not exist as empty', async () => {
        expect(await all(store.read(freshStream()))).toEqual([]);
        expect(await all(store.read(freshStream(), { direction: 'backwards' }))).toEqual([]);
        expect(await store.last(freshStream())).toBeUndefined();
      });

      it('reads both ways, from a revision inclusive, up to a limit', async () => {
        const stream = freshStream();
        await fill(stream, 10);
        expect(revisions(await all(store.read(stream, { from: 7n })))).toEqual([7, 8, 9]);
        expect(revisions(await all(store.read(stream, { from: 2n, limit: 3 })))).toEqual([2, 3, 4]);
        expect(revisions(await all(store.read(stream, { direction: 'backwards', limit: 2 })))).toEqual([9, 8]);
        expect(revisions(await all(store.read(stream, { direction: 'backwards', from: 1n })))).toEqual([1, 0]);
        expect(revisions(await all(store.read(stream, { from: 10n })))).toEqual([]);
        expect(revisions(await all(store.read(stream, { limit: 0 })))).toEqual([]);
        expect((await store.last(stream))!.revision).toBe(9n);
      });

      it('stops when the reader has enough or gives up', async () => {
        const stream = freshStream();
        await fill(stream, 50);
        for await (const record of store.read(stream)) if (record.revision === 3n) break;
        const giveUp = new AbortController();
        const seen: number[] = [];
        for await (const record of store.read(stream, { signal: giveUp.signal })) {
          seen.push(Number(record.revision));
          if (record.revision === 5n) giveUp.abort();
        }
        expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
      });

      it('reads more than fits into one connection at a time, concurrently', async () => {
        const stream = freshStream();
        await fill(stream, 20);
        const reads = await Promise.all(Array.from({ length: 120 }, () => all(store.read(stream))));
        expect(reads.every((records) => records.length === 20)).toBe(true);
      });
    });

    describe('subscribing', () => {
      type Given = RecordedEvent | CaughtUp;
      const show = (given: Given): string => (given.kind === 'caught-up' ? 'caught-up' : `${given.revision}`);

      /** Takes from the subscription until `enough`, then ends it. */
      const take = async (given: AsyncIterable<Given>, enough: (seen: string[]) => boolean | Promise<boolean>): Promise<string[]> => {
        const seen: string[] = [];
        for await (const next of given) {
          seen.push(show(next));
          if (await enough(seen)) break;
        }
        return seen;
      };

      it('gives the past, says it has caught up, then gives what is appended', async () => {
        const stream = freshStream();
        await fill(stream, 3);
        const { signal } = new AbortController();
        const seen = await take(store.subscribe(stream, { after: undefined, signal }), async (so) => {
          if (so.at(-1) === 'caught-up') await store.append(stream, [binary(), binary()]);
          return so.at(-1) === '4';
        });
        expect(seen).toEqual(['0', '1', '2', 'caught-up', '3', '4']);
      });

      it('resumes after a revision, exclusive', async () => {
        const stream = freshStream();
        await fill(stream, 5);
        const { signal } = new AbortController();
        expect(await take(store.subscribe(stream, { after: 2n, signal }), (so) => so.at(-1) === 'caught-up')).toEqual([
          '3',
          '4',
          'caught-up',
        ]);
        expect(await take(store.subscribe(stream, { after: 4n, signal }), (so) => so.at(-1) === 'caught-up')).toEqual(['caught-up']);
      });

      it('waits for a stream that does not exist yet', async () => {
        const stream = freshStream();
        const { signal } = new AbortController();
        const seen = await take(store.subscribe(stream, { after: undefined, signal }), async (so) => {
          if (so.at(-1) === 'caught-up') await store.append(stream, [binary()]);
          return so.at(-1) === '0';
        });
        expect(seen).toEqual(['caught-up', '0']);
      });

      it('ends without an error when its owner gives up, also while it waits', async () => {
        const stream = freshStream();
        await fill(stream, 1);
        const giveUp = new AbortController();
        const seen = take(store.subscribe(stream, { after: undefined, signal: giveUp.signal }), (so) => {
          if (so.at(-1) === 'caught-up') setTimeout(() => giveUp.abort(), 20);
          return false;
        });
        expect(await seen).toEqual(['0', 'caught-up']);
        expect(await take(store.subscribe(stream, { after: undefined, signal: giveUp.signal }), () => false)).toEqual([]);
      });

      it('waits for a slow consumer and loses nothing', async () => {
        const stream = freshStream();
        const { signal } = new AbortController();
        const records = 120;
        const producing = (async () => {
          for (let i = 0; i < records; i++) await store.append(stream, [{ ...binary(), data: new Uint8Array(20_000).fill(i) }]);
        })();
        const seen = await take(store.subscribe(stream, { after: undefined, signal }), async (so) => {
          if (so.length % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
          return so.at(-1) === String(records - 1);
        });
        await producing;
        expect(seen.filter((one) => one !== 'caught-up')).toEqual(Array.from({ length: records }, (_, i) => String(i)));
      });

      it('serves more subscriptions than one connection carries, and appends beside them', async () => {
        const stream = freshStream();
        await fill(stream, 1);
        const { signal } = new AbortController();
        const following = Array.from({ length: 130 }, () => {
          let announce: () => void = () => undefined;
          const live = new Promise<void>((resolve) => (announce = resolve));
          const seen = take(store.subscribe(stream, { after: undefined, signal }), (so) => {
            if (so.at(-1) === 'caught-up') announce();
            return so.at(-1) === '1';
          });
          return { live, seen };
        });
        await Promise.all(following.map(({ live }) => live));
        await store.append(stream, [binary()]);
        for (const { seen } of following) expect(await seen).toEqual(['0', 'caught-up', '1']);
      });

      it('follows all streams of a prefix in log order and resumes from a position', async () => {
        const prefix = `all${randomUUID().slice(0, 8)}`;
        const [a, b, unrelated] = [freshStream(prefix), freshStream(prefix), freshStream()];
        for (const stream of [a, unrelated, b, a, unrelated]) await store.append(stream, [binary()]);
        const { signal } = new AbortController();
        const seen: { stream: string; position: bigint }[] = [];
        for await (const given of store.subscribeAll({ prefix, after: undefined, signal })) {
          if (given.kind === 'record') seen.push(given);
          else if (seen.length === 3) await store.append(b, [binary()]);
          if (seen.length === 4) break;
        }
        expect(seen.map(({ stream }) => stream)).toEqual([a, b, a, b]);
        const rest: string[] = [];
        for await (const given of store.subscribeAll({ prefix, after: seen[1]!.position, signal })) {
          if (given.kind === 'caught-up') break;
          rest.push(given.stream);
        }
        expect(rest).toEqual([a, b]);
      });
    });

    it('answers a ping', async () => {
      await expect(store.ping(2_000)).resolves.toBeUndefined();
    });
  });
}
