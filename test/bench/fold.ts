import { catalog } from '../../projections/catalog';
import { mergeDelta, type StoredDoc } from '../../projections/kit/document';
import { createFolder } from '../../projections/kit/folder';
import { decodeBlock, encodeBlock } from '../../src/stores/block';
import { shopEvents } from './events';

const settings = { timezone: 'America/New_York' };

/** CPU per event of decoding and of folding, for each projection alone and all together; one thread, no store. */
export function benchFold(): { name: string; cpuUsPerEvent: number }[] {
  const rowsPerBlock = 3_000;
  const events = shopEvents({ merchants: 50, count: 300_000, start: Date.parse('2026-11-22T10:00:00Z'), perSecond: 5_000, seed: 1 });
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < events.length; i += rowsPerBlock) blocks.push(encodeBlock(events.slice(i, i + rowsPerBlock)));
  const results: { name: string; cpuUsPerEvent: number }[] = [];
  const measure = (name: string, run: () => void): void => {
    run();
    const runs = [0, 1, 2].map(() => {
      const before = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / events.length;
    });
    results.push({ name, cpuUsPerEvent: runs.sort((a, b) => a - b)[1]! });
  };
  measure('encode', () => {
    for (let i = 0; i < events.length; i += rowsPerBlock) encodeBlock(events.slice(i, i + rowsPerBlock));
  });
  measure('decode', () => blocks.forEach((block) => decodeBlock(block)));
  measure('decode + id hashes', () => blocks.forEach((block) => decodeBlock(block).idHashes()));
  for (const projections of [...catalog.map((projection) => [projection]), catalog]) {
    measure(`decode + fold ${projections.map(({ name }) => name).join(' + ')}`, () => {
      const folder = createFolder(projections);
      blocks.forEach((block, i) => {
        const columns = decodeBlock(block);
        folder.fold(columns, new Uint8Array(columns.count), () => settings);
        if (i % 20 === 19) folder.take();
      });
    });
  }
  measure('all of it, merged into documents every 60,000 events', () => {
    const folder = createFolder(catalog);
    const documents = new Map<string, StoredDoc[]>();
    blocks.forEach((block, i) => {
      const columns = decodeBlock(block);
      folder.fold(columns, new Uint8Array(columns.count), () => settings);
      if (i % 20 !== 19) return;
      for (const delta of folder.take().deltas) {
        const stored = documents.get(delta.prefix) ?? [];
        const merged = [...stored];
        for (const doc of mergeDelta(delta, stored, { r0: i - 20, r1: i })) merged[Number(doc._id.slice(-3))] = doc;
        documents.set(delta.prefix, merged);
      }
    });
  });
  results.push({ name: 'bytes per event', cpuUsPerEvent: blocks.reduce((bytes, block) => bytes + block.length, 0) / events.length });
  return results;
}

if (require.main === module) console.table(benchFold());
