import { documentsBytes, type BucketDocuments, type Merged, type Range } from '../../projections/kit/bucket-documents';
import { createFolder } from '../../projections/kit/folder';
import { documentsLoaded, idsToLoad, mergeDelta } from '../../projections/kit/merging';
import type { BucketDelta, Folder, ProjectionDefinition } from '../../projections/kit/projection';
import type { EventColumns } from '../domain/columns';
import { BlockUnreadable, decodeBlock } from '../stores/block';
import type { RecordedEvent } from '../stores/event-store';
import { FoldStopped } from './faults';

/** What the loop must know of a projection; the rest is the kit's. */
export interface Definition {
  readonly name: string;
  readonly version: number;
  readonly kind: 'declared' | 'history';
  /** A declared projection that needs to know of earlier purchases. */
  readonly orders?: true;
}

/** Whether what a projection counts of an event depends on that event alone. */
export const countsByRow = ({ kind, orders }: Definition): boolean => kind === 'declared' && orders !== true;

/** The pure part the loop drives: blocks to columns, columns to deltas, deltas into documents. */
export interface FoldingKit<D extends Definition = Definition> {
  /** @throws BlockUnreadable */
  decode(bytes: Uint8Array): EventColumns;
  createFolder(definitions: readonly D[]): Folder;
  /** The documents a delta changes, without those an earlier attempt at the same range has written. */
  merge(delta: BucketDelta, stored: BucketDocuments, range: Range): Merged;
  /** The documents of a delta to load next, when those of the rounds before are `loaded`; none: that is all there can be. */
  idsToLoad(delta: BucketDelta, loaded: readonly Uint8Array[], round: number): string[];
  /** What was stored of the documents to load, in that order. */
  documentsLoaded(delta: BucketDelta, loaded: readonly Uint8Array[]): BucketDocuments;
  /** Rough size in memory. */
  documentsBytes(documents: BucketDocuments): number;
}

export const foldingKit: FoldingKit<ProjectionDefinition> = {
  decode: decodeBlock,
  createFolder: (definitions) => createFolder(definitions),
  merge: mergeDelta,
  idsToLoad,
  documentsLoaded,
  documentsBytes,
};

/** @throws FoldStopped it cannot be read */
export function decodeRecord(kit: Pick<FoldingKit, 'decode'>, record: RecordedEvent): EventColumns {
  try {
    return kit.decode(record.data);
  } catch (error) {
    if (!(error instanceof BlockUnreadable)) throw error;
    throw new FoldStopped(`${record.stream} revision ${record.revision}: ${error.message}`, { cause: error });
  }
}
