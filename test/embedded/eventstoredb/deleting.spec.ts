import { type EventStoreDBClient, NO_STREAM, START, StreamDeletedError, StreamNotFoundError } from '@eventstore/db-client';
import { allOf, numbered, numbersOf, Stage } from './stage';

describe('deleting and retaining', () => {
  const stage = new Stage();
  let client: EventStoreDBClient;
  let restart: () => Promise<void>;
  beforeAll(async () => {
    let server = await stage.server();
    client = stage.client(server);
    restart = async () => {
      await server.stop();
      server = await stage.server();
      client = stage.client(server);
    };
  });
  afterAll(() => stage.clear());
  const fill = (stream: string, count = 5) =>
    client.appendToStream(
      stream,
      Array.from({ length: count }, (_, n) => numbered(n)),
    );

  it('hides a deleted stream until something is appended, and goes on with its revisions', async () => {
    await fill('deleted');
    const { position } = await client.deleteStream('deleted', { expectedRevision: 4n });
    expect(position!.commit).toBeGreaterThan(0n);
    await expect(allOf(client.readStream('deleted'))).rejects.toBeInstanceOf(StreamNotFoundError);
    await restart();
    await expect(allOf(client.readStream('deleted'))).rejects.toBeInstanceOf(StreamNotFoundError);
    const { nextExpectedRevision } = await client.appendToStream('deleted', numbered(5), { expectedRevision: NO_STREAM });
    expect(nextExpectedRevision).toBe(5n);
    expect(await numbersOf(client.readStream('deleted'))).toEqual([5]);
    await restart();
    expect(await numbersOf(client.readStream('deleted'))).toEqual([5]);
  });

  it('deletes only at the expected revision', async () => {
    await fill('kept');
    await expect(client.deleteStream('kept', { expectedRevision: 2n })).rejects.toMatchObject({
      type: 'wrong-expected-version',
      streamName: 'kept',
      actualVersion: 4n,
    });
    expect(await numbersOf(client.readStream('kept'))).toEqual([0, 1, 2, 3, 4]);
  });

  it('ends a stream for good with a tombstone', async () => {
    await fill('ended');
    const subscription = client.subscribeToStream('ended', { fromRevision: START });
    const dropped = new Promise((resolve) => subscription.on('error', resolve));
    subscription.on('data', () => undefined);
    await client.tombstoneStream('ended', { expectedRevision: 4n });
    expect(await dropped).toBeInstanceOf(StreamDeletedError);
    for (let i = 0; i < 2; i++) {
      await expect(allOf(client.readStream('ended'))).rejects.toBeInstanceOf(StreamDeletedError);
      await expect(client.appendToStream('ended', numbered(9))).rejects.toBeInstanceOf(StreamDeletedError);
      await expect(client.tombstoneStream('ended')).rejects.toBeInstanceOf(StreamDeletedError);
      await expect(client.deleteStream('ended')).rejects.toBeInstanceOf(StreamDeletedError);
      await restart();
    }
    const last = (await allOf(client.readAll())).find(({ event }) => event!.streamId === 'ended' && event!.type === '$streamDeleted');
    expect(last!.event!.revision).toBe(2n ** 63n - 1n);
  });

  it('shows only the newest $maxCount events, and none before $tb, also after a restart', async () => {
    await fill('limited', 10);
    await client.setStreamMetadata('limited', { maxCount: 3 });
    expect(await numbersOf(client.readStream('limited'))).toEqual([7, 8, 9]);
    await client.appendToStream('limited', numbered(10));
    expect(await numbersOf(client.readStream('limited', { fromRevision: 2n }))).toEqual([8, 9, 10]);
    await client.setStreamMetadata('limited', { truncateBefore: 9 });
    await restart();
    expect(await numbersOf(client.readStream('limited'))).toEqual([9, 10]);
    expect(await numbersOf(client.readStream('limited', { direction: 'backwards', fromRevision: 'end' }))).toEqual([10, 9]);
    expect((await client.getStreamMetadata('limited')).metadata).toEqual({ truncateBefore: 9 });
  });

  it('shows only events younger than $maxAge', async () => {
    await fill('aging', 3);
    await client.setStreamMetadata('aging', { maxAge: 1 });
    expect(await numbersOf(client.readStream('aging'))).toEqual([0, 1, 2]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await client.appendToStream('aging', numbered(3));
    expect(await numbersOf(client.readStream('aging'))).toEqual([3]);
  });

  it('keeps metadata of its own beside retention', async () => {
    await client.setStreamMetadata<{ owner: string }>('described', { owner: 'ann', maxCount: 2 });
    expect((await client.getStreamMetadata('described')).metadata).toEqual({ owner: 'ann', maxCount: 2 });
    expect((await client.getStreamMetadata('undescribed')).metadata).toBeUndefined();
  });
});
