import type { ProjectionDefinition } from '../../projections/catalog';
import { createFolder } from '../../projections/kit/folder';
import type { AcceptedEvent } from '../../src/domain/columns';
import { DocumentCache } from '../../src/projecting/document-cache';
import { Fenced } from '../../src/projecting/faults';
import { foldingKit } from '../../src/projecting/folding-kit';
import { MerchantDirectory } from '../../src/projecting/merchant-settings';
import type { PartitionFold } from '../../src/projecting/partition-fold';
import { takeOver } from '../../src/projecting/taking-over';
import { encodeBlock } from '../../src/stores/block';
import { StoreUnavailable } from '../../src/stores/event-store';
import type { ReadStore } from '../../src/stores/read-store';
import { collectionOf, recordKinds } from '../../src/stores/records';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { type Fate, FaultyReadStore } from './faulty-read-store';
import { documentsOf } from './installation-under-test';
import { noon } from './shop-log';

/** Small enough that documents are forgotten and loaded again. */
const cacheBytesMax = 60_000;
const stream = 'events-00';
export const merchants = ['m1', 'm2'];
const zones = ['Europe/Berlin', 'America/New_York'];

export interface LogBlock {
  /** Log time since the block before. */
  readonly afterMinutes: number;
  readonly rows: readonly AcceptedEvent[];
}

/** What owners fold with. */
export interface Rules {
  readonly definitions: readonly ProjectionDefinition[];
  /** So few that visitors leave memory and return all the time. */
  readonly recordsMax: number;
  /** Of the history's changes, before it is written whole. */
  readonly snapshotAfterBytesMin: number;
}

export interface World extends Rules {
  readonly eventStore: InMemoryEventStore;
  readonly readStore: InMemoryReadStore;
  readonly records: number;
}

export async function worldOf(blocks: readonly LogBlock[], rules: Rules): Promise<World> {
  let now = noon;
  const eventStore = new InMemoryEventStore(() => now);
  const readStore = new InMemoryReadStore();
  for (const [i, merchantId] of merchants.entries()) {
    await readStore.records.put(recordKinds.merchants, merchantId, { merchantId, timezones: [{ timezone: zones[i], since: 0 }] });
  }
  for (const [at, { afterMinutes, rows }] of blocks.entries()) {
    now += afterMinutes * 60_000;
    const id = `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
    await eventStore.append(stream, [{ id, type: 'event-block.v1', data: encodeBlock(rows), contentType: 'binary' }]);
  }
  return { ...rules, eventStore, readStore, records: blocks.length };
}

/** The events of a log that are sent for the first time within the time the product promises to know them, in order. */
export function countedOnce(blocks: readonly LogBlock[]): AcceptedEvent[] {
  const lastSeen = new Map<string, number>();
  const counted: AcceptedEvent[] = [];
  let now = noon;
  for (const { afterMinutes, rows } of blocks) {
    now += afterMinutes * 60_000;
    const halfHour = Math.floor(now / 1_800_000);
    for (const row of rows) {
      const key = `${row.merchantId} ${row.id}`;
      const seen = lastSeen.get(key);
      if (seen === undefined || seen < halfHour - 2) counted.push(row);
      lastSeen.set(key, halfHour);
    }
  }
  return counted;
}

function open(world: World, readStore: ReadStore, generationId: string, owner: string): Promise<PartitionFold<ProjectionDefinition>> {
  const { definitions, recordsMax, snapshotAfterBytesMin } = world;
  const kit = { ...foldingKit, createFolder: () => createFolder(definitions, { recordsMax, bytesMax: 1 << 20 }) };
  const context = {
    eventStore: world.eventStore,
    readStore,
    kit,
    merchants: new MerchantDirectory(world.readStore, () => noon),
    cache: new DocumentCache(cacheBytesMax, (documents) => kit.documentsBytes(documents)),
    generation: { generationId, createdAt: noon },
    definitions,
    serving: new Set(definitions.map(({ name }) => name)),
    partition: 0,
    partitions: 1,
    owner,
    fingerprint: 'code',
    snapshotAfterBytesMin,
    now: () => noon,
  };
  return takeOver(context, new AbortController().signal);
}

/** What an owner does until the log is folded, it is fenced off or it dies: the loop of a runner without its timers. */
async function own(world: World, readStore: ReadStore, owner: string, choose: () => number): Promise<'finished' | 'fenced'> {
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

async function again<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}

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
export const anyFate = (_what: string): readonly Fate[] => fates;

const fatesOfWrites: readonly Fate[] = [
  ...Array.from<Fate>({ length: 8 }).fill('done'),
  'half done',
  'caller dies before',
  'caller dies after',
  'caller dies half way',
];
const fatesOfLoads: readonly Fate[] = ['done', 'done', 'done', 'refused'];
/** Owners live well but where they write: there some die. What they load, they may have to ask for again. */
export const deathsAndLostLoads = (what: string): readonly Fate[] =>
  /^(flush|checkpoint|remove)/.test(what) ? fatesOfWrites : what.startsWith('load') ? fatesOfLoads : ['done'];

/**
 * Up to three owners at once, each believing the partition is its own, until one has folded everything.
 * @param fates each decides what happens next; when they run out everything goes well
 */
export async function play(world: World, fates: readonly number[], fatesOf: (what: string) => readonly Fate[]): Promise<void> {
  let at = 0;
  const choose = (): number => fates[at++] ?? 1;
  const faulty = new FaultyReadStore(world.readStore, (all) => all.filter(() => choose() % 2 === 0).reverse());
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

/** Folds the log once more, into a generation of its own, with nobody in the way. */
export async function cleanRebuild(world: World): Promise<void> {
  const fold = await open(world, world.readStore, 'g2', 'rebuild');
  for await (const record of world.eventStore.read(stream)) await fold.fold(record);
  fold.beginFlush();
  await fold.completeFlush();
}

/** Byte for byte but for `rev`, which says where flushes fell. */
export async function contentOf(world: World, generationId: string): Promise<string[]> {
  const content: string[] = [];
  for (const { name } of world.definitions) {
    for (const { rev: _rev, ...document } of await documentsOf(world.readStore, collectionOf(name, generationId))) {
      content.push(`${name} ${JSON.stringify(document)}`);
    }
  }
  return content;
}
