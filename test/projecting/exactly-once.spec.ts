import * as fc from 'fast-check';
import { catalog, type ProjectionDefinition } from '../../projections/catalog';
import type { StoredDoc } from '../../projections/kit/document';
import { collectionOf, controlId } from '../../src/stores/records';
import { arrivals } from '../projections/arrivals';
import { documentsOf } from './installation-under-test';
import { anyFate, cleanRebuild, contentOf, countedOnce, type LogBlock, merchants, play, type Rules, type World, worldOf } from './rivals';
import { event, noon } from './shop-log';

/** Few ids, so that many events are sent twice; sometimes many pages, so that documents overflow into further chunks. */
interface Sent {
  id: number;
  visitor: number;
  minute: number;
  merchant: number;
}
interface SentBlock {
  afterMinutes: number;
  events: Sent[];
  pages: number;
}
interface Plan {
  blocks: SentBlock[];
  fates: number[];
}

const sent = fc.record({ id: fc.nat(25), visitor: fc.nat(3), minute: fc.constantFrom(0, 1, 29, 70), merchant: fc.nat(1) });
/** @param pages besides, in every third block: with 130, documents overflow into further chunks */
function planWith(pages: number): fc.Arbitrary<Plan> {
  const block = fc.record({
    afterMinutes: fc.oneof(fc.constant(0), fc.nat(45)),
    events: fc.array(sent, { minLength: 1, maxLength: 4 }),
    pages: pages === 0 ? fc.constant(0) : fc.constantFrom(0, 0, pages),
  });
  return fc.record({
    blocks: fc.array(block, { minLength: 1, maxLength: 8 }),
    fates: fc.array(fc.nat(1 << 16), { maxLength: 60, size: 'max' }),
  });
}

/** The real projections with few documents an event, so that thousands of plans are played in seconds. */
const lean: readonly ProjectionDefinition[] = [...catalog, arrivals]
  .filter(({ name }) => name === 'traffic' || name === 'sessions' || name === 'arrivals')
  .map((definition) =>
    definition.kind === 'history'
      ? definition
      : { ...definition, dimensions: {}, ...(definition.kind === 'declared' && { itemDimensions: {} }) },
  );

function logOf({ blocks }: Plan): LogBlock[] {
  return blocks.map(({ afterMinutes, events, pages }, at) => {
    const wide = Array.from({ length: pages }, (_, page) => ({ id: 1000 + at * 1000 + page, visitor: 0, minute: 0, merchant: 0, page }));
    const rows = [...events.map((one) => ({ ...one, page: one.id % 3 })), ...wide].map(({ id, visitor, minute, merchant, page }) =>
      event({
        merchantId: merchants[merchant]!,
        id: `e${id}`,
        visitorId: `v${visitor}`,
        time: noon + minute * 60_000,
        url: `https://shop.example/${page < 3 ? '' : `${at}/`}${page}`,
      }),
    );
    return { afterMinutes, rows };
  });
}

jest.setTimeout(300_000);

/** More of them find rarer faults: PROPERTY_RUNS=20000 npx jest test/projecting/exactly-once. */
const runs = Number(process.env.PROPERTY_RUNS ?? 1_000);

/** Page views by merchant and hour, counted naively and as merchants see them. */
function expectedPageviews(log: readonly LogBlock[]): Map<string, number> {
  const expected = new Map<string, number>();
  for (const { merchantId, time } of countedOnce(log)) {
    const hour = `${merchantId} ${new Date(time).toISOString().slice(0, 13)}`;
    expected.set(hour, (expected.get(hour) ?? 0) + 1);
  }
  return expected;
}

async function pageviews(world: World): Promise<Map<string, number>> {
  const counted = new Map<string, number>();
  for (const document of await documentsOf(world.readStore, collectionOf('traffic', 'g1'))) {
    const match = /^..(.*)\|traffic\|hour\|(.*)\|000$/.exec(document._id);
    if (match === null) continue;
    const views = (document as StoredDoc).values.reduce((sum, { h, b }) => sum + Number(h?.pageviews ?? 0) + Number(b?.pageviews ?? 0), 0);
    counted.set(`${match[1]} ${match[2]}`, views);
  }
  return counted;
}

async function holds(given: Plan, definitions: readonly ProjectionDefinition[]): Promise<void> {
  const log = logOf(given);
  const rules: Rules = { definitions, recordsMax: 2, snapshotAfterBytesMin: 1 << 20 };
  const world = await worldOf(log, rules);
  await play(world, given.fates, anyFate);
  expect(await pageviews(world)).toEqual(expectedPageviews(log));
  await cleanRebuild(world);
  expect(await contentOf(world, 'g1')).toEqual(await contentOf(world, 'g2'));
  const control = (await world.readStore.control.get(controlId('g1', 0)))!;
  expect(control).toMatchObject({ checkpoint: { revision: world.records - 1 }, intent: null });
}

it('counts every event exactly once, whatever fails, whoever else believes to own the partition', async () => {
  await fc.assert(
    fc.asyncProperty(planWith(0), (given) => holds(given, lean)),
    { numRuns: runs },
  );
});

it('counts exactly once over documents that overflow into further ones', async () => {
  await fc.assert(
    fc.asyncProperty(planWith(130), (given) => holds(given, [...catalog, arrivals])),
    { numRuns: runs / 40 },
  );
});
