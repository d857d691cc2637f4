import { inspect } from 'node:util';
import { pseudonymsUnder, type PseudonymOf } from '../../src/domain/pseudonyms';
import { KeyDirectory, keyDirectoryBounds, keyHash, type KeyLookup, type WriteKey } from '../../src/peers/key-directory';
import type { KeyRecord } from '../../src/stores/records';
import { MemoryKeys } from './memory-stores';

const record: KeyRecord = { kind: 'write', merchantId: 'm1', sourceId: 's1', allowedOrigins: [] };

describe('the key directory', () => {
  let keys: MemoryKeys;
  let now: number;
  let directory: KeyDirectory;
  const find = (secret: string): Promise<KeyLookup> => Promise.resolve(directory.find(keyHash(secret)));
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
  beforeEach(() => {
    keys = new MemoryKeys();
    keys.put('wk_1', record);
    now = 1_000_000;
    directory = new KeyDirectory(keys.readStore, { ...keyDirectoryBounds, entriesMax: 3, lookupsMax: 4 }, () => now);
  });

  it('finds a key by the hash of its secret', async () => {
    expect(await find('wk_1')).toMatchObject({ kind: 'known', record });
    expect(await find('wk_2')).toEqual({ kind: 'unknown' });
  });

  it('asks once for what it knows, and answers at once', async () => {
    await find('wk_1');
    expect(directory.find(keyHash('wk_1'))).toMatchObject({ kind: 'known', record });
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
    expect(await find('wk_2')).toMatchObject({ kind: 'known', record });
  });

  it('asks first where it has not asked for long, so that nobody goes by what was true long ago', async () => {
    await find('wk_1');
    keys.put('wk_1', { ...record, spreads: [{ spread: 4, since: 0 }] } as KeyRecord);
    now += keyDirectoryBounds.staleAfterMs;
    expect(await find('wk_1')).toMatchObject({ kind: 'known', record: { spreads: [{ spread: 4 }] } });
  });

  it('waits for a store that is away once in a while, not for every request', async () => {
    await find('wk_1');
    keys.isAway = true;
    now += keyDirectoryBounds.staleAfterMs;
    expect(directory.find(keyHash('wk_1'))).toBeInstanceOf(Promise);
    await settle();
    expect(directory.find(keyHash('wk_1'))).toMatchObject({ kind: 'known' });
    now += keyDirectoryBounds.awayForMs - 1;
    expect(directory.find(keyHash('wk_1'))).toMatchObject({ kind: 'known' });
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

  describe('gives a merchant pseudonyms', () => {
    const pseudonymsOf = async (secret: string): Promise<PseudonymOf> => {
      const found = await find(secret);
      return (found as { record: WriteKey }).record.pseudonymOf;
    };
    const secretOf = (merchantId: string): string => (keys.secrets.get(merchantId) as { secret: string }).secret;

    it('of its own, the same with each of its keys and at each collector', async () => {
      keys.put('wk_1b', { ...record, sourceId: 's1b' });
      keys.put('wk_m2', { ...record, merchantId: 'm2' });
      const another = new KeyDirectory(keys.readStore);
      // All at once, while no merchant has a secret yet.
      const [here, there] = await Promise.all([pseudonymsOf('wk_1'), Promise.resolve(another.find(keyHash('wk_1b')))]);
      const anna = here('anna');
      expect((there as { record: WriteKey }).record.pseudonymOf('anna')).toBe(anna);
      expect((await pseudonymsOf('wk_m2'))('anna')).not.toBe(anna);
      expect(pseudonymsUnder(secretOf('m1'))('anna')).toBe(anna);
    });

    it('and keeps the secret to itself', async () => {
      expect(inspect(await find('wk_1'), { depth: null, showHidden: true })).not.toContain(secretOf('m1'));
      expect(JSON.stringify(await find('wk_1'))).not.toContain(secretOf('m1'));
    });

    it('which outlive a store that forgot the secret', async () => {
      const anna = (await pseudonymsOf('wk_1'))('anna');
      keys.secrets.clear();
      now += keyDirectoryBounds.knownForMs;
      await find('wk_1');
      while (!keys.secrets.has('m1')) await settle();
      expect((await pseudonymsOf('wk_1'))('anna')).toBe(anna);
      expect(pseudonymsUnder(secretOf('m1'))('anna')).toBe(anna);
    });

    it('until the secret is destroyed', async () => {
      await find('wk_1');
      keys.secrets.set('m1', { destroyedAt: now });
      now += keyDirectoryBounds.knownForMs;
      await find('wk_1');
      await settle();
      expect(await find('wk_1')).toEqual({ kind: 'unknown' });
      expect(keys.secrets.get('m1')).toEqual({ destroyedAt: expect.any(Number) as number });
    });
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
