import { serialize } from 'bson';
import { beyondId, bucketOf, documentId, documentPrefix, shardOfId, shardPrefix } from '../../projections/kit/document';
import type { ReportDocuments } from '../../src/reporting/documents';
import { pagesOf, type FamilyOfMerchant } from '../../src/reporting/scanning';
import type { Standing } from '../../src/reporting/standing';
import type { BytesPage } from '../../src/stores/read-store';

const standing: Standing = {
  ...{ projection: 'traffic', version: 1, generationId: 'g1', parts: [], settledBy: { createdAt: 0 } },
  ...{ timezone: 'UTC', asOf: 0, revision: 1, partitions: 2 },
};
const source: FamilyOfMerchant = { merchantId: 'shop', standing, family: 'traffic' };
const at = (time: string): number => Date.parse(`2026-11-22T${time}:00Z`);

const hourOf = (bucket: string, shard: number): string =>
  shardPrefix(documentPrefix('shop', 'traffic', 'minute', `2026-11-22T${bucket}`), shard);
/** An hour of one shard: the page views of some of its minutes. */
const hour = (bucket: string, shard: number, minutes: Record<string, number>): object => ({
  ...{ _id: documentId(hourOf(bucket, shard), 0), rev: 1 },
  values: Object.entries(minutes).map(([v, pageviews]) => ({ v, h: { pageviews } })),
});
/** What is beyond what an hour's document holds of one minute. */
const crowd = (bucket: string, minute: string, shard: number, pageviews: number): object => ({
  ...{ _id: beyondId(hourOf(bucket, shard), minute), rev: 1 },
  values: [{ v: '', h: { pageviews } }],
});
const stored = [
  hour('04', 0, { '59': 1_000 }),
  hour('05', 0, { '00': 2_000, '02': 1, '30': 2, '59': 4 }),
  hour('05', 1, { '02': 8, '59': 16 }),
  crowd('05', '01', 0, 3_000),
  crowd('05', '02', 1, 32),
  crowd('05', '30', 0, 64),
  hour('06', 0, { '10': 128 }),
  hour('07', 1, { '00': 256, '02': 512, '03': 4_000 }),
  crowd('07', '02', 0, 1_024),
  crowd('07', '03', 0, 5_000),
  hour('08', 0, { '00': 6_000 }),
]
  .map((document) => ({ id: (document as { _id: string })._id, bytes: Buffer.from(serialize(document)) }))
  .sort((a, b) => (a.id < b.id ? -1 : 1));

/** As a store that gives that many documents at a time, however many are asked for. */
const givingAtOnce = (most: number): ReportDocuments =>
  ({
    scan: (_collection: string, from: string, to: string): Promise<BytesPage> => {
      const found = stored.filter(({ id }) => id >= from && id < to);
      const page = found.slice(0, most);
      return Promise.resolve({ documents: page.map(({ bytes }) => bytes), more: found.length > most ? page.at(-1)!.id : undefined });
    },
  }) as unknown as ReportDocuments;

const inSpan = [
  ['05:02', 0, 1],
  ['05:02', 1, 8],
  ['05:02', 1, 32],
  ['05:30', 0, 2],
  ['05:30', 0, 64],
  ['05:59', 0, 4],
  ['05:59', 1, 16],
  ['06:10', 0, 128],
  ['07:00', 1, 256],
  ['07:02', 0, 1_024],
  ['07:02', 1, 512],
];

describe('minutes of totals', () => {
  it.each([1, 2, 3, 4, 5, 1_000])(
    'are those of the span, in order of time, each hour whole, from a store that gives %i documents at once',
    async (most) => {
      const pages: (typeof inSpan)[] = [];
      const stretch = { granularity: 'minute', from: at('05:02'), to: at('07:03') } as const;
      for await (const page of pagesOf(givingAtOnce(most), source, stretch)) {
        pages.push(
          page.map(({ _id, values }) => [bucketOf(_id).slice('2026-11-22T'.length), shardOfId(_id), Number(values[0]!.h!['pageviews'])]),
        );
      }
      for (const page of pages) expect(page.length).toBeGreaterThan(0);
      const minutes = pages.flat().map(([minute]) => minute as string);
      expect(minutes).toEqual([...minutes].sort());
      expect(pages.flat().sort()).toEqual([...inSpan].sort());
      const hoursIn = pages.map((page) => new Set(page.map(([minute]) => (minute as string).slice(0, 2))));
      for (const name of ['05', '06', '07']) expect(hoursIn.filter((hours) => hours.has(name))).toHaveLength(1);
    },
  );

  it('are given an hour at a time, so that a long span does not have to be in memory', async () => {
    let pages = 0;
    for await (const _page of pagesOf(givingAtOnce(1), source, { granularity: 'minute', from: at('05:00'), to: at('08:00') })) pages++;
    expect(pages).toBe(3);
  });

  it('of an hour are there where it ends the span', async () => {
    const found: string[] = [];
    for await (const page of pagesOf(givingAtOnce(1_000), source, { granularity: 'minute', from: at('04:00'), to: at('05:00') })) {
      found.push(...page.map(({ _id }) => bucketOf(_id)));
    }
    expect(found).toEqual(['2026-11-22T04:59']);
  });
});
