import { calculateObjectSize } from 'bson';
import fc from 'fast-check';
import { noDocuments } from '../../projections/kit/bucket-documents';
import { emptySketch } from '../../projections/kit/sketch';
import { documentPrefix, valuesPerRecentMinute, type StoredDoc } from '../../projections/kit/document';
import { createFolder } from '../../projections/kit/folder';
import { mergeDelta } from '../../projections/kit/merging';
import type { BucketDelta } from '../../projections/kit/projection';
import { live } from '../../projections/live/live';
import type { AcceptedEvent } from '../../src/domain/columns';
import { limits } from '../../src/protocol/limits';
import { decodeBlock, encodeBlock } from '../../src/stores/block';
import { eventValue } from '../oracle/dimensions';
import { breakDown, readShop } from '../oracle/oracle';
import { storedTable, type Family, type Table } from './families';
import { bytesOf, foldBlocks, parsed } from './folding';

const minuteMs = 60_000;
const ten = Date.parse('2026-11-22T10:00:00Z');
const googlebot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** Three minutes of five hours, so that hours take places over from one another; any order, ids that come twice, events without a page. */
const event: fc.Arbitrary<AcceptedEvent> = fc
  .record({
    id: fc.integer({ min: 0, max: 150 }),
    minute: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom(0, 1, 59)).map(([hour, minute]) => hour * 60 + minute),
    ms: fc.constantFrom(0, minuteMs - 1),
    visitor: fc.integer({ min: 0, max: 3 }),
    name: fc.constantFrom('page_view', 'page_view', 'search'),
    url: fc.constantFrom('https://shop.example/a?x=1', '/a', '/b', ''),
    bot: fc.boolean(),
  })
  .map(({ id, minute, ms, visitor, name, url, bot }) => ({
    merchantId: 'm',
    id: `e${id}`,
    time: ten + minute * minuteMs + ms,
    receivedAt: ten,
    name,
    visitorId: `v${visitor}`,
    url,
    ...(bot && { userAgent: googlebot }),
  }));
const blocks = fc.array(fc.array(event, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 8 });
const choices = fc.infiniteStream(fc.boolean());

const family: Pick<Family, 'measures'> = { measures: ['pageviews', 'visitors'] };
const views = (from: number, count: number, time = ten): AcceptedEvent[] =>
  Array.from({ length: count }, (_, i) => {
    const page = `/${from + i}`;
    return { merchantId: 'm', id: `${time}${page}`, time, receivedAt: time, name: 'page_view', visitorId: 'v', url: page };
  });
const placeOf = (minute: string): string => documentPrefix('m', 'live.page', 'minute', minute);

function deltaOf(rows: readonly AcceptedEvent[]): BucketDelta {
  const folder = createFolder([live]);
  folder.fold(decodeBlock(encodeBlock(rows)), new Uint8Array(rows.length), () => ({ timezone: 'UTC' }), 0);
  const { deltas } = folder.take();
  expect(deltas).toHaveLength(1);
  return deltas[0]!;
}
/** Of minute 00, by one flush after the other. */
const merged = (...flushes: (readonly AcceptedEvent[])[]): StoredDoc =>
  parsed(flushes.reduce((stored, rows, i) => mergeDelta(deltaOf(rows), stored, { r0: i - 1, r1: i }).documents, noDocuments()).chunks[0]!);

describe('the pages of recent minutes', () => {
  it('are those of the latest of each minute of the hour, counted naively, whatever comes late, twice or in another order', () => {
    fc.assert(
      fc.property(blocks, choices, (log, flush) => {
        const documents = foldBlocks(log, { projections: [live], takeAfter: () => flush.next().value! });
        const shop = readShop(log.flat(), { merchantId: 'm' });
        const latest = new Map<string, number>();
        for (const one of shop.events) {
          if (eventValue(one, 'page') === undefined) continue;
          const from = Math.floor(one.time / minuteMs) * minuteMs;
          const minute = new Date(from).toISOString().slice(14, 16);
          latest.set(minute, Math.max(from, latest.get(minute) ?? 0));
        }
        expect([...documents.keys()].sort()).toEqual([...latest.keys()].map((minute) => `${placeOf(minute)}|000`).sort());
        for (const [minute, from] of latest) {
          const document = documents.get(`${placeOf(minute)}|000`)!;
          expect(document.ofMinute).toBe(new Date(from).toISOString().slice(0, 16));
          for (const bots of ['exclude', 'include', 'only'] as const) {
            const counted = breakDown(shop, { from, to: from + minuteMs, bots }, 'page');
            const expected: Table = {};
            for (const [page, { pageviews, visitors }] of counted)
              if (visitors > 0) expected[page] = pageviews > 0 ? { pageviews, visitors } : { visitors };
            expect(storedTable([document], family as Family, bots)).toEqual(expected);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('are the same bytes however flushes fell', () => {
    fc.assert(
      fc.property(blocks, choices, (log, flush) => {
        const lived = foldBlocks(log, { projections: [live], takeAfter: () => flush.next().value! });
        expect(bytesOf(lived)).toEqual(bytesOf(foldBlocks(log, { projections: [live] })));
      }),
      { numRuns: 200 },
    );
  });

  it('are 400 a minute, those that come first; the others are told together', () => {
    const crowded = merged(views(0, valuesPerRecentMinute - 1), views(0, valuesPerRecentMinute + 30));
    expect(crowded.values.map(({ v }) => v)).toEqual(views(0, valuesPerRecentMinute).map(({ url }) => url));
    expect(crowded.values[0]!.h).toMatchObject({ pageviews: 2 });
    expect(crowded.other!.h).toMatchObject({ pageviews: 30 });
  });

  it('fit one document of the store, however long their texts and however many their visitors', () => {
    const measures = { pageviews: 2 ** 40, visitors: Buffer.from(emptySketch()) };
    const other = { h: measures, b: measures };
    // The longest in bytes: three for each unit of length.
    const values = Array.from({ length: valuesPerRecentMinute }, () => ({ v: '\u20ac'.repeat(limits.textLengthMax), ...other }));
    const document = { ...merged(views(0, 1)), values, other };
    expect(calculateObjectSize(document)).toBeLessThan(16 << 20);
  });

  it('make way with what was beyond, and do not come back', () => {
    const later = views(7, 2, ten + 60 * minuteMs);
    const document = merged(views(0, valuesPerRecentMinute + 1), later, views(500, 3));
    const alone = merged(later);
    expect({ ...document, rev: 0 }).toEqual({ ...alone, rev: 0 });
  });

  it('are written once where a flush was cut off and its range is folded again', () => {
    const [first, again] = [views(0, 3), views(0, 5)];
    const range = { r0: 0, r1: 1 };
    const before = mergeDelta(deltaOf(first), noDocuments(), { r0: -1, r1: 0 }).documents;
    const { written, documents } = mergeDelta(deltaOf(again), before, range);
    expect(parsed(written[0]!).rev).toBe(1);
    expect(mergeDelta(deltaOf(again), documents, range)).toEqual({ written: [], documents });
  });
});
