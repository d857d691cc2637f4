import fc from 'fast-check';
import { documentPrefix, hourBucket } from '../../../projections/kit/document';
import type { HistoryProjection } from '../../../projections/kit/history';
import { userAgentOf } from '../../../projections/kit/visitors';
import type { AcceptedEvent } from '../../../src/domain/columns';
import { arrivals } from '../arrivals';
import { bytesOf, foldBlocks, tallyOf, type Documents, type FoldOptions } from '../folding';
import { log } from '../shop-events';

/** The same history told twice, as sessions and acquisition share the visits. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const twin: HistoryProjection<any> = { ...arrivals, name: 'twin' };
const projections = [arrivals, twin];
const tiny = { recordsMax: 2, bytesMax: 1 << 20 };
const choices = fc.infiniteStream(fc.boolean());

/** By projection, merchant, hour and number of events: how many humans came so often. */
function expected(events: readonly AcceptedEvent[]): Map<string, number> {
  const visitors = new Map<string, { first: number; count: number; merchantId: string }>();
  const seen = new Set<string>();
  for (const { merchantId, id, visitorId, userAgent, time } of events) {
    if (seen.has(`${merchantId} ${id}`)) continue;
    seen.add(`${merchantId} ${id}`);
    if (userAgentOf(userAgent ?? '').bot) continue;
    const known = visitors.get(`${merchantId} ${visitorId}`);
    if (known === undefined) visitors.set(`${merchantId} ${visitorId}`, { first: time, count: 1, merchantId });
    else {
      known.count++;
      known.first = Math.min(known.first, time);
    }
  }
  const counts = new Map<string, number>();
  for (const { first, count, merchantId } of visitors.values()) {
    for (const { name } of projections) {
      const key = `${documentPrefix(merchantId, `${name}.times`, 'hour', hourBucket(first))} ${count}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

function folded(blocks: readonly (readonly AcceptedEvent[])[], options: FoldOptions): ReturnType<typeof foldBlocks> {
  return foldBlocks(blocks, { projections, ...options });
}

/** The same of what was stored. */
function counted(documents: Documents): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { _id, values } of documents.values()) {
    const prefix = _id.slice(0, -4);
    if (!prefix.includes('.times|hour|')) continue;
    for (const { v } of values) {
      const tally = tallyOf(documents, prefix, v, 'exclude');
      const who = tally.distinct('who');
      if (who.exact) expect(who.count).toBe(tally.counter('visitors'));
      if (tally.counter('visitors') !== 0) counts.set(`${prefix} ${v}`, tally.counter('visitors'));
    }
  }
  return counts;
}

it('counts every visitor by all of their events, however few are in memory at a time', () => {
  fc.assert(
    fc.property(log, choices, choices, (blocks, take, restart) => {
      const documents = folded(blocks, { bounds: tiny, takeAfter: () => take.next().value!, restartAfter: () => restart.next().value! });
      expect(counted(documents)).toEqual(expected(blocks.flat()));
    }),
    { numRuns: 100 },
  );
});

it('counts the thousands of visitors and events of one block', () => {
  const time = Date.parse('2026-11-22T12:00:00Z');
  const events = Array.from({ length: 7_000 }, (_, n): AcceptedEvent => {
    // Some come two or three times, next to each other and far apart.
    const visitor = n < 3_000 ? n : Math.floor(((n - 3_000) ** 2 % 7_919) / 2);
    return { merchantId: 'a', id: `e${n}`, name: 'page_view', visitorId: `v${visitor}`, time, receivedAt: time };
  });
  const times = [...expected(events)];
  expect(times.length).toBeGreaterThan(projections.length * 2);
  expect(counted(folded([events.slice(0, 10), events.slice(10)], {}))).toEqual(new Map(times));
});

it('stores the same bytes whoever left memory and returned, and wherever flushes and restarts fell', () => {
  fc.assert(
    fc.property(log, choices, choices, (blocks, take, restart) => {
      const options = { takeAfter: () => take.next().value!, restartAfter: () => restart.next().value! };
      const once = bytesOf(folded(blocks, {}));
      expect(bytesOf(folded(blocks, { bounds: tiny, ...options }))).toEqual(once);
      expect(bytesOf(folded(blocks, { bounds: { recordsMax: 1_000, bytesMax: 40 }, ...options }))).toEqual(once);
    }),
    { numRuns: 100 },
  );
});
