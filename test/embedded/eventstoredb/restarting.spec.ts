import { copyFile, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { END, type EventStoreDBClient, NO_STREAM } from '@eventstore/db-client';
import { start, StartError, type StartOptions } from '../../../src/embedded/eventstoredb';
import { allOf, block, numbered, numbersOf, Stage } from './stage';

describe('after a restart', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.clear());

  const session = async (options: Partial<StartOptions>, work: (client: EventStoreDBClient) => Promise<void>): Promise<void> => {
    const server = await stage.server(options);
    const client = stage.client(server);
    await work(client);
    await server.stop();
  };
  /** As a kill leaves a folder: the note of the clean stop is missing. */
  const forgetCleanStop = async (): Promise<void> => rm(join(await stage.folder(), 'clean-stop.json'));
  const lastSegment = async (): Promise<string> => join(await stage.folder(), (await stage.segments()).at(-1)!);
  const refusal = async (options: Partial<StartOptions> = {}): Promise<Error> => {
    const started = await start({ folder: await stage.folder(), port: 0, log: () => undefined, ...options }).catch((error: Error) => error);
    if (!(started instanceof Error)) await started.stop();
    expect(started).toBeInstanceOf(StartError);
    return started as Error;
  };
  const flip = async (path: string, offset: number): Promise<void> => {
    const file = await open(path, 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0]! ^= 0x40;
    await file.write(byte, 0, 1, offset);
    await file.close();
  };

  const small: Partial<StartOptions> = { segmentBytesMax: 32 << 10 };

  it('everything is there again, over many segments, with and without their index files', async () => {
    const ids: string[] = [];
    const event = numbered(7);
    await session(small, async (client) => {
      for (let i = 0; i < 20; i++) {
        await client.appendToStream(
          `s-${i % 5}`,
          Array.from({ length: 30 }, (_, n) => numbered(i * 30 + n)),
        );
      }
      await client.appendToStream('once', event);
      for await (const read of client.readAll()) ids.push(read.event!.id);
    });
    expect((await stage.segments()).length).toBeGreaterThan(3);
    const check = async (client: EventStoreDBClient): Promise<void> => {
      expect((await allOf(client.readAll())).map((read) => read.event!.id)).toEqual(ids);
      expect((await numbersOf(client.readStream('s-2'))).slice(0, 31)).toEqual([...Array.from({ length: 30 }, (_, n) => 60 + n), 210]);
      expect(await client.appendToStream('once', event)).toMatchObject({ nextExpectedRevision: 0n });
      await expect(client.appendToStream('s-1', numbered(0), { expectedRevision: NO_STREAM })).rejects.toMatchObject({
        actualVersion: 119n,
      });
    };
    await session(small, check);
    for (const name of await readdir(await stage.folder())) if (name.endsWith('.idx')) await rm(join(await stage.folder(), name));
    await session(small, check);
    expect(stage.lines.join()).toContain('is rebuilt');
    stage.lines.length = 0;
    for (const name of await readdir(await stage.folder())) if (name.endsWith('.idx')) await flip(join(await stage.folder(), name), 60);
    await session(small, check);
    expect(stage.lines.join()).toContain('is rebuilt');
  });

  it('events appended long before are still known by their ids, and by their revisions when the ids are forgotten', async () => {
    const events = Array.from({ length: 50 }, (_, n) => numbered(n));
    const options = { ...small, recentIdsMax: 100 };
    await session(options, async (client) => {
      await client.appendToStream('early', events);
      await client.appendToStream(
        'later',
        Array.from({ length: 300 }, (_, n) => numbered(n)),
      );
    });
    await session(options, async (client) => {
      expect(await client.appendToStream('early', events, { expectedRevision: NO_STREAM })).toMatchObject({ nextExpectedRevision: 49n });
      await client.appendToStream('early', events.slice(0, 1));
      expect(await allOf(client.readStream('early'))).toHaveLength(51);
    });
  });

  it('a torn tail is cut off, whatever byte it ends at, and said so', async () => {
    await session({}, (client) => client.appendToStream('torn', [numbered(0), numbered(1)]).then(() => undefined));
    const path = await lastSegment();
    const acknowledged = (await stat(path)).size;
    await session({}, (client) => client.appendToStream('torn', [numbered(2), block(1_000)]).then(() => undefined));
    const whole = await readFile(path);
    for (const end of [acknowledged + 1, acknowledged + 71, acknowledged + 72, acknowledged + 300, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, end));
      await forgetCleanStop();
      stage.lines.length = 0;
      await session({}, async (client) => {
        expect(await numbersOf(client.readStream('torn'))).toEqual([0, 1]);
        expect((await stat(path)).size).toBe(acknowledged);
      });
      expect(stage.lines.join()).toMatch(/torn tail: \d+ bytes/);
    }
  });

  it('a tail of garbage or of zeros is cut off, and appending goes on behind it', async () => {
    for (const tail of [Buffer.alloc(5_000), Buffer.alloc(5_000, 'RCR1')]) {
      await session({}, (client) => client.appendToStream('tail', numbered(0)).then(() => undefined));
      await forgetCleanStop();
      await writeFile(await lastSegment(), Buffer.concat([await readFile(await lastSegment()), tail]));
      await session({}, (client) => client.appendToStream('tail', numbered(1)).then(() => undefined));
    }
    await session({}, async (client) => expect(await numbersOf(client.readStream('tail'))).toEqual([0, 1, 0, 1]));
  });

  it('a damaged record that was acknowledged keeps the server from starting, and says where', async () => {
    await session({}, async (client) => {
      for (let n = 0; n < 5; n++) await client.appendToStream('damaged', block(1_000));
    });
    const path = await lastSegment();
    const sound = await readFile(path);
    await forgetCleanStop();
    for (const offset of [1_300 + 30, 1_300 + 900, 2_600]) {
      await flip(path, offset);
      expect((await refusal()).message).toMatch(/damaged.*restore the folder from a backup/);
      await writeFile(path, sound);
    }
    await session({}, async (client) => expect(await allOf(client.readStream('damaged'))).toHaveLength(5));
  });

  it('a log that is shorter than when it was stopped, or lacks a segment, is refused', async () => {
    await session(small, async (client) => {
      for (let n = 0; n < 40; n++) await client.appendToStream('short', block(3_000));
    });
    const path = await lastSegment();
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, whole.length - 10));
    expect((await refusal(small)).message).toContain('when it was stopped');
    await writeFile(path, whole);
    const first = join(await stage.folder(), (await stage.segments())[0]!);
    const kept = `${first}.kept`;
    await copyFile(first, kept);
    await rm(first);
    expect((await refusal(small)).message).toContain('a segment is missing');
    await copyFile(kept, first);
    await session(small, async (client) => expect(await allOf(client.readStream('short'))).toHaveLength(40));
  });

  it('damage in a sealed segment fails the reads that meet it, and no others', async () => {
    await session(small, async (client) => {
      for (let n = 0; n < 40; n++) await client.appendToStream('rot', block(3_000));
    });
    await flip(join(await stage.folder(), (await stage.segments())[1]!), 5_000);
    await session(small, async (client) => {
      await expect(allOf(client.readStream('rot'))).rejects.toThrow(/damaged/);
      expect(await allOf(client.readStream('rot', { direction: 'backwards', fromRevision: END, maxCount: 10 }))).toHaveLength(10);
    });
  });
});
