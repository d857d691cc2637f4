import { Recent } from '../../src/reporting/recent';

let now: number;
let reads: string[];
let recent: Recent<string>;
beforeEach(() => {
  now = 1_000;
  reads = [];
  recent = new Recent({ keepMs: 500, entriesMax: 2, now: () => now });
});
const get = (key: string): Promise<string> =>
  recent.get(key, () => {
    reads.push(key);
    return Promise.resolve(`${key} at ${now}`);
  });

describe('an answer that is remembered', () => {
  it('is shared for as long as it may be kept, and then read again', async () => {
    await get('a');
    now += 499;
    expect(await get('a')).toBe('a at 1000');
    now += 1;
    expect(await get('a')).toBe('a at 1500');
    expect(reads).toEqual(['a', 'a']);
  });

  it('is not from a time that is yet to come', async () => {
    await get('a');
    now -= 1;
    expect(await get('a')).toBe('a at 999');
  });

  it('is forgotten for others, those first that were read first', async () => {
    for (const key of ['a', 'b']) await get(key);
    now += 500;
    for (const key of ['a', 'c', 'a', 'c', 'b']) await get(key);
    expect(reads).toEqual(['a', 'b', 'a', 'c', 'b']);
  });

  it('is no failure: the next one who asks has it read again', async () => {
    const failing = recent.get('a', () => Promise.reject(new Error('the store is away')));
    await expect(failing).rejects.toThrow('the store is away');
    expect(await get('a')).toBe('a at 1000');
    expect(await get('a')).toBe('a at 1000');
    expect(reads).toEqual(['a']);
  });

  it('outlives the failure of one that was read before it', async () => {
    let fail = (_: Error): void => undefined;
    const slow = recent.get('a', () => new Promise<string>((_, reject) => (fail = reject)));
    now += 500;
    await get('a');
    fail(new Error('too late'));
    await expect(slow).rejects.toThrow('too late');
    await get('a');
    expect(reads).toEqual(['a']);
  });
});
