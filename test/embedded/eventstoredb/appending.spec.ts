import { ANY, type EventStoreDBClient, jsonEvent, NO_STREAM, STREAM_EXISTS, WrongExpectedVersionError } from '@eventstore/db-client';
import { allOf, block, numbered, numbersOf, Stage } from './stage';

describe('appending', () => {
  const stage = new Stage();
  let client: EventStoreDBClient;
  beforeAll(async () => {
    client = stage.client(await stage.server());
  });
  afterAll(() => stage.clear());

  it('gives revisions in the order of the appends and returns events as they were written', async () => {
    const first = await client.appendToStream('orders', jsonEvent({ type: 'placed', data: { total: 5 }, metadata: { by: 'ann' } }));
    const second = await client.appendToStream('orders', [numbered(1), numbered(2)]);
    expect([first.nextExpectedRevision, second.nextExpectedRevision]).toEqual([0n, 2n]);
    expect(second.position!.commit).toBeGreaterThan(first.position!.commit);
    const [placed] = await allOf(client.readStream('orders'));
    expect(placed!.event).toMatchObject({
      streamId: 'orders',
      type: 'placed',
      revision: 0n,
      isJson: true,
      data: { total: 5 },
      metadata: { by: 'ann' },
    });
    expect(Math.abs(placed!.event!.created.getTime() - Date.now())).toBeLessThan(10_000);
  });

  it('keeps every byte of binary data and of stream names beyond ASCII', async () => {
    const event = block(131_072);
    event.data.set([0, 255, 10, 13], 100);
    await client.appendToStream('größe-日本', event);
    const [read] = await allOf(client.readStream('größe-日本'));
    expect(read!.event!.streamId).toBe('größe-日本');
    expect(read!.event!.id).toBe(event.id);
    expect(Buffer.from(read!.event!.data as Uint8Array).equals(event.data)).toBe(true);
  });

  it('keeps an append of many chunks together and in order', async () => {
    const events = Array.from({ length: 500 }, (_, n) => numbered(n));
    await Promise.all([
      client.appendToStream('chunked', events, { batchAppendSize: 2_000 }),
      client.appendToStream('chunked', [numbered(1_000)], { batchAppendSize: 2_000 }),
    ]);
    const numbers = await numbersOf(client.readStream('chunked'));
    expect(numbers.filter((n) => n < 1_000)).toEqual(events.map((_, n) => n));
    expect([0, 500]).toContain(numbers.indexOf(1_000));
  });

  it('accepts an append without events and changes nothing', async () => {
    await client.appendToStream('quiet', numbered(1));
    expect(await client.appendToStream('quiet', [])).toMatchObject({ success: true, nextExpectedRevision: 0n });
    expect(await numbersOf(client.readStream('quiet'))).toEqual([1]);
  });

  it('appends through the call without batches too', async () => {
    const credentials = { username: 'admin', password: 'changeit' };
    const wrong = client.appendToStream('single', numbered(1), { credentials, expectedRevision: 7n });
    await expect(wrong).rejects.toMatchObject({
      type: 'wrong-expected-version',
      streamName: 'single',
      expectedVersion: 7n,
      actualVersion: 'no_stream',
    });
    const { nextExpectedRevision } = await client.appendToStream('single', [numbered(1), numbered(2)], {
      credentials,
      expectedRevision: NO_STREAM,
    });
    expect(nextExpectedRevision).toBe(1n);
    const tooLarge = client.appendToStream('single', block(1_100_000), { credentials });
    await expect(tooLarge).rejects.toMatchObject({ type: 'maximum-append-size-exceeded', maxAppendSize: 1_048_576 });
    expect(await numbersOf(client.readStream('single'))).toEqual([1, 2]);
  });

  describe('with an expected revision', () => {
    it('refuses a revision the stream is not at and says where it is', async () => {
      await client.appendToStream('guarded', [numbered(0), numbered(1)], { expectedRevision: NO_STREAM });
      for (const expectedRevision of [NO_STREAM, 0n, 5n] as const) {
        const refused = client.appendToStream('guarded', numbered(9), { expectedRevision });
        await expect(refused).rejects.toBeInstanceOf(WrongExpectedVersionError);
        await expect(refused).rejects.toMatchObject({ streamName: 'guarded', actualVersion: 1n });
      }
      expect(await client.appendToStream('guarded', numbered(2), { expectedRevision: 1n })).toMatchObject({ nextExpectedRevision: 2n });
      expect(await numbersOf(client.readStream('guarded'))).toEqual([0, 1, 2]);
    });

    it('demands that a stream exists when asked to', async () => {
      await expect(client.appendToStream('absent', numbered(0), { expectedRevision: STREAM_EXISTS })).rejects.toMatchObject({
        type: 'wrong-expected-version',
        actualVersion: 'no_stream',
        expectedVersion: 'stream_exists',
      });
      await client.appendToStream('absent', numbered(0), { expectedRevision: ANY });
      await client.appendToStream('absent', numbered(1), { expectedRevision: STREAM_EXISTS });
    });

    it('lets exactly one of many concurrent writers win each revision', async () => {
      let wins = 0;
      for (let revision = -1; revision < 9; revision++) {
        const expectedRevision = revision < 0 ? NO_STREAM : BigInt(revision);
        const outcomes = await Promise.allSettled(
          Array.from({ length: 8 }, (_, writer) => client.appendToStream('contended', numbered(writer), { expectedRevision })),
        );
        wins += outcomes.filter(({ status }) => status === 'fulfilled').length;
      }
      expect(wins).toBe(10);
      expect(await allOf(client.readStream('contended'))).toHaveLength(10);
    });
  });

  describe('the same events again', () => {
    it('are appended once and get the same revision and position back', async () => {
      const events = [numbered(1), numbered(2)];
      const first = await client.appendToStream('again', events);
      await client.appendToStream('again', numbered(3));
      for (const expectedRevision of [ANY, NO_STREAM, STREAM_EXISTS] as const) {
        expect(await client.appendToStream('again', events, { expectedRevision })).toEqual(first);
      }
      expect(await numbersOf(client.readStream('again'))).toEqual([1, 2, 3]);
    });

    it('are appended once when the retry overtakes the sync of the first attempt', async () => {
      const event = numbered(1);
      const results = await Promise.all(Array.from({ length: 20 }, () => client.appendToStream('impatient', event)));
      expect(new Set(results.map(({ nextExpectedRevision }) => nextExpectedRevision))).toEqual(new Set([0n]));
      expect(await allOf(client.readStream('impatient'))).toHaveLength(1);
    });

    it('count as another append in another stream', async () => {
      const event = numbered(1);
      await client.appendToStream('here', event);
      await client.appendToStream('there', event);
      expect(await allOf(client.readStream('there'))).toHaveLength(1);
    });

    it('are refused when only some of them are known', async () => {
      const [a, b] = [numbered(1), numbered(2)];
      await client.appendToStream('partly', a);
      await expect(client.appendToStream('partly', [a, b])).rejects.toMatchObject({ type: 'wrong-expected-version' });
      await expect(client.appendToStream('partly', [a, b], { expectedRevision: NO_STREAM })).rejects.toMatchObject({
        type: 'wrong-expected-version',
      });
    });
  });
});
