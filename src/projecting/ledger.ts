import type { RecordStore, Versioned } from '../stores/read-store';

/** A record changed under the coordinator's hands: the next round sees it as it is. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** The coordinator's writes: each only if nobody else wrote since it was read. */
export class Ledger {
  constructor(readonly records: RecordStore) {}

  /** @throws Overtaken there is one already */
  async create<T extends object>(kind: string, id: string, value: T): Promise<Versioned<T>> {
    if (!(await this.records.putIf(kind, id, value, 0))) throw new Overtaken(`${kind} ${id} exists already`);
    return { id, rev: 1, value };
  }

  /** @throws Overtaken it has changed */
  async save<T extends object>(kind: string, entry: Versioned<T>, value: T): Promise<void> {
    if (!(await this.records.putIf(kind, entry.id, value, entry.rev))) throw new Overtaken(`${kind} ${entry.id} has changed`);
    entry.value = value;
    entry.rev++;
  }
}
