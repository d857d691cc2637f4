import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { start } from '../../../src/embedded/eventstoredb';
import { distPath } from '../../dist';
import { allOf, numbered, numbersOf, runToExit, Stage } from './stage';

describe('the process', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.clear());

  it('serves, stops cleanly on SIGTERM and SIGINT, and finds its data again', async () => {
    for (const [i, signal] of (['SIGTERM', 'SIGINT', 'SIGTERM'] as const).entries()) {
      const server = await stage.process();
      const client = stage.client(server);
      await client.appendToStream('kept', numbered(i));
      expect(await allOf(client.readStream('kept'))).toHaveLength(i + 1);
      expect(await server.kill(signal)).toBe(0);
    }
  });

  it('ends when its parent is gone', async () => {
    const child = fork(distPath('src/embedded/eventstoredb/main.ts'), ['--folder', await stage.folder(), '--port', '0'], { silent: true });
    await once(child.stdout!, 'data');
    child.disconnect();
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
  });

  it('is found by discovery', async () => {
    const server = await stage.process();
    const client = stage.client({ connectionString: server.connectionString.replace('esdb://', 'esdb+discover://') });
    await client.appendToStream('found', numbered(1));
    expect(await numbersOf(client.readStream('found'))).toEqual([1]);
  });

  describe('says in one line what keeps it from starting', () => {
    const expectLine = async (args: string[], line: RegExp): Promise<void> => {
      const { code, stdout, stderr } = await runToExit(args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(line);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    };

    it('a taken port', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      stage.atEnd(async () => void taken.close());
      const { port } = taken.address() as AddressInfo;
      await expectLine(
        ['--folder', await stage.folder(), '--port', String(port)],
        new RegExp(`port ${port} on 127.0.0.1 is taken; .*choose another`),
      );
    });

    it('a folder that is a file or cannot be written', async () => {
      const file = join(await stage.folder(), 'file');
      await writeFile(file, '');
      await expectLine(['--folder', file, '--port', '0'], /is not a folder; choose another/);
      const closed = join(await stage.folder(), 'closed');
      await mkdir(closed);
      await chmod(closed, 0o500);
      // The super-user may write anywhere; a folder below a file is refused to everyone.
      if (process.getuid?.() === 0) await expectLine(['--folder', join(file, 'below'), '--port', '0'], /is not a folder/);
      else await expectLine(['--folder', closed, '--port', '0'], /cannot be written by this user/);
    });

    it('wrong or missing settings', async () => {
      await expectLine(['--port', '0'], /--folder is missing/);
      await expectLine(['--folder', await stage.folder(), '--port', '70000'], /--port is '70000'; a whole number from 0 to 65535/);
    });

    it('a folder in use, naming who uses it', async () => {
      const server = await stage.process();
      await expectLine(
        ['--folder', await stage.folder(), '--port', '0'],
        new RegExp(`is in use by process ${server.child.pid}; stop that process`),
      );
      const here = start({ folder: await stage.folder(), port: 0, log: () => undefined });
      await expect(here).rejects.toThrow(`process ${server.child.pid}`);
      await server.kill('SIGKILL');
      const taken = await stage.server();
      await expect(start({ folder: await stage.folder(), port: 0 })).rejects.toThrow(`process ${process.pid}`);
      await taken.stop();
    });
  });
});
