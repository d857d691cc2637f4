import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Definitions } from '../../src/domain/definitions';
import type { AcceptedEvent } from '../../src/domain/columns';
import { bytesOf, foldBlocks } from './folding';

/** What a process of its own is given on stdin to fold. */
export interface FoldingOrder {
  readonly blocks: readonly (readonly AcceptedEvent[])[];
  readonly timezones: Record<string, string>;
  readonly definitions: Record<string, Definitions>;
  /** A flush after so many blocks. */
  readonly flushEvery: number;
  readonly bounds: { readonly recordsMax: number; readonly bytesMax: number };
}

/** What it answers on stdout. */
export interface FoldedThere {
  /** Of all documents, by id. */
  readonly hashes: Record<string, string>;
  /** That the process is where it was to be: a date as its locale and timezone write it, and its year. */
  readonly date: string;
  readonly year: number;
}

if (require.main === module) {
  const order = JSON.parse(readFileSync(0, 'utf8')) as FoldingOrder;
  const documents = foldBlocks(order.blocks, { ...order, takeAfter: (block) => block % order.flushEvery === 0 });
  const hashes = Object.fromEntries(
    [...bytesOf(documents)].map(([id, bytes]) => [id, createHash('sha256').update(bytes).digest('base64')]),
  );
  const answer: FoldedThere = {
    hashes,
    date: new Date(Date.UTC(2025, 2, 9, 12)).toLocaleString(),
    year: new Date().getFullYear(),
  };
  process.stdout.write(JSON.stringify(answer));
}
