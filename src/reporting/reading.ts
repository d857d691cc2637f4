import { bucketOf, bucketRange, hourBucket, minuteBucket, type StoredDoc } from '../../projections/kit/document';
import type { StoredMeasures } from '../../projections/kit/measures';
import type { Granularity } from '../../projections/kit/projection';
import { dayOf, dayStart } from '../../projections/kit/zone';
import { collectionOf } from '../stores/records';
import { documentsMax, type Stretch } from './coverage';
import type { ReportDocuments } from './documents';
import { refused, type Refused } from './refusal';
import type { Standing } from './standing';

/** Documents taken from the store at a time, so that memory stays bounded while a long range is folded: totals are small. */
const pageOfTotals = 1_000;
const pageOfDimension = 250;

/** Which visitors are counted. Bots are flagged when events are folded and never removed: the choice is made at reading. */
export const botChoices = ['exclude', 'include', 'only'] as const;
export type BotChoice = (typeof botChoices)[number];

/** Receives what documents hold, in order of time within each stretch. */
export interface Receiver {
  /** @param bucket start of the document's bucket, epoch ms */
  value(bucket: number, value: string, measures: StoredMeasures): void;
  /** Values beyond the exact ones of that bucket, together. */
  other(bucket: number, measures: StoredMeasures): void;
}

/** Reads the documents of one family over stretches of time and hands over what they hold of the chosen visitors. */
export async function readFamily(
  documents: ReportDocuments,
  source: { merchantId: string; standing: Standing; family: string; stretches: readonly Stretch[]; bots: BotChoice },
  receiver: Receiver,
): Promise<Refused | undefined> {
  const { merchantId, standing, family, bots } = source;
  const collection = collectionOf(standing.projection, standing.generationId);
  const { humans, robots } = { humans: bots !== 'only', robots: bots !== 'exclude' };
  const pageDocuments = family === standing.projection ? pageOfTotals : pageOfDimension;
  let read = 0;
  for (const stretch of source.stretches) {
    const name = bucketName(stretch.granularity, standing.timezone);
    const { from, to } = bucketRange(merchantId, family, stretch.granularity, name(stretch.from), name(stretch.to));
    let next: string | undefined = from;
    while (next !== undefined) {
      const page = (await documents.scan(collection, next, to, pageDocuments)) as unknown as StoredDoc[];
      for (const document of page) {
        const bucket = bucketStart(stretch.granularity, standing.timezone, bucketOf(document._id));
        for (const { v, h, b } of document.values) {
          if (humans && h !== undefined) receiver.value(bucket, v, h);
          if (robots && b !== undefined) receiver.value(bucket, v, b);
        }
        if (humans && document.other?.h !== undefined) receiver.other(bucket, document.other.h);
        if (robots && document.other?.b !== undefined) receiver.other(bucket, document.other.b);
      }
      read += page.length;
      if (read > documentsMax)
        return refused('from, to', `more than ${documentsMax} documents of ${family} lie in this range: ask for a shorter one`);
      next = page.length === pageDocuments ? `${page.at(-1)!._id}\u0000` : undefined;
    }
  }
  return undefined;
}

function bucketName(granularity: Granularity, foldedIn: string): (at: number) => string {
  switch (granularity) {
    case 'minute':
      return minuteBucket;
    case 'hour':
      return hourBucket;
    case 'day':
      return (at) => dayOf(foldedIn, at);
  }
}

function bucketStart(granularity: Granularity, foldedIn: string, bucket: string): number {
  switch (granularity) {
    case 'minute':
      return Date.parse(`${bucket}Z`);
    case 'hour':
      return Date.parse(`${bucket}:00Z`);
    case 'day':
      return dayStart(foldedIn, bucket);
  }
}
