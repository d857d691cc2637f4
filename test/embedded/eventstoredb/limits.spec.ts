import { randomUUID } from 'node:crypto';
import { type EventStoreDBClient, persistentSubscriptionToStreamSettingsFromDefaults, START } from '@eventstore/db-client';
import { type LogFile, openLogFile } from '../../../src/embedded/eventstoredb/log/log-writer';
import { allOf, block, eventually, numbered, Stage } from './stage';

describe('limits', () => {
  const stage = new Stage();
  let client: EventStoreDBClient;
  let connectionString: string;
  let blockedSync: Promise<void> | undefined;
  beforeAll(async () => {
    const openFile = async (path: string): Promise<LogFile> => {
      const file = await openLogFile(path);
      return {
        write: (buffers, offset) => file.write(buffers, offset),
        truncate: (bytes) => file.truncate(bytes),
        close: () => file.close(),
        sync: async () => {
          await blockedSync;
          await file.sync();
        },
      };
    };
    ({ connectionString } = await stage.server({ openFile }));
    client = stage.client({ connectionString });
  });
  afterAll(() => stage.clear());

  it('refuses an append above 1 MiB, whole or in chunks, and takes one of exactly that size', async () => {
    const typeBytes = 2 * 'block'.length;
    const tooLarge = { type: 'maximum-append-size-exceeded', maxAppendSize: 1_048_576 };
    await expect(client.appendToStream('large', block(1_048_577 - typeBytes))).rejects.toMatchObject(tooLarge);
    const chunks = Array.from({ length: 12 }, () => block(100_000));
    await expect(client.appendToStream('large', chunks, { batchAppendSize: 150_000 })).rejects.toMatchObject(tooLarge);
    await client.appendToStream('large', block(1_048_576 - typeBytes));
    expect(await allOf(client.readStream('large'))).toHaveLength(1);
  });

  it('answers a timeout when the disk takes longer than the deadline, and nothing is lost or doubled by the retry', async () => {
    let release: () => void = () => undefined;
    blockedSync = new Promise((resolve) => (release = resolve));
    const event = numbered(1);
    const begun = Date.now();
    await expect(client.appendToStream('late', event, { deadline: 300 })).rejects.toMatchObject({ type: 'deadline-exceeded' });
    expect(Date.now() - begun).toBeLessThan(2_000);
    await expect(allOf(client.readStream('late'))).rejects.toMatchObject({ type: 'stream-not-found' });
    release();
    blockedSync = undefined;
    expect(await client.appendToStream('late', event)).toMatchObject({ nextExpectedRevision: 0n });
    expect(await allOf(client.readStream('late'))).toHaveLength(1);
  });

  it('shows an event to readers only when it is on disk', async () => {
    let release: () => void = () => undefined;
    blockedSync = new Promise((resolve) => (release = resolve));
    const subscription = client.subscribeToStream('hidden', { fromRevision: START });
    let seen = 0;
    subscription.on('data', () => seen++);
    const appended = client.appendToStream('hidden', numbered(1));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(seen).toBe(0);
    release();
    blockedSync = undefined;
    await appended;
    await eventually(() => seen === 1);
    await subscription.unsubscribe();
  });

  it('gives a connection 100 streams at a time', async () => {
    const crowded = stage.clientApart({ connectionString });
    let confirmed = 0;
    for (let i = 0; i < 110; i++) {
      const subscription = crowded.subscribeToStream(`crowd-${i}`, { fromRevision: START });
      subscription.on('confirmation', () => confirmed++);
      subscription.on('error', () => undefined);
      subscription.on('data', () => undefined);
    }
    await eventually(() => confirmed >= 100);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(confirmed).toBe(100);
    const other = stage.clientApart({ connectionString });
    await other.appendToStream('crowd-0', numbered(1));
  });

  it('says of what it does not have that it is not implemented', async () => {
    const created = client.createPersistentSubscriptionToStream('any', 'group', persistentSubscriptionToStreamSettingsFromDefaults());
    await expect(created).rejects.toThrow(/UNIMPLEMENTED|not implement/i);
  });

  it('refuses what is not an append without falling over', async () => {
    const nameless = client.appendToStream('', numbered(1));
    await expect(nameless).rejects.toThrow(/not a stream that can be written/);
    const wrongId = client.appendToStream('named', { ...numbered(1), id: 'not-a-uuid' });
    await expect(wrongId).rejects.toThrow(/id is not a UUID/);
    const reserved = client.appendToStream('named', numbered(1, '$streamDeleted'));
    await expect(reserved).rejects.toThrow(/reserved/);
    const fresh = stage.client({ connectionString });
    expect(await fresh.appendToStream(randomUUID(), numbered(1))).toMatchObject({ success: true });
  });
});
