import { noDocuments, nothingBeyond, type BucketDocuments, type Merged, type Range } from './bucket-documents';
import { documentId, valuesPerRecentMinute, type CellDelta } from './document';
import { nothing, ofMinuteOf, revOf } from './document-bytes';
import { allOf, chunkWith, type Change } from './merge-values';
import type { BucketDelta } from './projection';

/**
 * A minute of the hour has one place, which it gives up to the same minute of a later hour. Whatever the order of the log and
 * wherever flushes fall, a place ends as all that the log has of its latest minute: nothing need be deleted, nor counted twice.
 */
export function mergeRecent(delta: BucketDelta, stored: BucketDocuments, { r1 }: Range): Merged {
  const ofMinute = delta.ofMinute!;
  const before = stored.chunks[0] ?? nothing;
  const isOf = before === nothing ? '' : ofMinuteOf(before);
  if (before !== nothing && (revOf(before) >= r1 || isOf > ofMinute)) return { written: [], documents: stored };
  const { placement, values } = isOf === ofMinute ? stored : noDocuments();
  const change: Change = { id: documentId(delta.prefix, 0), cells: [], held: values, added: [] };
  const others: CellDelta[] = [];
  let total = values;
  for (const [value, cell] of delta.cells() as readonly (readonly [string, CellDelta])[]) {
    const place = placement.find(value, total);
    if (place !== -1) {
      change.cells[place] = cell;
    } else if (total < valuesPerRecentMinute) {
      placement.put(value, total);
      change.added.push(value);
      change.cells[total++] = cell;
    } else {
      others.push(cell);
    }
  }
  const document = chunkWith(change, isOf === ofMinute ? before : nothing, allOf(others), r1, ofMinute);
  return { written: [document], documents: { chunks: [document], values: total, placement, beyond: nothingBeyond } };
}
