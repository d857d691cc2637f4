import { ByteReader, ByteWriter } from './bytes';
import type { History } from './history';
import type { RecordFormat } from './memory';

/** One visitor's state in each history, in the folder's order of histories. */
export type VisitorRecord = unknown[];

/** Each state preceded by its length, so that one history cannot read into another's bytes. */
export class VisitorRecords implements RecordFormat<VisitorRecord> {
  private readonly scratch = new ByteWriter();

  // The states are the histories' own affair.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  constructor(private readonly histories: readonly History<any, any>[]) {}

  create(): VisitorRecord {
    return this.histories.map((history) => history.create() as unknown);
  }

  write(record: VisitorRecord, out: ByteWriter): void {
    for (let h = 0; h < this.histories.length; h++) {
      this.scratch.length = 0;
      this.histories[h]!.write(record[h], this.scratch);
      out.varint(this.scratch.length);
      out.raw(this.scratch.part(0, this.scratch.length));
    }
  }

  read(from: ByteReader): VisitorRecord {
    return this.histories.map((history) => history.read(new ByteReader(from.raw(from.varint()))) as unknown);
  }
}
