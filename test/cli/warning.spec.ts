import type { AddressInfo } from 'node:net';
import * as fs from 'node:fs';
import { AdministeringModule } from '../../src/administering/administering.module';
import { type RebuildRecord, recordKinds } from '../../src/stores/records';
import { serving } from '../administering/serving';
import { run, type Running } from '../configuring/running';
import { distPath } from '../dist';
import { isolated, newFolder, RecountProcess } from '../running/recount';

const rebuildId = 'g2-traffic';

let running: Running;
let folder: string;
beforeAll(async () => {
  folder = newFolder();
  running = await run([AdministeringModule]);
  await serving(running.store.records, 'g1', ['traffic']);
  await running.app.listen(0, '127.0.0.1');
  await running.send('post', '/admin/projections/traffic/reset', { promote: 'manual' }).expect(202, { rebuildId });
});
afterAll(async () => {
  await running.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What the coordinator makes of the rebuild. */
async function caughtUp(change: Pick<RebuildRecord, 'warning'>): Promise<void> {
  const { value } = (await running.store.records.get<RebuildRecord>(recordKinds.rebuilds, rebuildId))!;
  await running.store.records.put(recordKinds.rebuilds, rebuildId, { ...value, state: 'caught-up', ...change });
}

/** The lines that the command prints. */
async function printed(...words: string[]): Promise<string[]> {
  const { port } = running.app.getHttpServer().address() as AddressInfo;
  const variables = isolated(folder, { HTTP_PORT: String(port), ADMIN_TOKEN: running.adminToken });
  const command = new RecountProcess(variables, distPath('src/cli/recount.ts'), words);
  expect([await command.ended, command.stderr]).toEqual([{ code: 0, signal: null }, []]);
  return command.stdout;
}

describe('What is lost by promoting a rebuild', () => {
  const shown = 'Warning: the log was cut short.';

  it('is told by whoever shows the rebuild, or watches it, in the last line before what to do', async () => {
    await caughtUp({ warning: 'the log was cut short' });
    expect((await printed('rebuilds', 'show', rebuildId)).at(-1)).toBe(shown);
    const watched = await printed('rebuilds', 'watch', rebuildId);
    expect(watched.slice(-2)).toEqual([shown, expect.stringMatching(/^Caught up .*Switch with: recount rebuilds promote g2-traffic$/)]);
  });

  it('is not spoken of where there is nothing to lose', async () => {
    await caughtUp({ warning: undefined });
    for (const word of ['show', 'watch']) expect((await printed('rebuilds', word, rebuildId)).join('\n')).not.toContain('Warning');
  });
});
