import { ExpiringCache } from '../../src/configuring/expiring-cache';

describe('An expiring cache', () => {
  let now = 0;
  const cache = () => new ExpiringCache<number>({ entriesMax: 3, ttlMs: 100 }, () => now);
  beforeEach(() => {
    now = 0;
  });

  it('forgets what is too old, however often it was asked for', () => {
    const known = cache();
    known.set('a', 1);
    now = 99;
    expect(known.get('a')).toBe(1);
    now = 100;
    expect(known.get('a')).toBeUndefined();
  });

  it('forgets what was used least recently when it is full', () => {
    const known = cache();
    for (const [i, key] of ['a', 'b', 'c'].entries()) known.set(key, i);
    known.get('a');
    known.set('d', 3);
    expect(['a', 'b', 'c', 'd'].map((key) => known.get(key))).toEqual([0, undefined, 2, 3]);
  });

  it('replaces and forgets on demand', () => {
    const known = cache();
    known.set('a', 1);
    known.set('a', 2);
    expect(known.get('a')).toBe(2);
    known.delete('a');
    expect(known.get('a')).toBeUndefined();
  });
});
