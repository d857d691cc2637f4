import * as fc from 'fast-check';
import { catalog, type ProjectionDefinition } from '../../projections/catalog';
import { createFolder } from '../../projections/kit/folder';
import type { StoredDoc } from '../../projections/kit/document';
import type { EventColumns } from '../../src/domain/columns';
import { DocumentCache } from '../../src/projecting/document-cache';
import { Fenced } from '../../src/projecting/faults';
import { foldingKit } from '../../src/projecting/folding-kit';
import { MerchantDirectory } from '../../src/projecting/merchant-settings';
import { PartitionFold } from '../../src/projecting/partition-fold';
import { encodeBlock } from '../../src/stores/block';
import { StoreUnavailable } from '../../src/stores/event-store';
import type { ReadStore } from '../../src/stores/read-store';
import { collectionOf, controlId, recordKinds } from '../../src/stores/records';
import { arrivals } from '../projections/arrivals';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { type Fate, FaultyReadStore } from './faulty-read-store';
import { documentsOf } from './installation-under-test';
import { event, noon } from './shop-log';

/** Few ids, so that many events are sent twice; sometimes many pages, so that documents overflow into further chunks. */
interface Sent {
  id: number;
  visitor: number;
  minute: number;
  merchant: number;
}
interface SentBlock {
  /** Log time since the block before. */
  afterMinutes: number;
  events: Sent[];
  pages: number;
}
interface Plan {
  blocks: SentBlock[];
  /** Each number decides what happens next; when they run out everything goes well. */
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

/** More visitors than stay in memory in every block, and none of them sent twice. */
const comingAndGoing: fc.Arbitrary<Plan> = fc.record({
  blocks: fc.array(
    fc.record({
      afterMinutes: fc.constant(0),
      events: fc.array(fc.record({ id: fc.nat(1 << 20), visitor: fc.nat(11), minute: fc.constantFrom(0, 70), merchant: fc.constant(0) }), {
        minLength: 1,
        maxLength: 5,
      }),
      pages: fc.constant(0),
    }),
    { minLength: 3, maxLength: 12, size: 'max' },
  ),
  fates: fc.array(fc.nat(1 << 16), { minLength: 60, maxLength: 200, size: 'max' }),
});

/** Small enough that documents are forgotten and loaded again. */
const cacheBytesMax = 60_000;
/** The real projections with few documents an event, so that thousands of plans are played in seconds. */
const lean: readonly ProjectionDefinition[] = [...catalog, arrivals]
  .filter(({ name }) => name === 'traffic' || name === 'sessions' || name === 'arrivals')
  .map((definition) =>
    definition.kind === 'history'
      ? definition
      : { ...definition, dimensions: {}, ...(definition.kind === 'declared' && { itemDimensions: {} }) },
  );
/** So few that visitors leave memory and return all the time. */
const inMemory = { recordsMax: 2, bytesMax: 1 << 20 };

const stream = 'events-00';
const merchants = ['m1', 'm2'];
const zones = ['Europe/Berlin', 'America/New_York'];

interface World {
  definitions: readonly ProjectionDefinition[];
  eventStore: InMemoryEventStore;
  readStore: InMemoryReadStore;
  records: number;
  /** Naive count of what merchants should see: `${merchant} ${hour}` → page views. */
  expected: Map<string, number>;
}

const decoded = new Map<string, EventColumns>();
const kit = {
  ...foldingKit,
  createFolder: (definitions: readonly ProjectionDefinition[]) => createFolder(definitions, inMemory),
  // Opening blocks is tested elsewhere; here each is opened once.
  decode: (bytes: Uint8Array): EventColumns => {
    const key = Buffer.from(bytes).toString('base64');
    let columns = decoded.get(key);
    if (columns === undefined) decoded.set(key, (columns = foldingKit.decode(bytes)));
    return columns;
  },
};

async function worldOf({ blocks }: Plan, definitions: readonly ProjectionDefinition[]): Promise<World> {
  let now = noon;
  const eventStore = new InMemoryEventStore(() => now);
  const readStore = new InMemoryReadStore();
  for (const [i, merchantId] of merchants.entries()) {
    await readStore.records.put(recordKinds.merchants, merchantId, { merchantId, timezones: [{ timezone: zones[i], since: 0 }] });
  }
  const expected = new Map<string, number>();
  const lastSeen = new Map<string, number>();
  decoded.clear();
  for (const [at, { afterMinutes, events, pages }] of blocks.entries()) {
    now += afterMinutes * 60_000;
    const halfHour = Math.floor(now / 1_800_000);
    const wide = Array.from({ length: pages }, (_, page) => ({ id: 1000 + at * 1000 + page, visitor: 0, minute: 0, merchant: 0, page }));
    const rows = [...events.map((one) => ({ ...one, page: one.id % 3 })), ...wide].map(({ id, visitor, minute, merchant, page }) => {
      const merchantId = merchants[merchant]!;
      const time = noon + minute * 60_000;
      const key = `${merchantId} e${id}`;
      const seen = lastSeen.get(key);
      if (seen === undefined || seen < halfHour - 2) {
        const hour = `${merchantId} ${new Date(time).toISOString().slice(0, 13)}`;
        expected.set(hour, (expected.get(hour) ?? 0) + 1);
      }
      lastSeen.set(key, halfHour);
      return event({
        merchantId,
        id: `e${id}`,
        visitorId: `v${visitor}`,
        time,
        url: `https://shop.example/${page < 3 ? '' : `${at}/`}${page}`,
      });
    });
    const data = encodeBlock(rows);
    await eventStore.append(stream, [
      { id: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`, type: 'event-block.v1', data, contentType: 'binary' },
    ]);
  }
  return { definitions, eventStore, readStore, records: blocks.length, expected };
}

function open(world: World, readStore: ReadStore, generationId: string, owner: string): Promise<PartitionFold<ProjectionDefinition>> {
  const context = {
    eventStore: world.eventStore,
    readStore,
    kit,
    merchants: new MerchantDirectory(world.readStore, () => noon),
    cache: new DocumentCache(cacheBytesMax, (document) => kit.documentBytes(document)),
    generation: { generationId, createdAt: noon },
    definitions: world.definitions,
    serving: new Set(world.definitions.map(({ name }) => name)),
    partition: 0,
    partitions: 1,
    owner,
    fingerprint: 'code',
    now: () => noon,
  };
  return PartitionFold.open(context, new AbortController().signal);
}

/** What an owner does until the log is folded, it is fenced off or it dies: the loop of a runner without its timers. */
async function own(world: World, readStore: ReadStore, owner: string, choose: () => number): Promise<'finished' | 'fenced'> {
  for (;;) {
    try {
      const fold = await again(() => open(world, readStore, 'g1', owner));
      let flush: Promise<unknown> = Promise.resolve();
      for await (const record of world.eventStore.read(stream, { from: BigInt(fold.revision + 1) })) {
        await again(() => fold.fold(record));
        if (choose() % 2 === 0) continue;
        await flush;
        fold.beginFlush();
        // The next records are folded meanwhile.
        flush = again(() => fold.completeFlush());
        flush.catch(() => undefined);
      }
      await flush;
      if (fold.hasPending) {
        fold.beginFlush();
        await again(() => fold.completeFlush());
      }
      return 'finished';
    } catch (error) {
      if (error instanceof Fenced) return 'fenced';
      throw error;
    }
  }
}

async function again<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}

jest.setTimeout(300_000);

/** More of them find rarer faults: PROPERTY_RUNS=20000 npx jest test/projecting/exactly-once. */
const runs = Number(process.env.PROPERTY_RUNS ?? 500);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const fates: readonly Fate[] = [
  ...Array.from<Fate>({ length: 9 }).fill('done'),
  'refused',
  'answer lost',
  'half done',
  'half done',
  'caller dies before',
  'caller dies after',
  'caller dies half way',
];

const anyFate = (_what: string): readonly Fate[] => fates;
/** Owners live well but where they write: there some die. */
const deathsInFlushes = (what: string): readonly Fate[] => (/^(flush|checkpoint)/.test(what) ? fatesOfWrites : ['done']);
const fatesOfWrites: readonly Fate[] = [
  ...Array.from<Fate>({ length: 8 }).fill('done'),
  'half done',
  'caller dies before',
  'caller dies after',
  'caller dies half way',
];

/** Plays a plan: up to three owners at once, each believing the partition is its own, until one has folded everything. */
async function play(world: World, fates: readonly number[], fatesOf: (what: string) => readonly Fate[]): Promise<void> {
  let at = 0;
  const choose = (): number => fates[at++] ?? 1;
  const faulty = new FaultyReadStore(world.readStore, (documents) => documents.filter(() => choose() % 2 === 0).reverse());
  const alive = new Map<string, Promise<void>>();
  let owners = 0;
  let failure: unknown;
  let isFinished = false;
  const join = (): void => {
    const owner = `owner-${++owners}`;
    const life = own(world, faulty.as(owner), owner, choose).then(
      (end) => {
        alive.delete(owner);
        isFinished ||= end === 'finished';
      },
      (error) => (failure ??= error),
    );
    alive.set(owner, life as Promise<void>);
  };
  for (let step = 0; !isFinished; step++) {
    if (step > 20_000) throw new Error('the log is never folded to its end');
    await turn();
    if (failure !== undefined) throw failure;
    for (const dead of faulty.dead) alive.delete(dead);
    const waiting = faulty.waiting.filter(({ caller }) => alive.has(caller));
    if (alive.size === 0 && !isFinished) join();
    if (waiting.length === 0) continue;
    const decision = fates[at++] ?? 0;
    if (decision % 11 === 10 && alive.size < 3) join();
    const call = waiting[decision % waiting.length]!;
    const possible = fatesOf(call.what);
    call.decide(possible[(decision >> 4) % possible.length]!);
  }
  // Zombies: whoever still waits gets its writes done now, after the end.
  for (let round = 0; round < 200 && faulty.waiting.length > 0; round++) {
    for (const call of [...faulty.waiting]) call.decide('done');
    await turn();
  }
  if (failure !== undefined) throw failure;
}

async function cleanRebuild(world: World): Promise<void> {
  const fold = await open(world, world.readStore, 'g2', 'rebuild');
  for await (const record of world.eventStore.read(stream)) await fold.fold(record);
  fold.beginFlush();
  await fold.completeFlush();
}

/** Byte for byte but for `rev`, which says where flushes fell. */
async function contentOf(world: World, generationId: string): Promise<string[]> {
  const content: string[] = [];
  for (const { name } of world.definitions) {
    for (const { rev: _rev, ...document } of await documentsOf(world.readStore, collectionOf(name, generationId))) {
      content.push(`${name} ${JSON.stringify(document)}`);
    }
  }
  return content;
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

async function holds(given: Plan, definitions: readonly ProjectionDefinition[], fatesOf = anyFate): Promise<void> {
  const world = await worldOf(given, definitions);
  await play(world, given.fates, fatesOf);
  expect(await pageviews(world)).toEqual(world.expected);
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

it('forgets no visitor and counts none twice who leaves memory and returns, wherever owners die', async () => {
  const few = lean.filter(({ name }) => name !== 'sessions');
  await fc.assert(
    fc.asyncProperty(comingAndGoing, (given) => holds(given, few, deathsInFlushes)),
    { numRuns: runs / 2 },
  );
});

it('counts exactly once over documents that overflow into further ones', async () => {
  await fc.assert(
    fc.asyncProperty(planWith(130), (given) => holds(given, [...catalog, arrivals])),
    { numRuns: runs / 20 },
  );
});
