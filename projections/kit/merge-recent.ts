import { noDocuments, nothingBeyond, type BucketDocuments, type Merged, type Range } from './bucket-documents';
import { valuesPerRecentMinute } from './document';
import { nothing, ofMinuteOf, revOf } from './document-bytes';
import { allOf, chunkWith, placed } from './merge-values';
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
  const known = isOf === ofMinute ? stored : noDocuments();
  const { changes, others, values } = placed(delta, known, valuesPerRecentMinute, valuesPerRecentMinute);
  const [change] = changes;
  if (change === undefined) return { written: [], documents: stored };
  const document = chunkWith(change, isOf === ofMinute ? before : nothing, allOf(others), r1, ofMinute);
  return { written: [document], documents: { chunks: [document], values, placement: known.placement, beyond: nothingBeyond } };
}
