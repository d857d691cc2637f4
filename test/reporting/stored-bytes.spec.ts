import { serialize } from 'bson';
import fc from 'fast-check';
import { StoredBytes, StoredSet } from '../../src/reporting/stored-bytes';

const bytesOf = (document: object): Buffer => Buffer.from(serialize(document));
const set = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0);
const document = {
  _id: '3fshop|content.page|day|2026-11-22|000',
  rev: 12,
  values: [
    { v: '/价格?x', h: { events: 3, pageviews: -1, visitors: set }, b: { events: 1 } },
    { v: '/b', b: { events: 2n ** 40n, revenue: { USD: 1999, JPY: 2n ** 60n } } },
    { v: '' },
  ],
  other: { h: { events: 7, visitors: set } },
};

describe('stored documents read from their bytes', () => {
  it('are what was stored', () => {
    const read = new StoredBytes(undefined).read(bytesOf(document));
    const plain = JSON.parse(
      JSON.stringify(read, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
    ) as typeof document;
    expect(plain._id).toBe(document._id);
    expect(read.rev).toBe(12);
    expect(read.values.map(({ v }) => v)).toEqual(['/价格?x', '/b', '']);
    expect(read.values[0]!.h).toMatchObject({ events: 3, pageviews: -1 });
    expect([...(read.values[0]!.h!['visitors'] as StoredSet).view()]).toEqual([...set]);
    // Whole numbers that a number holds exactly are numbers, all others stay what they are.
    expect(read.values[1]!.b).toEqual({ events: 2 ** 40, revenue: { USD: 1999, JPY: 2n ** 60n } });
    expect(read.values[2]).toEqual({ v: '' });
    expect(read.other!.h!['events']).toBe(7);
  });

  it('hold of it what is wanted', () => {
    const read = (values: ConstructorParameters<typeof StoredBytes>[0] extends infer W ? (W extends object ? W : never) : never): unknown =>
      new StoredBytes(values).read(bytesOf(document)).values;
    expect(read({ sides: ['h'], measures: ['events'], values: { are: ['/b', '/价格?x'] } })).toEqual([
      { v: '/价格?x', h: { events: 3 } },
      { v: '/b' },
    ]);
    expect(read({ sides: ['b'], measures: ['event', 'revenue'], values: { begin: ['/b', '/x'] } })).toEqual([
      { v: '/b', b: { revenue: { USD: 1999, JPY: 2n ** 60n } } },
    ]);
    expect(read({ sides: ['b', 'h'], measures: [], values: { are: [''] } })).toEqual([{ v: '' }]);
    expect(read({ sides: ['h'], measures: ['events'], values: { are: ['/价'] } })).toEqual([]);
  });

  it('may lie anywhere in a larger buffer', () => {
    const bytes = bytesOf(document);
    const larger = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(5, 0xff)]);
    const inside = new Uint8Array(larger.buffer, larger.byteOffset + 3, bytes.length);
    expect(new StoredBytes(undefined).read(inside).values).toHaveLength(3);
  });

  it('that are cut off or altered are refused or read, and never read for ever', () => {
    const bytes = bytesOf(document);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, value, isCut) => {
        const altered = Buffer.from(isCut ? bytes.subarray(0, at) : bytes);
        if (!isCut) altered[at] = value;
        try {
          new StoredBytes(undefined).read(altered);
        } catch (error) {
          expect((error as Error).message).not.toBe('');
        }
      }),
      { numRuns: 3_000, seed: 5 },
    );
  });
});
