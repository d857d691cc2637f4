import { countDistinct, exactMax } from '../../projections/kit/distinct';
import { exactUnionMax } from '../../projections/kit/distinct-union';
import { bucketOf, shardOfId } from '../../projections/kit/document';
import type { Granularity } from '../../projections/kit/projection';
import { isSketchTag } from '../../projections/kit/sketch';
import { documentsIn, finerStretches, joined, type Stretch } from './coverage';
import type { ReportDocuments } from './documents';
import { bucketEnd, bucketName, bucketStart, pagesOf, type FamilyOfMerchant } from './scanning';
import { StoredSet, type ReadDoc, type Side, type Wanted } from './stored-bytes';

/** What one answer may read beside the documents that cover it; shared by all it reads. */
export interface FinerBudget {
  documentsLeft: number;
}
/** 83 days by their hours, or 33 hours by their minutes. */
export const finerBudget = (): FinerBudget => ({ documentsLeft: 2_000 });

export interface RefinedSource extends FamilyOfMerchant {
  /** Finer documents there are none. */
  readonly finest: Granularity;
  /** What is counted. */
  readonly wants: Wanted;
  /** The sets that are needed, by name of the measure. */
  readonly distincts: readonly string[];
  readonly finer: FinerBudget;
}

/** A bucket as one shard of the merchant counts it: what belongs together in documents of different granularities. */
export const placeOf = (bucket: string, id: string): string => `${bucket}@${shardOfId(id)}`;
/** Exact sets to merge in place of a sketch, by `keyOf`. */
export type RefinedSets = ReadonlyMap<string, readonly StoredSet[]>;
const nothing: RefinedSets = new Map();

export const keyOf = (place: string, side: Side, measure: string, value: string): string => `${place}|${side}|${measure}|${value}`;

/**
 * A document keeps a set of visitors exactly up to `exactMax` and estimates beyond. The finer documents of the same bucket hold the
 * same visitors in smaller sets: where all of those are exact, their union is the set the bucket could not keep. They are read for
 * the sketches of a page when all of them fit the budget: half would cost as much and leave the answer estimated.
 */
export async function refine(
  documents: ReportDocuments,
  source: RefinedSource,
  { granularity }: Stretch,
  page: readonly ReadDoc[],
): Promise<RefinedSets> {
  const { finest } = source;
  if (source.distincts.length === 0 || granularity === 'minute' || granularity === finest) return nothing;
  const { timezone } = source.standing;
  const sketched = sketchesIn(page, source);
  const parts: { bucket: string; stretches: readonly Stretch[]; documentsMax: number }[] = [];
  let documentsMax = 0;
  for (const [bucket, { chunks }] of sketched) {
    const from = bucketStart(granularity, timezone, bucket);
    const stretches = finerStretches({ granularity, from, to: bucketEnd(granularity, timezone, from) }, timezone, finest);
    if (stretches === undefined) continue;
    // Finer buckets have fewer values and so no more chunks.
    parts.push({ bucket, stretches, documentsMax: documentsIn(stretches) * chunks });
    documentsMax += parts.at(-1)!.documentsMax;
  }
  if (documentsMax > source.finer.documentsLeft) return nothing;

  const sets = new Map<string, StoredSet[]>();
  const read: Stretch[] = [];
  for (const { bucket, stretches, documentsMax } of parts) {
    // More than the finer sets, or the union of an answer, could hold exactly stays estimated.
    const holdable = Math.min(exactUnionMax, documentsIn(stretches) * exactMax);
    const worthwhile = sketched.get(bucket)!.sketches.filter(({ sketch }) => countDistinct(sketch.view()).count <= holdable);
    if (worthwhile.length === 0) continue;
    for (const { key } of worthwhile) sets.set(key, []);
    source.finer.documentsLeft -= documentsMax;
    read.push(...stretches);
  }
  await Promise.all(joined(read).map((stretch) => gather(documents, source, stretch, bucketName(granularity, timezone), sets)));
  return sets;
}

/** By bucket, in order of time. */
function sketchesIn(
  page: readonly ReadDoc[],
  source: RefinedSource,
): Map<string, { sketches: { key: string; sketch: StoredSet }[]; chunks: number }> {
  const sketched = new Map<string, { sketches: { key: string; sketch: StoredSet }[]; chunks: number }>();
  const chunks = new Map<string, number>();
  for (const document of page) {
    const bucket = bucketOf(document._id);
    const place = placeOf(bucket, document._id);
    chunks.set(bucket, (chunks.get(bucket) ?? 0) + 1);
    eachSet(document, source, (value, side, measure, set) => {
      if (!isSketchTag(set.tag)) return;
      let found = sketched.get(bucket);
      if (found === undefined) sketched.set(bucket, (found = { sketches: [], chunks: 0 }));
      found.sketches.push({ key: keyOf(place, side, measure, value), sketch: set });
    });
  }
  for (const [bucket, found] of sketched) found.chunks = chunks.get(bucket)!;
  return sketched;
}

/** Adds the sets of a finer stretch to those of their buckets, and gives up those that are not exact there either. */
async function gather(
  documents: ReportDocuments,
  source: RefinedSource,
  stretch: Stretch,
  coarse: (at: number) => string,
  sets: Map<string, StoredSet[]>,
): Promise<void> {
  for await (const page of pagesOf(documents, source, stretch, { ...source.wants, measures: source.distincts })) {
    for (const document of page) {
      const bucket = coarse(bucketStart(stretch.granularity, source.standing.timezone, bucketOf(document._id)));
      const place = placeOf(bucket, document._id);
      // A value that a day keeps apart may be among the others of a crowded hour: the hours do not tell all of it.
      if (document.other !== undefined) for (const key of sets.keys()) if (key.startsWith(`${place}|`)) sets.delete(key);
      eachSet(document, source, (value, side, measure, set) => {
        const key = keyOf(place, side, measure, value);
        if (isSketchTag(set.tag)) sets.delete(key);
        else sets.get(key)?.push(set);
      });
    }
  }
}

/** Of what was read, which is what is counted. */
function eachSet(
  document: ReadDoc,
  { wants: { sides }, distincts }: RefinedSource,
  see: (value: string, side: Side, measure: string, set: StoredSet) => void,
): void {
  for (const stored of document.values) {
    for (const side of sides) {
      for (const measure of distincts) {
        const set = stored[side]?.[measure];
        if (set instanceof StoredSet) see(stored.v, side, measure, set);
      }
    }
  }
}
