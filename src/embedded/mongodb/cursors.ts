import { CommandError } from './errors';
import { limits } from './limits';
import type { DocumentSource } from './query/source';

export interface Cursor {
  readonly id: bigint;
  readonly ns: string;
  readonly source: DocumentSource;
  lastUsedAt: number;
  /** A getMore is being answered from it. */
  busy: boolean;
}

/** Open cursors, bounded in number, in memory held and in time unused. */
export class Cursors {
  private readonly open = new Map<bigint, Cursor>();
  private heldBytes = 0;
  // Ids begin at the start time so that a cursor of an earlier run is not mistaken for one of this run.
  private lastId = BigInt(Date.now()) << 20n;

  add(ns: string, source: DocumentSource): Cursor {
    if (this.open.size >= limits.cursorsMax)
      throw new CommandError('BadValue', `more than ${limits.cursorsMax} cursors are open: exhaust or kill some`);
    if (this.heldBytes + source.heldBytes > limits.cursorBytesMax) {
      throw new CommandError(
        'QueryExceededMemoryLimitNoDiskUseAllowed',
        `open cursors hold more than ${limits.cursorBytesMax} bytes of sorted or computed results`,
      );
    }
    const cursor: Cursor = { id: ++this.lastId, ns, source, lastUsedAt: Date.now(), busy: false };
    this.open.set(cursor.id, cursor);
    this.heldBytes += source.heldBytes;
    return cursor;
  }

  /** Throws CursorNotFound, also for a namespace that is not the cursor's. */
  use(id: bigint, ns: string): Cursor {
    const cursor = this.open.get(id);
    if (cursor === undefined) throw new CommandError('CursorNotFound', `cursor id ${id} not found`);
    if (cursor.ns !== ns)
      throw new CommandError(
        'BadValue',
        `Requested getMore on namespace '${ns}', but cursor belongs to a different namespace ${cursor.ns}`,
      );
    if (cursor.busy) throw new CommandError('BadValue', `cursor id ${id} is already in use`);
    cursor.lastUsedAt = Date.now();
    return cursor;
  }

  close(id: bigint): boolean {
    const cursor = this.open.get(id);
    if (cursor === undefined) return false;
    this.open.delete(id);
    this.heldBytes -= cursor.source.heldBytes;
    return true;
  }

  closeIdle(now: number): void {
    for (const cursor of this.open.values()) {
      if (!cursor.busy && now - cursor.lastUsedAt > limits.cursorIdleMs) this.close(cursor.id);
    }
  }

  get size(): number {
    return this.open.size;
  }
}
