import { bucketRange, hourBucket, minuteBucket, type StoredDoc } from '../../projections/kit/document';
import type { Granularity } from '../../projections/kit/projection';
import { dayOf, dayStart } from '../../projections/kit/zone';
import { collectionOf } from '../stores/records';
import { addDays, hourMs, minuteMs } from './calendar';
import type { Stretch } from './coverage';
import type { ReportDocuments } from './documents';
import type { Standing } from './standing';

/** Documents of one merchant that hold the same measures: a projection's totals, or its values of one dimension. */
export interface FamilyOfMerchant {
  readonly merchantId: string;
  readonly standing: Standing;
  readonly family: string;
}

export const isTotals = ({ family, standing }: Pick<FamilyOfMerchant, 'family' | 'standing'>): boolean => family === standing.projection;

/** Documents taken from the store at a time, so that memory stays bounded while a long range is folded: totals are small. */
const pageOfTotals = 1_000;
const pageOfDimension = 250;

/** The documents of a stretch in order of time, a page at a time. */
export async function* pagesOf(documents: ReportDocuments, source: FamilyOfMerchant, stretch: Stretch): AsyncGenerator<StoredDoc[]> {
  const { merchantId, standing, family } = source;
  const collection = collectionOf(standing.projection, standing.generationId);
  const pageDocuments = isTotals(source) ? pageOfTotals : pageOfDimension;
  const name = bucketName(stretch.granularity, standing.timezone);
  const { from, to } = bucketRange(merchantId, family, stretch.granularity, name(stretch.from), name(stretch.to));
  let next: string | undefined = from;
  while (next !== undefined) {
    const page = (await documents.scan(collection, next, to, pageDocuments)) as unknown as StoredDoc[];
    if (page.length > 0) yield page;
    next = page.length === pageDocuments ? `${page.at(-1)!._id}\u0000` : undefined;
  }
}

/** Names the bucket an instant lies in, as `_id`s do. */
export function bucketName(granularity: Granularity, foldedIn: string): (at: number) => string {
  switch (granularity) {
    case 'minute':
      return minuteBucket;
    case 'hour':
      return hourBucket;
    case 'day':
      return (at) => dayOf(foldedIn, at);
  }
}

/** Epoch ms. */
export function bucketStart(granularity: Granularity, foldedIn: string, bucket: string): number {
  switch (granularity) {
    case 'minute':
      return Date.parse(`${bucket}Z`);
    case 'hour':
      return Date.parse(`${bucket}:00Z`);
    case 'day':
      return dayStart(foldedIn, bucket);
  }
}

/** Of the bucket that begins at `start`; epoch ms, exclusive. */
export function bucketEnd(granularity: Granularity, foldedIn: string, start: number): number {
  switch (granularity) {
    case 'minute':
      return start + minuteMs;
    case 'hour':
      return start + hourMs;
    case 'day':
      return dayStart(foldedIn, addDays(dayOf(foldedIn, start), 1));
  }
}
