import { KeyDirectory, keyDirectoryBounds, keyHash, type KeyLookup } from '../../src/peers/key-directory';
import type { KeyRecord } from '../../src/stores/records';
import { MemoryKeys } from './memory-stores';

const record: KeyRecord = { kind: 'write', merchantId: 'm1', sourceId: 's1', allowedOrigins: [] };

describe('the key directory', () => {
  let keys: MemoryKeys;
  let now: number;
  let directory: KeyDirectory;
  const find = (secret: string): Promise<KeyLookup> => Promise.resolve(directory.find(keyHash(secret)));
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  beforeEach(() => {
    keys = new MemoryKeys();
    keys.put('wk_1', record);
    now = 1_000_000;
    directory = new KeyDirectory(keys.readStore, { ...keyDirectoryBounds, entriesMax: 3, lookupsMax: 4 }, () => now);
  });

  it('finds a key by the hash of its secret', async () => {
    expect(await find('wk_1')).toEqual({ kind: 'known', record });
    expect(await find('wk_2')).toEqual({ kind: 'unknown' });
  });

  it('asks once for what it knows, and answers at once', async () => {
    await find('wk_1');
    expect(directory.find(keyHash('wk_1'))).toEqual({ kind: 'known', record });
    expect(keys.lookups).toBe(1);
  });

  it('asks once for many who ask at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, () => find('wk_1')));
    expect(keys.lookups).toBe(1);
  });

  it('learns within seconds that a key was revoked or has come', async () => {
    await find('wk_1');
    await find('wk_2');
    keys.put('wk_1', { kind: 'revoked', merchantId: 'm1' });
    keys.put('wk_2', record);
    now += keyDirectoryBounds.knownForMs;
    expect(await find('wk_1')).toMatchObject({ kind: 'known' });
    await settle();
    expect(await find('wk_1')).toEqual({ kind: 'unknown' });
    expect(await find('wk_2')).toEqual({ kind: 'known', record });
  });

  it('goes on with the keys it knows while the store is away, and says so about the others', async () => {
    await find('wk_1');
    keys.isAway = true;
    now += 60_000;
    expect(await find('wk_1')).toMatchObject({ kind: 'known' });
    await settle();
    now += 60_000;
    expect(await find('wk_1')).toMatchObject({ kind: 'known' });
    expect(await find('wk_3')).toEqual({ kind: 'unavailable' });
    keys.isAway = false;
    expect(await find('wk_3')).toEqual({ kind: 'unknown' });
  });

  it('does not let guessed keys flood the store', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => find(`wk_guess_${i}`)));
    expect(keys.lookups).toBe(4);
    expect(answers.filter(({ kind }) => kind === 'unavailable')).toHaveLength(46);
  });

  it('remembers no more than it may, and the latest used', async () => {
    await find('wk_1');
    for (let i = 0; i < 10; i++) {
      await find(`wk_other_${i}`);
      await find('wk_1');
    }
    expect(keys.lookups).toBe(11);
  });
});
