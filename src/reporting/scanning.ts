import {
  bucketOf,
  bucketRange,
  documentPrefix,
  familyOfLabel,
  hourBucket,
  minuteBucket,
  shardOfId,
  shardPrefix,
} from '../../projections/kit/document';
import type { Granularity } from '../../projections/kit/projection';
import { dayOf, dayStart } from '../../projections/kit/zone';
import type { BytesPage } from '../stores/read-store';
import { collectionOf } from '../stores/records';
import { addDays, hourMs, minuteMs } from './calendar';
import type { Stretch } from './coverage';
import type { ReportDocuments } from './documents';
import type { Standing, StandingPart } from './standing';
import { StoredBytes, type ReadDoc, type ReadValue, type Wanted } from './stored-bytes';

/** Documents of one merchant that hold the same measures: a projection's totals, or its values of one dimension. */
export interface FamilyOfMerchant {
  readonly merchantId: string;
  readonly standing: Standing;
  readonly family: string;
  /** Of totals by label: whose minutes are read. Hours and days have all labels as values. */
  readonly label?: string | undefined;
}

const isTotals = ({ family, standing }: Pick<FamilyOfMerchant, 'family' | 'standing'>): boolean => family === standing.projection;

/** Documents taken from the store at a time, so that memory stays bounded while a long range is folded: totals are small. */
const pageOfTotals = 1_000;
const pageOfDimension = 250;
const hourLength = '2026-11-22T05'.length;

/** The documents of a stretch in order of time, a page at a time; those of each bucket from one generation. */
export async function* pagesOf(
  documents: ReportDocuments,
  source: FamilyOfMerchant,
  stretch: Stretch,
  wanted?: Wanted,
): AsyncGenerator<ReadDoc[]> {
  const { standing } = source;
  if (standing.parts.length === 0) return yield* pagesOfOne(documents, source, stretch, wanted);
  for (const { generationId, from, to } of piecesOf(stretch, standing)) {
    yield* pagesOfOne(documents, { ...source, standing: { ...standing, generationId } }, { ...stretch, from, to }, wanted);
  }
}

/** A stretch by the generations its buckets are read from. Whoever counted a range wrote all buckets that touch it. */
function piecesOf({ granularity, from, to }: Stretch, { generationId, parts }: Standing): StandingPart[] {
  // Minutes are stored by the hour.
  const stepMs = granularity === 'day' ? 1 : hourMs;
  let pieces: StandingPart[] = [{ from, to, generationId }];
  for (const part of parts) {
    const start = Math.max(from, Math.floor(part.from / stepMs) * stepMs);
    const end = Math.min(to, Math.ceil(part.to / stepMs) * stepMs);
    if (start >= end) continue;
    const around = pieces.flatMap((piece) => [
      { ...piece, to: Math.min(piece.to, start) },
      { ...piece, from: Math.max(piece.from, end) },
    ]);
    pieces = [...around.filter((piece) => piece.from < piece.to), { from: start, to: end, generationId: part.generationId }];
  }
  return pieces.sort((a, b) => a.from - b.from);
}

/** Totals of minutes are made of the hours they are stored by; dimensions are kept of the recent minutes. */
async function* pagesOfOne(
  documents: ReportDocuments,
  source: FamilyOfMerchant,
  stretch: Stretch,
  wanted: Wanted | undefined,
): AsyncGenerator<ReadDoc[]> {
  const { merchantId, standing, family } = source;
  if (stretch.granularity === 'minute') {
    // The values of a document of totals are its minutes.
    if (isTotals(source)) return yield* minutesOf(documents, source, stretch, wanted && { ...wanted, values: undefined });
    return yield* recentMinutesOf(documents, source, stretch, wanted);
  }
  const name = bucketName(stretch.granularity, standing.timezone);
  yield* scan(documents, source, wanted, bucketRange(merchantId, family, stretch.granularity, name(stretch.from), name(stretch.to)));
}

async function* minutesOf(
  documents: ReportDocuments,
  source: FamilyOfMerchant,
  { from, to }: Stretch,
  wanted: Wanted | undefined,
): AsyncGenerator<ReadDoc[]> {
  const { merchantId, label } = source;
  const family = label === undefined ? source.family : familyOfLabel(source.family, label);
  const lastHour = hourBucket(Math.ceil(to / hourMs) * hourMs);
  const first = minuteBucket(from);
  const end = minuteBucket(to);
  let hour = '';
  /** Of an hour, which may go on in the next page: the documents of its minutes' crowds, of its shards, and its own come one after the other. */
  let minutes: ReadDoc[] = [];
  const ofLabel = (value: ReadValue): ReadValue => ({ ...value, v: label ?? '' });
  const take = (minute: string, document: ReadDoc): void => {
    if (minute < first || minute >= end) return;
    minutes.push({ ...document, _id: minuteId(source, minute, shardOfId(document._id)) });
  };
  for await (const page of scan(documents, source, wanted, bucketRange(merchantId, family, 'minute', hourBucket(from), lastHour))) {
    const whole: ReadDoc[] = [];
    for (const document of page) {
      const bucket = bucketOf(document._id);
      if (!bucket.startsWith(hour) || hour === '') {
        whole.push(...inOrder(minutes));
        minutes = [];
        hour = bucket.slice(0, hourLength);
      }
      if (bucket.length > hourLength) take(bucket, { ...document, values: document.values.map(ofLabel) });
      else for (const value of document.values) take(`${bucket}:${value.v}`, { ...document, values: [ofLabel(value)] });
    }
    if (whole.length > 0) yield whole;
  }
  if (minutes.length > 0) yield inOrder(minutes);
}

/** What is still there of them: a minute of the hour is in its place until a later hour takes it over. */
async function* recentMinutesOf(
  documents: ReportDocuments,
  source: FamilyOfMerchant,
  { from, to }: Stretch,
  wanted: Wanted | undefined,
): AsyncGenerator<ReadDoc[]> {
  const { merchantId, family } = source;
  const first = minuteBucket(from);
  const end = minuteBucket(to);
  for (const places of placesOf(from, to)) {
    for await (const page of scan(documents, source, wanted, bucketRange(merchantId, family, 'minute', places.from, places.to))) {
      const found = page.flatMap((document) => {
        const { ofMinute = '', _id } = document;
        if (ofMinute < first || ofMinute >= end) return [];
        return [{ ...document, _id: minuteId(source, ofMinute, shardOfId(_id)) }];
      });
      if (found.length > 0) yield found;
    }
  }
}

/** The minutes of the hour that a span touches, `to` exclusive: more than one range where an hour begins within it. */
function placesOf(from: number, to: number): { from: string; to: string }[] {
  const all = { from: '00', to: '60' };
  if (to - from >= hourMs) return [all];
  const [first, last] = [from, to - minuteMs].map((at) => minuteBucket(at).slice(-2)) as [string, string];
  const after = String(Number(last) + 1).padStart(2, '0');
  if (first <= last) return [{ from: first, to: after }];
  return [
    { from: first, to: all.to },
    { from: all.from, to: after },
  ];
}

const minuteId = ({ merchantId, family }: FamilyOfMerchant, minute: string, shard: number): string =>
  `${shardPrefix(documentPrefix(merchantId, family, 'minute', minute), shard)}|000`;

const inOrder = (documents: ReadDoc[]): ReadDoc[] => documents.sort((a, b) => (a._id < b._id ? -1 : a._id > b._id ? 1 : 0));

async function* scan(
  documents: ReportDocuments,
  source: FamilyOfMerchant,
  wanted: Wanted | undefined,
  { from, to }: { from: string; to: string },
): AsyncGenerator<ReadDoc[]> {
  const { standing } = source;
  const collection = collectionOf(standing.projection, standing.generationId);
  const pageDocuments = isTotals(source) ? pageOfTotals : pageOfDimension;
  const stored = new StoredBytes(wanted);
  let next: string | undefined = from;
  while (next !== undefined) {
    const page: BytesPage = await documents.scan(collection, next, to, pageDocuments);
    if (page.documents.length > 0) yield page.documents.map((bytes) => stored.read(bytes));
    next = page.more === undefined ? undefined : `${page.more}\u0000`;
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
      return hourStart(bucket) + number(bucket, 14, 16) * minuteMs;
    case 'hour':
      return hourStart(bucket);
    case 'day':
      return dayStart(foldedIn, bucket);
  }
}

/** Of `2026-11-22T05` and what may follow. */
const hourStart = (bucket: string): number =>
  Date.UTC(number(bucket, 0, 4), number(bucket, 5, 7) - 1, number(bucket, 8, 10), number(bucket, 11, 13));

/** The digits from one place up to another. */
function number(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + text.charCodeAt(i) - 48;
  return value;
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
