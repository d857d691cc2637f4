import { deserialize, serialize } from 'bson';
import { catalog, type ProjectionDefinition } from '../../projections/catalog';
import type { StoredDoc } from '../../projections/kit/document';
import { idOf } from '../../projections/kit/document-bytes';
import { createFolder } from '../../projections/kit/folder';
import { documentsLoaded, idsToLoad, mergeDelta } from '../../projections/kit/merging';
import type { MemoryBounds } from '../../projections/kit/memory';
import { Tally, type StoredMeasures } from '../../projections/kit/measures';
import type { Folder, MerchantSettings } from '../../projections/kit/projection';
import type { AcceptedEvent, EventColumns } from '../../src/domain/columns';
import type { Definitions } from '../../src/domain/definitions';
import { decodeBlock, encodeBlock } from '../../src/stores/block';

export type Documents = Map<string, StoredDoc>;

export interface FoldOptions {
  timezones?: Record<string, string>;
  definitions?: Record<string, Definitions>;
  /** Default: all of them. */
  projections?: readonly ProjectionDefinition[];
  /** How many histories stay in memory between takes. */
  bounds?: MemoryBounds;
  /** After which blocks (by number) the batch is taken and written; the last one always is. */
  takeAfter?: (block: number) => boolean;
  /** After which takes the folder is thrown away and restored from its state, as after a crash. */
  restartAfter?: (block: number) => boolean;
}

/** Folds blocks of rows into documents the way the projecting role does, in memory. */
export function foldBlocks(blocks: readonly (readonly AcceptedEvent[])[], options: FoldOptions = {}): Documents {
  const documents = new Map<string, Uint8Array>();
  const known = new Map<string, MerchantSettings>();
  const settingsOf = (merchantId: string): MerchantSettings => {
    let settings = known.get(merchantId);
    if (settings === undefined) {
      const definitions = options.definitions?.[merchantId];
      settings = { timezone: options.timezones?.[merchantId] ?? 'UTC', ...(definitions && { definitions }) };
      known.set(merchantId, settings);
    }
    return settings;
  };
  const seen = new Set<string>();
  const newFolder = (): Folder => createFolder(options.projections ?? catalog, options.bounds);
  let folder = newFolder();
  const cold = new Map<string, Uint8Array>();
  const states: Uint8Array[] = [];
  let r0 = -1;
  blocks.forEach((rows, block) => {
    const columns = decodeBlock(encodeBlock(rows));
    const skip = duplicates(columns, seen);
    for (const key of folder.absent(columns, skip, settingsOf)) folder.admit(key, cold.get(key));
    folder.fold(columns, skip, settingsOf, block * 1_000);
    if (block < blocks.length - 1 && !(options.takeAfter?.(block) ?? false)) return;
    const { deltas, state, cold: left } = folder.take();
    if (state) states.push(state);
    for (const { key, bytes } of left) cold.set(key, bytes);
    folder.flushed();
    for (const delta of deltas) {
      const stored: Uint8Array[] = [];
      for (let round = 0, ids; (ids = idsToLoad(delta, stored, round)).length > 0; round++) {
        for (const id of ids) if (documents.has(id)) stored.push(documents.get(id)!);
      }
      const { written } = mergeDelta(delta, documentsLoaded(delta, stored), { r0, r1: block });
      for (const bytes of written) documents.set(idOf(bytes), asDriversWrite(bytes));
    }
    r0 = block;
    if (options.restartAfter?.(block)) {
      // A snapshot in the middle stands for all that came before it.
      if (block % 2 === 0) states.splice(0, states.length, folder.snapshot());
      const { hasCold } = folder;
      folder = newFolder();
      folder.restore(states, hasCold);
    }
  });
  return new Map([...documents].map(([id, bytes]) => [id, parsed(bytes)]));
}

/** As the store's driver gives it. */
export const parsed = (bytes: Uint8Array): StoredDoc => deserialize(bytes, { useBigInt64: true, promoteBuffers: true }) as StoredDoc;

/** @throws Error where a driver would have written other bytes of the same content: another type of number, another order */
function asDriversWrite(bytes: Uint8Array): Uint8Array {
  const doc = parsed(bytes);
  if (Buffer.compare(serialize(doc), bytes) !== 0) throw new Error(`${doc._id} is not stored as a driver would write it`);
  return bytes;
}

/** What the store would hold of each document, without `rev`: that tells when, not what. */
export function bytesOf(documents: Documents): Map<string, string> {
  return new Map(
    [...documents.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, { rev: _rev, ...content }]) => [id, Buffer.from(serialize(content)).toString('base64')]),
  );
}

/** Everything stored of a bucket merged: one dimension value, or the totals with ''. */
export function tallyOf(documents: Documents, prefix: string, value: string, bots: 'exclude' | 'include' | 'only'): Tally {
  const tally = new Tally();
  const add = (measures: StoredMeasures | undefined): void => {
    if (measures) tally.add(measures);
  };
  const minute = /^(.*\|minute\|.*T\d\d):(\d\d)$/.exec(prefix);
  const places = minute
    ? [
        { prefix: minute[1]!, value: minute[2]! },
        { prefix, value: '' },
      ]
    : [{ prefix, value }];
  for (const place of places) {
    for (const doc of documents.values()) {
      if (!doc._id.startsWith(`${place.prefix}|`)) continue;
      for (const stored of doc.values) {
        if (stored.v !== place.value) continue;
        if (bots !== 'only') add(stored.h);
        if (bots !== 'exclude') add(stored.b);
      }
    }
  }
  return tally;
}

function duplicates(columns: EventColumns, seen: Set<string>): Uint8Array {
  return Uint8Array.from(columns.ids, (id, row) => {
    const key = `${columns.text.merchantId.values[columns.text.merchantId.codes[row]!]} ${id}`;
    if (seen.has(key)) return 1;
    seen.add(key);
    return 0;
  });
}
