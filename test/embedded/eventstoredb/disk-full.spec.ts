import { type EventStoreDBClient, START } from '@eventstore/db-client';
import { type LogFile, openLogFile } from '../../../src/embedded/eventstoredb/log/log-writer';
import { allOf, block, numbered, numbersOf, Stage } from './stage';

/** A disk with little room: a write beyond it leaves what still fits behind, as a real one does. */
class SmallDisk {
  bytesFree = Infinity;
  syncFails = false;
  takesFiles = true;

  readonly open = async (path: string): Promise<LogFile> => {
    if (!this.takesFiles) throw new Error('ENOSPC: no space left on device, open');
    const file = await openLogFile(path);
    return {
      write: async (buffers, offset) => {
        const all = Buffer.concat(buffers);
        const fits = Math.min(all.length, this.bytesFree);
        this.bytesFree -= fits;
        await file.write([all.subarray(0, fits)], offset);
        if (fits < all.length) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
      sync: async () => {
        if (this.syncFails) throw new Error('EIO: i/o error, fdatasync');
        await file.sync();
      },
      truncate: (bytes) => file.truncate(bytes),
      close: () => file.close(),
    };
  };
}

describe('when the disk is full', () => {
  let stage: Stage;
  let disk: SmallDisk;
  let client: EventStoreDBClient;
  let connectionString: string;
  let stop: () => Promise<void>;
  beforeEach(async () => {
    stage = new Stage();
    disk = new SmallDisk();
    const server = await stage.server({ openFile: disk.open });
    ({ connectionString } = server);
    stop = () => server.stop();
    client = stage.client(server);
    await client.appendToStream('log', [numbered(0), numbered(1)]);
  });
  afterEach(() => stage.clear());
  const appended = async (n: number): Promise<void> => {
    await stage.client({ connectionString }).appendToStream('log', numbered(n));
  };

  it.each([
    ['a write', () => (disk.bytesFree = 1_000)],
    ['a sync', () => (disk.syncFails = true)],
  ])('fails the waiting appends with UNAVAILABLE when %s fails, serves reads, and recovers', async (_what, fault) => {
    fault();
    const waiting = await Promise.allSettled(Array.from({ length: 5 }, () => client.appendToStream('log', block(2_000))));
    expect(waiting.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    for (const outcome of waiting) {
      expect((outcome as PromiseRejectedResult).reason).toMatchObject({
        type: 'unavailable',
        message: expect.stringMatching(/ENOSPC|EIO/),
      });
    }
    const reader = stage.client({ connectionString });
    expect(await numbersOf(reader.readStream('log', { fromRevision: START }))).toEqual([0, 1]);
    await expect(appended(9)).rejects.toMatchObject({ type: 'unavailable' });

    disk.bytesFree = Infinity;
    disk.syncFails = false;
    await appended(2);
    expect(await numbersOf(reader.readStream('log'))).toEqual([0, 1, 2]);
    expect(stage.lines).toEqual([expect.stringMatching(/cannot be written: (ENOSPC|EIO)/), 'the log can be written again']);

    await stop();
    const again = stage.client(await stage.server());
    expect(await numbersOf(again.readStream('log'))).toEqual([0, 1, 2]);
  });

  it('never shows half of what it could not write, even when it is stopped meanwhile', async () => {
    disk.bytesFree = 1_000;
    await expect(client.appendToStream('log', [numbered(2), block(50_000)])).rejects.toMatchObject({ type: 'unavailable' });
    await stop();
    const again = stage.client(await stage.server());
    expect(await numbersOf(again.readStream('log'))).toEqual([0, 1]);
    await again.appendToStream('log', numbered(2));
    expect(await numbersOf(again.readStream('log'))).toEqual([0, 1, 2]);
  });

  it('goes on in the full segment while there is no room for the next', async () => {
    await stop();
    const server = await stage.server({ openFile: disk.open, segmentBytesMax: 20_000 });
    const writer = stage.client(server);
    disk.takesFiles = false;
    for (let n = 2; n < 30; n++) await writer.appendToStream('log', [numbered(n), block(1_000)]);
    expect(await stage.segments()).toHaveLength(1);
    expect(stage.lines.length).toBeLessThan(10);
    expect(stage.lines[0]).toMatch(/next segment cannot be begun: ENOSPC/);
    disk.takesFiles = true;
    for (let n = 30; n < 40; n++) await writer.appendToStream('log', [numbered(n), block(1_000)]);
    expect((await stage.segments()).length).toBeGreaterThan(1);
    await server.stop();
    const again = stage.client(await stage.server());
    expect(await allOf(again.readStream('log'))).toHaveLength(2 + 38 * 2);
  });
});
