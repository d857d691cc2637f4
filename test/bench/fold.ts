import { catalog } from '../../projections/catalog';
import { noDocuments, type BucketDocuments } from '../../projections/kit/bucket-documents';
import { createFolder } from '../../projections/kit/folder';
import { mergeDelta } from '../../projections/kit/merging';
import type { BucketDelta, Folder } from '../../projections/kit/projection';
import type { EventColumns } from '../../src/domain/columns';
import { pseudonymsUnder } from '../../src/domain/pseudonyms';
import { decodeBlock, encodeBlock } from '../../src/stores/block';
import { shopEvents } from './events';
import { spreadOf, type Spread } from './figures';

export interface Folded {
  /** Of a block's record in the log. */
  bytesPerEvent: number;
  jsonBytesPerEvent: number;
  steps: { name: string; cpuUsPerEvent: Spread }[];
}

const settings = { timezone: 'America/New_York' };
const rowsPerBlock = 3_000;
const eventsPerJson = 50;

/**
 * CPU per event of decoding and of folding, for each projection alone and all together; one thread, no store. JSON.parse of the same
 * events, in batches as clients send them, is what any collector of JSON pays, and says how fast this machine is just now; what it pays
 * for pseudonyms is beside it.
 */
export function benchFold(repetitions: number): Folded {
  const events = shopEvents({ merchants: 50, count: 300_000, start: Date.parse('2026-11-22T10:00:00Z'), perSecond: 5_000, seed: 1 });
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < events.length; i += rowsPerBlock) blocks.push(encodeBlock(events.slice(i, i + rowsPerBlock)));
  const texts: string[] = [];
  for (let i = 0; i < events.length; i += eventsPerJson) texts.push(JSON.stringify(events.slice(i, i + eventsPerJson)));
  const steps: Folded['steps'] = [];
  const measure = (name: string, run: () => void): void => {
    run();
    const runs = Array.from({ length: Math.max(3, repetitions) }, () => {
      const before = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / events.length;
    });
    steps.push({ name, cpuUsPerEvent: spreadOf(runs) });
  };
  measure('JSON.parse of the same events', () => texts.forEach((text) => void JSON.parse(text)));
  measure('pseudonyms of their visitors', () => {
    const pseudonymOf = pseudonymsUnder('s'.repeat(43));
    for (const { visitorId } of events) pseudonymOf(visitorId);
  });
  measure('encode', () => {
    for (let i = 0; i < events.length; i += rowsPerBlock) encodeBlock(events.slice(i, i + rowsPerBlock));
  });
  measure('decode', () => blocks.forEach((block) => decodeBlock(block)));
  measure('decode + id hashes', () => blocks.forEach((block) => decodeBlock(block).idHashes()));
  for (const projections of [...catalog.map((projection) => [projection]), catalog]) {
    measure(`decode + fold ${projections.map(({ name }) => name).join(' + ')}`, () => {
      const folder = createFolder(projections);
      const cold = new Map<string, Uint8Array>();
      blocks.forEach((block, i) => {
        const columns = decodeBlock(block);
        foldBlock(folder, columns, i, cold);
        if (i % 20 === 19) taken(folder, cold);
      });
    });
  }
  measure('all of it, merged into documents every 60,000 events', () => {
    const folder = createFolder(catalog);
    const cold = new Map<string, Uint8Array>();
    const documents = new Map<string, BucketDocuments>();
    blocks.forEach((block, i) => {
      const columns = decodeBlock(block);
      foldBlock(folder, columns, i, cold);
      if (i % 20 !== 19) return;
      for (const delta of taken(folder, cold)) {
        const stored = documents.get(delta.prefix) ?? noDocuments();
        documents.set(delta.prefix, mergeDelta(delta, stored, { r0: i - 20, r1: i }).documents);
      }
    });
  });
  return {
    bytesPerEvent: blocks.reduce((bytes, block) => bytes + block.length, 0) / events.length,
    jsonBytesPerEvent: texts.reduce((bytes, text) => bytes + text.length, 0) / events.length,
    steps,
  };
}

/** A map stands for the store in which visitors are who are not in memory. */
function foldBlock(folder: Folder, columns: EventColumns, block: number, cold: ReadonlyMap<string, Uint8Array>): void {
  const skip = new Uint8Array(columns.count);
  for (const key of folder.absent(columns, skip, () => settings)) folder.admit(key, cold.get(key));
  folder.fold(columns, skip, () => settings, block * rowsPerBlock);
}

function taken(folder: Folder, cold: Map<string, Uint8Array>): readonly BucketDelta[] {
  const { deltas, cold: left } = folder.take();
  for (const { key, bytes } of left) cold.set(key, bytes);
  folder.flushed();
  return deltas;
}
