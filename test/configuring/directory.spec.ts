import fc from 'fast-check';
import { pino } from 'pino';
import { ConfiguringModule } from '../../src/configuring/configuring.module';
import { emptyView, foldDirectory, writesAfter } from '../../src/configuring/directory';
import { DirectoryRecords } from '../../src/configuring/directory-records';
import { DirectorySubscription } from '../../src/configuring/directory-subscription';
import { MerchantLog } from '../../src/configuring/merchant-log';
import { hashSecret } from '../../src/configuring/secrets';
import type { MerchantCommand } from '../../src/domain/merchant';
import { noDefinitions } from '../../src/domain/definitions';
import { evolveDefinitions } from '../../src/domain/merchant-definitions';
import { isDefinitionEvent, type MerchantEvent, readMerchantEvent } from '../../src/domain/merchant-events';
import {
  type KeyRecord,
  type MerchantRecord,
  recordKinds,
  settingsId,
  settingsIdPrefix,
  settingsRevisionOf,
  type SettingsRecord,
} from '../../src/stores/records';
import { definitionsOf, settingsRevisions } from '../../src/stores/settings';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';
import { merchantIds, orders } from './any-orders';
import { run } from './running';

const silent = pino({ level: 'silent' });

function directoryOver(log: InMemoryEventStore, store: InMemoryReadStore) {
  const records = new DirectoryRecords(store);
  const merchants = new MerchantLog(log, silent, records);
  const subscription = new DirectorySubscription(log, store, silent, merchants, records);
  return { records, merchants, subscription };
}

/** Follows the log to its head, once. */
async function catchUp(log: InMemoryEventStore, store: InMemoryReadStore): Promise<void> {
  const stop = new AbortController();
  await directoryOver(log, store).subscription.follow(stop.signal, () => stop.abort());
}

async function contents(store: InMemoryReadStore): Promise<unknown> {
  const values = async (kind: string): Promise<unknown> =>
    Object.fromEntries((await store.records.list(kind)).map(({ id, value }) => [id, value]));
  return {
    merchants: await values(recordKinds.merchants),
    settings: await values(recordKinds.settings),
    settingsRevisions: await values(recordKinds.settingsRevisions),
    rates: await values(recordKinds.rates),
    keys: await values(recordKinds.keys),
  };
}

/** A log with what came of the orders; `seen` is the directory the deciding process wrote. */
async function carriedOut(given: [string, MerchantCommand][]) {
  const log = new InMemoryEventStore();
  const seen = new InMemoryReadStore();
  const { merchants } = directoryOver(log, seen);
  for (const [target, command] of given) {
    await merchants.carryOut(command.kind === 'register' ? command.merchantId : target, command, 'admin');
  }
  return { log, seen };
}

describe('The directory', () => {
  it('rebuilt from the log equals what was written while it happened, record for record', async () => {
    await fc.assert(
      fc.asyncProperty(orders, async (given) => {
        const { log, seen } = await carriedOut(given);
        const rebuilt = new InMemoryReadStore();
        await catchUp(log, rebuilt);
        expect(await contents(rebuilt)).toEqual(await contents(seen));
      }),
      { numRuns: 150 },
    );
  });

  it('comes out the same whatever the order and number of its writes', async () => {
    await fc.assert(
      fc.asyncProperty(orders, fc.infiniteStream(fc.nat(1_000)), async (given, random) => {
        const { log, seen } = await carriedOut(given);
        const writes = [];
        for (const id of merchantIds) {
          let view = emptyView;
          for await (const record of log.read(`merchant-${id}`)) {
            const event = { type: record.type, data: JSON.parse(Buffer.from(record.data).toString()) } as MerchantEvent;
            const next = foldDirectory(view, event, record.revision);
            writes.push(...writesAfter(next, view.revision), ...writesAfter(next, -1n));
            view = next;
          }
        }
        const shuffled = writes.map((write) => ({ write, at: random.next().value as number })).sort((a, b) => a.at - b.at);
        const store = new InMemoryReadStore();
        for (const { write } of shuffled) await new DirectoryRecords(store).apply([write]);
        expect(await contents(store)).toEqual(await contents(seen));
      }),
      { numRuns: 100 },
    );
  });

  it('keeps every settings revision there was, the newest equal to what the merchant shows', async () => {
    await fc.assert(
      fc.asyncProperty(orders, async (given) => {
        const { log, seen } = await carriedOut(given);
        for (const merchantId of merchantIds) {
          const facts: MerchantEvent[] = [];
          for await (const { type, data } of log.read(`merchant-${merchantId}`))
            facts.push(readMerchantEvent(type, Buffer.from(data).toString()));
          const settings = await seen.records.list<SettingsRecord>(recordKinds.settings, settingsIdPrefix(merchantId));
          const expected = facts.flatMap((fact, revision) =>
            fact.type === 'merchant-registered.v1' || isDefinitionEvent(fact) ? [settingsId(merchantId, revision)] : [],
          );
          expect(settings.map(({ id }) => id)).toEqual(expected);
          expect(await settingsRevisions(seen.records, merchantId)).toEqual(
            settings.map(({ id, value }) => ({ revision: settingsRevisionOf(id), since: value.since })),
          );
          const sinces = settings.map(({ value }) => value.since);
          expect(sinces).toEqual([...sinces].sort((a, b) => a - b));
          let definitions = noDefinitions;
          for (const [place, { id, value }] of settings.entries()) {
            const fact = facts[settingsRevisionOf(id)]!;
            if (place > 0 && isDefinitionEvent(fact)) definitions = evolveDefinitions(definitions, fact);
            expect(value.definitions).toEqual(definitions);
          }
          const merchant = (await seen.records.get<MerchantRecord>(recordKinds.merchants, merchantId))?.value;
          expect(merchant?.goals ?? []).toEqual(definitions.goals);
          expect(merchant?.filters ?? []).toEqual(definitions.filters);
          expect(merchant?.sessionsEndAtMidnight ?? false).toEqual(definitions.sessionsEndAtMidnight);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('asks for a merchant to be counted again where a change makes a difference to what is counted, and nowhere else', async () => {
    const office = { filterId: 'office', name: 'Office', field: 'address', pattern: '10.0.0.0/8' } as const;
    const pages = { filterId: 'pages', name: 'Pages', field: 'page', pattern: '/preview/*' } as const;
    const goal = { goalId: 'g', name: 'Goal', event: 'sign_up' };
    const commands: [MerchantCommand, boolean][] = [
      [{ kind: 'add-filter', filter: office, now: 2 }, false],
      [{ kind: 'change-filter', filterId: 'office', changes: { pattern: '::1' }, now: 3 }, false],
      [{ kind: 'add-filter', filter: pages, now: 4 }, true],
      [{ kind: 'change-filter', filterId: 'pages', changes: { name: 'Previews' }, now: 5 }, false],
      [{ kind: 'change-filter', filterId: 'pages', changes: { pattern: '/drafts/*' }, now: 6 }, true],
      [{ kind: 'remove-filter', filterId: 'office', now: 7 }, false],
      [{ kind: 'remove-filter', filterId: 'pages', now: 8 }, true],
      [{ kind: 'add-goal', goal, now: 9 }, true],
      [{ kind: 'change-goal', goalId: 'g', changes: { name: 'Signed up' }, now: 10 }, true],
      [{ kind: 'erase-visitor', visitor: 'v', now: 11 }, true],
      [{ kind: 'change', sessionsEndAtMidnight: true, now: 12 }, true],
      [{ kind: 'change', name: 'New', now: 13 }, false],
    ];
    const registration = { kind: 'register', merchantId: 'a', name: 'A', timezone: 'UTC', currency: 'USD', now: 1 } as const;
    const { seen } = await carriedOut([['a', registration], ...commands.map(([command]): [string, MerchantCommand] => ['a', command])]);
    const asked = (await seen.records.list(recordKinds.settingsChanges)).map(({ id }) => settingsRevisionOf(id));
    expect(asked).toEqual(commands.flatMap(([, matters], place) => (matters ? [place + 1] : [])));
  });

  it('gives a merchant from before there were settings its first ones along with the next', async () => {
    const registration = { kind: 'register', merchantId: 'a', name: 'A', timezone: 'UTC', currency: 'USD', now: 1 } as const;
    const { log, seen } = await carriedOut([['a', registration]]);
    for (const kind of [recordKinds.settings, recordKinds.settingsRevisions]) await seen.records.delete(kind, settingsId('a', 0));
    const { merchants } = directoryOver(log, seen);
    await merchants.carryOut('a', { kind: 'change', sessionsEndAtMidnight: true, now: 5 }, 'admin');
    const settings = await seen.records.list<SettingsRecord>(recordKinds.settings);
    expect(await settingsRevisions(seen.records, 'a')).toEqual([
      { revision: 0, since: 1 },
      { revision: 1, since: 5 },
    ]);
    expect(settings.map(({ id, value }) => [id, value.since, value.definitions.sessionsEndAtMidnight])).toEqual([
      [settingsId('a', 0), 1, false],
      [settingsId('a', 1), 5, true],
    ]);
  });

  it('tells collectors of the addresses a merchant filters with every key, those it has and those it gets', async () => {
    const [first, second, third] = ['wk_1', 'wk_2', 'wk_3'].map(hashSecret) as [string, string, string];
    const filter = { filterId: 'office', name: 'Office', field: 'address', pattern: '10.0.0.0/8' } as const;
    const pages = { filterId: 'pages', name: 'Pages', field: 'page', pattern: '/preview/*' } as const;
    const { log, seen } = await carriedOut([
      ['a', { kind: 'register', merchantId: 'a', name: 'A', timezone: 'UTC', currency: 'USD', now: 1 }],
      ['a', { kind: 'add-source', sourceId: 's1', name: 'web', allowedOrigins: ['*'], keyHash: first, now: 2 }],
      ['a', { kind: 'add-source', sourceId: 's2', name: 'app', allowedOrigins: [], keyHash: second, now: 2 }],
      ['a', { kind: 'add-filter', filter, now: 3 }],
      ['a', { kind: 'add-filter', filter: pages, now: 3 }],
      ['a', { kind: 'rotate-write-key', sourceId: 's2', keyHash: third, now: 4 }],
    ]);
    const key = async (hash: string): Promise<KeyRecord | undefined> => (await seen.records.get<KeyRecord>(recordKinds.keys, hash))?.value;
    const addressFilters = [{ filterId: 'office', pattern: '10.0.0.0/8' }];
    expect(await key(first)).toEqual({ kind: 'write', merchantId: 'a', sourceId: 's1', allowedOrigins: ['*'], addressFilters });
    expect(await key(second)).toEqual({ kind: 'revoked', merchantId: 'a' });
    expect(await key(third)).toEqual({ kind: 'write', merchantId: 'a', sourceId: 's2', allowedOrigins: [], addressFilters });

    const { merchants } = directoryOver(log, seen);
    await merchants.carryOut('a', { kind: 'remove-filter', filterId: 'office', now: 5 }, 'admin');
    expect(await key(first)).toEqual({ kind: 'write', merchantId: 'a', sourceId: 's1', allowedOrigins: ['*'] });
    expect(await key(third)).toEqual({ kind: 'write', merchantId: 'a', sourceId: 's2', allowedOrigins: [] });
  });

  it('gets what a crash between append and write left out, wherever the position stands', async () => {
    const log = new InMemoryEventStore();
    const seen = new InMemoryReadStore();
    const { merchants } = directoryOver(log, seen);
    await merchants.carryOut(
      'shop',
      { kind: 'register', merchantId: 'shop', name: 'A', timezone: 'UTC', currency: 'USD', now: 1 },
      'admin',
    );
    const keyHash = hashSecret('wk_1');
    await merchants.carryOut('shop', { kind: 'add-source', sourceId: 's', name: 'web', allowedOrigins: [], keyHash, now: 2 }, 'admin');
    await catchUp(log, seen);

    // Decided by a process that died before it wrote the directory.
    const dead = directoryOver(log, new InMemoryReadStore());
    const rotated = hashSecret('wk_2');
    await dead.merchants.carryOut('shop', { kind: 'rotate-write-key', sourceId: 's', keyHash: rotated, now: 3 }, 'admin');
    expect((await seen.records.get<KeyRecord>(recordKinds.keys, rotated))?.value).toBeUndefined();

    await catchUp(log, seen);
    expect((await seen.records.get<KeyRecord>(recordKinds.keys, rotated))?.value).toMatchObject({ kind: 'write', sourceId: 's' });
    expect((await seen.records.get<KeyRecord>(recordKinds.keys, keyHash))?.value).toEqual({ kind: 'revoked', merchantId: 'shop' });
  });

  it('passes over a record of a version it does not know, and goes on with the others', async () => {
    const { log, seen } = await carriedOut([
      ['a', { kind: 'register', merchantId: 'a', name: 'A', timezone: 'UTC', currency: 'USD', now: 1 }],
    ]);
    const unknown = { id: 'c0ffee00-0000-4000-8000-000000000001', type: 'merchant-merged.v1', data: Buffer.from('{}') };
    await log.append('merchant-a', [{ ...unknown, contentType: 'json' }]);
    const { merchants } = directoryOver(log, new InMemoryReadStore());
    await merchants.carryOut('b', { kind: 'register', merchantId: 'b', name: 'B', timezone: 'UTC', currency: 'USD', now: 1 }, 'admin');
    await catchUp(log, seen);
    expect((await seen.records.get<MerchantRecord>(recordKinds.merchants, 'b'))?.value.name).toBe('B');
  });

  it('says that there are settings only once they are stored', async () => {
    const { log } = await carriedOut([
      ['a', { kind: 'register', merchantId: 'a', name: 'A', timezone: 'UTC', currency: 'USD', now: 1 }],
      ['a', { kind: 'erase-visitor', visitor: 'v', now: 2 }],
    ]);
    const store = new InMemoryReadStore();
    const putNewer = store.records.putNewer.bind(store.records);
    jest.spyOn(store.records, 'putNewer').mockImplementation(async (kind, id, value, order) => {
      if (kind === recordKinds.settings) await new Promise((resolve) => setTimeout(resolve, 10));
      else if (kind === recordKinds.settingsRevisions || kind === recordKinds.settingsChanges)
        expect(await store.records.get(recordKinds.settings, id)).toBeDefined();
      return putNewer(kind, id, value, order);
    });
    await catchUp(log, store);
    expect((await definitionsOf(store.records, 'a', 1))?.erasedVisitors).toEqual(['v']);
    expect(await definitionsOf(store.records, 'a', 2)).toBeUndefined();
  });

  it('shows a key to nobody before the merchant it opens is stored', async () => {
    const merchantId = 'shop';
    const keyHash = hashSecret('wk_1');
    const { log } = await carriedOut([
      [merchantId, { kind: 'register', merchantId, name: 'A', timezone: 'Asia/Tokyo', currency: 'USD', now: 1 }],
      [merchantId, { kind: 'add-source', sourceId: 's', name: 'web', allowedOrigins: [], keyHash, now: 2 }],
    ]);
    let view = emptyView;
    for await (const { type, data, revision } of log.read(`merchant-${merchantId}`)) {
      view = foldDirectory(view, { type, data: JSON.parse(Buffer.from(data).toString()) } as MerchantEvent, revision);
    }
    const store = new InMemoryReadStore();
    const putNewer = store.records.putNewer.bind(store.records);
    jest.spyOn(store.records, 'putNewer').mockImplementation(async (kind, id, value, order) => {
      if (kind === recordKinds.merchants) await new Promise((resolve) => setTimeout(resolve, 20));
      if (kind === recordKinds.keys) expect(await store.records.get(recordKinds.merchants, merchantId)).toBeDefined();
      return putNewer(kind, id, value, order);
    });
    await new DirectoryRecords(store).apply(writesAfter(view, -1n));
    expect(await store.records.get(recordKinds.keys, keyHash)).toBeDefined();
  });

  it('does not move its position past a write that failed', async () => {
    const { log } = await carriedOut([['a', { kind: 'register', merchantId: 'a', name: 'A', timezone: 'UTC', currency: 'USD', now: 1 }]]);
    const store = new InMemoryReadStore();
    const put = jest.spyOn(store.records, 'putNewer').mockRejectedValueOnce(new Error('lost'));
    await expect(catchUp(log, store)).rejects.toThrow('lost');
    expect(await store.records.get('directory', 'position')).toBeUndefined();
    put.mockRestore();
    await catchUp(log, store);
    expect((await store.records.get<MerchantRecord>(recordKinds.merchants, 'a'))?.value.name).toBe('A');
  });
});

describe('A process that follows the directory', () => {
  it('resumes after the connection to the log was lost', async () => {
    const log = new InMemoryEventStore();
    const store = new InMemoryReadStore();
    const running = await run([ConfiguringModule], { log, store });
    log.breakSubscriptions();
    const elsewhere = directoryOver(log, new InMemoryReadStore());
    const registration = { kind: 'register', merchantId: 'shop', name: 'Shop', timezone: 'UTC', currency: 'USD', now: 1 } as const;
    await elsewhere.merchants.carryOut('shop', registration, 'admin');
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await store.records.get(recordKinds.merchants, 'shop')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await running.send('get', '/v1/merchants/shop').expect(200);
    await running.close();
  });

  it('gives its lease back when it stops, so that the next one need not wait', async () => {
    const log = new InMemoryEventStore();
    const store = new InMemoryReadStore();
    const first = await run([ConfiguringModule], { log, store });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const held = (await store.records.get<{ until: number }>(recordKinds.leases, 'directory'))!.value.until;
    expect(held).toBeGreaterThan(Date.now());
    await first.close();
    const free = (await store.records.get<{ until: number }>(recordKinds.leases, 'directory'))!.value.until;
    expect(free).toBeLessThan(Date.now());
  });
});
